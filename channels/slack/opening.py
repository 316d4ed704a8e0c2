"""Which dialog opens behind a button, and what the changes that come back from one amount to."""

from collections.abc import Mapping

from pydantic import JsonValue

from bot.people import Team
from bot.state import Interaction
from bot.thread import Thread
from bot.tool import Tool
from channels.slack import dialog
from channels.slack.blocks import Block
from channels.slack.dialog import ANSWER, CHANGE, DENIAL
from channels.slack.form import Unfit, filled, form, unchanged
from channels.slack.press import Pressed, Verb
from channels.slack.ticket import Ticket

OPENING: Mapping[Verb, str] = {"ask_reason": DENIAL, "ask_words": ANSWER, "ask_changes": CHANGE}
"""The callback id of the dialog that a verb opens."""

NOT_HERE = "This tool is not here any more, so nothing can be changed; approve or deny it as it is."


def opened(mine: Ticket, verb: Verb, thread: Thread, team: Team) -> Block:
    """The dialog behind a button. Raises LookupError where the tool whose arguments are to be changed is not there."""
    match OPENING[verb]:
        case dialog.DENIAL:
            return dialog.denial(mine)
        case dialog.ANSWER:
            return dialog.answer(mine)
    interaction = thread.state.interactions[mine.interaction]
    return dialog.change(mine, form(_tool(interaction, thread, team), _arguments(interaction)))


def changes(press: Pressed, thread: Thread | None, team: Team) -> dict[str, JsonValue] | None:
    """The arguments that were entered; None: none were changed. Raises Unfit with what is wrong with them."""
    interaction = thread.state.interactions.get(press.ticket.interaction) if thread else None
    if press.verb != "change" or thread is None or interaction is None:
        return None
    before = _arguments(interaction)
    try:
        after = filled(_tool(interaction, thread, team), before, press.entered)
    except LookupError:
        raise Unfit(dict.fromkeys(list(press.entered)[:1], NOT_HERE)) from None
    return None if unchanged(before, after) else after


def _tool(interaction: Interaction, thread: Thread, team: Team) -> type[Tool]:
    tool = team.agents[thread.state.agent].tool(interaction.asked.tool)
    if tool is None:
        raise LookupError(interaction.asked.tool)
    return tool


def _arguments(interaction: Interaction) -> Mapping[str, JsonValue]:
    """The arguments as they are asked for now."""
    return interaction.asked.arguments if interaction.arguments is None else interaction.arguments

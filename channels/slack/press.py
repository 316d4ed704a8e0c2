"""What people press and send in dialogs becomes what they decided: interaction payloads to responses, purely.

https://docs.slack.dev/reference/interaction-payloads
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from pydantic import JsonValue

from bot.events import Actor, HumanResponded, Origin
from bot.people import Team
from bot.ports import Arrival
from bot.thread import Thread
from channels.slack import ticket
from channels.slack.address import conversation
from channels.slack.dialog import ANSWER, CHANGE, DENIAL, WORDS
from channels.slack.form import Entered
from channels.slack.ticket import Ticket
from channels.slack.translate import Ignored, Json, Me, Names, Spot, actor_of, called

Verb: TypeAlias = Literal["approve", "deny", "ask_reason", "ask_changes", "change", "answer", "ask_words"]

_PRESSED: Mapping[str, Verb] = {
    ticket.APPROVE: "approve",
    ticket.DENY: "ask_reason",
    ticket.DENY_NOW: "deny",
    ticket.EDIT: "ask_changes",
    ticket.CHOOSE: "answer",
    ticket.SELECT: "answer",
    ticket.OTHER: "ask_words",
}

_SENT: Mapping[str, Verb] = {DENIAL: "deny", ANSWER: "answer", CHANGE: "change"}

_DECISIONS: Mapping[Verb, Literal["answered", "approved", "denied"]] = {
    "approve": "approved",
    "change": "approved",
    "ask_changes": "approved",
    "deny": "denied",
    "ask_reason": "denied",
    "answer": "answered",
    "ask_words": "answered",
}


@dataclass(frozen=True)
class Pressed:
    """A button was pressed, a choice made or a dialog sent. ``trigger`` opens a dialog, for three seconds."""

    id: str
    verb: Verb
    ticket: Ticket
    actor: Actor
    address: str
    native: str
    spot: Spot
    text: str = ""
    trigger: str = ""
    whispered: bool = False  # it was on a message that only this person sees
    response_url: str = ""  # which replaces that message
    entered: Entered = field(default_factory=dict)  # in the fields of a form


def pressed(body: Json, me: Me, team: Team, names: Names) -> Pressed | Ignored:
    """A ``block_actions`` payload. Raises KeyError, TypeError or ValueError for one of an unknown shape."""
    action = body["actions"][0]
    verb = _PRESSED.get(":".join(action["action_id"].split(":")[:2]))
    if verb is None:
        return Ignored("press of something that decides nothing")
    chosen, container = action.get("selected_option") or action, body["container"]
    mine, user = ticket.load(chosen["value"]), body["user"]["id"]
    about: dict[str, Any] = {
        "verb": verb,
        "ticket": mine,
        "actor": _presser(body, me, team, names),
        "trigger": body.get("trigger_id") or "",
    }
    if container["type"] == "view":  # the Home tab, which lies in no conversation
        id = f"slack:{me.team}/{container['view_id']}/{user}/{action['action_ts']}"
        return Pressed(id=id, address=_alone(me, user), native="", spot=Spot("", user), **about)
    channel, ts = container.get("channel_id") or body["channel"]["id"], container["message_ts"]
    whispered = bool(container.get("is_ephemeral"))
    thread_ts = mine.thread_ts if whispered else container.get("thread_ts") or ""
    native = mine.message_ts if whispered else ts
    return Pressed(
        id=f"slack:{me.team}/{channel}/{ts}/{user}/{action['action_ts']}",
        address=conversation(me.team, channel, thread_ts or native),
        native=native,
        spot=Spot(channel, user, thread_ts),
        whispered=whispered,
        response_url=body.get("response_url") or "",
        **about,
    )


def _alone(me: Me, user: str) -> str:
    return f"slack:@{me.team}/{user}"


def submitted(body: Json, me: Me, team: Team, names: Names) -> Pressed | Ignored:
    """A ``view_submission`` payload of one of our dialogs."""
    view = body["view"]
    verb = _SENT.get(view["callback_id"])
    if verb is None:
        return Ignored("dialog that is not ours")
    mine, user, entered = ticket.load(view["private_metadata"]), body["user"]["id"], view["state"]["values"]
    return Pressed(
        id=f"slack:{me.team}/{view['id']}",
        verb=verb,
        ticket=mine,
        actor=_presser(body, me, team, names),
        address=conversation(me.team, mine.channel, mine.thread_ts or mine.message_ts)
        if mine.channel
        else _alone(me, user),
        native=mine.message_ts,
        spot=Spot(mine.channel, user, mine.thread_ts),
        text="" if verb == "change" else (entered[WORDS][WORDS].get("value") or "").strip(),
        entered=entered,
    )


def _presser(body: Json, me: Me, team: Team, names: Names) -> Actor:
    user = body["user"]
    return actor_of(user["id"], user.get("team_id") or "", me, team, called(user["id"], me, team, names))


def response(press: Pressed, thread: Thread | None, arguments: dict[str, JsonValue] | None = None) -> Arrival:
    """What a press means as an event. A choice is looked up in the question itself, whatever the button said.

    It belongs to the thread that the card names; where the card stands is no reason to lead that conversation elsewhere.
    """
    event = HumanResponded(
        id=press.id,
        actor=press.actor,
        interaction=press.ticket.interaction,
        decision=_DECISIONS[press.verb],
        text=press.text or _chosen(press.ticket, thread),
        arguments=arguments,
        digest=press.ticket.digest,
        origin=Origin(address=press.address, native=press.native),
    )
    return Arrival(event=event, address="", keys=(press.id,), thread=press.ticket.thread, create=False)


def _chosen(mine: Ticket, thread: Thread | None) -> str:
    interaction = thread.state.interactions.get(mine.interaction) if thread else None
    if interaction is None or mine.choice is None or not 0 <= mine.choice < len(interaction.asked.choices):
        return ""
    return interaction.asked.choices[mine.choice]


def through_dialog(press: Pressed) -> Ticket:
    """The ticket of a press, with the place that a dialog does not know."""
    return replace(press.ticket, channel=press.spot.channel, message_ts=press.native, thread_ts=press.spot.thread_ts)

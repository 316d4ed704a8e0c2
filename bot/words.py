"""The sentences and signs that every channel shares: who is asked, what became of an answer, and arguments that hide nothing."""

import json
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TypeAlias, assert_never

from pydantic import JsonValue

from bot.fold import KEPT as KEPT
from bot.fold import STOPPED as STOPPED
from bot.judge import Counted, NotEntitled, NotUnderstood, Outdated, TooLate, Verdict
from bot.people import Team
from bot.state import Interaction

When: TypeAlias = Callable[[float], str]
"""How a channel writes a time of day; Slack lets the reader's own clock do it."""

NOTHING_TO_STOP = "Nothing is under way here."
NOT_YOURS_TO_STOP = "Only the people of this team and whoever asked can stop this."

_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_MARGIN = "│ "


def about(verdict: Verdict, interaction: Interaction | None, team: Team, when: When) -> str:
    """What became of an answer or a decision, told to whoever gave it."""
    match verdict:
        case Counted():
            return _recorded(verdict, interaction, when)
        case TooLate():
            return _too_late(verdict, team, when)
        case NotEntitled():
            return _not_entitled(verdict, interaction, team)
        case Outdated():
            return "This has changed since you saw it. Please read it again and decide on what it says now."
        case NotUnderstood():
            return _not_understood(interaction)
    assert_never(verdict)


def _recorded(verdict: Counted, interaction: Interaction | None, when: When) -> str:
    at = f", {when(interaction.settled_at)}" if interaction else ""
    match verdict.decision:
        case "approved" if verdict.missing:
            more = "one more person has" if verdict.missing == 1 else f"{verdict.missing} more people have"
            return f"Recorded: approved by you. Before it runs, {more} to approve it."
        case "approved":
            return f"Recorded: approved by you{at}. I write when it is done."
        case "denied":
            return f"Recorded: denied by you{at}. It will not run."
        case _:
            return f"Recorded: your answer{at}."


def _too_late(verdict: TooLate, team: Team, when: When) -> str:
    at = when(verdict.at)
    who = "You" if verdict.mine else short_name(verdict.by, team) or "Somebody"
    match verdict.state:
        case "approved" | "denied" | "answered":
            return f"{who} already {verdict.state} this at {at}."
        case "timed_out":
            return f"Nobody decided in time; it was closed at {at}."
        case "superseded":
            return f"This was replaced by something newer at {at}."
        case _:
            return f"This was withdrawn at {at}; there is nothing left to decide."


def _not_entitled(verdict: NotEntitled, interaction: Interaction | None, team: Team) -> str:
    approval = interaction is None or interaction.asked.kind in ("approval", "outcome")
    verb = "decide" if approval else "answer"
    if verdict.own_request:
        return f"You asked for this yourself, so somebody else has to {verb}: {audience(verdict.names, team)}."
    if not verdict.names and interaction and not approval:
        return f"Only {_either(short_name(each.name, team) for each in interaction.askers)} can answer this."
    members = _members(verdict.names, team)
    return f"Only {_named(verdict.names, team)} can {verb} this{f' ({members})' if members else ''}."


def _not_understood(interaction: Interaction | None) -> str:
    if interaction is None:
        return "I cannot find this question any more; nothing was decided."
    if interaction.asked.kind == "approval":
        return "That is no decision: please approve or deny."
    return f"That is no answer to this: it takes {_either(interaction.asked.choices) or 'your own words'}."


def audience(names: tuple[str, ...], team: Team) -> str:
    """Who is asked, groups with their people: ``ops (Ana, Carl) or Ben``; nobody named: the whole team."""
    members = _members(names, team)
    return _named(names, team) + (f" ({members})" if members else "")


def _named(names: tuple[str, ...], team: Team) -> str:
    return _either(short_name(team.people[each].name, team) if each in team.people else each for each in names) or (
        "this team"
    )


def _members(names: tuple[str, ...], team: Team) -> str:
    """The people behind groups; somebody who is named already is not repeated."""
    groups = [name for name in names if name not in team.people]
    people = team.members(groups) if groups or not names else ()
    short = [short_name(team.people[key].name, team) for key in people if key not in names]
    return ", ".join(short[:6]) + (f" and {len(short) - 6} more" if len(short) > 6 else "")


def short_name(name: str, team: Team) -> str:
    """The first name of somebody of the team where it means one person; else the name as it is."""
    first = [person.name.split()[0] for person in team.people.values()]
    mine = name.split()[0] if name.split() else ""
    known = any(person.name == name for person in team.people.values())
    return mine if known and first.count(mine) == 1 else name


def place(name: str) -> str:
    """A place as people say it: ``slack:#ops`` is #ops."""
    channel, _, rest = name.partition(":")
    if name == "slack:dm":
        return "a direct message"
    if channel == "slack" and "#" in rest:
        return rest.partition("/")[2] or rest  # without the workspace
    return {"slack": "Slack", "email": "an email", "web": "the console"}.get(channel, name)


def duration(seconds: float) -> str:
    """A length of time for people: ``0.4 s``, ``12 s``, ``3 min``, ``2 h``."""
    if seconds < 1:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.0f} h"


def utc(at: float) -> str:
    """A time for places that do not know the reader's clock."""
    return datetime.fromtimestamp(at, UTC).strftime("%a %d %b, %H:%M UTC")


def argument_lines(arguments: Mapping[str, JsonValue]) -> tuple[str, ...]:
    """Every argument exactly, a line each, the lines of a long text behind a margin; nothing in a value can pass for another argument."""
    width = max((len(visible(name)) for name in arguments), default=0)
    return tuple(line for name, value in arguments.items() for line in _lines(visible(name), value, min(width, 24)))


def _lines(name: str, value: JsonValue, width: int) -> Iterator[str]:
    lines = shown(value).split("\n")
    margin = _MARGIN if len(lines) > 1 else ""
    for number, line in enumerate(lines):
        yield f"{name if number == 0 else '':<{width}}  {margin}{line}"


def shown(value: JsonValue) -> str:
    """One argument as an approver reads it: texts as they are, quoted where they could be taken for something else."""
    if not isinstance(value, str) or _ambiguous(value):
        return visible(json.dumps(value, ensure_ascii=False))
    return visible(value)


def _ambiguous(text: str) -> bool:
    """Whether a bare text could be read as a number, a flag, nothing, or less than it is."""
    if text != text.strip() or not text or text.startswith(('"', "[", "{", _MARGIN.strip())):
        return True
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def visible(text: str) -> str:
    """Text in which every character that nobody would see is named: ``⟨U+200B⟩``. Line ends stay."""
    return "".join(f"⟨U+{ord(char):04X}⟩" if _hidden(char) else char for char in text)


def _hidden(char: str) -> bool:
    if char in "\n ":
        return False
    selector = "\ufe00" <= char <= "\ufe0e" or "\U000e0100" <= char <= "\U000e01ef"
    return selector or char in _BLANK or unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs")


def _either(names: Iterable[str]) -> str:
    """``Ana``, ``Ana or Carl``, ``Ana, Ben or Carl``."""
    *others, last = list(names) or [""]
    return f"{', '.join(others)} or {last}" if others else last

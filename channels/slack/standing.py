"""How an interaction stands, in one line: who settled it, how, and what came of it."""

from bot import words
from bot.owed import Card
from bot.people import Team
from bot.words import short_name
from channels.slack.text import escape


def standing(card: Card, team: Team, when: words.When) -> str:
    """The line itself, as mrkdwn."""
    by = escape(short_name(card.by.name, team)) if card.by else "Somebody"
    where = {"email": " by email", "web": " on the console"}.get(card.where.partition(":")[0], "")
    time = when(card.settled_at)
    match card.state:
        case "approved" if card.changed:
            return _changed(card, team, time)
        case "approved":
            return f"✓ Approved by {_approvers(card, team) or by}{where} · {_outcome(card, time)}"
        case "denied":
            return f"✗ Denied by {by}{where}{_noted(card)} · {time}"
        case "answered":
            return f'{by} answered{where} "{escape(_short(card.note))}" · {time}'
        case "withdrawn":
            return f"Withdrawn · no longer needed · {time}"
        case "superseded":
            return f"Replaced by a newer request · {time}" if card.kind == "approval" else f"Settled meanwhile · {time}"
        case "timed_out":
            return f"⏱ Nobody {'decided in time · denied' if card.kind == 'approval' else 'answered in time'}"
        case "open":
            return "Open"


def votes(card: Card, team: Team) -> str:
    """How far a request is that needs several people: ``1 of 2: Ana``."""
    if not card.votes:
        return f"Needs {card.quorum} people to approve"
    return f"{len(card.votes)} of {card.quorum}: {_approvers(card, team)}"


def changed_by(card: Card, team: Team) -> str:
    """Whoever changes something is the first to approve what it is now."""
    return escape(short_name(card.votes[0], team)) if card.votes else "somebody"


def _approvers(card: Card, team: Team) -> str:
    return escape(" and ".join(", ".join(short_name(name, team) for name in card.votes).rsplit(", ", 1)))


def _changed(card: Card, team: Team, time: str) -> str:
    changes = ", ".join(
        f"{name} {words.shown(card.arguments.get(name))} → {words.shown(new)}" for name, new in card.changed.items()
    )
    approved = "approved" if len(card.votes) < 2 else f"approved by {_approvers(card, team)}"
    return f"✎ Changed by {changed_by(card, team)}: {escape(_short(changes))} · {approved} · {_outcome(card, time)}"


def _outcome(card: Card, time: str) -> str:
    result = f': "{escape(_short(card.result))}"' if card.result else ""
    match card.outcome:
        case "":
            return time
        case "running":
            return f"{time} → running…"
        case "done":
            return f"done in {words.duration(card.seconds)}{result}"
        case "failed":
            return f"failed after {words.duration(card.seconds)}{result}"
        case "unknown":
            return "interrupted while running: it may or may not have happened"


def _noted(card: Card) -> str:
    return f' · "{escape(_short(card.note))}"' if card.note else ""


def _short(text: str) -> str:
    line = " ".join(words.visible(text).split())
    return line if len(line) <= 300 else f"{line[:299]}…"

"""What a click, an answer or a word means: does it count, and if not, why."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from bot.events import Actor, HumanResponded

if TYPE_CHECKING:
    from bot.state import Interaction


@dataclass(frozen=True)
class Counted:
    """It counts, and settles the interaction unless so many more people are ``missing``."""

    interaction: str
    decision: str
    missing: int = 0


@dataclass(frozen=True)
class TooLate:
    """Somebody or something settled it before; the names say who and how."""

    interaction: str
    state: str
    by: str
    at: float
    mine: bool = False  # the same person, once more


@dataclass(frozen=True)
class NotEntitled:
    """This person may not decide. ``proven`` False: nobody vouched for who they are."""

    interaction: str
    names: tuple[str, ...]
    proven: bool
    own_request: bool = False


@dataclass(frozen=True)
class Outdated:
    """What they saw is not what is asked now."""

    interaction: str


@dataclass(frozen=True)
class NotUnderstood:
    """There is no such question, or this is no answer to it."""

    interaction: str


Verdict: TypeAlias = Counted | TooLate | NotEntitled | Outdated | NotUnderstood


def judge(interaction: "Interaction | None", event: HumanResponded) -> Verdict:
    """What this response means for the interaction as it stood when the response arrived."""
    if interaction is None:
        return NotUnderstood(event.interaction)
    asked = interaction.asked
    if not entitled(interaction, event.actor):
        own = _named(interaction.names, event.actor) and any(event.actor.may_be(each) for each in interaction.askers)
        return NotEntitled(asked.interaction, interaction.names, event.actor.known, own)
    if not interaction.open:
        by = interaction.by
        mine = by is not None and by.same(event.actor)
        return TooLate(asked.interaction, interaction.state, by.name if by else "", interaction.settled_at, mine)
    if event.digest and event.digest != interaction.digest:
        return Outdated(asked.interaction)
    if (asked.kind == "approval") != (event.decision in ("approved", "denied")):
        return NotUnderstood(asked.interaction)
    if asked.kind in ("outcome", "limit") and event.text not in asked.choices:
        return NotUnderstood(asked.interaction)
    return _counted(interaction, event)


def _counted(interaction: "Interaction", event: HumanResponded) -> Verdict:
    """One person has one vote; changed arguments are a new version, on which nobody has voted yet."""
    mine = next((vote for vote in interaction.votes if vote.by.same(event.actor)), None)
    if mine is not None and event.decision == "approved" and event.arguments is None:
        return TooLate(interaction.id, "approved", mine.by.name, mine.at, mine=True)
    if event.decision != "approved":
        return Counted(interaction.id, event.decision)
    before = () if event.arguments is not None else interaction.votes
    return Counted(interaction.id, event.decision, max(0, interaction.asked.audience.quorum - len(before) - 1))


def entitled(interaction: "Interaction", actor: Actor) -> bool:
    """Whether this actor belongs to those who were asked. Deciding takes a known person whom the channel proved."""
    asked = interaction.asked
    if asked.kind in ("question", "limit") and not asked.audience.names:
        return any(actor.speaks_for(each) for each in interaction.askers)
    if not actor.known or not _named(interaction.names, actor):
        return False
    return asked.audience.self_approval or not any(actor.may_be(each) for each in interaction.askers)


def _named(names: tuple[str, ...], actor: Actor) -> bool:
    return not names or actor.person in names or bool(set(actor.groups) & set(names))

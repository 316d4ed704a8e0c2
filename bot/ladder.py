"""What happens while nobody answers: when to remind, when to ask others, when to close. Silence never approves."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from bot.people import Team
from bot.state import Interaction


@dataclass(frozen=True)
class Rung:
    """The next thing to do about silence, at a time of the store in seconds."""

    at: float
    kind: Literal["remind", "escalate", "end"]


def next_rung(team: Team, interaction: Interaction) -> Rung | None:
    """The earliest of what is still to come. None: wait for as long as it takes."""
    return min(_rungs(team, interaction), key=lambda rung: rung.at, default=None)


def _rungs(team: Team, interaction: Interaction) -> Iterator[Rung]:
    asked, ladder = interaction.asked, interaction.asked.ladder
    if asked.until is not None:
        yield Rung(asked.until, "end")
    if ladder.escalate_after is not None and not interaction.escalated:
        yield Rung(team.at_work(ladder.escalate, asked.at + ladder.escalate_after), "escalate")
    if ladder.remind is not None:
        last = max(asked.at, interaction.reminded_at)
        yield Rung(team.at_work(interaction.names, last + ladder.remind), "remind")

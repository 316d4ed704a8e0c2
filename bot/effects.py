"""What should happen next, in the present tense. The rules return these; workers carry them out."""

from dataclasses import dataclass
from typing import TypeAlias

from bot.events import Event
from bot.tool import Tool


@dataclass(frozen=True)
class Think:
    """Ask the model for the next step."""


@dataclass(frozen=True)
class Prefetch:
    """Make the call that the agent lists at this place, before its first step."""

    number: int


@dataclass(frozen=True)
class Run:
    """Run a tool. What it does to the world is its own affair: ``tool_started`` is written first if it has effects."""

    call: str
    tool: Tool
    attempt: int
    key: str
    approval: str | None = None


@dataclass(frozen=True)
class Write:
    """Write this down: asking, replying, handing over, giving up are facts first, deliveries later."""

    event: Event


@dataclass(frozen=True)
class Wait:
    """Nothing to do until then (the store's time, seconds); None: until somebody says something."""

    until: float | None = None


Effect: TypeAlias = Think | Prefetch | Run | Write | Wait

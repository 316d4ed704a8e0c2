"""A thread: an append-only list of events, and the state that is derived from them."""

from collections.abc import Iterable
from dataclasses import dataclass

from bot import events as e
from bot.events import Event
from bot.fold import fold
from bot.render import block, recap
from bot.state import State
from bot.unsaid import spelled_out

NOTHING_YET = State()


@dataclass(frozen=True)
class Thread:
    """An id and its events. ``state`` is what they add up to, ``shown`` the block that the model is shown for each (empty: nothing),
    ``size`` the characters of all that it is shown; ``extend`` works on what is new alone."""

    id: str
    events: tuple[Event, ...] = ()
    state: State = NOTHING_YET
    shown: tuple[str, ...] = ()
    size: int = 0

    @classmethod
    def of(cls, id: str, events: Iterable[Event]) -> "Thread":
        return cls(id).extend(events)

    def extend(self, events: Iterable[Event]) -> "Thread":
        new, state, shown, size = [], self.state, list(self.shown), self.size
        for event in events:
            event = spelled_out(state, event)
            state = fold(state, event)
            shown.append(block(state, event))
            size += len(shown[-1])
            if isinstance(event, e.Checkpointed):
                shown = _cut(shown, event)
                size = len(recap(event)) + sum(map(len, shown))
            new.append(event)
        return Thread(self.id, (*self.events, *new), state, tuple(shown), size)

    @property
    def version(self) -> int:
        return self.state.version


def _cut(shown: list[str], event: e.Checkpointed) -> list[str]:
    """The blocks without those that the checkpoint stands for."""
    gone = set(range(1, event.count + 1)) - set(event.kept)
    return ["" if number in gone else each for number, each in enumerate(shown, start=1)]

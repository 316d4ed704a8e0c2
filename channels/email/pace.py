"""Not too much mail within an hour: how often something happened, counted in the store, for all processes together."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from bot.ids import digest

HOUR = 3_600.0


class Counts(Protocol):
    """What of the store is needed."""

    def now(self) -> float: ...

    def get(self, name: str) -> bytes | None: ...

    def put(self, name: str, content: bytes, seconds: float | None = None) -> None: ...


@dataclass(frozen=True)
class Pace:
    """At most ``limit`` an hour for each name. Two processes at one moment may let one too many pass, which does no harm."""

    store: Counts
    kind: str
    limit: int

    def wait(self, names: Iterable[str]) -> float:
        """Seconds until there is room for all of them."""
        return max((self._wait(each) for each in names), default=0.0)

    def count(self, names: Iterable[str]) -> None:
        now = self.store.now()
        for each in names:
            times = [*self._times(each, now), now][-self.limit :]
            self.store.put(self._key(each), json.dumps(times).encode(), HOUR)

    def _wait(self, name: str) -> float:
        now = self.store.now()
        times = self._times(name, now)
        return times[-self.limit] + HOUR - now if len(times) >= self.limit else 0.0

    def _times(self, name: str, now: float) -> list[float]:
        """When it happened within the last hour, oldest first."""
        return [each for each in json.loads(self.store.get(self._key(name)) or b"[]") if each > now - HOUR]

    def _key(self, name: str) -> str:
        """Holds no address."""
        return f"pace:{self.kind}:{digest(name.casefold())}"

"""Failures on demand: the next calls of a method are throttled, fail, or lose their answer."""

from collections import defaultdict, deque
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Fault:
    """What goes wrong. `reply_lost`: the call takes effect, then the connection closes without a word."""

    kind: Literal["rate_limited", "server_error", "reply_lost"]
    retry_after: int = 1


class Faults:
    def __init__(self) -> None:
        self._planned: dict[str, deque[Fault]] = defaultdict(deque)

    def rate_limit(self, method: str, *, retry_after: int = 1, times: int = 1) -> None:
        self._planned[method].extend([Fault("rate_limited", retry_after)] * times)

    def fail(self, method: str, *, times: int = 1) -> None:
        self._planned[method].extend([Fault("server_error")] * times)

    def lose_reply(self, method: str, *, times: int = 1) -> None:
        self._planned[method].extend([Fault("reply_lost")] * times)

    def next(self, method: str) -> Fault | None:
        return self._planned[method].popleft() if self._planned[method] else None

"""Slack's timestamps: seconds and six digits, which are also the ids of messages."""

import threading
import time


def now_ts() -> str:
    return _written(time.time_ns() // 1000)


class Clock:
    """Each tick is later than the one before and than `last`, whatever the machine's clock does."""

    def __init__(self, last: str) -> None:
        self._last = int(last.replace(".", "") or 0)
        self._lock = threading.Lock()

    def tick(self) -> str:
        with self._lock:
            self._last = max(self._last + 1, time.time_ns() // 1000)
            return _written(self._last)


def _written(micros: int) -> str:
    return f"{micros // 1_000_000}.{micros % 1_000_000:06d}"

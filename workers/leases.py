"""Keeping what this process holds: one side thread renews every lease and lock for as long as its work may take, not longer."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from bot.ports import Unavailable

log = logging.getLogger("parley.worker")

LEASE = 3.5  # seconds; a killed worker's threads move on this long after its last renewal


@dataclass(frozen=True)
class Kept:
    renew: Callable[[], bool]
    until: float  # this process's own clock


class Leases:
    """What this process holds, by name. A lease is not renewed past its patience, so that whatever hangs is taken over by somebody else.

    The side thread lives only while there is something to renew.
    """

    def __init__(self, seconds: float = LEASE) -> None:
        self.seconds = seconds
        self.kept: dict[str, Kept] = {}
        self.lock = threading.Lock()
        self.thread: threading.Thread | None = None

    def hold(self, name: str, renew: Callable[[], bool], patience: float) -> None:
        """Renew this one every third of its time, for ``patience`` seconds, until it is let go or lost."""
        with self.lock:
            self.kept[name] = Kept(renew, time.monotonic() + patience)
            if self.thread is None:
                self.thread = threading.Thread(target=self._renew_all, name="leases", daemon=True)
                self.thread.start()

    def let_go(self, name: str) -> None:
        with self.lock:
            self.kept.pop(name, None)

    def _renew_all(self) -> None:
        while True:
            time.sleep(self.seconds / 3)
            with self.lock:
                kept = list(self.kept.items())
                if not kept:
                    self.thread = None
                    return
            for name, each in kept:
                if not _renewed(each):
                    self.let_go(name)


def _renewed(kept: Kept) -> bool:
    try:
        return time.monotonic() < kept.until and kept.renew()
    except Unavailable:
        log.warning("the store did not answer a renewal; leases may pass to other workers")
        return True

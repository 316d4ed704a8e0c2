"""Events on their way to the app: durable, sent at once, and again until it acknowledges them.

Slack gives an event up after three retries in about six minutes. Here it waits for as long as it takes, so that a
developer who stops and starts an app all day loses nothing; an app that relies on more than Slack's three is wrong.
"""

import asyncio
import contextlib
import time
from typing import Protocol

from channels.sandbox.slack.errors import Unacknowledged
from channels.sandbox.slack.records import Queued, Records
from channels.sandbox.slack.roster import Json

ACK_SECONDS = 3.0
RETRY_AFTER = (0.0, 1.0, 5.0, 15.0, 60.0)
IN_FLIGHT = 10


class Line(Protocol):
    """The way to the app: Socket Mode or signed HTTP."""

    @property
    def is_open(self) -> bool: ...

    async def carry(self, kind: str, payload: Json, *, tries: int = 0, reason: str = "") -> Json:
        """Hand over an `events_api`, `interactive` or `slash_commands` payload.

        Returns what the acknowledgement carried. Raises Unacknowledged when none came within three seconds.
        """
        ...


class Outbox:
    def __init__(self, records: Records) -> None:
        self._records = records
        self._flying: set[int] = set()
        self.loop: asyncio.AbstractEventLoop | None = None
        self._stirred = asyncio.Event()

    def stir(self) -> None:
        """Look again: something was queued. From any thread."""
        if self.loop and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._stirred.set)

    def hurry(self) -> None:
        """Send at once whatever waits: an app has just come."""
        self._records.hurry()
        self.stir()

    async def run(self, line: Line) -> None:
        """Deliver, until cancelled."""
        self.loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as deliveries:
            while True:
                self._stirred.clear()
                for event in self._ready(line):
                    self._flying.add(event.id)
                    deliveries.create_task(self._deliver(event, line))
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stirred.wait(), self._pause())

    def _ready(self, line: Line) -> list[Queued]:
        if not line.is_open:
            return []
        waiting = [event for event in self._records.queued(due=time.time()) if event.id not in self._flying]
        return waiting[: IN_FLIGHT - len(self._flying)]

    def _pause(self) -> float | None:
        """Until the next retry; what is due already is under way, or waits for a place or for an app, which stirs."""
        now = time.time()
        due = self._records.next_due(after=now)
        return None if due is None else due - now

    async def _deliver(self, event: Queued, line: Line) -> None:
        try:
            self._records.tried(event.id)
            await line.carry("events_api", event.payload, tries=event.tries, reason=event.reason)
            self._records.delivered(event.id)
        except Unacknowledged as refusal:
            self._put_back(event, refusal)
        finally:
            self._flying.discard(event.id)
            self._stirred.set()

    def _put_back(self, event: Queued, refusal: Unacknowledged) -> None:
        if not refusal.retry:
            return self._records.delivered(event.id)
        pause = RETRY_AFTER[min(event.tries, len(RETRY_AFTER) - 1)]
        return self._records.postpone(event.id, time.time() + pause, refusal.reason)

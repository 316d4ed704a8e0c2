"""Deliveries: what the log owes to people goes out, one at a time for each conversation, and what came of it is written down."""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock

from bot import events as e
from bot.events import Event
from bot.owed import Delivery, owed
from bot.ports import Channel, Doubtful, Sent, Store, Undelivered
from bot.thread import Thread
from bot.tool import one_line
from workers.leases import LEASE, Leases

log = logging.getLogger("parley.worker")

TRIES = 20  # of one delivery; with the waits in between about an hour and a half
LONGEST_WAIT = 300.0  # seconds between two tries
LOOKING = 600.0  # seconds after which what could not be looked for is unknown
SLOW = 200.0  # seconds that one delivery may take before its lock is given up


class Later(Exception):
    """Nothing can be done in this conversation for so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"{seconds:g} s")
        self.seconds = seconds


@dataclass(frozen=True)
class Deliveries:
    """The ways out of this process. Calling it with a thread sends what is owed, elsewhere and in order; it returns at once."""

    store: Store
    channels: Mapping[str, Channel]
    sent: Callable[[Thread], None] = lambda thread: None  # told of a thread after what it owed somewhere went out
    operator: str = ""  # the address of whoever must know what cannot be delivered
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(16, "deliver"))
    leases: Leases = field(default_factory=lambda: Leases(LEASE))
    under_way: dict[tuple[str, str], bool] = field(default_factory=dict)  # True: look once more when done
    guard: Lock = field(default_factory=Lock)

    def __call__(self, thread: Thread) -> None:
        for delivery in owed(thread, thread.state.updated):
            self._start(thread.id, delivery.address)

    def _start(self, thread: str, address: str) -> None:
        with self.guard:
            if (thread, address) in self.under_way:
                self.under_way[thread, address] = True
                return
            self.under_way[thread, address] = False
        self.pool.submit(self._guarded, thread, address)

    def finish(self) -> None:
        """Wait for what is on its way out."""
        self.pool.shutdown()

    def progress(self, thread: Thread, words: str) -> None:
        """Say in the requester's conversation what is being done. Best effort."""
        channel = self.channels.get(thread.state.home.partition(":")[0])
        if channel is not None:
            self.pool.submit(channel.progress, thread, words)

    def _guarded(self, thread: str, address: str) -> None:
        try:
            self._send_all(thread, address)
        except Exception:
            log.exception("thread %s: a delivery stopped; it is taken up again", thread)
        with self.guard:
            again = self.under_way.pop((thread, address), False)
        if again:
            self._start(thread, address)

    def _send_all(self, id: str, address: str) -> None:
        """Everything owed to this conversation, unless somebody else is at it."""
        name = f"deliver:{id}:{address}"
        if (token := self.store.lock(name, LEASE)) is None:
            return
        thread, closed = None, 0.0
        try:
            thread = self.store.load(id)
            while thread and (delivery := self._next(thread, address)):
                self.leases.hold(name, lambda: self.store.keep(name, token, LEASE), SLOW)
                before, thread = thread.version, self._send(thread, delivery)
                if thread.version == before:  # what is not on record would be sent again, for ever
                    log.error("thread %s: what came of %s could not be written down", id, delivery.key)
                    break
        except Later as later:
            closed = later.seconds
        finally:
            self.leases.let_go(name)
            self._leave(id, name, token, closed)
        if thread and not closed:
            self.sent(thread)

    def _leave(self, id: str, lock: str, token: str, closed: float) -> None:
        """Let others at this conversation; for so many seconds nobody."""
        if not closed:
            self.store.unlock(lock, token)
            return
        self.store.look_at(id, self.store.now() + closed)
        self.store.keep(lock, token, closed)

    def _next(self, thread: Thread, address: str) -> Delivery | None:
        delivery = next((each for each in owed(thread, thread.state.updated) if each.address == address), None)
        if delivery is None or not delivery.not_before or delivery.not_before <= self.store.now():
            return delivery
        self.store.look_at(thread.id, delivery.not_before)
        return None

    def _send(self, thread: Thread, delivery: Delivery) -> Thread:
        """Send it; the thread with what came of it."""
        channel = self.channels.get(delivery.address.partition(":")[0])
        if channel is None:
            error = f"The channel of {delivery.address.partition(':')[0]} is not configured here."
            return self._record(thread, _failed(thread, delivery, error))
        if delivery.look and (found := self._found(channel, thread, delivery)):
            return found
        if not delivery.native:
            attempted = e.DeliveryAttempted(
                id=f"{delivery.key}.a{delivery.attempt}",
                attempt=delivery.attempt,
            )
            thread = self.store.record(thread, attempted)
        return self._post(channel, thread, delivery)

    def _found(self, channel: Channel, thread: Thread, delivery: Delivery) -> Thread | None:
        """The thread where an earlier attempt has settled the matter; nobody may know, and then it is not repeated."""
        try:
            sent = channel.find(delivery, thread)
        except Doubtful as doubt:
            return self._record(thread, _unknown(delivery, str(doubt)))
        except Undelivered as error:  # it could not even look; until it has, nothing is sent here
            if error.retry_after is None or self.store.now() > delivery.not_before + LOOKING:
                return self._record(thread, _unknown(delivery, str(error)))
            raise Later(max(error.retry_after, 2.0)) from error
        return None if sent is None else self._record(thread, _delivered(thread, delivery, sent))

    def _post(self, channel: Channel, thread: Thread, delivery: Delivery) -> Thread:
        try:
            sent = channel.send(delivery, thread)
        except Doubtful as doubt:
            log.warning("thread %s: no answer to %s (%s); looking for it later", thread.id, delivery.key, doubt)
            if not delivery.native:
                return thread
            return self._put_off(thread, delivery, Undelivered("no answer", 2.0))  # changing a card twice does no harm
        except Undelivered as error:
            return self._put_off(thread, delivery, error)
        except Exception as error:
            log.exception("thread %s: the channel failed on %s", thread.id, delivery.key)
            return self._record(thread, _failed(thread, delivery, type(error).__name__))
        return self._record(thread, _delivered(thread, delivery, sent))

    def _put_off(self, thread: Thread, delivery: Delivery, error: Undelivered) -> Thread:
        """Try again later, or not at all."""
        if error.retry_after is None or delivery.attempt >= TRIES:
            return self._record(thread, _failed(thread, delivery, str(error)))
        wait = max(error.retry_after, min(2.0 ** min(delivery.attempt, 10), LONGEST_WAIT))
        return self._record(thread, _failed(thread, delivery, str(error), self.store.now() + wait))

    def _record(self, thread: Thread, event: Event) -> Thread:
        if not isinstance(event, e.DeliveryFailed) or event.retry_at is not None:
            return self.store.record(thread, event)
        thread = self.store.record(thread, event.model_copy(update={"told": self.operator}))
        log.error("thread %s: %s was not delivered: %s", thread.id, event.delivery, event.error)
        self.store.look_at(thread.id, self.store.now())
        return thread


def _delivered(thread: Thread, delivery: Delivery, sent: Sent) -> e.Delivered:
    """Posting happens once; a change may bring back what was shown before, and is still another one."""
    return e.Delivered(
        id=f"{delivery.key}.{f'c{thread.version}' if delivery.native else 'd'}",
        native=sent.native,
        shows=delivery.shows,
        maps=sent.maps,
    )


def _failed(thread: Thread, delivery: Delivery, error: str, retry_at: float | None = None) -> e.DeliveryFailed:
    return e.DeliveryFailed(
        id=f"{delivery.key}.f{thread.version}",
        delivery=delivery.key,
        address=delivery.address,
        error=one_line(error),
        shows=delivery.shows,
        retry_at=retry_at,
        attempt=delivery.attempt,
    )


def _unknown(delivery: Delivery, error: str) -> e.DeliveryUnknown:
    return e.DeliveryUnknown(
        id=f"{delivery.key}.u", delivery=delivery.key, address=delivery.address, error=one_line(error)
    )

"""The store's double: the same promises in this process's memory, for tests and for trying an agent. ``clock`` can be moved by hand."""

import hashlib
import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from threading import Lock

from bot import events as e
from bot.events import Event
from bot.ids import new_id
from bot.ports import PUT_OFF, Arrival, Fenced, Held, Ingested, Overtaken
from bot.thread import Thread


class MemoryStore:
    """Implements bot.ports.Store. Not shared between processes; everything else behaves as in Redis."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.logs: dict[str, list[Event]] = {}
        self.addresses: dict[str, str] = {}
        self.seen: dict[str, str] = {}
        self.leases: dict[str, tuple[int, float, int]] = {}  # fence, end, attempts
        self.due: dict[str, float] = {}
        self.guard = Lock()
        self.locks: dict[str, tuple[str, float]] = {}
        self.cursors: dict[str, str] = {}
        self.blobs: dict[str, bytes] = {}
        self.kept: dict[str, tuple[bytes, float]] = {}  # content, end

    def now(self) -> float:
        return self.clock()

    def find(self, address: str) -> str | None:
        return self.addresses.get(address)

    def load(self, thread: str) -> Thread | None:
        log = self.logs.get(thread)
        return None if log is None else Thread.of(thread, log)

    def ingest(self, arrival: Arrival) -> Ingested:
        if arrival.cursor:
            self.cursors[arrival.cursor[0]] = arrival.cursor[1]
        for key in arrival.keys:
            if key in self.seen:
                return Ingested(self.seen[key], new=False)
        thread = arrival.thread if arrival.thread in self.logs else self.addresses.get(arrival.address, "")
        if not thread:
            if not arrival.create:
                return Ingested("", new=False)
            thread = arrival.thread or new_id()
        self._write(thread, (arrival.event,))
        self.addresses |= {address: thread for address in (arrival.address, *arrival.maps) if address}
        self.seen |= dict.fromkeys(arrival.keys, thread)
        if self.leases.get(thread, (0, 0.0, 0))[1] <= self.now():  # whoever holds it sees this before letting go
            self.due[thread] = self.now()
        return Ingested(thread, new=True)

    def acquire(self, thread: str, seconds: float) -> Held | None:
        fence, end, attempts = self.leases.get(thread, (0, 0.0, 0))
        if thread not in self.logs or end > self.now():
            return None
        self.leases[thread] = (fence + 1, self.now() + seconds, attempts + 1)
        self.due[thread] = self.now() + seconds
        return Held(Thread.of(thread, self.logs[thread]), fence + 1, self.now(), attempts + 1)

    def renew(self, held: Held, seconds: float) -> bool:
        fence, _, attempts = self.leases.get(held.thread.id, (0, 0.0, 0))
        if fence != held.fence:
            return False
        self.leases[held.thread.id] = (fence, self.now() + seconds, attempts)
        self.due[held.thread.id] = self.now() + seconds
        return True

    def append(self, held: Held, *events: Event) -> Held:
        id = held.thread.id
        fence, end, _ = self.leases.get(id, (0, 0.0, 0))
        if fence != held.fence:
            raise Fenced(id)
        tail = self.logs[id][held.thread.version :]
        if any(event.type in e.FROM_PEOPLE for event in tail):
            raise Overtaken(replace(held, thread=held.thread.extend(tail), now=self.now()))
        self._write(id, events)
        self.leases[id] = (fence, end, 0)
        return replace(
            held, thread=held.thread.extend(self.logs[id][held.thread.version :]), now=self.now(), attempts=0
        )

    def record(self, thread: Thread, *events: Event) -> Thread:
        known = {event.id for event in self.logs[thread.id]}
        self._write(thread.id, tuple(event for event in events if event.id not in known))
        for event in events:
            if isinstance(event, e.Delivered):
                self.addresses |= dict.fromkeys(event.maps, thread.id)
        return thread.extend(self.logs[thread.id][thread.version :])

    def release(self, held: Held, until: float | None) -> Held | None:
        id = held.thread.id
        if self.leases.get(id, (0, 0.0, 0))[0] != held.fence:
            return None
        if tail := self.logs[id][held.thread.version :]:
            return replace(held, thread=held.thread.extend(tail), now=self.now())
        self.leases[id] = (held.fence + 1, 0.0, 0)  # whoever let go cannot write any more
        self.due.pop(id, None)
        if until is not None:
            self.due[id] = until
        return None

    def rest(self, thread: Thread, until: float | None) -> None:
        _, end, _ = self.leases.get(thread.id, (0, 0.0, 0))
        if end > self.now() or len(self.logs[thread.id]) != thread.version:
            return
        self.due.pop(thread.id, None)
        if until is not None:
            self.due[thread.id] = until

    def claim_due(self, limit: int = 100) -> list[str]:
        now = self.now()
        ready = sorted((at, thread) for thread, at in self.due.items() if at <= now)[:limit]
        self.due |= {thread: now + PUT_OFF for _, thread in ready}
        return [thread for _, thread in ready]

    def look_at(self, thread: str, at: float) -> None:
        self.due[thread] = min(at, self.due.get(thread, at))

    def lock(self, name: str, seconds: float) -> str | None:
        with self.guard:
            _, end = self.locks.get(name, ("", 0.0))
            if end > self.now():
                return None
            token = new_id()
            self.locks[name] = (token, self.now() + seconds)
            return token

    def keep(self, name: str, token: str, seconds: float) -> bool:
        held, end = self.locks.get(name, ("", 0.0))
        if held != token or end <= self.now():
            return False
        self.locks[name] = (token, self.now() + seconds)
        return True

    def unlock(self, name: str, token: str) -> None:
        if self.locks.get(name, ("", 0.0))[0] == token:
            del self.locks[name]

    def threads(self, limit: int = 200) -> list[str]:
        return sorted(self.logs, key=lambda thread: self.logs[thread][-1].at, reverse=True)[:limit]

    def quiet(self, since: float) -> list[str]:
        quiet = {id: log[-1].at for id, log in self.logs.items() if log[-1].at < since}
        return sorted(quiet, key=quiet.__getitem__)

    def create(self, thread: str, events: Iterable[Event], addresses: Iterable[str] = ()) -> None:
        self._write(thread, tuple(events))
        self.addresses |= dict.fromkeys(addresses, thread)
        self.due[thread] = self.now()

    def forget(self, thread: str) -> bool:
        if thread not in self.logs:
            return False
        for event in self.logs[thread]:
            for name in e.blobs_of(event):
                self.blobs.pop(name, None)
        self.logs[thread] = [e.forgotten(event) for event in self.logs[thread]]
        return True

    def cursor(self, mailbox: str) -> str | None:
        return self.cursors.get(mailbox)

    def set_cursor(self, mailbox: str, position: str) -> None:
        self.cursors[mailbox] = position

    def put_blob(self, content: bytes) -> str:
        name = hashlib.sha256(content).hexdigest()
        self.blobs[name] = content
        return name

    def blob(self, name: str) -> bytes | None:
        return self.blobs.get(name)

    def put(self, name: str, content: bytes, seconds: float | None = None) -> None:
        self.kept[name] = (content, math.inf if seconds is None else self.now() + seconds)

    def get(self, name: str) -> bytes | None:
        content, end = self.kept.get(name, (b"", 0.0))
        return content if end > self.now() else None

    def delete(self, name: str) -> None:
        self.kept.pop(name, None)

    def changes(self) -> Iterator[str]:
        yield from self.threads()

    def _write(self, thread: str, events: Iterable[Event]) -> None:
        now = self.now()
        written = [e.load(e.dump(event)) for event in events]  # as Redis keeps them
        stamped = [event if event.at else event.model_copy(update={"at": now}) for event in written]
        self.logs.setdefault(thread, []).extend(stamped)

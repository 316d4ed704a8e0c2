"""What a process remembers of threads is bounded, whatever their length, and counts for nothing but speed."""

import pytest

from bot.events import dump
from bot.thread import Thread
from tests.workers.arrivals import message
from workers import store
from workers.store import Folded, Known


def read(folded: Folded, thread: str, events: int) -> None:
    known = Known(Thread(thread))
    folded.put(known, 0, b"", [dump(message(f"m{number}")).encode() for number in range(events)])


def test_threads_that_were_not_read_lately_are_forgotten_when_there_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "CACHED", 2)
    folded = Folded()
    for thread in ("t1", "t2", "t1", "t3"):
        read(folded, thread, 1)
    assert list(folded.known) == ["t1", "t3"]
    assert folded.events == 2


def test_long_threads_leave_room_for_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "EVENTS", 10)
    folded = Folded()
    for thread, events in (("t1", 4), ("t2", 4), ("t1", 5), ("t3", 4)):
        read(folded, thread, events)
    assert list(folded.known) == ["t1", "t3"]
    assert folded.events == 9
    read(folded, "t4", 20)
    assert list(folded.known) == ["t4"]

"""Many waits: one worker holds 150 threads that wait for a model over HTTP, while tools compute and some calls never end."""

import json
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.runs import until
from tests.bench.staff import PATIENCE, Staff, staff
from tests.bench.work import address, fill, say
from tests.messages_server import Answer, calls, messages_server, says
from workers.store import RedisStore, connect


@dataclass
class Slow:
    """A model that takes its time. The first calls get no answer at all; every tenth conversation computes before it answers."""

    seconds: float
    hang: int
    asked: int = 0
    present: int = 0
    most: int = 0
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: dict[str, Any]) -> Answer:
        with self.lock:
            self.asked += 1
            self.present += 1
            self.most = max(self.most, self.present)
            number = self.asked
        self.over.wait(10 * PATIENCE if number <= self.hang else self.seconds)
        with self.lock:
            self.present -= 1
        computed = "<tool_returned" in json.dumps(request["messages"])
        return says("Done.") if computed or number % 10 else calls("compute", {"seconds": 0.3})


@dataclass(frozen=True)
class Held:
    most: int  # calls of the model that were waited for at the same time
    megabytes: float  # the worker's largest resident size
    lost: int  # thoughts that were lost with their lease, although the call was well
    abandoned: float  # seconds until every thread whose call hung was taken up again


def held(url: str, threads: int, seconds: float, hang: int, patience: float) -> Held:
    """So many threads at once, each with 100 events; ``patience``: seconds after which a call of the model is given up."""
    store, model = RedisStore(connect(url, timeout=5.0)), Slow(seconds, hang)
    store.client.flushdb()
    where = [address(number) for number in range(threads)]
    for each in where:
        fill(store, each, 100)
    store.client.delete("due", *store.client.scan_iter("rq:*", 1000))
    before = [_choices(store, each) for each in where]
    with messages_server(model) as server, staff("waiting", url, server.url, str(patience)) as worker:
        begun = time.monotonic()
        for each in where:
            say(store, each)
        try:
            until(lambda: len(_again(store, where)) >= hang)
            abandoned = time.monotonic() - begun
            for _ in where:
                worker.next_post()
            thoughts = sum(_choices(store, each) for each in where) - sum(before)
            return Held(model.most, _most_memory(worker), model.asked - hang - thoughts, abandoned)
        finally:
            model.over.set()


def _again(store: RedisStore, where: list[str]) -> list[str]:
    """Where a thread was taken up more than once without anything coming of it."""
    return [each for each in where if int(store.client.hget(f"m:{store.find(each)}", "attempts") or 0) > 1]


def _choices(store: RedisStore, where: str) -> int:
    thread = store.load(store.find(where) or "")
    return sum(event.type == "tool_called" for event in thread.events) if thread else 0


def _most_memory(worker: Staff) -> float:
    lines = Path(f"/proc/{worker.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))

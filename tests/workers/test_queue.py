"""The queue: hints find a worker, nothing else that a queue may hold is ever run, and what is due comes back by itself."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rq
from redis import Redis
from rq.serializers import JSONSerializer
from rq.suspension import suspend
from rq.worker import SimpleWorker

from bot.people import Team
from bot.ports import Unavailable
from tests.workers.arrivals import arrival
from workers import queue
from workers.queue import AHEAD, LOOK, Hint, Queue, Refused, Ticker, Worker, worker_for
from workers.store import RedisStore, connect
from workers.valkey import embedded


@pytest.fixture
def store(client: Redis) -> RedisStore:
    return RedisStore(client)


def worker(store: RedisStore, look: Callable[[str], None]) -> Worker:
    return worker_for(store, look, Team())


def keys(client: Redis, pattern: str) -> list[Any]:
    return list(client.keys(pattern))


def test_an_arrival_reaches_a_worker_and_leaves_nothing_behind(client: Redis, store: RedisStore) -> None:
    looked: list[str] = []
    thread = store.ingest(arrival("k1")).thread
    worker(store, looked.append).work(burst=True)
    assert looked == [thread]
    assert keys(client, "rq:job:*") == keys(client, "rq:results:*") == keys(client, "rq:queue:*") == []


def test_hints_are_acted_on_in_order_and_too_many_do_no_harm(store: RedisStore) -> None:
    looked: list[str] = []
    for thread in ("a", "b", "a"):
        store.wake(thread)
    worker(store, looked.append).work(burst=True)
    assert looked == ["a", "b", "a"]


@pytest.mark.parametrize("error", [ValueError("broken"), Unavailable("no store")])
def test_a_look_that_fails_stops_neither_the_worker_nor_the_next_hint(store: RedisStore, error: Exception) -> None:
    looked: list[str] = []

    def look(thread: str) -> None:
        looked.append(thread)
        if thread == "a":
            raise error

    for thread in ("a", "b"):
        store.wake(thread)
    worker(store, look).work(burst=True)
    assert looked == ["a", "b"]


class Touch:
    """Unpickling this makes a file, as a forged job could."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("os.system", ["touch {path}"]),
        ("builtins.print", []),
        (LOOK, []),
        (LOOK, ["a", "b"]),
        (LOOK, [["a"]]),
        ("workers.queue.worker_for", ["a"]),
    ],
)
def test_a_job_that_asks_for_anything_else_is_dropped_unrun(
    client: Redis, store: RedisStore, tmp_path: Path, function: str, arguments: list[Any]
) -> None:
    looked: list[str] = []
    filled = [each.format(path=tmp_path / "ran") if isinstance(each, str) else each for each in arguments]
    rq.Queue("parley", connection=client, serializer=JSONSerializer).enqueue(function, args=filled)
    store.wake("next")
    worker(store, looked.append).work(burst=True)
    assert looked == ["next"]
    assert not (tmp_path / "ran").exists()
    assert keys(client, "rq:job:*") == []


def test_a_pickle_in_the_queue_is_never_opened(client: Redis, store: RedisStore, tmp_path: Path) -> None:
    rq.Queue("parley", connection=client).enqueue(
        "os.getcwd", args=(Touch(tmp_path / "ran"),), meta={"x": Touch(tmp_path / "ran")}
    )
    worker(store, print).work(burst=True)
    assert not (tmp_path / "ran").exists()
    assert keys(client, "rq:job:*") == []


def test_no_callback_that_a_job_names_is_imported(
    client: Redis, store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither when it is acted on nor when RQ's maintenance finds it abandoned in the hands of a dead worker."""
    imported: list[str] = []
    for module in ("rq.job", "rq.utils", "rq.queue"):
        monkeypatch.setattr(f"{module}.import_attribute", imported.append)
    named: dict[Any, Any] = dict.fromkeys(
        ["success_callback_name", "failure_callback_name", "stopped_callback_name"], "os.abort"
    )
    named["webhooks"] = json.dumps([{"url": "http://127.0.0.1:9/"}])
    for where in ("rq:queue:parley", "rq:queue:parley:intermediate"):
        job = Queue(connection=client).enqueue(LOOK, args=("a",))
        client.hset(job.key, mapping=named)
        client.lrem("rq:queue:parley", 0, job.id)
        client.lpush(where, job.id)
        client.zadd("rq:wip:parley", {f"{job.id}:x": 1})
    job.set_status(rq.job.JobStatus.STARTED)
    found = Queue(connection=client).fetch_job(job.id)
    assert found is not None
    assert (found.success_callback, found.failure_callback, found.stopped_callback) == (None, None, None)
    looked: list[str] = []
    worker(store, looked.append).work(burst=True)
    assert looked == ["a"]
    assert imported == []


def test_no_other_worker_of_rq_runs_a_hint(client: Redis) -> None:
    job = Queue(connection=client).enqueue(LOOK, args=("a",))
    with pytest.raises(Refused):
        job.perform()
    plain = SimpleWorker([Queue(connection=client)], connection=client, job_class=Hint, serializer=JSONSerializer)
    plain.work(burst=True, logging_level="CRITICAL")
    assert job.get_status() == "failed"


def test_a_hint_that_died_with_its_worker_is_dropped_by_the_next_one(client: Redis, store: RedisStore) -> None:
    taken = Queue(connection=client).enqueue(LOOK, args=("a",))
    client.lmove("rq:queue:parley", "rq:queue:parley:intermediate")
    next_one = worker(store, print)
    next_one.run_maintenance_tasks()
    assert client.llen("rq:queue:parley:intermediate") == 1
    client.set(Queue(connection=client).intermediate_queue.get_first_seen_key(taken.id), time.time() - 120)
    next_one.run_maintenance_tasks()
    assert client.llen("rq:queue:parley:intermediate") == 0
    assert keys(client, "rq:job:*") == []


def test_suspended_workers_wait(client: Redis, store: RedisStore) -> None:
    suspend(client)
    store.wake("a")
    looked: list[str] = []
    worker(store, looked.append).work(burst=True)
    assert looked == []


# What is due


def test_a_thread_whose_hint_was_lost_is_looked_at_all_the_same(redis_url: str) -> None:
    with connect(redis_url, timeout=5.0) as client, process(redis_url) as running:
        RedisStore(client, wake=lambda thread: None).ingest(arrival(thread="0"))
        assert [line(running), line(running)] == ["begun", "done"]
        running.send_signal(signal.SIGTERM)
        assert running.wait(5) == 0


def test_what_is_due_waits_while_the_queue_is_full_of_hints(client: Redis, store: RedisStore) -> None:
    for number in range(AHEAD - 2):
        store.wake(f"busy{number}")
    for number in range(10):
        store.look_at(f"due{number}", 0)
    ticker = Ticker(store, Team())
    ticker.tick()
    ticker.tick()
    assert Queue(connection=client).count == AHEAD


def test_a_ticker_outlives_a_store_that_does_not_answer_and_its_own_mistakes(
    store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "TICK", 0.01)
    troubles: list[Exception] = [Unavailable("away"), KeyError("a mistake")]
    claimed = threading.Event()

    def claim_due(limit: int) -> list[str]:
        if troubles:
            raise troubles.pop(0)
        claimed.set()
        return []

    monkeypatch.setattr(store, "claim_due", claim_due)
    ticker = Ticker(store, Team())
    ticker.start()
    assert claimed.wait(5)
    ticker.stop()


# Stopping

PROCESS = """
import sys, time
from bot.people import Team
from workers.queue import worker_for
from workers.store import RedisStore, connect

def look(thread):
    print("begun", flush=True)
    time.sleep(float(thread))
    print("done", flush=True)

store = RedisStore(connect(sys.argv[1], timeout=5.0))
print("up", flush=True)
worker_for(store, look, Team()).work()
print("stopped", flush=True)
"""


def process(url: str) -> "subprocess.Popen[str]":
    started = subprocess.Popen([sys.executable, "-c", PROCESS, url], stdout=subprocess.PIPE, text=True)
    assert line(started) == "up"
    return started


def line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_that_is_told_to_stop_finishes_its_hint_first(redis_url: str, number: signal.Signals) -> None:
    with connect(redis_url, timeout=5.0) as client, process(redis_url) as running:
        Queue(connection=client).wake("0.5")
        Queue(connection=client).wake("0.5")
        assert line(running) == "begun"
        running.send_signal(number)
        assert [line(running), line(running)] == ["done", "stopped"]
        assert running.wait(5) == 0
        assert Queue(connection=client).count == 1


def test_an_idle_worker_stops_at_once(redis_url: str) -> None:
    with process(redis_url) as running:
        time.sleep(0.3)
        begun = time.monotonic()
        running.send_signal(signal.SIGTERM)
        assert running.wait(5) == 0
        assert time.monotonic() - begun < 2


def test_a_worker_goes_on_when_the_store_comes_back(tmp_path: Path) -> None:
    with embedded(tmp_path) as url, connect(url, timeout=5.0) as client, process(url) as running:
        Queue(connection=client).wake("0")
        assert [line(running), line(running)] == ["begun", "done"]
        os.kill(client.info("server")["process_id"], signal.SIGKILL)
        time.sleep(1)
        Queue(connection=client).wake("0")
        assert [line(running), line(running)] == ["begun", "done"]
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == 0

"""What a run costs through Redis and RQ, beside two empty RQ jobs: CPU, time and bytes."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from redis import Redis
from rq import Queue

from tests.bench.staff import PATIENCE, empty_job, staff
from tests.bench.work import address, fill, say
from workers.store import RedisStore, connect


@dataclass(frozen=True)
class Cost:
    """Milliseconds of CPU a run, by who spent them."""

    adapter: float
    worker: float
    redis: float

    @property
    def total(self) -> float:
        return self.adapter + self.worker + self.redis


def floor(url: str, runs: int) -> Cost:
    """What RQ spends on two empty jobs a run: a preloaded SimpleWorker that keeps no results."""
    client = Redis.from_url(url)
    client.flushdb()
    queue = Queue("floor", connection=client)
    with staff("rq", url) as worker:
        meter = Meter(client, worker.cpu)
        for _ in range(runs * 2):
            meter.adapting(lambda: queue.enqueue(empty_job, result_ttl=0))
        for _ in range(runs * 2):
            worker.next_post()
        until(lambda: not queue.count)
        return meter.cost(runs)


def start_latency(url: str, jobs: int) -> list[float]:
    """Seconds from the enqueuing of an empty job to its first line, one after another."""
    client = Redis.from_url(url)
    client.flushdb()
    queue, waited = Queue("floor", connection=client), []
    with staff("rq", url) as worker:
        for _ in range(jobs):
            begun = time.time()
            queue.enqueue(empty_job, result_ttl=0)
            waited.append(worker.next_post()[2] - begun)
            time.sleep(0.05)
    return waited


@dataclass(frozen=True)
class Measured:
    """What runs in threads of one length cost: while the worker has never seen them, and once it has; and the bytes a run leaves."""

    unknown: Cost
    known: Cost
    log: float
    indexes: float


def measured(url: str, events: int, runs: int) -> Measured:
    """Two runs in each of so many threads that hold so many events."""
    store = _empty_store(url)
    where = [address(number) for number in range(runs)]
    for each in where:
        fill(store, each, events)
    _forget_hints(store)
    with staff("parley", url) as worker:
        before = _stored(store)
        unknown = _round(store, worker_meter := Meter(store.client, worker.cpu), where, worker.next_post)
        after = _stored(store)
        worker_meter = Meter(store.client, worker.cpu)
        known = _round(store, worker_meter, where, worker.next_post)
    log, indexes = ((new - old) / runs for new, old in zip(after, before, strict=True))
    return Measured(unknown, known, log, indexes)


def _round(store: RedisStore, meter: "Meter", where: list[str], next_post: Callable[[], object]) -> Cost:
    """One run in every thread: all ask at the same time, and all questions are answered at the same time."""
    for _ in ("message", "reply"):
        for each in where:
            meter.adapting(lambda each=each: say(store, each))  # type: ignore[misc]  # bound here, called here
        for _ in where:
            next_post()
        until(lambda: not store.client.zcard("due"))
    return meter.cost(len(where))


def answer_latency(url: str, runs: int) -> list[float]:
    """Seconds from a reply's arrival to the posting of the answer, in threads of ten events, one after another."""
    store, waited = _empty_store(url), []
    where = [address(number) for number in range(runs)]
    for each in where:
        fill(store, each, 10)
    _forget_hints(store)
    with staff("parley", url) as worker:
        for each in where:
            say(store, each)
            worker.next_post()
            time.sleep(0.1)
            begun = time.time()
            say(store, each)
            waited.append(worker.next_post()[2] - begun)
            time.sleep(0.05)
    return waited


class Meter:
    """CPU since it was made: of the adapters (this thread, while it does their work), of the worker, of Redis."""

    def __init__(self, client: Redis, worker: Callable[[], float]) -> None:
        self.client, self.worker, self.adapter = client, worker, 0.0
        self.begun = (worker(), redis_cpu(client))

    def adapting(self, work: Callable[[], object]) -> None:
        begun = time.thread_time()
        work()
        self.adapter += time.thread_time() - begun

    def cost(self, runs: int) -> Cost:
        worker, redis = self.worker() - self.begun[0], redis_cpu(self.client) - self.begun[1]
        return Cost(*(1000 * seconds / runs for seconds in (self.adapter, worker, redis)))


def redis_cpu(client: Redis) -> float:
    """Seconds of CPU that the server has used."""
    spent = client.info("cpu")
    return float(spent["used_cpu_user"] + spent["used_cpu_sys"])


def _empty_store(url: str) -> RedisStore:
    client = connect(url, timeout=5.0)
    client.flushdb()
    return RedisStore(client)


def _forget_hints(store: RedisStore) -> None:
    """The threads are as they are; nobody needs to look at them."""
    store.client.delete("due", *store.client.scan_iter("rq:*", 1000))


def _stored(store: RedisStore) -> tuple[int, int]:
    """Bytes of the logs themselves, and what everything else takes that does not expire, apart from RQ's keys."""
    log = indexes = 0
    for key in store.client.scan_iter(count=1000):
        if key.startswith(b"t:"):
            log += sum(map(len, store.client.lrange(key, 0, -1)))
        elif not key.startswith(b"rq:") and store.client.ttl(key) == -1:
            indexes += store.client.memory_usage(key, samples=0) or 0
    return log, indexes


def until(so: Callable[[], bool]) -> None:
    """Wait for it. Raises TimeoutError where it does not come."""
    end = time.monotonic() + PATIENCE
    while not so():
        if time.monotonic() > end:
            raise TimeoutError("the work did not come to rest")
        time.sleep(0.02)

"""What the store on Redis does beyond the contract: it reads only what is new, wakes workers, tells watchers, and says when it cannot write."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError

from bot import events as e
from bot.events import Actor, UnknownEvent
from bot.ports import Arrival, Fenced, Ingested, Unavailable
from bot.thread import Thread
from tests.servers import valkey
from tests.workers.arrivals import PLACE, arrival, choice, message, outcome
from workers.queue import Queue
from workers.store import RedisStore, connect


class Counting(Redis):
    """A client that counts the bytes that it was sent."""

    received = 0

    def execute_command(self, *args: Any, **options: Any) -> Any:
        reply = super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        self.received += len(repr(reply))
        return reply


@pytest.fixture
def store(client: Redis) -> RedisStore:
    return RedisStore(client, wake=lambda thread: None)


def test_a_thread_that_was_read_before_costs_only_its_tail(client: Redis) -> None:
    counting = Counting(connection_pool=client.connection_pool)
    store = RedisStore(counting, wake=lambda thread: None)
    store.create("t1", [message(text="long " * 100) for _ in range(100)])
    store.load("t1")
    first = counting.received
    store.ingest(arrival(thread="t1"))
    again = store.load("t1")
    assert again is not None
    assert again.version == 101
    assert counting.received - first < first / 20


def test_what_is_known_and_the_tail_add_up_to_everything(client: Redis, store: RedisStore) -> None:
    store.create("t1", [message(), choice("d1"), outcome("o1")])
    for number in range(5):
        store.ingest(arrival(f"k{number}", thread="t1"))
        assert store.load("t1") == RedisStore(client).load("t1")


def test_a_process_notices_that_another_forgot_a_thread_that_it_knew(client: Redis, store: RedisStore) -> None:
    nothing_to_erase = e.Reminded(id="r1", at=5.0, actor=Actor(kind="clock"), interaction="i1")
    store.create("t1", [message(), nothing_to_erase])
    store.load("t1")
    RedisStore(client).forget("t1")
    assert store.load("t1") == RedisStore(client).load("t1")


def test_a_process_notices_that_a_failover_took_back_what_it_knew(client: Redis, store: RedisStore) -> None:
    store.create("t1", [message(), message(id="lost")])
    store.load("t1")
    client.rpop("t:t1")
    store.ingest(arrival("k1", thread="t1"))
    store.ingest(arrival("k2", thread="t1"))
    assert store.load("t1") == RedisStore(client).load("t1")


def test_forgetting_also_erases_what_arrives_while_it_erases(
    store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.create("t1", [message(text="secret")])
    run, late = store._run, iter([arrival(thread="t1")])

    def arrives_meanwhile(name: str, *rest: Any) -> Any:
        if name == "rewrite" and (another := next(late, None)):
            store.ingest(another)
        return run(name, *rest)

    monkeypatch.setattr(store, "_run", arrives_meanwhile)
    assert store.forget("t1")
    found = store.load("t1")
    assert found is not None
    assert [event.text for event in found.events] == ["", ""]  # type: ignore[union-attr]


def test_a_thread_with_an_event_of_a_newer_version_is_left_untouched(client: Redis, store: RedisStore) -> None:
    store.create("t1", [message()])
    client.rpush("t:t1", '{"id":"new","actor":{},"v":9,"type":"dreamed"}')
    before = client.lrange("t:t1", 0, -1)
    for _ in range(9):
        with pytest.raises(UnknownEvent):
            store.acquire("t1", 9)
    client.rpop("t:t1")
    held = store.acquire("t1", 9)
    assert held is not None
    assert held.attempts == 1
    assert before[:-1] == client.lrange("t:t1", 0, -1)


def test_an_arrival_wakes_a_worker_and_a_repeated_one_does_not(client: Redis) -> None:
    store = RedisStore(client)
    store.ingest(arrival("k1"))
    store.ingest(arrival("k1"))
    assert Queue(connection=client).count == 1


def test_an_arrival_is_durable_even_if_nobody_can_be_woken(client: Redis) -> None:
    def broken(thread: str) -> None:
        raise ConnectionError

    store = RedisStore(client, wake=broken)
    ingested = store.ingest(arrival("k1"))
    assert ingested.new
    assert store.claim_due() == [ingested.thread]


def test_watchers_hear_of_every_change(store: RedisStore) -> None:
    heard: list[str] = []
    listening, done = threading.Event(), threading.Event()

    def watch() -> None:
        for thread in store.changes():
            listening.set()
            heard.append(thread)
            if heard.count("t1") == 3:
                done.set()
                return

    threading.Thread(target=watch, daemon=True).start()
    assert listening.wait(5)
    store.create("t1", [message()])
    held = store.acquire("t1", 9)
    assert held is not None
    store.append(held, choice())
    store.record(held.thread, outcome())
    assert done.wait(5)


def test_dedupe_keys_are_kept_for_a_week(client: Redis, store: RedisStore) -> None:
    store.ingest(arrival("k1"))
    assert 604_700 < client.ttl("dd:k1") <= 604_800


def test_a_call_that_was_sent_twice_answers_as_it_did_the_first_time(client: Redis, store: RedisStore) -> None:
    """Not only nothing twice in the log: whoever asked is told that it was new, and that the lease is theirs."""
    run = store._run
    store._run = lambda *call: (run(*call), run(*call))[1]  # type: ignore[method-assign]
    assert store.ingest(arrival("k1", thread="t1")) == Ingested("t1", new=True)
    held = store.acquire("t1", 9)
    assert held is not None
    assert (held.fence, held.attempts) == (1, 1)
    assert store.append(held, choice("d1")).thread.version == 2


def test_a_call_that_was_sent_again_after_the_lease_passed_on_is_refused(store: RedisStore) -> None:
    store.create("t1", [message()])
    held = store.acquire("t1", 0)
    assert held is not None
    store.append(held, choice("d1"))
    other = store.acquire("t1", 9)
    assert other is not None
    with pytest.raises(Fenced):
        store.append(held, choice("d1"))
    assert store.append(other, choice("d2")).thread.version == 3


def test_a_choice_sent_again_after_a_person_spoke_is_not_refused_because_it_is_there(store: RedisStore) -> None:
    store.create("t1", [message()])
    held = store.acquire("t1", 9)
    assert held is not None
    store.append(held, choice("d1"))
    store.ingest(arrival("k1", thread="t1"))
    assert [event.id for event in store.append(held, choice("d1")).thread.events].count("d1") == 1


# When it cannot write


@pytest.fixture
def own_server() -> Iterator[str]:
    with valkey() as url:
        yield url


def test_a_redis_that_is_not_there_is_unavailable_within_two_seconds() -> None:
    store = RedisStore(connect("redis://127.0.0.1:1"))
    begun = time.monotonic()
    with pytest.raises(Unavailable, match="cannot be reached"):
        store.ingest(arrival("k1"))
    assert time.monotonic() - begun < 2


def test_a_redis_that_hangs_is_unavailable_within_two_seconds_and_a_bit(own_server: str) -> None:
    with connect(own_server) as client, connect(own_server) as other:
        store = RedisStore(client)
        store.now()
        other.client_pause(4000)
        begun = time.monotonic()
        with pytest.raises(Unavailable, match="in time"):
            store.ingest(arrival("k1"))
        assert time.monotonic() - begun < 2.5


def test_a_full_redis_acknowledges_nothing(own_server: str) -> None:
    with connect(own_server) as client:
        store = RedisStore(client)
        store.ingest(arrival("k1"))
        client.config_set("maxmemory", "1")
        with pytest.raises(Unavailable, match="full"):
            store.ingest(arrival("k2"))
        client.config_set("maxmemory", "0")
        assert store.ingest(arrival("k2")).new


def test_a_redis_that_lost_its_replicas_acknowledges_nothing(own_server: str) -> None:
    with connect(own_server) as client:
        client.config_set("min-replicas-to-write", "1")
        with pytest.raises(Unavailable, match="doctor"):
            RedisStore(client).ingest(arrival("k1"))


def test_a_restarted_redis_is_found_again_without_an_error(own_server: str) -> None:
    with connect(own_server) as client:
        store = RedisStore(client)
        store.now()
        client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no")
        client.script_flush()
        assert store.ingest(arrival("k1")).new


def test_other_mistakes_are_not_hidden_behind_an_unavailable_redis(client: Redis, store: RedisStore) -> None:
    client.set("t:t1", "no list")
    with pytest.raises(Exception, match="WRONGTYPE"):
        store.load("t1")


def test_a_sentinel_url_names_its_sentinels_master_and_database() -> None:
    client = connect("redis+sentinel://user:p%40ss@one:26380,two/prod/3")
    pool: Any = client.connection_pool
    sentinels = [each.connection_pool.connection_kwargs for each in pool.sentinel_manager.sentinels]
    assert [(each["host"], each["port"]) for each in sentinels] == [("one", 26380), ("two", 26379)]
    assert pool.service_name == "prod"
    assert (pool.connection_kwargs["db"], pool.connection_kwargs["password"]) == (3, "p@ss")


def test_a_run_writes_little(client: Redis, store: RedisStore) -> None:
    """Ten events of a run and everything around them stay under five kilobytes."""
    before = client.info("memory")["used_memory_dataset"]
    for number in range(50):
        thread = store.ingest(Arrival(message(), f"{PLACE}{number}", (f"k{number}",))).thread
        held = store.acquire(thread, 9)
        assert held is not None
        for _ in range(4):
            held = store.append(held, choice())
            store.record(Thread(thread), outcome())
            held = store.append(held)
        assert store.release(held, None) is None
    assert (client.info("memory")["used_memory_dataset"] - before) / 50 < 5_000

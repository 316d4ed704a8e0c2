"""The laws of the design at the store: once and in order, fenced choices, unfenced outcomes, people first."""

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from redis import Redis

from bot import events as e
from bot.memory import MemoryStore
from bot.ports import Arrival, Fenced, Held, Ingested, Overtaken, Store
from tests.workers.arrivals import choice, message, outcome
from workers.store import RedisStore


@pytest.fixture
def store(client: Redis) -> RedisStore:
    return RedisStore(client, wake=lambda thread: None)


def begin(store: Store, thread: str = "t1") -> str:
    return store.ingest(Arrival(message(), f"web:{thread}", thread=thread)).thread


def test_what_arrives_many_times_at_once_and_in_any_order_is_written_down_once(store: RedisStore) -> None:
    arrivals = [Arrival(message(f"m{n}"), f"web:{n % 4}", (f"k{n}", f"other{n}")) for n in range(24)]
    shuffled = [random.sample(arrivals, len(arrivals)) for _ in range(16)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda order: [store.ingest(each) for each in order], shuffled))
    threads = store.threads()
    written = [event.id for thread in threads for event in events(store, thread)]
    assert len(threads) == 4
    assert sorted(written) == sorted(arrival.event.id for arrival in arrivals)
    assert sum(ingested.new for each in answers for ingested in each) == len(arrivals)


def test_only_one_of_many_workers_gets_a_thread_and_a_due_thread_is_claimed_by_one(store: RedisStore) -> None:
    begin(store)
    with ThreadPoolExecutor(16) as pool:
        claims = list(pool.map(lambda _: store.claim_due(), range(16)))
        leases = list(pool.map(lambda _: store.acquire("t1", 9), range(16)))
    assert sum(map(len, claims)) == 1
    assert sum(held is not None for held in leases) == 1


def test_holders_and_people_at_once_never_write_a_choice_after_an_unread_word(store: RedisStore) -> None:
    begin(store)

    def decide(worker: int) -> None:
        for turn in range(20):
            if (held := store.acquire("t1", 0)) is not None:
                try:
                    seen = held.thread.version
                    store.append(held, choice().model_copy(update={"seen": seen}))
                except (Fenced, Overtaken):
                    pass
            store.record(held.thread if held else store.load("t1"), outcome(f"o{worker}.{turn % 5}"))  # type: ignore[arg-type]

    def speak(person: int) -> None:
        for word in range(20):
            store.ingest(Arrival(message(), "web:t1", (f"{person}.{word}",)))

    with ThreadPoolExecutor(16) as pool:
        for future in [pool.submit(decide if n % 2 else speak, n) for n in range(16)]:
            future.result()
    log = events(store, "t1")
    for at, event in enumerate(log):
        if isinstance(event, e.ToolCalled):
            assert not [each for each in log[event.seen : at] if each.type in e.FROM_PEOPLE]
    ids = [event.id for event in log]
    assert len(ids) == len(set(ids))
    assert sum(isinstance(event, e.MessageReceived) for event in log) == 1 + 8 * 20


def test_a_repeated_arrival_that_nothing_tells_apart_but_its_event_is_written_down_once(store: RedisStore) -> None:
    same = Arrival(message("m1"), "web:t1")
    assert store.ingest(same).thread == store.ingest(same).thread
    assert len(events(store, "t1" if store.find("t1") else store.threads()[0])) == 1


def events(store: Store, thread: str) -> tuple[e.Event, ...]:
    found = store.load(thread)
    assert found is not None
    return found.events


THREADS = st.sampled_from(["t1", "t2"])
NUMBERS = st.integers(0, 5)


class TwoStores(RuleBasedStateMachine):
    """Whatever is done to both, the store on Redis and the one in memory agree about what happened."""

    client: Redis

    @initialize()
    def begin(self) -> None:
        self.client.flushdb()
        self.stores: tuple[Store, Store] = (MemoryStore(), RedisStore(self.client, wake=lambda thread: None))
        self.holders: list[tuple[Held, Held]] = []
        self.count = 0
        for thread in ("t1", "t2"):
            self.both(lambda store, thread=thread: store.ingest(Arrival(message("m0"), f"web:{thread}", thread=thread)))

    @rule(thread=THREADS, key=NUMBERS, to=THREADS)
    def arrive(self, thread: str, key: int, to: str) -> None:
        arrival = Arrival(message(self.fresh()), f"web:{thread}", (f"k{key}",), thread=to, cursor=("box", str(key)))
        self.both(lambda store: store.ingest(arrival))

    @rule(thread=THREADS, steer=st.sampled_from([e.Paused, e.Resumed, e.Cancelled]))
    def steer(self, thread: str, steer: type[e.Paused] | type[e.Resumed] | type[e.Cancelled]) -> None:
        event = steer(id=self.fresh(), actor=message().actor)
        self.both(lambda store: store.ingest(Arrival(event, "", thread=thread, create=False)))

    @rule(thread=THREADS, seconds=st.sampled_from([0, 60]))
    def acquire(self, thread: str, seconds: int) -> None:
        self.hold(*self.both(lambda store: store.acquire(thread, seconds)))

    @rule(at=NUMBERS, count=st.integers(1, 2))
    def append(self, at: int, count: int) -> None:
        chosen = [choice(self.fresh()) for _ in range(count)]
        self.with_holder(at, lambda store, held: store.append(held, *chosen))

    @rule(at=NUMBERS, until=st.sampled_from([None, 5.0]))
    def release(self, at: int, until: float | None) -> None:
        self.with_holder(at, lambda store, held: store.release(held, until))

    @rule(at=NUMBERS)
    def renew(self, at: int) -> None:
        self.with_holder(at, lambda store, held: store.renew(held, 60))

    @rule(thread=THREADS, number=NUMBERS)
    def record(self, thread: str, number: int) -> None:
        self.both(lambda store: store.record(store.load(thread), outcome(f"o{number}")))

    @rule(thread=THREADS, until=st.sampled_from([None, 5.0]))
    def rest(self, thread: str, until: float | None) -> None:
        self.both(lambda store: store.rest(store.load(thread), until))

    @rule(thread=THREADS)
    def forget(self, thread: str) -> None:
        self.both(lambda store: store.forget(thread))

    @rule()
    def claim(self) -> None:
        self.both(lambda store: sorted(store.claim_due(3)))

    @invariant()
    def the_logs_are_equal(self) -> None:
        for thread in ("t1", "t2"):
            self.both(lambda store, thread=thread: store.load(thread))

    def fresh(self) -> str:
        self.count += 1
        return f"e{self.count}"

    def hold(self, left: Any, right: Any) -> None:
        if isinstance(left, Held):
            self.holders.append((left, right))

    def with_holder(self, at: int, act: Any) -> None:
        if self.holders:
            pair = dict(zip(self.stores, self.holders[-1 - at % len(self.holders)], strict=True))
            self.hold(*self.both(lambda store: act(store, pair[store])))

    def both(self, act: Any) -> list[Any]:
        answers = [_answer(act, store) for store in self.stores]
        assert _shape(answers[0]) == _shape(answers[1])
        return answers


def _answer(act: Any, store: Store) -> Any:
    try:
        return act(store)
    except Overtaken as overtaken:
        return overtaken.held
    except Fenced:
        return "fenced"


def _shape(answer: Any) -> Any:
    """What must be equal: everything but the two stores' times."""
    if isinstance(answer, Held):
        return answer.fence, answer.attempts, _shape(answer.thread)
    if hasattr(answer, "events"):
        return answer.id, answer.version, [event.model_copy(update={"at": 0}) for event in answer.events]
    return answer if isinstance(answer, Ingested | bool | str | list | None) else repr(answer)


def test_whatever_is_done_redis_and_memory_agree(client: Redis) -> None:
    machine = type("Machine", (TwoStores,), {"client": client})
    run_state_machine_as_test(machine, settings=settings(max_examples=60, stateful_step_count=30, deadline=None))

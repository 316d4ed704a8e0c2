"""What every store promises: the one in memory, the one on Redis, and the one on Redis whose every first reply is lost."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from redis import Redis

from bot import events as e
from bot.events import PARLEY, Attachment, Origin
from bot.memory import MemoryStore
from bot.ports import Arrival, Fenced, Ingested, Overtaken, Store
from bot.thread import Thread
from tests.servers import Twice
from tests.workers.arrivals import PLACE, arrival, choice, message, outcome
from workers.store import RedisStore


@dataclass
class Clock:
    now: float = field(default_factory=time.time)

    def move(self, seconds: float) -> None:
        self.now += seconds


@dataclass(frozen=True)
class Subject:
    """A store, and how to let its time pass."""

    store: Store
    wait: Callable[[float], None]


@pytest.fixture(params=["memory", "redis", "redis with lost replies"])
def subject(request: pytest.FixtureRequest) -> Subject:
    if request.param == "memory":
        clock = Clock()
        return Subject(MemoryStore(lambda: clock.now), clock.move)
    client: Redis = request.getfixturevalue("client")
    if request.param == "redis with lost replies":
        client = Twice(connection_pool=client.connection_pool)
    return Subject(RedisStore(client, wake=lambda thread: None), time.sleep)


@pytest.fixture
def store(subject: Subject) -> Store:
    return subject.store


def log(store: Store, thread: str) -> list[str]:
    found = store.load(thread)
    assert found is not None
    return [event.id for event in found.events]


def begin(store: Store, *keys: str) -> str:
    return store.ingest(arrival(*keys)).thread


# Arrivals


def test_an_arrival_begins_a_thread_that_its_address_leads_to(store: Store) -> None:
    ingested = store.ingest(arrival("k1", maps=("email:<1@x>",)))
    assert ingested.new
    assert store.find(PLACE) == store.find("email:<1@x>") == ingested.thread


def test_what_arrives_at_a_known_address_joins_its_thread(store: Store) -> None:
    thread = begin(store, "k1")
    assert store.ingest(arrival("k2")) == Ingested(thread, new=True)
    assert len(log(store, thread)) == 2


def test_what_arrives_again_changes_nothing(store: Store) -> None:
    first = Arrival(message("m1"), PLACE, ("k1", "k2"))
    thread = store.ingest(first).thread
    assert store.ingest(first) == Ingested(thread, new=False)
    assert store.ingest(arrival("k3", "k2")) == Ingested(thread, new=False)
    assert log(store, thread) == ["m1"]


def test_what_may_not_begin_a_thread_is_not_written_down(store: Store) -> None:
    assert store.ingest(arrival("k1", create=False)) == Ingested("", new=False)
    assert store.ingest(arrival("k1")).new


def test_what_has_no_address_joins_nothing_by_chance(store: Store) -> None:
    first = store.ingest(Arrival(message(), ""))
    assert store.ingest(Arrival(message(), "")).thread != first.thread


def test_a_named_thread_is_found_whatever_the_address(store: Store) -> None:
    thread = begin(store, "k1")
    assert store.ingest(arrival("k2", address="web:1", thread=thread)).thread == thread
    assert store.find("web:1") == thread


def test_a_name_that_is_not_taken_names_the_new_thread(store: Store) -> None:
    assert store.ingest(arrival("k1", thread="abc")).thread == "abc"


def test_a_mailbox_moves_on_with_whatever_arrived_even_if_it_is_not_new(store: Store) -> None:
    begin(store, "k1")
    store.ingest(arrival("k1", cursor=("INBOX", "1:7")))
    assert store.cursor("INBOX") == "1:7"
    store.ingest(arrival("k9", address="email:none", create=False, cursor=("INBOX", "1:8")))
    assert store.cursor("INBOX") == "1:8"


def test_an_event_gets_the_stores_time_unless_it_has_one(store: Store) -> None:
    before = store.now()
    thread = begin(store, "k1")
    store.ingest(Arrival(message().model_copy(update={"at": 12.5}), PLACE, ("k2",)))
    found = store.load(thread)
    assert found is not None
    assert before - 0.001 <= found.events[0].at <= store.now()  # in milliseconds
    assert found.events[1].at == 12.5


def test_every_character_survives(store: Store) -> None:
    text = "ünï \N{PILE OF POO} \u2028 \" \\ \x00 {}%s '"
    thread = store.ingest(Arrival(message('"odd" id\\', text), PLACE)).thread
    found = store.load(thread)
    assert found is not None
    assert found.events[0] == message('"odd" id\\', text).model_copy(update={"at": found.events[0].at})


def test_whoever_arrives_has_somebody_look(store: Store) -> None:
    thread = begin(store, "k1")
    assert store.claim_due() == [thread]


def test_what_does_not_exist_is_none(store: Store) -> None:
    assert store.load("none") is None
    assert store.acquire("none", 9) is None
    assert store.find("none") is None
    assert store.cursor("none") is None
    assert store.blob("none") is None
    assert store.forget("none") is False
    with pytest.raises(KeyError):
        store.record(Thread("none"), outcome())


# Leases


def test_only_one_holds_a_thread(subject: Subject) -> None:
    thread = begin(subject.store)
    held = subject.store.acquire(thread, 0.2)
    assert held is not None
    assert subject.store.acquire(thread, 0.2) is None
    subject.wait(0.25)
    assert subject.store.acquire(thread, 9) is not None


def test_a_renewed_lease_does_not_end(subject: Subject) -> None:
    thread = begin(subject.store)
    held = subject.store.acquire(thread, 0.2)
    assert held is not None
    assert subject.store.renew(held, 9)
    subject.wait(0.25)
    assert subject.store.acquire(thread, 9) is None


def test_a_lost_lease_cannot_be_renewed_written_under_or_released(store: Store) -> None:
    thread = begin(store)
    stale = store.acquire(thread, 0)
    fresh = store.acquire(thread, 9)
    assert stale is not None
    assert fresh is not None
    assert not store.renew(stale, 9)
    with pytest.raises(Fenced):
        store.append(stale, choice())
    assert store.release(stale, None) is None
    assert store.renew(fresh, 9)
    assert len(log(store, thread)) == 1


def test_whoever_let_go_cannot_write_any_more(store: Store) -> None:
    held = store.acquire(begin(store), 9)
    assert held is not None
    store.release(held, None)
    with pytest.raises(Fenced):
        store.append(held, choice())


def test_a_holder_appends_and_reads_what_others_recorded_meanwhile(store: Store) -> None:
    thread = begin(store)
    held = store.acquire(thread, 9)
    assert held is not None
    store.record(held.thread, outcome("o1"))
    held = store.append(held, choice("d1"), choice("d2"))
    assert [event.id for event in held.thread.events[1:]] == ["o1", "d1", "d2"]
    assert held.thread == store.load(thread)
    assert all(event.at for event in held.thread.events)


def test_a_choice_is_refused_when_a_person_spoke_since_and_the_holder_hears_what_they_said(store: Store) -> None:
    held = store.acquire(begin(store), 9)
    assert held is not None
    store.ingest(Arrival(message("m2"), PLACE, ("k2",)))
    with pytest.raises(Overtaken) as overtaken:
        store.append(held, choice())
    held = overtaken.value.held
    assert held.thread.events[-1].id == "m2"
    assert store.append(held, choice("d2")).thread.events[-1].id == "d2"


def test_attempts_count_until_a_holder_appends_or_lets_go(store: Store) -> None:
    thread = begin(store)
    held = [store.acquire(thread, 0) for _ in range(3)]
    assert [each.attempts for each in held if each] == [1, 2, 3]
    assert held[2] is not None
    assert store.append(held[2], choice()).attempts == 0
    again = store.acquire(thread, 0)
    assert again is not None
    assert again.attempts == 1
    store.release(again, None)
    after = store.acquire(thread, 0)
    assert after is not None
    assert after.attempts == 1


def test_letting_go_is_refused_when_anything_was_appended_since(store: Store) -> None:
    thread = begin(store)
    held = store.acquire(thread, 9)
    assert held is not None
    store.record(held.thread, outcome("o1"))
    still = store.release(held, None)
    assert still is not None
    assert still.thread.events[-1].id == "o1"
    assert store.acquire(thread, 9) is None
    assert store.release(still, None) is None
    assert store.acquire(thread, 9) is not None


# Outcomes


def test_an_outcome_is_recorded_once_whoever_brings_it(store: Store) -> None:
    thread = begin(store)
    stale = store.acquire(thread, 0)
    fresh = store.acquire(thread, 9)
    assert stale is not None
    assert fresh is not None
    after = store.record(stale.thread, outcome("o1"))
    assert after == store.record(fresh.thread, outcome("o1")) == store.load(thread)
    assert [event.id for event in after.events[1:]] == ["o1"]


def test_an_outcome_is_known_however_long_ago_it_was_recorded(store: Store) -> None:
    thread = begin(store)
    found = store.load(thread)
    assert found is not None
    store.record(found, outcome("o1"))
    store.record(found, *(outcome(f"more{number}") for number in range(100)))
    store.record(found, outcome("o1"))
    assert log(store, thread).count("o1") == 1


def test_a_delivery_maps_its_new_address_to_the_thread(store: Store) -> None:
    thread = begin(store)
    found = store.load(thread)
    assert found is not None
    there = e.Delivered(id="x", actor=PARLEY, delivery="p1", address=PLACE, maps=("email:<2@x>",))
    store.record(found, there)
    assert store.find("email:<2@x>") == thread


# Time


def test_a_claimed_thread_is_put_off_and_then_comes_again(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.store.PUT_OFF", 0.2)
    monkeypatch.setattr("bot.memory.PUT_OFF", 0.2)
    thread = begin(subject.store)
    assert subject.store.claim_due() == [thread]
    assert subject.store.claim_due() == []
    subject.wait(0.25)
    assert subject.store.claim_due() == [thread]


def test_what_is_due_first_is_claimed_first(store: Store) -> None:
    for number in (3, 1, 2):
        store.look_at(f"t{number}", float(number))
    assert [store.claim_due(1), store.claim_due(9)] == [["t1"], ["t2", "t3"]]


def test_a_thread_is_looked_at_at_the_earliest_of_the_asked_times(subject: Subject) -> None:
    now = subject.store.now()
    subject.store.look_at("t1", now + 60)
    subject.store.look_at("t1", now + 0.1)
    subject.store.look_at("t1", now + 90)
    assert subject.store.claim_due() == []
    subject.wait(0.15)
    assert subject.store.claim_due() == ["t1"]


def test_a_released_thread_is_due_when_its_holder_said(subject: Subject) -> None:
    thread = begin(subject.store)
    held = subject.store.acquire(thread, 9)
    assert held is not None
    assert subject.store.release(held, held.now + 0.2) is None
    assert subject.store.claim_due() == []
    subject.wait(0.25)
    assert subject.store.claim_due() == [thread]


def test_a_thread_released_for_good_costs_nothing(subject: Subject) -> None:
    held = subject.store.acquire(begin(subject.store), 0.1)
    assert held is not None
    assert subject.store.release(held, None) is None
    subject.wait(0.15)
    assert subject.store.claim_due() == []


def test_a_thread_that_came_to_rest_is_not_due_before_the_rules_say_so(subject: Subject) -> None:
    store = subject.store
    thread = begin(store, "k1")
    found = store.load(thread)
    assert found is not None
    store.rest(found, store.now() + 0.2)
    assert store.claim_due() == []
    subject.wait(0.3)
    assert store.claim_due() == [thread]
    store.rest(found, None)
    subject.wait(5.1 if isinstance(store, MemoryStore) else 0.0)
    assert store.claim_due() == []


def test_a_thread_that_is_held_or_has_news_does_not_come_to_rest(store: Store) -> None:
    thread = begin(store, "k1")
    seen = store.load(thread)
    assert seen is not None
    begin(store, "k2")
    store.rest(seen, None)
    assert store.claim_due() == [thread]
    held = store.acquire(thread, 0.0)
    assert held is not None
    store.rest(held.thread, None)
    assert store.claim_due() == []
    held = store.acquire(thread, 30.0)
    assert held is not None
    store.rest(held.thread, None)
    assert store.release(held, store.now()) is None
    assert store.claim_due() == [thread]


def test_a_thread_whose_holder_died_is_due_when_its_lease_ends(subject: Subject) -> None:
    thread = begin(subject.store)
    assert subject.store.acquire(thread, 0.2)
    assert subject.store.claim_due() == []
    subject.wait(0.25)
    assert subject.store.claim_due() == [thread]


# Locks


def test_a_lock_belongs_to_one_until_it_is_given_back(store: Store) -> None:
    token = store.lock("a", 9)
    assert token is not None
    assert store.lock("a", 9) is None
    assert not store.keep("a", "somebody else's", 9)
    store.unlock("a", "somebody else's")
    assert store.lock("a", 9) is None
    store.unlock("a", token)
    assert store.lock("a", 9)


def test_a_lock_that_ended_is_lost(subject: Subject) -> None:
    token = subject.store.lock("a", 0.1)
    assert token is not None
    subject.wait(0.15)
    assert not subject.store.keep("a", token, 9)
    assert subject.store.lock("a", 9)


def test_a_kept_lock_does_not_end(subject: Subject) -> None:
    token = subject.store.lock("a", 0.2)
    assert token is not None
    assert subject.store.keep("a", token, 9)
    subject.wait(0.25)
    assert subject.store.lock("a", 9) is None


# The rest


def test_threads_are_listed_the_latest_changed_first(subject: Subject) -> None:
    for name in ("a", "b", "c"):
        subject.store.ingest(arrival(name, address=f"web:{name}", thread=name))
        subject.wait(0.002)
    subject.store.ingest(arrival("again", address="web:a"))
    assert subject.store.threads() == ["a", "c", "b"]
    assert subject.store.threads(1) == ["a"]


def test_a_whole_thread_is_written_at_once_and_looked_at(store: Store) -> None:
    store.create("fork", [message("m1").model_copy(update={"at": 5.0}), choice("d1")], ["web:fork"])
    found = store.load("fork")
    assert found is not None
    assert [event.id for event in found.events] == ["m1", "d1"]
    assert found.events[0].at == 5.0
    assert found.events[1].at > 5.0
    assert store.find("web:fork") == "fork"
    assert store.claim_due() == ["fork"]


def test_a_person_in_a_thread_that_was_written_at_once_still_overtakes(store: Store) -> None:
    store.create("fork", [message("m1"), choice("d1")])
    held = store.acquire("fork", 9)
    assert held is not None
    assert store.append(held, choice("d2")).thread.version == 3


def test_forgetting_erases_what_was_said_and_keeps_the_skeleton(store: Store) -> None:
    thread = begin(store)
    before = store.load(thread)
    assert store.forget(thread)
    after = store.load(thread)
    assert before is not None
    assert after is not None
    assert [(event.id, event.type, event.at) for event in after.events] == [
        (event.id, event.type, event.at) for event in before.events
    ]
    assert "hello" not in e.dump(after.events[0])
    assert "Ana" not in e.dump(after.events[0])


def test_forgetting_erases_files_addresses_and_errors_and_leaves_what_parley_did_to_parley(store: Store) -> None:
    file, whole = store.put_blob(b"a file of Ana"), store.put_blob(b"a long result")
    said = message().model_copy(update={"attachments": (Attachment(name="ana.txt", blob=file),)})
    thread = store.ingest(Arrival(said, PLACE)).thread
    held = store.acquire(thread, 9)
    assert held is not None
    asked = e.HumanContacted(
        id="h1", interaction="i1", kind="approval", text="Ana?", surfaces=("email:ana@example.com",)
    )
    there = e.Delivered(id="h1.1", delivery="h1", address="email:ana@example.com", native="ana-1", maps=("slack:ana",))
    failed = e.DeliveryFailed(id="f1", delivery="h1", address="email:ana@example.com", error="ana is unknown")
    store.append(held, choice("d1"), asked)
    store.record(held.thread, outcome("o1").model_copy(update={"blob": whole}), there, failed)
    store.forget(thread)
    after = store.load(thread)
    assert after is not None
    assert (store.blob(file), store.blob(whole)) == (None, None)
    assert "ana" not in "".join(e.dump(event) for event in after.events).casefold()
    assert {event.type: event.actor for event in after.events}["human_contacted"] == PARLEY


def test_a_choice_with_an_id_that_is_not_ours_does_not_keep_a_thread_from_being_read(store: Store) -> None:
    thread = begin(store)
    held = store.acquire(thread, 9)
    assert held is not None
    store.append(held, e.ToolCalled(id="foreign", tool="reply"))
    assert log(store, thread)[1:] == ["foreign"]


def test_what_was_quiet_for_long_is_told_from_what_was_not(subject: Subject) -> None:
    thread = begin(subject.store)
    subject.wait(0.05)
    moment = subject.store.now()
    subject.wait(0.05)
    subject.store.ingest(arrival(address="web:1"))
    assert subject.store.quiet(moment) == [thread]


def test_an_answer_that_changed_nothing_is_not_made_to_change_something_by_forgetting() -> None:
    answer = e.HumanResponded(id="r1", interaction="i1", decision="approved", origin=Origin(address=PLACE))
    assert e.forgotten(answer).arguments is None  # type: ignore[union-attr]


def test_a_forgotten_thread_goes_on(store: Store) -> None:
    thread = begin(store)
    store.forget(thread)
    held = store.acquire(thread, 9)
    assert held is not None
    assert store.append(held, choice("d1")).thread.version == 2


def test_a_cursor_is_what_was_set_last(store: Store) -> None:
    store.set_cursor("INBOX", "1:7")
    store.set_cursor("INBOX", "2:1")
    assert store.cursor("INBOX") == "2:1"


def test_a_blob_is_found_under_its_hash(store: Store) -> None:
    name = store.put_blob(b"\x00 raw \xff")
    assert name == store.put_blob(b"\x00 raw \xff")
    assert store.blob(name) == b"\x00 raw \xff"


def test_what_is_kept_is_found_by_name_until_it_is_deleted(store: Store) -> None:
    assert store.get("slack/a") is None
    store.put("slack/a", b"\x00 one")
    store.put("slack/a", b"two")
    assert store.get("slack/a") == b"two"
    store.delete("slack/a")
    assert store.get("slack/a") is None


def test_what_is_kept_for_a_while_is_then_gone(subject: Subject) -> None:
    subject.store.put("state", b"", 0.2)
    assert subject.store.get("state") == b""
    subject.wait(0.3)
    assert subject.store.get("state") is None


def test_a_flood_into_a_thread_that_somebody_holds_wakes_nobody_and_is_seen_when_it_is_let_go(subject: Subject) -> None:
    thread = begin(subject.store, "k1")
    subject.store.claim_due()
    held = subject.store.acquire(thread, 30)
    assert held is not None
    for number in range(20):
        subject.store.ingest(arrival(f"flood{number}"))
    assert subject.store.claim_due() == []
    later = subject.store.release(held, None)
    assert later is not None
    assert len(later.thread.events) == 21

"""The loop and the deliveries when something comes in between: a full house, a store that hiccups, an outcome that is late."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any, cast

import pytest

from bot import Approval, Tool
from bot import events as e
from bot.events import Origin
from bot.fold import SILENT
from bot.owed import Delivery, Notice
from bot.ports import Held, ModelError, Sent, Unavailable
from bot.state import DID_NOT, GO_ON, HAPPENED
from bot.thread import Thread
from bot.tool import spec
from tests.stage import HOME, Inline, Stage, stage

deeds: list[str] = []


class Both(Tool, effect="write", approval=Approval(by="ops", quorum=2)):
    """Needs two people, who may change what it says."""

    text: str

    def run(self) -> str:
        deeds.append(self.text)
        return "done"


class Delete(Tool, effect="write", approval=None, timeout=0.1):
    """Delete something."""

    def run(self) -> str:
        deeds.append("deleted")
        return "done"


class Charge(Tool, effect="write", approval=None):
    """Returns what ``returned`` says, after its deed."""

    def run(self) -> object:
        deeds.append("charged")
        return returned[0]


class Impatient(Tool, effect="write", approval=None):
    """Somebody it asks takes too long."""

    def run(self) -> str:
        raise TimeoutError("the bank did not answer")


class Again(Tool, effect="write", approval=None, idempotent=True, timeout=30):
    """May be run again."""

    def run(self) -> str:
        deeds.append("again")
        return "done"


returned: list[object] = []


@pytest.fixture(autouse=True)
def _no_deeds() -> None:
    deeds.clear()
    returned.clear()


def counting(on: Stage, monkeypatch: pytest.MonkeyPatch, most: int = 20) -> list[Delivery]:
    """What goes out on Slack; more than ``most`` is a loop."""
    out: list[Delivery] = []
    send = on.slack.send

    def counted(delivery: Delivery, thread: Thread) -> Sent:
        out.append(delivery)
        assert len(out) <= most, "it sends for ever"
        return send(delivery, thread)

    monkeypatch.setattr(on.slack, "send", counted)
    return out


def test_a_card_that_shows_again_what_it_showed_before_is_changed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    on = stage(Both, model=[("both", {"text": "a"})])
    on.says("do it")
    out = counting(on, monkeypatch)
    for by, text in (("ana", "x"), ("carl", "y"), ("ana", "x")):
        on.decides(on.waiting, "approved", by=by, arguments={"text": text})
    assert len(out) == 3 * len(on.slack.cards)
    assert {(card.votes, card.changed["text"]) for card in on.slack.cards} == {(("Ana Diaz",), "x")}


def test_what_cannot_be_put_on_record_is_not_sent_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    on = stage(model=["Hello."])
    out = counting(on, monkeypatch)
    record = on.store.record

    def forgetful(thread: Thread, *events: e.Event) -> Thread:
        return record(thread, *(event for event in events if not event.type.startswith("deliver")))

    monkeypatch.setattr(on.store, "record", forgetful)
    on.says("hi")
    assert 1 <= len(out) <= 3


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    gate = threading.Event()
    yield gate
    gate.set()


def test_a_tool_that_nothing_was_free_for_is_not_begun_later(gate: threading.Event) -> None:
    on = stage(Delete, model=[("delete", {}), "I could not."])
    with ThreadPoolExecutor(1) as hands:
        hands.submit(gate.wait)
        on.loop = replace(on.loop, hands=hands)
        on.says("delete it")
        assert on.types()[-4:] == ["tool_started", "tool_failed", "tool_called", "replied"]
        assert "it did nothing" in on.model.prompts[-1].blocks[-1]
        gate.set()
    assert deeds == []


def test_a_worker_that_slept_through_a_deadline_does_not_begin() -> None:
    class Asleep(Inline):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
            time.sleep(0.15)
            return super().submit(fn, *args, **kwargs)

    on = stage(Delete, model=[("delete", {}), "I could not."])
    on.loop = replace(on.loop, hands=cast(ThreadPoolExecutor, Asleep()))
    on.says("delete it")
    assert deeds == []
    assert on.slack.said == ["I could not."]


def unavailable(times: int, real: Callable[..., Any], when: Callable[..., bool]) -> Callable[..., Any]:
    left = [times]

    def asked(*about: Any) -> Any:
        if left[0] and when(*about):
            left[0] -= 1
            raise Unavailable("Redis did not answer in time.")
        return real(*about)

    return asked


def test_what_a_tool_did_is_on_record_although_the_store_was_away(monkeypatch: pytest.MonkeyPatch) -> None:
    on = stage(Charge, model=[("charge", {}), "Charged."])
    returned.append("x" * 5_000)
    outcome = unavailable(2, on.store.record, lambda thread, *events: events[0].type == "tool_returned")
    monkeypatch.setattr(on.store, "record", outcome)
    monkeypatch.setattr(on.store, "put_blob", unavailable(1, on.store.put_blob, lambda content: True))
    on.says("charge it")
    assert on.slack.said == ["Charged."]
    assert deeds == ["charged"]


def test_what_a_late_tool_did_is_on_record_although_the_store_was_away(
    gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(Delete, effect="write", approval=None, timeout=0.05):
        """Takes longer than it may."""

        def run(self) -> str:
            gate.wait()
            return super().run()

    on = stage(Slow, model=[("slow", {}), "It is deleted."])
    outcome = unavailable(2, on.store.record, lambda thread, *events: events[0].type == "tool_returned")
    monkeypatch.setattr(on.store, "record", outcome)
    monkeypatch.setattr(on.store, "acquire", unavailable(1, on.store.acquire, lambda *about: gate.is_set()))
    with ThreadPoolExecutor(1) as hands:
        on.loop = replace(on.loop, hands=hands)
        on.says("delete it")
        assert on.types()[-2:] == ["outcome_unknown", "human_contacted"]
        gate.set()
    assert on.slack.said == ["It is deleted."]
    assert on.thread().state.open_interactions == ()


@pytest.mark.parametrize("value", [object(), {1, object()}, b"\xff", float("nan")])
def test_a_result_that_is_no_text_is_still_a_deed_that_was_done(value: object) -> None:
    on = stage(Charge, model=[("charge", {}), "Charged."])
    returned.append(value)
    on.says("charge it")
    assert on.types()[-3:] == ["tool_returned", "tool_called", "replied"]


def test_half_a_character_in_a_result_is_a_question_mark_on_record() -> None:
    on = stage(Charge, model=[("charge", {"\udcff": "\udcff"}), ("charge", {}), "Charged."])
    returned.append("caf\udce9" + "\udce9" * 5_000)
    on.says("charge it")
    (result,) = [event for event in on.thread().events if isinstance(event, e.ToolReturned)]
    assert result.result.startswith("caf?")
    assert on.store.blob(result.blob or "") == b"caf" + b"?" * 5_001
    assert all(e.dump(event).encode() for event in on.thread().events)


def test_a_tool_whose_own_request_timed_out_has_failed() -> None:
    on = stage(Impatient, model=[("impatient", {}), "The bank sleeps."])
    on.says("ask the bank")
    assert "TimeoutError: the bank did not answer" in on.model.prompts[-1].blocks[-1]
    assert on.slack.said == ["The bank sleeps."]


def interrupted(tool: type[Tool]) -> Stage:
    """A worker died right after it had written down that the tool starts."""
    on = stage(tool, model=[])
    on.says("go", by="ana")
    held = on.store.acquire(on.thread().id, 1)
    assert held is not None
    called = e.ToolCalled(id="k1", call="c1", tool=spec(tool).name, seen=held.thread.version)
    on.store.append(held, called, e.ToolStarted(id="k2", call="c1", key="key", deadline=on.time + 30))
    on.time += 2
    return on


def just_before(on: Stage, type: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the dead worker's tool did is recorded while another worker already goes on without it."""
    append = on.store.append

    def overtaken(held: Held, *events: e.Event) -> Held:
        if events[0].type == type:
            on.store.record(held.thread, e.ToolReturned(id="c1.1", call="c1", result="done"))
        return append(held, *events)

    monkeypatch.setattr(on.store, "append", overtaken)


def test_an_outcome_that_comes_in_between_stops_a_rerun(monkeypatch: pytest.MonkeyPatch) -> None:
    on = interrupted(Again)
    just_before(on, "tool_started", monkeypatch)
    on.later(60)
    assert deeds == []
    assert "<tool_returned" in str(on.model.prompts[-1].blocks)
    assert on.thread().state.status == "done"


def test_nobody_is_asked_about_an_outcome_that_comes_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    on = interrupted(Delete)
    just_before(on, "outcome_unknown", monkeypatch)
    on.later(60)
    assert on.slack.cards == []
    assert on.thread().state.open_interactions == ()
    assert on.thread().state.status == "done"


LATE: dict[str, e.ToolReturned | e.ToolFailed] = {
    "it did happen": e.ToolReturned(id="c1.1", call="c1", result="deleted 3 files"),
    "it failed": e.ToolFailed(id="c1.1", call="c1", error="disk full"),
}


@pytest.mark.parametrize("said", [HAPPENED, DID_NOT])
@pytest.mark.parametrize("became", LATE)
def test_an_outcome_that_is_not_what_people_said_is_put_before_them(said: str, became: str) -> None:
    on = interrupted(Delete)
    on.later(60)
    on.decides(on.waiting, "answered", by="ana", text=said)
    before = len(on.model.prompts)
    on.store.record(on.thread(), LATE[became])
    on.store.look_at(on.thread().id, on.time)
    on.run()
    if (said == HAPPENED) == (became == "it did happen"):
        assert told(on) == []
        assert len(on.model.prompts) == before
    else:
        assert told(on) == [f"Ana Diaz said “{said}”, but {became}: delete."]
        assert len(on.model.prompts) == before + 1


def nonsense() -> ModelError:
    return ModelError("nonsense", "The model gave an empty answer.", 1.0)


def silence() -> ModelError:
    return ModelError("overloaded", "The model is overloaded.", 1.0)


def told(on: Stage) -> list[str]:
    return [each.body.text for each in on.slack.posted if isinstance(each.body, Notice)]


def test_a_model_that_gives_nothing_but_nonsense_is_put_before_a_person() -> None:
    on = stage(model=[nonsense() for _ in range(20)])
    on.says("hi")
    for _ in range(20):
        on.later(400)
    assert len(on.model.prompts) == 3
    (asked,) = on.slack.cards
    assert asked.kind == "limit"
    assert "3 attempts in a row failed, the last with: The model gave an empty answer." in asked.text
    on.model.choices = ["Hello."]
    on.decides(on.waiting, "answered", by="ben", text=GO_ON)
    assert on.slack.said == ["Hello."]


def test_nonsense_now_and_then_disturbs_nobody() -> None:
    on = stage(model=[nonsense(), nonsense(), "Hello."])
    on.says("hi")
    on.later(400)
    on.later(400)
    assert on.slack.said == ["Hello."]
    assert on.slack.cards == []


def test_who_waits_for_a_model_that_does_not_answer_is_told_once() -> None:
    on = stage(model=[silence() for _ in range(20)])
    on.says("hi")
    asked_at = on.time
    while not told(on):
        on.later(5)
        assert on.time - asked_at < 600, "nobody is told"
    assert on.time - asked_at > 60, "a hiccup is no reason to say anything"
    for _ in range(30):
        on.later(301)
    assert told(on) == [SILENT]
    assert on.slack.said == ["Done."]


def test_a_model_that_was_silent_for_years_is_still_asked_again() -> None:
    on = stage(model=[silence()])
    on.says("hi")
    failed = [e.ModelFailed(id=f"f{n}", reason="overloaded", retry_at=on.time) for n in range(1_100)]
    on.model.choices = [silence(), "Hello."]
    on.store.record(on.thread(), *failed)
    on.later(301)
    on.later(301)
    assert on.slack.said == ["Hello."]


def test_what_is_being_done_is_shown_until_the_thread_rests() -> None:
    on = stage(model=[silence(), "Hello."])
    shown: list[str] = []
    on.loop = replace(on.loop, progress=lambda thread, words: shown.append(words))
    on.arrives(e.MessageReceived(id="m", actor=on.someone(), text="hi", origin=Origin(address=HOME), agent="desk"))
    assert shown == ["thinking…", ""]
    on.later(2)
    assert shown == ["thinking…", "", "thinking…", ""]
    on.loop.look(on.thread().id)
    assert len(shown) == 4

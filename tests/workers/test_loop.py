"""The loop and the deliveries when something comes in between: a full house, a store that hiccups, an outcome that is late."""

import pytest

from bot import Approval, Tool
from bot import events as e
from bot.owed import Delivery
from bot.ports import Sent
from bot.thread import Thread
from tests.stage import Stage, stage

deeds: list[str] = []


class Both(Tool, effect="write", approval=Approval(by="ops", quorum=2)):
    """Needs two people, who may change what it says."""

    text: str

    def run(self) -> str:
        deeds.append(self.text)
        return "done"


@pytest.fixture(autouse=True)
def _no_deeds() -> None:
    deeds.clear()


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

"""Deliveries: what cannot be looked for now waits alone, and what cannot be delivered at all is told to whoever runs Parley."""

from dataclasses import replace

from bot import events as e
from bot.ports import Doubtful, Sent, Undelivered
from tests.stage import Stage, stage


def unreachable() -> Undelivered:
    return Undelivered("Parley is not in #general: invite it there.")


def operated(on: Stage) -> Stage:
    """The same stage, with Ana as its operator."""
    on.deliveries = replace(on.deliveries, operator="slack:@U02ANA")
    on.loop = replace(on.loop, deliver=on.deliveries)
    return on


def test_what_cannot_be_delivered_at_all_is_an_event_and_a_notice_to_the_operator() -> None:
    on = operated(stage(model=["Hello."]))
    on.slack.trouble = [unreachable()]
    id = on.says("Hi")
    (failed,) = [event for event in on.thread(id).events if isinstance(event, e.DeliveryFailed)]
    assert failed.retry_at is None
    notices = [each for each in on.slack.posted if each.address == "slack:@U02ANA"]
    assert [each.body.text for each in notices] == [  # type: ignore[union-attr]  # notices have one
        "I could not deliver something in “Hi”: Parley is not in #general: invite it there."
    ]


def test_a_notice_that_does_not_arrive_leads_to_no_other() -> None:
    on = operated(stage(model=["Hello."]))
    on.slack.trouble = [unreachable(), unreachable(), unreachable()]
    on.says("Hi")
    on.later(3_600)
    assert len(on.slack.trouble) < 2
    assert len([event for event in on.thread().events if isinstance(event, e.DeliveryFailed)]) <= 3


def test_nothing_is_sent_while_nobody_can_look_and_the_wait_is_the_platforms() -> None:
    on = stage(model=["Hello."])
    on.slack.trouble = [Doubtful("no answer")]
    on.slack.finds = [Undelivered("slowly", 30.0), Sent("m1")]
    on.says("Hi")
    on.later(11)
    assert len(on.slack.finds) == 1  # it looked, and was asked to wait
    on.later(20)
    assert len(on.slack.finds) == 1
    on.later(11)
    assert on.slack.finds == []
    assert [event.native for event in on.thread().events if isinstance(event, e.Delivered)] == ["m1"]
    assert len(on.slack.posted) == 1


def test_what_could_not_be_looked_for_in_ten_minutes_is_unknown_and_not_repeated() -> None:
    on = stage(model=["Hello."])
    on.slack.trouble = [Doubtful("no answer")]
    on.slack.finds = [Undelivered("in trouble", 5.0)] * 500
    on.says("Hi")
    for _ in range(70):
        on.later(10)
    assert [event.type for event in on.thread().events if isinstance(event, e.DeliveryUnknown)] == ["delivery_unknown"]
    assert len(on.slack.posted) == 1

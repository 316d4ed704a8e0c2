"""Who decides, how many of them, and what happens while they are silent."""

import pytest

from bot import Approval, Tool
from bot import events as e
from bot.judge import Counted, NotEntitled, Outdated, TooLate
from bot.owed import Notice
from tests.stage import PEOPLE, Stage, stage

deeds: list[str] = []
HOUR = 3600.0


class Pay(Tool, effect="write", approval=Approval(by=["ops", "legal"], quorum=2)):
    """Pay an amount."""

    amount: int

    def run(self) -> str:
        deeds.append(f"paid {self.amount}")
        return "paid"


class Ask(
    Tool,
    effect="write",
    approval=Approval(by="ana", remind=HOUR, escalate="carl", escalate_after=3 * HOUR, within=9 * HOUR),
):
    """Do what ana allows."""

    def run(self) -> str:
        deeds.append("done")
        return "done"


@pytest.fixture(autouse=True)
def _no_deeds() -> None:
    deeds.clear()


def paying() -> Stage:
    on = stage(Pay, model=[("pay", {"amount": 100})])
    on.says("pay 100", by="ben")
    return on


def verdicts(on: Stage) -> list[object]:
    responses = [event for event in on.thread().events if isinstance(event, e.HumanResponded)]
    return [on.thread().state.verdicts[response.id] for response in responses]


def test_two_of_several_must_say_yes() -> None:
    on = paying()
    it = on.waiting
    on.decides(it, "approved", by="ana")
    assert deeds == []
    assert verdicts(on) == [Counted(it, "approved", missing=1)]
    card = next(card for card in on.slack.cards if card.interaction == it)
    assert (card.open, card.votes, card.quorum) == (True, ("Ana Diaz",), 2)
    on.decides(it, "approved", by="carl")
    assert deeds == ["paid 100"]


def test_one_person_has_one_vote_though_they_answer_twice_and_from_two_channels() -> None:
    on = paying()
    it = on.waiting
    on.decides(it, "approved", by="ana")
    on.decides(it, "approved", by="ana")
    on.decides(it, "approved", by=on.team.actor("email:ana@example.com", "Ana", "dmarc"))
    assert deeds == []
    assert isinstance(verdicts(on)[-1], TooLate)


def test_one_no_ends_it_whatever_was_said_before() -> None:
    on = paying()
    it = on.waiting
    on.decides(it, "approved", by="ana")
    on.decides(it, "denied", by="carl")
    on.decides(it, "approved", by=on.team.actor("email:dora@example.com", "Dora", "dmarc"))
    assert deeds == []


def test_somebody_may_change_their_yes_to_a_no() -> None:
    on = paying()
    it = on.waiting
    on.decides(it, "approved", by="ana")
    on.decides(it, "denied", by="ana")
    assert on.thread().state.interactions[it].state == "denied"


def test_changed_arguments_void_the_votes_before_them_and_a_stale_click_explains_itself() -> None:
    on = paying()
    it = on.waiting
    shown = on.thread().state.interactions[it].digest
    on.decides(it, "approved", by="ana", digest=shown)
    on.decides(it, "approved", by="carl", arguments={"amount": 50}, digest=shown)
    assert deeds == []
    on.decides(it, "approved", by="ana", digest=shown)
    assert isinstance(verdicts(on)[-1], Outdated)
    assert deeds == []
    on.decides(it, "approved", by="ana", digest=on.thread().state.interactions[it].digest)
    assert deeds == ["paid 50"]


def test_who_left_since_does_not_count_towards_the_quorum() -> None:
    on = paying()
    it = on.waiting
    on.decides(it, "approved", by="ana")
    people = {**on.team.people, "ana": on.team.people["ana"].model_copy(update={"groups": ()})}
    team = on.team.__class__(on.team.agents, people, on.team.groups)
    on.loop = on.loop.__class__(on.store, team, on.model, on.deliveries, waits=on.loop.waits, hands=on.loop.hands)
    on.decides(it, "approved", by="carl")
    assert deeds == []


def asking() -> Stage:
    on = stage(Ask, model=[("ask", {}), "Nobody decided."])
    on.says("do it", by="ben")
    return on


def test_whoever_is_asked_is_reminded_and_after_a_while_others_are_asked_and_in_the_end_it_is_a_no() -> None:
    on = asking()
    it = on.waiting
    told = []
    for hour in range(1, 11):
        on.later(HOUR)
        told.append(
            (hour, [event.type for event in on.thread().events if event.type in ("reminded", "escalated", "timed_out")])
        )
    assert told[0] == (1, ["reminded"])
    assert "escalated" in told[2][1]
    assert told[8][1][-1] == "timed_out"
    assert on.slack.said == ["Nobody decided."]
    assert deeds == []
    assert not on.thread().state.interactions[it].open


def test_who_is_asked_as_well_may_decide_from_then_on_and_not_before() -> None:
    on = asking()
    it = on.waiting
    on.decides(it, "approved", by="carl")
    assert isinstance(verdicts(on)[-1], NotEntitled)
    on.later(3 * HOUR)
    on.decides(it, "approved", by="carl")
    assert deeds == ["done"]


def test_a_worker_that_was_away_for_long_reminds_once() -> None:
    on = asking()
    on.later(2.5 * HOUR)
    reminders = [each for each in on.slack.posted if isinstance(each.body, Notice)]
    assert len(reminders) == 1
    assert "Still open" in getattr(reminders[0].body, "text", "")


def test_a_delegate_decides_for_somebody_who_is_away() -> None:
    people = {**PEOPLE["people"], "ana": {**PEOPLE["people"]["ana"], "away": True, "delegate": "ben"}}
    on = stage(Ask, model=[("ask", {})])
    on = Stage(on.agents, on.model, {**PEOPLE, "people": people})
    on.says("do it", by="carl")
    on.decides(on.waiting, "approved", by="ben")
    assert deeds == ["done"]


def test_a_decision_that_came_before_the_end_of_time_counts() -> None:
    on = asking()
    on.later(8 * HOUR)
    on.decides(on.waiting, "approved", by="ana")
    assert deeds == ["done"]


class Odd(Tool, effect="write"):
    """Asks somebody who does not exist."""

    def approval(self) -> Approval:
        return Approval(by="nobody")

    def run(self) -> str:
        deeds.append("odd")
        return "done"


def test_an_approval_by_somebody_unknown_fails_closed_and_visibly() -> None:
    on = stage(Odd, model=[("odd", {}), "It cannot be done."])
    on.says("do it", by="ben")
    assert deeds == []
    assert "'nobody'" in on.model.prompts[1].blocks[-1]
    assert on.slack.said == ["It cannot be done."]

"""What people and agents say to each other, as conversations."""

from bot import Agent, Approval, Tool, verbs
from bot.ports import ModelError
from tests.stage import HOME, Script, Stage, stage

deeds: list[str] = []


class Look(Tool, effect="read"):
    """Look something up."""

    words: str = ""

    def run(self) -> str:
        return f"about {self.words}: nothing special"


class Restart(Tool, effect="write", approval=Approval(by="ops")):
    """Restart a service."""

    service: str

    def summary(self) -> str:
        return f"restart {self.service}"

    def run(self) -> str:
        deeds.append(self.service)
        return "3 of 3 instances healthy"


class Note(Tool, effect="write", approval=None):
    """Write something down."""

    text: str

    def run(self) -> str:
        deeds.append(self.text)
        return "noted"


class Break(Tool, effect="read"):
    """Always fails."""

    def run(self) -> str:
        raise RuntimeError("first line\nthe   disk is full " + "x" * 500)


def test_answers_a_message_in_its_conversation() -> None:
    on = stage(model=["Hello Ben."])
    on.says("hi")
    assert on.slack.said == ["Hello Ben."]
    assert on.slack.posted[0].address == HOME
    assert on.thread().state.status == "done"


def test_a_read_tool_runs_at_once_and_the_model_sees_its_result() -> None:
    on = stage(Look, model=[("look", {"words": "lamps"}), "Nothing special."])
    on.says("what about lamps?")
    assert on.types() == ["message_received", "tool_called", "tool_returned", "tool_called", "replied"]
    assert "nothing special" in on.model.prompts[1].blocks[-1]


def test_ships_only_after_a_person_says_yes() -> None:
    deeds.clear()
    on = stage(Restart, model=[("restart", {"service": "api"}), "Restarted."])
    on.says("restart the api")
    assert deeds == []
    assert on.thread().state.status == "waiting"
    on.decides(on.waiting, "approved", by="ana")
    assert deeds == ["api"]
    assert on.slack.said == ["Restarted."]
    (card,) = on.slack.cards
    assert (card.state, card.outcome, card.by and card.by.name) == ("approved", "done", "Ana Diaz")


def test_a_denial_with_a_reason_reaches_the_model_and_nothing_runs() -> None:
    deeds.clear()
    on = stage(Restart, model=[("restart", {"service": "api"}), "Ana wants the backup first."])
    on.says("restart the api")
    on.decides(on.waiting, "denied", by="ana", text="wait for the backup")
    assert deeds == []
    assert "wait for the backup" in on.model.prompts[1].blocks[-1]
    assert on.slack.said == ["Ana wants the backup first."]


def test_a_stranger_decides_nothing() -> None:
    deeds.clear()
    on = stage(Restart, model=[("restart", {"service": "api"})])
    on.says("restart the api")
    for who in ("ben", "sam"):
        on.decides(on.waiting, "approved", by=who)
    assert deeds == []
    assert on.thread().state.status == "waiting"


def test_a_question_is_answered_by_the_reply_in_its_thread() -> None:
    on = stage(model=[("contact_human", {"question": "Which order?", "choices": ["4417", "4392"]}), "4392 it is."])
    on.says("change my order")
    assert on.thread().state.status == "waiting"
    on.says("4392")
    assert on.types()[-3:] == ["human_responded", "tool_called", "replied"]
    assert on.slack.said == ["4392 it is."]


def test_one_thread_two_places_the_customer_gets_the_teammates_answer() -> None:
    on = stage(model=[("contact_human", {"question": "Do we ship to Malta?", "to": "support"}), "Yes, we do."])
    customer = on.team.actor("email:greta@customer.example", "Greta")
    on.says("Do you ship to Malta?", by=customer, at="email:root@customer.example")
    (asked,) = on.slack.posted
    assert asked.address == "slack:#support"
    (opened,) = [address for address in on.thread().state.addresses if address.startswith("slack:T1/")]
    on.says("Yes, within a week.", by="ben", at=opened)
    assert on.email.said == ["Yes, we do."]
    assert on.slack.said == []


def test_a_tool_without_approval_runs_for_a_known_person_and_asks_for_a_stranger() -> None:
    deeds.clear()
    known = stage(Note, model=[("note", {"text": "known"}), "Noted."])
    known.says("note this", by="ben")
    assert deeds == ["known"]
    stranger = stage(Note, model=[("note", {"text": "stranger"})])
    stranger.says("note this", by="sam")
    assert deeds == ["known"]
    assert stranger.thread().state.status == "waiting"


def test_an_unknown_tool_and_a_missing_argument_are_events_that_the_model_reads() -> None:
    on = stage(Restart, model=[("reboot", {}), ("restart", {}), "I cannot."])
    on.says("restart")
    assert on.types().count("tool_failed") == 2
    assert "There is no tool" in on.model.prompts[1].blocks[-1]
    assert "service" in on.model.prompts[2].blocks[-1]


def test_errors_are_one_line_of_at_most_200_characters() -> None:
    on = stage(Break, model=[("break", {}), "It failed."])
    on.says("go")
    (failed,) = [event for event in on.thread().events if event.type == "tool_failed"]
    assert len(failed.error) <= 200
    assert "\n" not in failed.error
    assert "the disk is full" in failed.error


def test_at_the_error_limit_a_person_is_asked_and_their_word_starts_the_count_anew() -> None:
    on = stage(Break, model=[("break", {})] * 3 + ["Enough."])
    on.says("go")
    assert on.types().count("tool_failed") == 3
    assert on.thread().state.open_interactions[0].asked.kind == "limit"
    assert len(on.model.prompts) == 3
    on.decides(on.waiting, "answered", by="ben", text="Go on")
    assert on.slack.said == ["Enough."]


def test_at_the_step_limit_a_person_is_asked() -> None:
    on = stage(Look, model=[("look", {})] * 30, steps=5)
    on.says("go")
    assert len(on.model.prompts) == 5
    assert "5 steps" in on.thread().state.open_interactions[0].asked.text


def test_hands_over_to_another_agent() -> None:
    on = Stage(
        {"desk": Agent(), "ops": Agent([Look])}, Script([("hand_over", {"agent": "ops", "note": "lamps"}), "Hi."])
    )
    on.says("restart")
    assert on.thread().state.agent == "ops"
    assert on.model.prompts[1].agent.name == "ops"


def test_prefetched_calls_run_before_the_first_step_and_a_failing_one_is_an_event() -> None:
    on = stage(Look, model=["Here."], prefetch=[Look(words="a"), lambda text: Look(words=text), lambda text: 1 / 0])
    on.says("lamps")
    called = [event for event in on.thread().events if event.type == "tool_called"]
    assert [call.prefetched for call in called] == [True, True, True, False]
    assert called[1].arguments == {"words": "lamps"}
    assert on.types().count("tool_failed") == 1
    assert on.slack.said == ["Here."]


def test_a_message_while_an_approval_waits_is_shown_to_the_agent_which_may_change_its_request() -> None:
    deeds.clear()
    on = stage(Restart, model=[("restart", {"service": "api"}), ("restart", {"service": "web"}), "Done."])
    on.says("restart the api")
    first = on.waiting
    on.says("no, the web")
    assert on.thread().state.interactions[first].state == "superseded"
    on.decides(first, "approved", by="ana")
    assert deeds == []
    on.decides(on.waiting, "approved", by="ana")
    assert deeds == ["web"]


class Deploy(Tool, effect="write"):
    """Deploy somewhere."""

    where: str

    def approval(self) -> Approval | None:
        return Approval(by="ops") if self.where == "production" else None

    def run(self) -> str:
        deeds.append(self.where)
        return "deployed"


def test_a_changed_request_that_needs_nobody_takes_back_the_one_that_did() -> None:
    deeds.clear()
    on = stage(Deploy, model=[("deploy", {"where": "production"}), ("deploy", {"where": "staging"}), "Done."])
    on.says("deploy to production")
    first = on.waiting
    on.says("no, staging")
    assert deeds == ["staging"]
    assert on.thread().state.interactions[first].state == "superseded"


def test_stop_cancels_at_once_and_a_later_message_reopens() -> None:
    deeds.clear()
    on = stage(Restart, model=[("restart", {"service": "api"}), "Hello again."])
    on.says("restart the api")
    asked = on.waiting
    on.says("stop")
    assert on.thread().state.status == "cancelled"
    on.decides(asked, "approved", by="ana")
    assert deeds == []
    on.says("hello?")
    assert on.slack.said == ["Hello again."]


def test_an_overloaded_model_is_asked_again_later_and_a_refusal_is_told() -> None:
    on = stage(model=[ModelError("overloaded", "busy", 4.0), "Back."])
    on.says("hi")
    assert on.slack.said == []
    on.later(10)
    assert on.slack.said == ["Back."]
    refused = stage(model=[ModelError("refused", "The model refused to answer this.")])
    refused.says("hi")
    assert refused.thread().state.status == "failed"
    assert [getattr(each.body, "text", "") for each in refused.slack.posted] == ["The model refused to answer this."]


def test_an_unknown_agent_fails_closed_and_visibly() -> None:
    on = stage(model=[])
    on.says("hi")
    on.loop = on.loop.__class__(
        on.store, on.team.__class__(), on.model, on.deliveries, waits=on.loop.waits, hands=on.loop.hands
    )
    on.says("still there?")
    assert on.thread().state.status == "failed"


def test_a_fork_lives_on_its_own_and_its_questions_are_not_those_of_its_source() -> None:
    deeds.clear()
    on = stage(Restart, model=[("restart", {"service": "api"}), "Done."])
    source = on.says("restart the api")
    fork = verbs.fork(on.store, on.someone("ana"), source)
    on.run()
    (asked,) = on.thread(fork).state.open_interactions
    assert asked.id != on.thread(source).state.open_interactions[0].id
    verbs.answer(on.store, on.someone("ana"), asked.id, "approved")
    on.run()
    assert deeds == ["api"]
    assert on.thread(fork).state.status == "done"
    assert on.thread(source).state.status == "waiting"
    assert on.slack.said == []

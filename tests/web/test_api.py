"""The verbs over HTTP, with a key."""

from typing import Any

import pytest

from bot import Agent, Approval, Tool, verbs
from bot.events import MessageReceived, dump
from bot.judge import Outdated
from bot.memory import MemoryStore
from bot.people import Team
from bot.ports import Arrival, Ingested, Unavailable
from bot.render import render
from bot.settings import SettingsError
from channels.web.keys import read_keys
from channels.web.shapes import TEXT_BYTES
from tests.stage import HOME, Script, Stage
from tests.web.asking import ANA, BARE, BEN, asking, error, on_stage

WORDS = "somebody's own words"
JSON = {"content-type": "application/json"}
ASK = ("restart", {"service": "api"})


class Delete(Tool, effect="write", approval=Approval(by="ops", quorum=2)):
    """Delete something; it takes two."""

    name: str

    def run(self) -> str:
        return f"deleted {self.name}"


def approval(*after: Any) -> tuple[Stage, str]:
    """A stage on which Ben asked for a restart, and the approval that waits."""
    on = on_stage(ASK, *after)
    on.says("restart the api")
    return on, on.waiting


# Starting and saying


def test_starting_answers_at_once_and_the_agent_works_afterwards() -> None:
    on = on_stage("Hello.")
    answer = asking(on).post("/v1/threads", json={"text": "hi"})
    assert answer.status_code == 201
    thread = answer.json()["id"]
    assert on.types(thread) == ["message_received"]
    on.run()
    shown = asking(on).get(f"/v1/threads/{thread}").json()
    assert shown["status"] == "done"
    assert [event["type"] for event in shown["events"]][-1] == "replied"
    assert shown["events"][0]["actor"]["person"] == "ana"
    assert shown["events"][0]["actor"]["proof"] == "key"


def test_a_repeated_request_with_the_same_idempotency_key_is_the_same_one() -> None:
    on = on_stage()
    ask = asking(on)
    first, again = (
        ask.post("/v1/threads", json={"text": "hi"}, headers={"Idempotency-Key": "order-1"}).json() for _ in range(2)
    )
    assert first == again
    assert len(on.store.logs) == 1
    other = asking(on, BEN).post("/v1/threads", json={"text": "hi"}, headers={"Idempotency-Key": "order-1"}).json()
    assert other != first


def test_an_idempotency_key_that_was_used_for_another_text_is_a_conflict() -> None:
    ask = asking(on_stage())
    ask.post("/v1/threads", json={"text": "hi"}, headers={"Idempotency-Key": "order-1"})
    answer = ask.post("/v1/threads", json={"text": "something else"}, headers={"Idempotency-Key": "order-1"})
    assert error(answer)[0] == 409


def test_of_a_long_text_the_log_holds_the_beginning_and_the_whole_is_a_file() -> None:
    on = on_stage()
    long = "é" * 50_000
    thread = verbs.start(on.store, on.team, on.someone("ana"), long)
    verbs.say(on.store, on.someone("ana"), thread, long)
    for event in on.thread(thread).events:
        assert isinstance(event, MessageReceived)
        assert len(dump(event).encode()) < 16_000
        assert on.store.blob(event.attachments[0].blob or "") == long.encode()
        assert long.startswith(event.text)


def test_a_repeated_long_text_is_the_same_one() -> None:
    ask = asking(on_stage())
    said, key = {"text": "x" * 13_500}, {"Idempotency-Key": "long"}
    assert [ask.post("/v1/threads", json=said, headers=key).status_code for _ in range(2)] == [201, 201]


def test_an_agent_can_be_named_and_one_that_does_not_exist_is_said() -> None:
    ask = asking(on_stage())
    thread = ask.post("/v1/threads", json={"text": "hi", "agent": "other"}).json()["id"]
    assert ask.get(f"/v1/threads/{thread}").json()["agent"] == "other"
    assert error(ask.post("/v1/threads", json={"text": "hi", "agent": "nobody"})) == (
        404,
        "There is no agent 'nobody'; there are desk, other.",
    )


def test_says_something_in_a_thread() -> None:
    on = on_stage("One.", "Two.")
    id = on.says("hi")
    answer = asking(on).post(f"/v1/threads/{id}/messages", json={"text": "and now?"})
    assert (answer.status_code, answer.json()) == (201, {"id": id})
    assert on.types(id)[-1] == "message_received"


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ("{", 400, "The body is no valid JSON."),
        ("[" * 100_000, 400, ""),
        ("\udcff", 400, ""),
        ("[]", 422, "Send a JSON object, with Content-Type: application/json."),
        ("{}", 422, "text: Field required."),
        ('{"text": " "}', 422, "text: say something."),
        ('{"text": "a", "mood": 1}', 422, "mood: Extra inputs are not permitted."),
        ('{"text": "\\ud800"}', 422, "text: "),
        ('{"text": "' + "x" * TEXT_BYTES + '"}', 422, f"text: at most {TEXT_BYTES} bytes"),
        ('{"text": "' + "x" * 1_100_000 + '"}', 413, "This is too large: at most 1000 kB."),
    ],
)
def test_a_request_that_does_not_fit_is_told_why_in_one_sentence(body: str, status: int, words: str) -> None:
    on = on_stage()
    answer = asking(on).post("/v1/threads", content=body.encode(errors="surrogateescape"), headers=JSON)
    assert error(answer)[0] == status
    assert error(answer)[1].startswith(words)
    assert on.store.logs == {}


# Looking


def test_lists_threads_without_events_the_latest_first_and_filtered() -> None:
    on = on_stage(ASK, "Hello.")
    waiting = on.says("restart the api")
    on.time += 5
    done = on.says("hi", at="slack:T1/C1/2.0")
    ask = asking(on)

    def listed(**query: Any) -> list[str]:
        return [row["id"] for row in ask.get("/v1/threads", params=query).json()]

    assert listed() == [done, waiting]
    assert listed(limit=1) == [done]
    assert listed(status="waiting") == [waiting]
    assert listed(agent="other") == []
    assert listed(address=HOME) == [waiting]
    assert listed(address="slack:T1/C1/9.9") == []
    row = ask.get("/v1/threads").json()[1]
    assert "events" not in row
    assert row["words"].startswith("waiting for ops since ")
    assert error(ask.get("/v1/threads", params={"status": "odd"}))[0] == 422


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ({"person": "ben"}, ["restart"]),
        ({"person": "Diaz"}, ["greet"]),
        ({"person": "nobody"}, []),
        ({"channel": "slack"}, ["greet", "restart"]),
        ({"channel": "slack:#general"}, ["greet", "restart"]),
        ({"channel": "slack:#gen"}, []),
        ({"channel": "email"}, []),
        ({"agent": "desk", "status": "waiting"}, ["restart"]),
        ({"words": "API okafor"}, ["restart"]),
        ({"words": "api diaz"}, []),
        ({"limit": 1}, ["greet"]),
    ],
)
def test_threads_are_found_by_person_channel_agent_state_and_words(search: dict[str, Any], found: list[str]) -> None:
    on = on_stage(ASK, "Hello.")
    threads = {"restart": on.says("restart the api")}
    on.time += 5
    threads["greet"] = on.says("hi", by="ana", at="slack:T1/C1/2.0")
    rows = asking(on).get("/v1/threads", params=search).json()
    assert [row["id"] for row in rows] == [threads[name] for name in found]


def test_shows_what_the_model_is_shown_byte_for_byte() -> None:
    on = on_stage("Hello.")
    id = on.says("hi <b>")
    assert asking(on).get(f"/v1/threads/{id}/context").json() == {
        "system": "You are desk.",
        "blocks": list(render(on.thread(id))),
    }


def test_lists_what_is_pending_for_everybody_and_for_the_caller() -> None:
    on, waiting = approval()
    (row,) = asking(on).get("/v1/pending").json()
    assert row["id"] == waiting
    assert (row["kind"], row["tool"], row["arguments"]) == ("approval", "restart", {"service": "api"})
    assert len(asking(on, ANA).get("/v1/pending", params={"mine": True}).json()) == 1
    assert asking(on, BEN).get("/v1/pending", params={"mine": True}).json() == []


def test_tells_what_runs_here() -> None:
    about = asking(on_stage()).get("/v1/about").json()
    assert (about["model"], about["agents"]) == ("scripted", ["desk", "other"])


# Deciding


def test_an_approval_by_somebody_entitled_counts_and_the_call_runs_once() -> None:
    on, waiting = approval("Done.")
    answer = asking(on).post(f"/v1/interactions/{waiting}/answer", json={"decision": "approved"}).json()
    assert answer["counted"]
    assert answer["words"].startswith("Recorded: approved by you")
    on.run()
    assert on.types().count("tool_started") == 1
    again = asking(on).post(f"/v1/interactions/{waiting}/answer", json={"decision": "denied"}).json()
    assert not again["counted"]
    assert again["words"].startswith("You already approved this at ")


def test_an_approval_by_somebody_else_does_not_count_and_they_are_told_who_can() -> None:
    on, waiting = approval()
    answer = asking(on, BEN).post(f"/v1/interactions/{waiting}/answer", json={"decision": "approved"}).json()
    assert answer == {"counted": False, "words": "Only ops can decide this (Ana, Carl)."}
    on.run()
    assert "tool_started" not in on.types()


def test_changed_arguments_are_what_runs_and_ones_that_do_not_fit_are_refused_at_once() -> None:
    on, waiting = approval("Done.")
    ask, path = asking(on), f"/v1/interactions/{waiting}/answer"
    wrong = ask.post(path, json={"decision": "approved", "arguments": {"server": "api"}})
    assert error(wrong)[0] == 422
    assert "service: Field required" in error(wrong)[1]
    assert ask.post(path, json={"decision": "approved", "arguments": {"service": "web"}}).json()["counted"]
    on.run()
    (returned,) = [event for event in on.thread().events if event.type == "tool_returned"]
    assert returned.result == "restarted web"


def test_what_is_pending_is_what_a_yes_would_run_and_only_what_was_seen_can_be_approved() -> None:
    on = Stage({"desk": Agent([Delete])}, Script([("delete", {"name": "a"}), "Done."]))
    on.says("delete a")
    ask, path = asking(on), f"/v1/interactions/{on.waiting}/answer"
    (seen,) = ask.get("/v1/pending").json()
    ask.post(path, json={"decision": "approved", "arguments": {"name": "b"}})
    (changed,) = ask.get("/v1/pending").json()
    assert (seen["arguments"], changed["arguments"]) == ({"name": "a"}, {"name": "b"})
    carl = on.someone("carl")
    late = verbs.answer(on.store, carl, seen["id"], "approved", digest=seen["digest"])
    assert late.verdict == Outdated(seen["id"])
    assert (
        verbs.answer(on.store, carl, seen["id"], "approved", digest=changed["digest"]).interaction.state == "approved"
    )


def test_an_answer_is_for_what_was_open_when_it_was_given_even_if_the_caller_names_nothing() -> None:
    on, waiting = approval()
    asking(on).post(f"/v1/interactions/{waiting}/answer", json={"decision": "approved"})
    (response,) = [event for event in on.thread().events if event.type == "human_responded"]
    assert response.digest == on.thread().state.interactions[waiting].digest != ""


def test_an_answer_to_something_else_than_what_is_asked_now_does_not_count() -> None:
    on, waiting = approval()
    said = {"decision": "approved", "digest": "of something else"}
    assert not asking(on).post(f"/v1/interactions/{waiting}/answer", json=said).json()["counted"]


def test_a_question_is_answered() -> None:
    on = on_stage(("contact_human", {"question": "Which one?", "to": "ana"}), "Thanks.")
    on.says("hi")
    answer = (
        asking(on)
        .post(f"/v1/interactions/{on.waiting}/answer", json={"decision": "answered", "text": "the lamp"})
        .json()
    )
    assert answer["counted"]
    on.run()
    assert on.slack.said == ["Thanks."]


@pytest.mark.parametrize(
    "body",
    [
        '{"decision": "maybe"}',
        '{"decision": "answered"}',
        '{"decision": "denied", "arguments": {"service": "web"}}',
        '{"decision": "approved", "arguments": {"service": NaN}}',
    ],
)
def test_a_decision_that_makes_no_sense_is_refused_and_not_recorded(body: str) -> None:
    on, waiting = approval()
    answer = asking(on).post(f"/v1/interactions/{waiting}/answer", content=body, headers=JSON)
    assert error(answer)[0] == 422
    assert "human_responded" not in on.types()


# Steering


def test_pauses_resumes_and_cancels() -> None:
    on, _ = approval()
    ask, id = asking(on), next(iter(on.store.logs))
    statuses = []
    for verb in ("pause", "resume", "cancel"):
        assert ask.post(f"/v1/threads/{id}/{verb}").json() == {"id": id}
        statuses.append(ask.get(f"/v1/threads/{id}").json()["status"])
    assert statuses == ["paused", "waiting", "cancelled"]


def test_forks_at_an_event_or_at_the_end_and_leaves_the_source_alone() -> None:
    on = on_stage("Hello.")
    id = on.says("hi")
    before, ask = on.thread(id).events, asking(on)
    short = ask.post(f"/v1/threads/{id}/fork", json={"at": 1})
    whole = ask.post(f"/v1/threads/{id}/fork").json()["id"]
    assert short.status_code == 201
    assert on.types(short.json()["id"]) == ["message_received", "forked"]
    assert len(on.thread(whole).events) == len(before) + 1
    assert on.thread(id).events == before
    assert error(ask.post(f"/v1/threads/{id}/fork", json={"at": 99}))[0] == 404


def test_forgets_what_was_said_and_keeps_the_skeleton() -> None:
    on = on_stage("Hello.")
    id = on.says("my secret")
    types, ask = on.types(id), asking(on)
    assert ask.delete(f"/v1/threads/{id}").status_code == 204
    assert on.types(id) == types
    assert "my secret" not in ask.get(f"/v1/threads/{id}").text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/threads/nothing"),
        ("DELETE", "/threads/nothing"),
        ("GET", "/threads/nothing/context"),
        ("POST", "/threads/nothing/pause"),
        ("POST", "/threads/nothing/resume"),
        ("POST", "/threads/nothing/cancel"),
        ("POST", "/threads/nothing/fork"),
        ("POST", "/threads/nothing/messages"),
        ("POST", "/interactions/nothing.1/answer"),
        ("GET", "/elsewhere"),
    ],
)
def test_what_does_not_exist_is_said(method: str, path: str) -> None:
    body = {"text": "hi"} if path.endswith("messages") else {"decision": "approved"} if "answer" in path else None
    assert error(asking(on_stage()).request(method, f"/v1{path}", json=body))[0] == 404


# Keys


@pytest.mark.parametrize("key", ["", "wrong", "ana", f"ana:{ANA}", "ключ"])
def test_without_a_known_key_nothing_is_shown_or_done(key: str) -> None:
    on = on_stage()
    header = {b"X-API-Key": key.encode()} if key else {}
    answer = asking(on, "").post("/v1/threads", json={"text": "hi"}, headers=header)
    assert error(answer)[0] == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert on.store.logs == {}


def test_a_key_may_come_in_either_header_and_may_be_configured_as_its_hash() -> None:
    on = on_stage()
    assert asking(on, "").get("/v1/about", headers={"X-API-Key": ANA}).status_code == 200
    assert asking(on, BEN).post("/v1/threads", json={"text": "hi"}).status_code == 201
    assert on.thread().events[0].actor.person == "ben"


@pytest.mark.parametrize("verb", ["pause", "resume", "cancel", "fork", "forget", "answer"])
def test_a_key_without_a_person_starts_and_says_and_decides_nothing(verb: str) -> None:
    on, waiting = approval()
    ask = asking(on, BARE)
    id = ask.post("/v1/threads", json={"text": "hi"}).json()["id"]
    assert ask.post(f"/v1/threads/{id}/messages", json={"text": "hello?"}).status_code == 201
    assert not on.thread(id).events[0].actor.known
    before = on.thread(waiting.partition(".")[0]).events
    if verb == "answer":
        refused = ask.post(f"/v1/interactions/{waiting}/answer", json={"decision": "approved"})
    elif verb == "forget":
        refused = ask.delete(f"/v1/threads/{id}")
    else:
        refused = ask.post(f"/v1/threads/{waiting.partition('.')[0]}/{verb}")
    assert error(refused)[0] == 403
    assert on.thread(waiting.partition(".")[0]).events == before


@pytest.mark.parametrize(
    "entries",
    [("nobody:secret-1",), ("ana:",), ("sha256:secret-1",), ("ana:sha256:secret-1",), ("secret-1", "ana:secret-1")],
)
def test_a_wrong_entry_of_bot_api_keys_is_one_sentence_that_quotes_no_key(entries: tuple[str, ...]) -> None:
    team = on_stage().team
    with pytest.raises(SettingsError) as told:
        read_keys(entries, team)
    assert "BOT_API_KEYS" in str(told.value)
    assert "secret" not in str(told.value)


def test_nobody_holds_a_key_where_none_is_configured() -> None:
    assert read_keys((), Team()).holder(b"") is None


# Trouble


class Away(MemoryStore):
    def ingest(self, arrival: Arrival) -> Ingested:
        raise Unavailable

    def threads(self, limit: int = 200) -> list[str]:
        raise Unavailable

    def lock(self, name: str, seconds: float) -> str | None:
        raise Unavailable


class Broken(MemoryStore):
    def threads(self, limit: int = 200) -> list[str]:
        raise RuntimeError(WORDS)


def test_a_store_that_is_away_is_said_and_nothing_is_acknowledged() -> None:
    on = on_stage()
    on.store = Away()
    ask = asking(on)
    for answer in (ask.post("/v1/threads", json={"text": "hi"}), ask.get("/v1/threads"), ask.get("/readyz")):
        assert error(answer) == (503, "The store cannot be reached; nothing was written down. Try again.")
    assert ask.get("/healthz").status_code == 200


def test_a_body_of_untold_length_is_cut_off_too() -> None:
    on = on_stage()
    answer = asking(on).post("/v1/threads", content=iter([b"x" * 600_000] * 3), headers=JSON)
    assert error(answer)[0] == 413


def test_an_unexpected_error_is_one_sentence_and_the_log_has_no_content(caplog: pytest.LogCaptureFixture) -> None:
    on = on_stage()
    on.store = Broken()
    answer = asking(on).get("/v1/threads")
    assert error(answer)[0] == 500
    assert "an unexpected RuntimeError in GET" in caplog.text
    assert WORDS not in caplog.text + answer.text

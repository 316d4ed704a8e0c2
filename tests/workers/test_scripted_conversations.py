"""What people read when the shipped agents are played by the stand-in."""

from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import pytest

from agents import _process, load
from bot import Agent, Approval, Tool
from bot import events as e
from bot.events import Actor, Origin
from bot.hear import understand
from bot.ids import new_id
from bot.people import assemble, read_config
from tests.stage import INLINE, Script, Stage
from workers.loop import Loop
from workers.scripted import ScriptedModel

HERE = Path(__file__).parents[2]
MAIL = "email:<1@home.example>"
EVA = Actor(id="email:eva@home.example", name="Eva Weber", proof="dmarc")


class Shipped(Stage):
    """The agents and the people of the repository, played by the stand-in. The first one named is spoken to."""

    def mail(self, text: str, key: str = "") -> None:
        """A customer writes, each time in the same conversation."""
        origin = Origin(address=MAIL, native=key or new_id(), place="email:support@example.com")
        heard = e.MessageReceived(
            id=new_id(), actor=EVA, text=text, subject="A question", origin=origin, agent=next(iter(self.agents))
        )
        thread = self.store.find(MAIL)
        self.arrives(understand(self.store.load(thread) if thread else None, heard), MAIL)

    def answers(self, text: str, by: str = "ben") -> None:
        """A colleague answers the open question where it was asked."""
        self.decides(self.waiting, "answered", by, text, at="slack:T1/C2/1.0")

    @property
    def asked(self) -> str:
        """The one open question."""
        return self.thread().state.interactions[self.waiting].asked.text

    def calls(self, *tools: str) -> list[dict[str, object]]:
        made = [each for each in self.thread().events if isinstance(each, e.ToolCalled)]
        return [{k: v for k, v in each.arguments.items() if k != "reason"} for each in made if each.tool in tools]


def shipped(agent: str, data: Path, **more: Agent) -> Shipped:
    agents = {**load(HERE / "prompts"), **more}
    on = Shipped({agent: agents[agent]}, Script([]))
    on.team = assemble(read_config(HERE / "bot.toml"), agents)
    on.loop = Loop(on.store, on.team, ScriptedModel(), on.deliveries, waits=INLINE, hands=INLINE, data=data)
    return on


@pytest.fixture
def ops(tmp_path: Path) -> Shipped:
    return shipped("ops", tmp_path)


@pytest.fixture
def support(tmp_path: Path) -> Shipped:
    return shipped("support", tmp_path)


@pytest.fixture
def frontdesk(tmp_path: Path) -> Shipped:
    return shipped("frontdesk", tmp_path)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo's services take no second to restart."""

    def run(argv: list[str], **more: object) -> _process.Finished:
        verb = argv[4]
        return (
            _process.Finished(1, "", "no such service")
            if "jobs" in argv
            else _process.Finished(0, f"{verb}: 3 of 3 healthy", "")
        )

    monkeypatch.setattr(_process, "run", run)


# Operations


@pytest.mark.parametrize(
    "text",
    [
        "restart the api on staging",
        "Could you please REBOOT api, stage?",
        "parley: restart api staging, not production",
        "restart staging's api because it hangs",
    ],
)
def test_restarts_on_staging_at_once(ops: Shipped, text: str) -> None:
    ops.says(text)
    assert ops.slack.said == ["Done: restart api on staging. restart: 3 of 3 healthy."]


def test_restarts_on_production_once_somebody_of_ops_said_yes(ops: Shipped) -> None:
    ops.says("restart the api on production because memory is above 95 %")
    asked = ops.thread().state.interactions[ops.waiting].asked
    assert asked.arguments == {"service": "api", "environment": "production", "reason": "memory is above 95 %"}
    assert ops.slack.said == []
    ops.decides(ops.waiting, "approved")
    assert ops.slack.said == ["Done, approved by Ana Diaz: restart api on production. restart: 3 of 3 healthy."]


def test_quotes_the_reason_of_a_denial_and_leaves_it(ops: Shipped) -> None:
    ops.says("restart the api on production")
    ops.decides(ops.waiting, "denied", text="wait for the backup")
    assert ops.slack.said == [
        'Ana Diaz denied this and says: "wait for the backup". I did not restart api on production.'
    ]
    assert "tool_started" not in ops.types()


def test_says_who_changed_what_it_ran(ops: Shipped) -> None:
    ops.says("restart the api on production")
    ops.decides(ops.waiting, "approved", arguments={"service": "api", "environment": "staging", "reason": ""})
    assert ops.slack.said == [
        "Done, approved by Ana Diaz, who changed it before: restart api on staging. restart: 3 of 3 healthy."
    ]


@pytest.mark.parametrize(
    "text",
    [
        "never mind",
        "please withdraw that",
        "don't restart it",
        "we no longer need it, forget it",
        "sorry, never mind",
        "no, stop it",
    ],
)
def test_takes_a_request_back(ops: Shipped, text: str) -> None:
    ops.says("restart the api on production")
    ops.says(text)
    assert ops.slack.said == ["I took the request back: restart api on production."]
    assert ops.thread().state.status == "done"


def test_a_changed_wish_replaces_the_request(ops: Shipped) -> None:
    ops.says("restart the api on production")
    ops.says("no, the web service please")
    assert ops.thread().state.interactions[ops.waiting].asked.arguments["service"] == "web"
    ops.says("sorry, staging I meant")
    assert ops.calls("restart_service")[-1] == {"service": "web", "environment": "staging"}
    assert ops.thread().state.status == "done"


def test_cancelled_work_is_not_picked_up_by_the_next_word(ops: Shipped) -> None:
    ops.says("restart the api on production")
    ops.says("stop")
    ops.says("hm")
    assert len(ops.calls("restart_service")) == 1


def test_what_it_says_is_instead_of_what_waits(ops: Shipped) -> None:
    ops.says("restart the api on production")
    ops.says("cancel that, staging instead")
    assert ops.calls("restart_service")[-1] == {"service": "api", "environment": "staging"}
    assert ops.thread().state.status == "done"


def test_a_word_in_between_leaves_the_request_open(ops: Shipped) -> None:
    ops.says("restart the api on production")
    ops.says("any news?")
    assert ops.slack.said == ["This still waits for ops: restart api on production."]
    assert len(ops.calls("restart_service")) == 1
    ops.says("thanks")
    assert ops.slack.said[-1] == "You are welcome."
    assert ops.waiting


def test_asks_for_what_is_missing_with_the_values_there_are(ops: Shipped) -> None:
    ops.says("restart the api")
    asked = ops.thread().state.interactions[ops.waiting].asked
    assert (asked.text, asked.choices) == ("Which environment do you mean?", ("staging", "production"))
    ops.says("staging")
    assert ops.calls("restart_service") == [{"service": "api", "environment": "staging"}]


def test_does_not_choose_between_two(ops: Shipped) -> None:
    ops.says("restart api and web on staging")
    assert ops.thread().state.interactions[ops.waiting].asked.choices == ("api", "web")


def test_asks_once_and_then_says_what_would_help(ops: Shipped) -> None:
    ops.says("restart the api")
    ops.says("hm?")
    assert ops.slack.said == [
        "I still do not know which environment. Write it in one message, for example: restart service api staging."
    ]


@pytest.mark.parametrize(
    "text", ["status of production", "is the api slow on production?", "how is prod doing?", "show me production"]
)
def test_looks_when_somebody_asks_how_it_is(ops: Shipped, text: str) -> None:
    ops.says(text)
    assert ops.calls("service_status") == [{"environment": "production"}]
    assert ops.calls("restart_service") == []


def test_a_short_word_afterwards_means_the_same_elsewhere(ops: Shipped) -> None:
    ops.says("status of production")
    ops.says("and staging?")
    assert [each["environment"] for each in ops.calls("service_status")] == ["production", "staging"]


def test_looks_at_the_disk(ops: Shipped) -> None:
    ops.says("how full is the disk?")
    assert ops.slack.said == ["disk: 3 of 3 healthy."]


def test_says_what_failed(ops: Shipped) -> None:
    ops.says("restart jobs on staging")
    assert ops.slack.said == ["That did not work: CommandFailed: ended with status 1: no such service."]


def test_reads_a_message_as_it_was_corrected(ops: Shipped) -> None:
    ops.says("restart the api", key="n1")
    origin = Origin(address="slack:T1/C1/1.0", native="n1")
    ops.arrives(e.MessageEdited(id=new_id(), actor=ops.someone(), text="restart the web on staging", origin=origin))
    assert ops.calls("restart_service") == [{"service": "web", "environment": "staging"}]


# Support


def test_answers_a_customer_from_an_article(support: Shipped) -> None:
    support.mail("Hello,\n\nhow long does the delivery of a lamp take?\n\nKind regards\nEva Weber")
    (text,) = support.email.said
    assert text.startswith("Hello Eva,\n\nOrders of lamps and small things that are in stock leave our workshop")
    assert "two to three working days" in " ".join(text.split())


@pytest.mark.parametrize(
    "text",
    [
        "Can you engrave a name into the oak table?",
        "Do you sell gift vouchers?",
        "Where is my order 4417?",
        "Can I have 20% discount on twelve chairs for our café?",
    ],
)
def test_asks_colleagues_what_no_article_answers_and_passes_their_answer_on(support: Shipped, text: str) -> None:
    support.mail(f"Hello,\n\n{text}\n\nBest wishes\nEva")
    assert support.email.said == []
    assert f"Eva Weber asks: “{text}”" in support.asked
    assert support.slack.posted[0].address == "slack:#support"
    support.answers("yes, in about two weeks")
    assert support.email.said == [
        "Hello Eva,\n\nThank you for waiting, I asked a colleague. Yes, in about two weeks.\n\nIf that does not answer it, simply reply to this mail."
    ]


def test_searches_again_for_the_next_question(support: Shipped) -> None:
    support.mail("How long does delivery take?")
    support.mail("Thank you! And can I pay with PayPal?")
    assert "PayPal" in support.email.said[1]
    assert len(support.calls("search_articles")) == 2


def test_thanks_are_only_thanks(support: Shipped) -> None:
    support.mail("How long does delivery take?")
    support.mail("Thank you very much!")
    assert support.email.said[1] == "You are welcome."


def test_a_word_among_colleagues_stays_among_them(support: Shipped) -> None:
    support.mail("Where is my order 4417?")
    support.answers("it left today")
    origin = Origin(address="slack:T1/C2/1.0", native="n")
    message = e.MessageReceived(id=new_id(), actor=support.someone("ben"), text="what a nuisance she is", origin=origin)
    id = next(iter(support.store.logs))
    support.store.addresses["slack:T1/C2/1.0"] = id
    support.arrives(message, "slack:T1/C2/1.0")
    assert len(support.email.said) == 1
    assert "stays between us" in support.asked


def test_a_word_by_somebody_who_was_not_asked_is_no_answer(support: Shipped) -> None:
    support.mail("Where is my order 4417?")
    (first,) = support.thread().state.open_interactions
    support.arrives(
        e.HumanResponded(
            id=new_id(),
            actor=support.someone("ana"),
            interaction=first.id,
            decision="answered",
            text="lost",
            origin=Origin(address="slack:T1/C2/1.0"),
        )
    )
    support.store.addresses["slack:T1/C2/1.0"] = next(iter(support.store.logs))
    for text in ("I think it is lost", "really"):
        support.arrives(
            e.MessageReceived(
                id=new_id(),
                actor=support.someone("ana"),
                text=text,
                origin=Origin(address="slack:T1/C2/1.0", native=new_id()),
            ),
            "slack:T1/C2/1.0",
        )
    assert support.email.said == []
    assert support.asked.startswith("Only support can answer this, please reply to this message. Eva Weber asks: ")
    assert support.asked.count("Only support") == 1


@pytest.mark.parametrize(
    "text", ["how do I return a lamp that I do not like?", "Do not worry, but what can you do about a broken switch?"]
)
def test_a_customers_not_is_nothing_to_take_back(support: Shipped, text: str) -> None:
    support.mail(text)
    assert support.thread().state.status == "done"
    assert (
        "returning" in str(support.email.said).lower()
        or "warranty" in str(support.email.said)
        or "back within 30 days" in str(support.email.said)
    )


# Front desk, and agents that somebody adds


@pytest.mark.parametrize(
    ("text", "desk"),
    [
        ("please restart the api on staging", "ops"),
        ("can I return my chair?", "support"),
        ("my parcel did not arrive", "support"),
        ("is production down?", "ops"),
    ],
)
def test_hands_over_to_the_desk_whose_job_it_is(frontdesk: Shipped, text: str, desk: str) -> None:
    frontdesk.says(text)
    assert frontdesk.thread().state.agent == desk
    assert len(frontdesk.calls("hand_over")) == 1


def test_asks_which_desk_when_it_cannot_tell(frontdesk: Shipped) -> None:
    frontdesk.says("the lamp service")
    assert frontdesk.thread().state.interactions[frontdesk.waiting].asked.choices == ("support", "ops")
    frontdesk.says("ops")
    assert frontdesk.thread().state.agent == "ops"


@pytest.mark.parametrize("text", ["hello", "Good morning Parley!", "what can you do?", "help"])
def test_greets_and_says_what_it_can_do(frontdesk: Shipped, text: str) -> None:
    frontdesk.says(text)
    assert "support for questions of customers" in frontdesk.slack.said[0]
    assert frontdesk.thread().state.agent == "frontdesk"


@pytest.mark.parametrize("text", ["are you a bot?", "who are you", "who won the match?"])
def test_says_that_it_is_a_stand_in(frontdesk: Shipped, text: str) -> None:
    frontdesk.says(text)
    assert "scripted stand-in" in frontdesk.slack.said[0]


class FindRunbooks(Tool, effect="read"):
    """Find the runbooks that mention these words."""

    words: str

    def run(self) -> str:
        return f"Runbook 7 mentions {self.words}."


class Page(Tool, effect="write", approval=Approval(by="ops")):
    """Wake the engineer on call."""

    reason: str

    def run(self) -> str:
        return "woken"


class Deploy(Tool, effect="write", approval=None):
    """Bring a branch to a cluster."""

    branch: str
    cluster: Literal["blue", "green"]
    replicas: int

    def run(self) -> str:
        return f"{self.branch} on {self.cluster} with {self.replicas}"


def test_plays_an_agent_that_somebody_adds(tmp_path: Path) -> None:
    on = shipped(
        "oncall", tmp_path, oncall=Agent(tools=[FindRunbooks, Page, Deploy]).named("oncall", "You wake people.")
    )
    on.says('deploy "main" to green with 3 replicas')
    assert on.slack.said == ["Done: deploy. main on green with 3."]
    on.says("dripping taps")
    assert on.slack.said[1] == "Runbook 7 mentions dripping taps."
    on.says("wake the engineer, the api is gone")
    assert on.thread().state.interactions[on.waiting].asked.tool == "page"


def test_an_agent_without_tools_says_plainly_what_plays_it(tmp_path: Path) -> None:
    on = shipped("poet", tmp_path, poet=Agent().named("poet", "You write poems."))
    on.says("write me a poem about lamps")
    assert "scripted stand-in" in on.slack.said[0]


def test_pretends_to_think_only_where_it_is_told_to(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    naps: list[float] = []
    monkeypatch.setattr("workers.scripted.time", SimpleNamespace(sleep=naps.append))
    on = shipped("ops", tmp_path)
    on.loop = Loop(
        on.store, on.team, ScriptedModel(delay=0.6), on.deliveries, waits=INLINE, hands=INLINE, data=tmp_path
    )
    on.says("hello")
    assert naps == [0.6]

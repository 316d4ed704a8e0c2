"""Whatever happens in a thread, the stand-in makes a choice that the rules understand, and the thread comes to rest."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field

from agents import load
from bot import Agent, Approval, Tool
from bot import events as e
from bot.decide import decide
from bot.effects import Prefetch, Run, Think, Wait, Write
from bot.events import PARLEY, Actor, Event, Origin
from bot.memory import MemoryStore
from bot.people import Team, assemble, read_config
from bot.ports import Arrival, Held, Prompt
from bot.render import render
from bot.thread import Thread
from bot.tool import arguments_of, spec
from workers.scripted import ScriptedModel

HERE = Path(__file__).parents[2]
HOME, INSIDE = "email:<1@home.example>", "slack:T1/C1/1.0"

pytestmark = pytest.mark.slow


class Page(Tool, effect="write", approval=Approval(by="ops")):
    """Wake the engineer on call."""

    reason: str
    loud: bool
    times: int = Field(ge=1, le=3)
    level: Literal[1, 2] | None = None

    def summary(self) -> str:
        raise RuntimeError("no words")

    def run(self) -> str:
        return ""


class FindNotes(Tool, effect="read"):
    """Find notes."""

    words: str

    def run(self) -> str:
        return ""


class Tag(Tool, effect="write", approval=None):
    """Tag things."""

    tags: list[Literal["red", "green"]]
    code: str = Field(pattern=r"^[A-Z]{2}\d+$")

    def run(self) -> str:
        return ""


AGENTS: Mapping[str, Agent] = {
    **load(HERE / "prompts"),
    "newcomer": Agent(tools=[Page, FindNotes, Tag], prefetch=[lambda text: FindNotes(words=text)]).named(
        "newcomer", "- `ops`: work\n- `page`: x"
    ),
    "bare": Agent().named("bare", ""),
}
TEAM: Team = assemble(read_config(HERE / "bot.toml"), AGENTS)

people = st.sampled_from(
    [
        Actor(id="email:eva@home.example", name="Eva Weber"),
        Actor(id="slack:T1/UX", name=""),
        TEAM.member("ana", "slack"),
        TEAM.member("ben", "slack"),
    ]
)
said = st.one_of(
    st.text(max_size=80),
    st.lists(
        st.sampled_from(
            """restart api web staging production no not instead never mind stop cancel that thanks hello help what can you do? status disk
            reason: because page tag red green AB12 4417 yes 3 order return lamp where support ops “ " ' \n . ! Dear Ms regards""".split()
        ),
        max_size=9,
    ).map(" ".join),
)
results = st.one_of(
    st.text(max_size=200),
    st.builds("# {} ({}; has: {})\n\n{}\n\nNo article has: {}.".format, *[st.text(max_size=20)] * 5),
    st.just("# A\n\n\n\n# B (b.md; has: lamp)\n\n1. one\n\nNo article has: order."),
)
things = st.lists(
    st.tuples(
        st.sampled_from(["say", "inside", "answer", "approve", "deny", "edit", "delete", "pause", "resume", "cancel"]),
        said,
        people,
    ),
    min_size=1,
    max_size=7,
)


def event(number: int, kind: str, text: str, actor: Actor, thread: Thread | None, agent: str) -> Event:
    id, origin = f"p{number}", Origin(address=INSIDE if kind == "inside" else HOME, native=f"n{number // 2}")
    waiting = [each.id for each in thread.state.interactions.values()] if thread else []
    if kind in ("answer", "approve", "deny") and waiting:
        decision: Any = {"answer": "answered", "approve": "approved", "deny": "denied"}[kind]
        return e.HumanResponded(
            id=id, actor=actor, interaction=waiting[-1], decision=decision, text=text, origin=origin
        )
    if kind == "edit":
        return e.MessageEdited(id=id, actor=actor, text=text, origin=origin)
    if kind == "delete":
        return e.MessageDeleted(id=id, actor=actor, origin=origin)
    if kind in ("pause", "resume", "cancel"):
        steered: dict[str, Event] = {
            "pause": e.Paused(id=id, actor=actor),
            "resume": e.Resumed(id=id, actor=actor),
            "cancel": e.Cancelled(id=id, actor=actor),
        }
        return steered[kind]
    return e.MessageReceived(id=id, actor=actor, text=text, origin=origin, agent=agent)


def work(store: MemoryStore, held: Held, outcomes: list[str]) -> Held:
    """The loop, with tools that return or fail as they are told."""
    model = ScriptedModel()
    for number in range(120):
        thread = held.thread
        id = f"w{thread.version}.{number}"
        match decide(TEAM, thread, held.now):
            case Wait():
                return held
            case Write(event=written):
                held = store.append(held, written)
            case Think():
                choice = model.choose(Prompt(TEAM.agents[thread.state.agent], render(thread), thread))
                assert choice.tool in TEAM.agents[thread.state.agent].toolbox
                held = store.append(
                    held,
                    e.ToolCalled(
                        id=id, actor=PARLEY, call=id, tool=choice.tool, arguments=choice.arguments, seen=thread.version
                    ),
                )
            case Prefetch(number=place):
                wanted = TEAM.agents[thread.state.agent].prefetch[place]
                tool = wanted if isinstance(wanted, Tool) else wanted("words")
                held = store.append(
                    held,
                    e.ToolCalled(
                        id=id,
                        actor=PARLEY,
                        call=id,
                        tool=spec(tool).name,
                        arguments=arguments_of(tool),
                        prefetched=True,
                    ),
                )
            case Run(call=call):
                text = outcomes[number % len(outcomes)] if outcomes else ""
                came = (
                    e.ToolFailed(id=id, actor=PARLEY, call=call, error=text)
                    if len(text) % 3 == 1
                    else e.ToolReturned(id=id, actor=PARLEY, call=call, result=text)
                )
                held = store.append(held, came)
    raise AssertionError("the thread does not come to rest")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(AGENTS)), things, st.lists(results, max_size=3))
def test_every_thread_comes_to_rest(agent: str, happens: list[tuple[str, str, Actor]], outcomes: list[str]) -> None:
    store = MemoryStore(lambda: 1000.0)
    id = ""
    for number, (kind, text, actor) in enumerate([("say", "hello", happens[0][2]), *happens]):
        came = event(number, kind, text, actor, store.load(id) if id else None, agent)
        id = store.ingest(Arrival(came, HOME, thread=id)).thread
        held = store.acquire(id, 60)
        assert held is not None
        held = work(store, held, outcomes)
        store.release(held, None)


def test_it_answers_a_thread_that_it_has_not_begun() -> None:
    thread = Thread.of(
        "t", [e.ToolFailed(id="1", actor=PARLEY, call="c", error=""), e.TimedOut(id="2", actor=PARLEY, interaction="x")]
    )
    for agent in AGENTS.values():
        assert ScriptedModel().choose(Prompt(agent, (), thread)).tool == "reply"

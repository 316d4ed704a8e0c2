"""``replay``: a thread's recorded choices once more. The same bytes? And, if the model is asked: the same choice? No tool runs."""

from collections.abc import Iterator
from dataclasses import dataclass

from bot import events as e
from bot.agent import Agent
from bot.decide import parse
from bot.ids import canonical
from bot.people import Team
from bot.ports import Choice, Model, ModelError, Prompt
from bot.render import fingerprint, render
from bot.settings import Settings
from bot.thread import Thread
from bot.tool import arguments_of
from workers.model import model_for


@dataclass(frozen=True)
class Change:
    """One recorded choice that would be different now; ``number`` is its place in the log."""

    number: int
    what: str


def replay(thread: Thread, team: Team, settings: Settings, *, ask: bool) -> int:
    """Print what would change; 1 if anything would, else 0. With ``ask`` the model is asked again at each choice."""
    model = model_for(settings) if ask else None
    changes, choices = list(changed(thread, team, model)), sum(1 for _ in recorded(thread))
    for change in changes:
        print(f"{change.number:4}  {change.what}")
    asked = f", {model.name} was asked again" if model else ""
    print(f"{choices} choices, {len(changes)} would change{asked}.")
    return 1 if changes else 0


def recorded(thread: Thread) -> Iterator[tuple[int, e.ToolCalled, Thread]]:
    """Every choice of the model: its place in the log, itself, and the thread as the model saw it."""
    before = Thread(thread.id)
    for number, event in enumerate(thread.events):
        if isinstance(event, e.ToolCalled) and not event.prefetched:
            seen = before if event.seen == number else Thread.of(thread.id, thread.events[: event.seen])
            yield number, event, seen
        before = before.extend([event])


def changed(thread: Thread, team: Team, model: Model | None) -> Iterator[Change]:
    """What would be different now: other bytes for the model, or another choice by it."""
    for number, call, seen in recorded(thread):
        agent = team.agents.get(seen.state.agent)
        if agent is None:
            yield Change(number, f"there is no agent {seen.state.agent!r} any more")
            continue
        blocks = render(seen)
        if call.shown and fingerprint(agent, blocks) != call.shown:
            yield Change(number, f"{call.tool}: the model would be shown something else (prompt, tools or rendering)")
        if model is not None and (other := _other_choice(model, Prompt(agent, blocks, seen), call)):
            yield Change(number, other)


def _other_choice(model: Model, prompt: Prompt, call: e.ToolCalled) -> str:
    """How the model would choose now, if otherwise."""
    try:
        choice = model.choose(prompt)
    except ModelError as error:
        return f"{call.tool}: no choice now ({error})"
    now, then = _words(prompt.agent, choice), f"{call.tool} {canonical(dict(call.arguments))}"
    return "" if now == then else f"{then} → {now}"


def _words(agent: Agent, choice: Choice) -> str:
    """A choice as it would have been written down."""
    tool = parse(agent, choice.tool, choice.arguments)
    return f"{choice.tool} {canonical(choice.arguments if isinstance(tool, str) else arguments_of(tool))}"

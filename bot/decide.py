"""The rules: what should happen next in a thread. Pure, and short enough to read aloud."""

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from bot import events as e
from bot.agent import Agent
from bot.checkpoint import checkpoint
from bot.effects import Effect, Prefetch, Run, Think, Wait, Write
from bot.events import CLOCK, Actor, Audience, Ladder
from bot.ids import digest
from bot.intents import ContactHuman, HandOver, Reply, Withdraw
from bot.ladder import Rung, next_rung
from bot.people import Team
from bot.state import DID_NOT, GO_ON, HAPPENED, STOP, Call, Interaction, State
from bot.surfaces import surfaces, with_delegates
from bot.thread import Thread
from bot.tool import Approval, Tool, arguments_of, digest_of, mistakes, needed_approval, one_line, spec

PATIENCE = 5  # times that something is tried without progress before the thread is set aside
QUIET = 3.0  # seconds without a word from people, after two thoughts in a row were thrown away


def decide(team: Team, thread: Thread, now: float) -> Effect:
    """The next thing to do. ``now`` is the store's time in seconds."""
    state = thread.state
    agent = team.agents.get(state.agent)
    if state.paused:
        return Wait()
    if agent is None and not state.resting:
        return Write(_set_aside(thread, f"There is no agent {state.agent!r} here. An operator can add it and resume."))
    steps = _aftermath(team, thread, now) if state.resting or agent is None else _next_steps(team, agent, thread, now)
    for effect in steps:
        return effect
    return _wait(team, state, now)


def _aftermath(team: Team, thread: Thread, now: float) -> Iterator[Effect]:
    """What is still due when nothing more is thought or begun: the truth about what was begun, and an end for what was asked."""
    for call in thread.state.open_calls:
        if call.state == "started" and call.deadline <= now:
            yield Write(e.OutcomeUnknown(id=_id(thread), call=call.id, attempt=call.attempt))
        if call.state == "unknown" and not _asked_about(thread.state, call):
            yield Write(_ask_outcome(team, thread, call))
    yield from _rungs(team, thread, now)


def _rungs(team: Team, thread: Thread, now: float) -> Iterator[Effect]:
    for interaction in thread.state.open_interactions:
        rung = next_rung(team, interaction)
        if rung is not None and rung.at <= now:
            yield Write(_climb(team, thread, interaction, rung))


def _next_steps(team: Team, agent: Agent, thread: Thread, now: float) -> Iterator[Effect]:
    """Every rule in order of urgency; the first that has something to do wins."""
    state = thread.state
    for call in state.open_calls:
        yield from _advance(team, agent, thread, call, now)
    yield from _rungs(team, thread, now)
    yield from _limits(team, agent, thread, now)
    if not state.fresh or (state.retry_at or 0) > now or _unsettled(state, now):
        return
    if state.thoughts == 0 and state.prefetched < len(agent.prefetch):
        yield Prefetch(state.prefetched)
    if (shorter := checkpoint(thread, _id(thread))) is not None:
        yield Write(shorter)
    yield Think()


def _advance(team: Team, agent: Agent, thread: Thread, call: Call, now: float) -> Iterator[Effect]:
    """What an open call needs. A call that waits for people needs nothing."""
    match call.state:
        case "chosen":
            yield from _chosen(team, agent, thread, call)
        case "approved":
            yield _approved(team, agent, thread, call)
        case "started" if call.deadline <= now:
            yield _overdue(agent, thread, call)
        case "unknown" if not _asked_about(thread.state, call):
            yield Write(_ask_outcome(team, thread, call))


def _chosen(team: Team, agent: Agent, thread: Thread, call: Call) -> Iterator[Effect]:
    tool = parse(agent, call.tool, call.arguments)
    if isinstance(tool, str):
        yield Write(_refuse(thread, call, tool))
        return
    if spec(tool).intent:
        yield _carry_out(team, thread, call, tool)
        return
    yield from _replace_request(thread, call)
    approval = approval_for(thread.state, tool)
    if approval is None:
        yield Run(call.id, tool, call.attempt + 1, _key(thread, call))
    else:
        yield _ask_approval(team, thread, call, tool, approval)


def approval_for(state: State, tool: Tool) -> Approval | None:
    """Who must say yes now: what the tool declares, and any known person where "nobody" cannot be honoured."""
    if spec(tool).effect == "read":
        return None
    needed = needed_approval(tool)
    return Approval() if needed is None and not state.trusted else needed


def _replace_request(thread: Thread, call: Call) -> Iterator[Effect]:
    """A new request for the same tool supersedes the one that still waits; the very same request changes nothing."""
    for interaction in thread.state.open_interactions:
        if interaction.asked.kind != "approval" or interaction.asked.tool != call.tool:
            continue
        if interaction.asked.digest == call.digest:
            waiting = f"This very request already waits for approval as {interaction.id}."
            yield Write(e.ToolReturned(id=_id(thread), call=call.id, result=waiting))
        yield Write(e.Withdrawn(id=_id(thread), interaction=interaction.id, reason="superseded"))


def _ask_approval(team: Team, thread: Thread, call: Call, tool: Tool, approval: Approval) -> Effect:
    if unknown := [name for name in approval.by if not team.is_known(name)]:
        return Write(
            _refuse(thread, call, f"It needs a yes of {unknown[0]!r}, whom nobody added to bot.toml; it cannot run.")
        )
    names = with_delegates(team, approval.by)
    audience = Audience(names=names, self_approval=approval.self_approval, quorum=approval.quorum)
    asked = e.HumanContacted(
        id=_id(thread),
        actor=_agent(thread),
        interaction=f"{thread.id}.{thread.version}",
        kind="approval",
        text=" ".join(tool.summary().split())[:500],
        audience=audience,
        surfaces=surfaces(team, thread.state, names, approval=True),
        call=call.id,
        tool=call.tool,
        arguments=arguments_of(tool),
        digest=digest_of(tool),
        until=None if approval.within is None else thread.state.updated + approval.within,
        ladder=Ladder(remind=approval.remind, escalate=approval.escalate, escalate_after=approval.escalate_after),
    )
    return Write(asked)


def _approved(team: Team, agent: Agent, thread: Thread, call: Call) -> Effect:
    """The one choke point: what runs is what was approved, by somebody who may still approve it."""
    interaction = thread.state.interactions[call.interaction or ""]
    shown = parse(agent, call.tool, interaction.asked.arguments)
    if isinstance(shown, str) or digest_of(shown) != interaction.asked.digest:
        return Write(_refuse(thread, call, "The tool was changed after this was approved; ask again."))
    tool = shown if interaction.arguments is None else parse(agent, call.tool, interaction.arguments)
    if isinstance(tool, str):
        return Write(_refuse(thread, call, tool))
    if not _may_still_decide(team, thread.state, interaction, tool):
        return Write(_refuse(thread, call, "Whoever approved this may not approve it any more; ask again."))
    return Run(call.id, tool, call.attempt + 1, _key(thread, call), approval=interaction.id)


def _may_still_decide(team: Team, state: State, interaction: Interaction, tool: Tool) -> bool:
    needed = approval_for(state, tool) or Approval(interaction.asked.audience.names)
    names = (*with_delegates(team, needed.by), *interaction.escalated) if needed.by else ()
    entitled = [
        vote
        for vote in interaction.votes
        if vote.by.known
        and team.still_entitled(vote.by, names)
        and (needed.self_approval or not any(vote.by.may_be(asker) for asker in interaction.askers))
    ]
    return len(entitled) >= needed.quorum


def _overdue(agent: Agent, thread: Thread, call: Call) -> Effect:
    """Started, past its deadline, and no word of what came of it."""
    tool = parse(agent, call.tool, _arguments_started(thread.state, call))
    if not isinstance(tool, str) and (spec(tool).idempotent or spec(tool).effect == "read"):
        if call.tries >= PATIENCE:
            return Write(stuck(thread))
        return Run(call.id, tool, call.attempt + 1, call.key, approval=call.interaction)
    return Write(e.OutcomeUnknown(id=_id(thread), call=call.id, attempt=call.attempt))


def _arguments_started(state: State, call: Call) -> Any:
    interaction = state.interactions.get(call.interaction or "")
    return call.arguments if interaction is None or interaction.arguments is None else interaction.arguments


def _ask_outcome(team: Team, thread: Thread, call: Call) -> e.HumanContacted:
    approval = thread.state.interactions.get(call.interaction or "")
    names = approval.asked.audience.names if approval else ()
    what = approval.asked.text if approval else call.tool.replace("_", " ")
    return e.HumanContacted(
        id=_id(thread),
        interaction=f"{thread.id}.{thread.version}",
        kind="outcome",
        text=f"Interrupted while running: {what}. It may or may not have happened. Please look, then say which.",
        choices=(HAPPENED, DID_NOT),
        urgency="high",
        audience=Audience(names=names),
        surfaces=surfaces(team, thread.state, names, approval=True),
        call=call.id,
        tool=call.tool,
        arguments=dict(_arguments_started(thread.state, call)),
    )


def _asked_about(state: State, call: Call) -> bool:
    return any(each.asked.kind == "outcome" and each.asked.call == call.id for each in state.open_interactions)


def _carry_out(team: Team, thread: Thread, call: Call, intent: Tool) -> Effect:
    match intent:
        case Reply():  # its words stand in the call: see bot/unsaid.py
            return Write(e.Replied(id=_id(thread), call=call.id, address=thread.state.home))
        case ContactHuman():
            return Write(_ask(team, thread, call, intent))
        case Withdraw(interaction=id):
            found = thread.state.interactions.get(id)
            if found is None or not found.open or found.asked.kind == "outcome":
                return Write(_refuse(thread, call, f"No question or approval {id!r} is open."))
            return Write(e.Withdrawn(id=_id(thread), actor=_agent(thread), interaction=id, call=call.id))
        case HandOver(agent=agent, note=note):
            if agent not in team.agents or agent == thread.state.agent:
                others = ", ".join(sorted(set(team.agents) - {thread.state.agent}))
                return Write(_refuse(thread, call, f"There is no other agent {agent!r}; there are {others}."))
            return Write(e.HandedOff(id=_id(thread), actor=_agent(thread), call=call.id, agent=agent, note=note))
    raise AssertionError(f"an intent that the rules do not know: {call.tool}")


def _ask(team: Team, thread: Thread, call: Call, intent: ContactHuman) -> e.HumanContacted | e.ToolFailed:
    names = with_delegates(team, (intent.to,)) if intent.to else ()
    if intent.to and not team.is_known(intent.to):
        known = ", ".join(sorted({*team.people, *team.groups}))
        return _refuse(thread, call, f"Nobody is called {intent.to!r}; there are {known}.")
    return e.HumanContacted(
        id=_id(thread),
        interaction=f"{thread.id}.{thread.version}",
        choices=tuple(dict.fromkeys(intent.choices)),
        urgency=intent.urgency,
        audience=Audience(names=names),
        surfaces=surfaces(team, thread.state, names, approval=False),
        call=call.id,
    )


def _limits(team: Team, agent: Agent, thread: Thread, now: float) -> Iterator[Effect]:
    """Every thread comes to rest: at a limit a person is asked, and until they answer nothing more is thought."""
    state = thread.state
    reached = state.steps >= agent.steps or state.errors >= agent.errors
    asked = [each for each in state.open_interactions if each.asked.kind == "limit"]
    if asked and not reached:
        yield Write(e.Withdrawn(id=_id(thread), interaction=asked[0].id, reason="superseded"))
    if reached and state.fresh:
        yield _wait(team, state, now) if asked else Write(_ask_limit(team, agent, thread))


def _ask_limit(team: Team, agent: Agent, thread: Thread) -> e.HumanContacted:
    state = thread.state
    if state.errors >= agent.errors:
        text = f"{state.errors} attempts in a row failed, the last with: {_last_error(thread)} Shall I go on?"
    else:
        text = f"I took {state.steps} steps and am not done. Shall I go on?"
    return e.HumanContacted(
        id=_id(thread),
        interaction=f"{thread.id}.{thread.version}",
        kind="limit",
        text=text,
        choices=(GO_ON, STOP),
        surfaces=surfaces(team, state, (), approval=False),
    )


def _last_error(thread: Thread) -> str:
    for each in reversed(thread.events):
        match each:
            case e.ToolFailed(error=error) | e.ModelFailed(reason="nonsense", error=error):
                return error
    return ""


def _unsettled(state: State, now: float) -> bool:
    """People are still typing: two thoughts in a row were overtaken, so wait for a moment of quiet."""
    return state.discarded >= 2 and now < state.spoke_at + QUIET


def _wait(team: Team, state: State, now: float) -> Wait:
    times = [rung.at for each in state.open_interactions if (rung := next_rung(team, each))]
    times += [call.deadline for call in state.open_calls if call.state == "started"]
    if not state.resting and state.fresh:
        times += [state.retry_at] if state.retry_at else []
        times += [state.spoke_at + QUIET] if _unsettled(state, now) else []
    return Wait(min((time for time in times if time > now), default=None))


def _climb(team: Team, thread: Thread, interaction: Interaction, rung: Rung) -> e.TimedOut | e.Reminded | e.Escalated:
    """Silence is answered by reminding, asking others, and in the end by closing; never by approving."""
    match rung.kind:
        case "end":
            return e.TimedOut(id=_id(thread), actor=CLOCK, interaction=interaction.id)
        case "remind":
            return e.Reminded(id=_id(thread), actor=CLOCK, interaction=interaction.id)
        case "escalate":
            names = with_delegates(team, interaction.asked.ladder.escalate)
            where = surfaces(team, thread.state, names, approval=False)
            return e.Escalated(id=_id(thread), actor=CLOCK, interaction=interaction.id, names=names, surfaces=where)


def parse(agent: Agent, name: str, arguments: Any) -> Tool | str:
    """The call that a name and arguments make, or in one line why they make none."""
    tool = agent.tool(name)
    if tool is None:
        return f"There is no tool {name!r}; there are {', '.join(sorted(agent.toolbox))}."
    try:
        return tool.model_validate(dict(arguments))
    except ValidationError as error:
        return one_line(mistakes(error))
    except Exception as error:
        return one_line(f"{type(error).__name__}: {error}")


def _refuse(thread: Thread, call: Call, error: str) -> e.ToolFailed:
    return e.ToolFailed(id=_id(thread), call=call.id, error=one_line(error))


def stuck(thread: Thread) -> e.SetAside:
    """Whatever is tried in this thread ends without a trace, perhaps together with the process that tries it."""
    how = f"An operator can look at the log and let me try again: python -m bot resume {thread.id}"
    return _set_aside(thread, f"I tried this {PATIENCE} times and could not get on. {how}")


def _set_aside(thread: Thread, error: str) -> e.SetAside:
    return e.SetAside(id=_id(thread), error=error)


def _agent(thread: Thread) -> Actor:
    return Actor(kind="agent", id=f"agent:{thread.state.agent}")


def _id(thread: Thread) -> str:
    """The id of an event that is decided at this version; a choice is appended at most once a version."""
    return f"d{thread.version}"


def _key(thread: Thread, call: Call) -> str:
    return call.key or digest([thread.id, call.id])

"""The state after one more event. Pure; every derived value in Parley comes from here."""

from collections.abc import Mapping

from bot import events as e
from bot.changes import (
    anew,
    attend,
    close,
    map_address,
    notice,
    outcome_on_card,
    settle,
    told_by_mail,
    with_actor,
    with_call,
    with_post,
)
from bot.events import Event, Usage
from bot.posts import delivered_or_not
from bot.requests import asked, away_noticed, responded
from bot.state import HAPPENED, Call, Interaction, Post, State
from bot.trust import vouched
from bot.values import replace

KEPT = "Kept. This conversation is paused; I read it as soon as somebody resumes it."
STOPPED = "Stopped. Write again and I go on from here."
SILENT = "The model that I think with does not answer at present. I keep asking, and go on as soon as it does."
SILENCES = 8  # failures in a row until the requester is told; with the waits in between, some minutes


def fold(state: State, event: Event) -> State:
    """The state after one more event. Pure; every derived value in Parley comes from here."""
    tainted = state.tainted or not vouched(event)
    state = replace(state, version=state.version + 1, updated=event.at or state.updated, tainted=tainted)
    if event.type in e.FROM_PEOPLE:
        state = replace(state, spoke_at=event.at or state.spoke_at)
    match event:
        case e.MessageReceived() | e.MessageEdited() | e.MessageDeleted():
            return _heard(state, event)
        case e.HumanResponded():
            return responded(state, event)
        case e.Paused() | e.Resumed() | e.Cancelled():
            return _steered(state, event)
        case e.ToolCalled() | e.ThoughtDiscarded() | e.ModelFailed():
            return _thought(state, event)
        case e.ToolStarted() | e.ToolReturned() | e.ToolFailed() | e.OutcomeUnknown():
            return _ran(state, event)
        case e.HumanContacted() | e.Withdrawn() | e.TimedOut() | e.Reminded() | e.Escalated():
            return asked(state, event)
        case e.AwayNoticed():
            return away_noticed(state, event)
        case e.Replied():
            post = Post(key=event.id, address=event.address, kind="reply", text=event.text)
            return replace(settle(with_post(state, post), event.call), askers=(), unanswered=())
        case e.DeliveryAttempted() | e.Delivered() | e.DeliveryFailed() | e.DeliveryUnknown():
            return delivered_or_not(state, event)
        case e.HandedOff():
            state = settle(state, event.call)
            return attend(replace(state, agent=event.agent, prefetched=0, thoughts=0))
        case e.SetAside():
            calls = {id: replace(call, tries=0) for id, call in state.calls.items()}
            state = replace(state, failed=event.error, calls=calls)
            return with_post(state, notice(event.id, state.home, event.error))
        case e.Forked():
            return _forked(state, event)
        case e.Checkpointed():
            return replace(state, checkpoint=event)


def _heard(state: State, event: e.MessageReceived | e.MessageEdited | e.MessageDeleted) -> State:
    if not isinstance(event, e.MessageReceived):
        return _corrected(state, event)
    if state.paused:
        state = told_by_mail(state, event.id, event.origin, KEPT)
    state = anew(map_address(state, event.origin.address))
    at_home = state.home in ("", event.origin.address)
    return replace(
        state,
        agent=state.agent or event.agent,
        title=state.title or event.subject or _first_line(event.text),
        home=state.home or event.origin.address,
        requester=event.actor if at_home else state.requester,
        place=state.place or event.origin.place,
        askers=with_actor(state.askers, event.actor),
        unanswered=(*state.unanswered, event.origin.native),
    )


def _corrected(state: State, event: e.MessageEdited | e.MessageDeleted) -> State:
    """A change of what is not answered yet matters; a change of what is answered is only on record."""
    return anew(state) if event.origin.native in state.unanswered else state


def _steered(state: State, event: e.Paused | e.Resumed | e.Cancelled) -> State:
    if isinstance(event, e.Paused):
        return replace(state, paused=True)
    if isinstance(event, e.Resumed):
        resumed = replace(state, paused=False, cancelled=False, failed="", retry_at=None, model_failures=0)
        return attend(resumed) if state.failed else resumed
    for interaction in state.open_interactions:
        if interaction.asked.kind != "outcome":
            state = close(state, interaction, "withdrawn", event)
    for call in state.open_calls:
        if call.state in ("chosen", "asked", "approved"):
            state = settle(state, call.id)
    state = replace(state, cancelled=True, paused=False, seen=state.version)
    return told_by_mail(state, event.id, event.origin, STOPPED)


def _thought(state: State, event: e.ToolCalled | e.ThoughtDiscarded | e.ModelFailed) -> State:
    state = replace(state, usage=spent(state.usage, event.usage))
    if isinstance(event, e.ThoughtDiscarded):
        return replace(state, discarded=state.discarded + 1)
    if isinstance(event, e.ModelFailed):
        return _model_failed(state, event)
    call = Call(event.call, event.tool, event.arguments, event.digest, state.requester)
    state = with_call(state, call)
    if event.prefetched:
        return replace(state, prefetched=state.prefetched + 1)
    return replace(
        state,
        seen=event.seen,
        steps=state.steps + 1,
        thoughts=state.thoughts + 1,
        discarded=0,
        model_failures=0,
        retry_at=None,
    )


def _model_failed(state: State, event: e.ModelFailed) -> State:
    state = replace(state, model_failures=state.model_failures + 1, retry_at=event.retry_at, discarded=0)
    if event.retry_at is not None:
        return _keeps_failing(state, event)
    return with_post(replace(state, failed=event.error or event.reason), notice(event.id, state.home, event.error))


def _keeps_failing(state: State, event: e.ModelFailed) -> State:
    """Nonsense counts as an error, so that a person is asked in the end; where nothing comes at all, the requester is told once."""
    if event.reason == "nonsense":
        return replace(state, errors=state.errors + 1)
    return with_post(state, notice(event.id, state.home, SILENT)) if state.model_failures == SILENCES else state


def _ran(state: State, event: e.ToolStarted | e.ToolReturned | e.ToolFailed | e.OutcomeUnknown) -> State:
    call = state.calls.get(event.call)
    if call is None or (call.state == "settled" and not isinstance(event, e.ToolReturned | e.ToolFailed)):
        return state
    if isinstance(event, e.ToolStarted):
        started = replace(call, state="started", attempt=event.attempt, deadline=event.deadline, key=event.key)
        started = replace(started, tries=call.tries + 1)
        return outcome_on_card(with_call(state, started), call, "running", "")
    if isinstance(event, e.OutcomeUnknown):
        return outcome_on_card(with_call(state, replace(call, state="unknown")), call, "unknown", "")
    if call.state == "settled":
        return _contradicted(state, call, event)
    state = _close_outcome_question(settle(state, call.id), call, event)
    if isinstance(event, e.ToolReturned):
        state = outcome_on_card(state, call, "done", event.result, event.seconds)
        return attend(replace(state, errors=0))
    state = outcome_on_card(state, call, "failed", event.error, event.seconds)
    return attend(replace(state, errors=state.errors + 1))


def _contradicted(state: State, call: Call, event: e.ToolReturned | e.ToolFailed) -> State:
    """What came of a call after people had said what came of it: where it is something else, they and the agent are told."""
    for each in state.interactions.values():
        if each.asked.kind == "outcome" and each.asked.call == call.id and each.state == "answered":
            happened = isinstance(event, e.ToolReturned)
            if happened == (each.text == HAPPENED):
                return state
            text = event.result if isinstance(event, e.ToolReturned) else event.error
            state = outcome_on_card(state, call, "done" if happened else "failed", text, event.seconds)
            return attend(with_post(state, notice(event.id, state.home, _late_word(each, happened))))
    return state


def _late_word(question: Interaction, happened: bool) -> str:
    became = "it did happen" if happened else "it failed"
    return f"{question.by.name if question.by else 'Somebody'} said “{question.text}”, but {became}: {question.asked.tool}."


def _close_outcome_question(state: State, call: Call, event: Event) -> State:
    """A late outcome settles what people were asked about it."""
    for each in state.open_interactions:
        if each.asked.kind == "outcome" and each.asked.call == call.id:
            state = close(state, each, "superseded", event)
    return state


def _forked(state: State, event: e.Forked) -> State:
    """A life of its own: nothing is owed to the conversations of the source, and nothing that was allowed or begun there is done again here.

    What waits for people waits here too, under a name of its own, and nobody has voted on it yet.
    """
    new = event.address.partition(":")[2]
    names = {id: f"{new}.{id.partition('.')[2]}" for id in state.interactions}
    interactions = {names[each.id]: _renamed(each, names[each.id]) for each in state.interactions.values()}
    calls = {call.id: replace(call, interaction=names.get(call.interaction or "")) for call in state.calls.values()}
    state = replace(state, interactions=interactions, calls=calls, posts={})
    for call in state.open_calls:
        if call.state != "asked":
            state = settle(state, call.id)
    for each in state.open_interactions:
        if each.asked.kind == "outcome":
            state = close(state, each, "superseded", event)
    return attend(replace(state, home=event.address, place="", addresses=(event.address,)))


def _renamed(interaction: Interaction, name: str) -> Interaction:
    asked = interaction.asked.model_copy(update={"interaction": name})
    return replace(interaction, asked=asked, votes=() if interaction.open else interaction.votes)


def spent(usage: Mapping[str, Usage], more: Usage | None) -> Mapping[str, Usage]:
    if more is None:
        return usage
    before = usage.get(more.model, Usage(model=more.model))
    total = Usage(
        model=more.model,
        input=before.input + more.input,
        output=before.output + more.output,
        cache_read=before.cache_read + more.cache_read,
        cache_write=before.cache_write + more.cache_write,
        seconds=before.seconds + more.seconds,
    )
    return {**usage, more.model: total}


def _first_line(text: str) -> str:
    return next((line.strip()[:80] for line in text.splitlines() if line.strip()), "")

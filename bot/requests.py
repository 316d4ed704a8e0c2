"""What an event does to a question or an approval: asked, answered, voted on, reminded of, escalated, withdrawn, timed out."""

from collections.abc import Iterable

from bot import events as e
from bot.changes import (
    anew,
    attend,
    close,
    map_address,
    outcome_on_card,
    settle,
    with_actor,
    with_call,
    with_interaction,
    with_post,
)
from bot.judge import Counted, NotEntitled, Verdict, judge
from bot.state import HAPPENED, STOP, Interaction, Post, State, Vote
from bot.values import replace


def responded(state: State, event: e.HumanResponded) -> State:
    verdict = judge(state.interactions.get(event.interaction), event)
    state = replace(state, verdicts={**state.verdicts, event.id: verdict})
    state = with_post(state, _receipt(event, verdict))
    if isinstance(verdict, NotEntitled):
        return state
    state = map_address(state, event.origin.address)
    if not isinstance(verdict, Counted):
        return anew(state) if event.text else state
    if event.decision == "approved":
        state = _voted(state, event)
    return state if verdict.missing else _settled_by_person(state, event)


def _voted(state: State, event: e.HumanResponded) -> State:
    """A yes; to changed arguments, which are a new version, it is the first one."""
    interaction = state.interactions[event.interaction]
    vote = Vote(event.actor, event.at)
    if event.arguments is not None:
        return with_interaction(state, replace(interaction, arguments=event.arguments, votes=(vote,)))
    return with_interaction(state, replace(interaction, votes=(*interaction.votes, vote)))


def _settled_by_person(state: State, event: e.HumanResponded) -> State:
    before = state.interactions[event.interaction]
    interaction = replace(
        before,
        state=event.decision,
        by=event.actor,
        settled_at=event.at,
        text=event.text,
        where=event.origin.address,
    )
    state = with_interaction(state, interaction)
    call = state.calls.get(before.asked.call or "")
    if before.asked.kind == "limit" and event.text == STOP:
        return replace(state, seen=state.version)  # at rest until somebody writes again
    if call is None:
        return anew(state)
    if before.asked.kind == "outcome":
        happened = event.text == HAPPENED
        state = outcome_on_card(state, call, "done" if happened else "failed", event.text)
        return anew(settle(state, call.id))
    if event.decision == "approved":
        return replace(with_call(state, replace(call, state="approved")), steps=0, errors=0)
    return anew(settle(state, call.id))


def asked(state: State, event: e.HumanContacted | e.Withdrawn | e.TimedOut | e.Reminded | e.Escalated) -> State:
    if isinstance(event, e.HumanContacted):
        return _contacted(state, event)
    interaction = state.interactions.get(event.interaction)
    if isinstance(event, e.Withdrawn) and event.call:
        state = attend(settle(state, event.call))
    if interaction is None or not interaction.open:
        return state
    if isinstance(event, e.Reminded | e.Escalated):
        return _climbed(state, interaction, event)
    if isinstance(event, e.Withdrawn):
        closed = close(state, interaction, event.reason, event)
        return settle(closed, interaction.asked.call)
    closed = close(state, interaction, "timed_out", event)
    return attend(settle(closed, interaction.asked.call))


def away_noticed(state: State, event: e.AwayNoticed) -> State:
    """On record beside the question; it moves nothing."""
    asked = state.interactions.get(event.interaction)
    return state if asked is None else with_interaction(state, replace(asked, away=with_actor(asked.away, event.actor)))


def _climbed(state: State, interaction: Interaction, event: e.Reminded | e.Escalated) -> State:
    """One rung of the ladder: whoever was asked is reminded where the card is, or others are asked as well."""
    if isinstance(event, e.Escalated):
        known = len([post for post in state.posts.values() if post.interaction == interaction.id])
        state = with_interaction(state, replace(interaction, escalated=(*interaction.escalated, *event.names)))
        return _cards(state, interaction.id, event.surfaces, known)
    state = with_interaction(state, replace(interaction, reminded_at=event.at))
    for post in [each for each in state.posts.values() if each.interaction == interaction.id and each.native]:
        text = f"Still open: {interaction.asked.text}"
        state = with_post(state, Post(key=f"{event.id}.{post.key}", address=post.places[-1], kind="notice", text=text))
    return state


def _cards(state: State, interaction: str, surfaces: Iterable[str], first: int = 0) -> State:
    """A card on each surface that has none yet."""
    there = {post.address for post in state.posts.values() if post.interaction == interaction}
    for number, address in enumerate((each for each in surfaces if each not in there), first):
        state = with_post(
            state, Post(key=f"{interaction}.{number}", address=address, kind="card", interaction=interaction)
        )
    return state


def _contacted(state: State, event: e.HumanContacted) -> State:
    call = state.calls.get(event.call or "")
    requester = call.requester if call else state.requester
    interaction = Interaction(event, requester, askers=state.askers or (requester,))
    state = with_interaction(state, interaction)
    if event.kind == "outcome" and call and call.state == "settled":  # what it did became known meanwhile
        return close(state, interaction, "superseded", event)
    state = _cards(state, interaction.id, event.surfaces)
    if call is None:
        return state
    if event.kind == "question":
        return settle(state, call.id)
    if event.kind == "outcome":
        return with_call(state, replace(call, state="unknown"))
    return with_call(state, replace(call, state="asked", interaction=interaction.id))


def _receipt(event: e.HumanResponded, verdict: Verdict) -> Post | None:
    """Who wrote an email gets a mail back; elsewhere the channel answers at once."""
    if not event.origin.address.startswith("email:"):
        return None
    if isinstance(verdict, Counted) and event.decision == "answered":
        return None  # the agent goes on in the same conversation
    return Post(key=event.id, address=event.origin.address, kind="receipt", verdict=verdict, answers=event.id)

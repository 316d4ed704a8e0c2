"""The small changes that folding an event is made of: each gives a new state."""

from typing import Literal

from bot import events as e
from bot.events import Actor, Event
from bot.state import Call, Interaction, Post, State
from bot.values import replace


def attend(state: State) -> State:
    return replace(state, attention=state.version)


def anew(state: State) -> State:
    """A person spoke: steps, errors and failures count from here, and the model has something to react to."""
    anew = replace(state, steps=0, errors=0, model_failures=0, retry_at=None, failed="", cancelled=False, unreached=())
    return attend(anew)


def map_address(state: State, address: str) -> State:
    return state if address in state.addresses else replace(state, addresses=(*state.addresses, address))


def with_actor(actors: tuple[Actor, ...], actor: Actor) -> tuple[Actor, ...]:
    """With this one too; of one human whoever is proven stands."""
    if any(each.speaks_for(actor) for each in actors):
        return actors
    return (*(each for each in actors if not actor.speaks_for(each)), actor)


def settle(state: State, call: str | None) -> State:
    found = state.calls.get(call or "")
    return state if found is None else with_call(state, replace(found, state="settled"))


def with_call(state: State, call: Call) -> State:
    return replace(state, calls={**state.calls, call.id: call})


def with_interaction(state: State, interaction: Interaction) -> State:
    return replace(state, interactions={**state.interactions, interaction.id: interaction})


def close(
    state: State,
    interaction: Interaction,
    how: Literal["withdrawn", "superseded", "timed_out"],
    event: Event,
) -> State:
    return with_interaction(state, replace(interaction, state=how, by=event.actor, settled_at=event.at))


def outcome_on_card(
    state: State, call: Call, outcome: Literal["running", "done", "failed", "unknown"], text: str, seconds: float = 0.0
) -> State:
    """The card of an approval tells what became of it."""
    interaction = state.interactions.get(call.interaction or "")
    if interaction is None or interaction.asked.kind != "approval":
        return state
    interaction = replace(interaction, outcome=outcome, result=text[:200], seconds=seconds)
    state = with_interaction(state, interaction)
    by_mail = interaction.where.startswith("email:") and interaction.where != state.home
    if outcome == "running" or not by_mail:
        return state
    became = {"done": "Done", "failed": "It failed", "unknown": "It was interrupted and may or may not have happened"}
    told = f"{became[outcome]}: {interaction.asked.text}." + (f"\n\n{interaction.result}" if interaction.result else "")
    return with_post(state, Post(f"{interaction.id}.{outcome}", interaction.where, "notice", told))


def with_post(state: State, post: Post | None) -> State:
    return state if post is None else replace(state, posts={**state.posts, post.key: post})


def notice(event: str, address: str, text: str) -> Post:
    return Post(key=event, address=address, kind="notice", text=text)


def told_by_mail(state: State, event: str, origin: e.Origin | None, text: str) -> State:
    """A word to somebody who wrote a mail and cannot be told on the spot."""
    if origin is None or not origin.address.startswith("email:"):
        return state
    return with_post(state, notice(event, origin.address, text))

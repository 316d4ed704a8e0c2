"""What the log leaves out, because an earlier event says it: who chose or ran, the words of a reply or a question, where a delivery goes."""

from typing import TYPE_CHECKING, Any

from bot import events as e
from bot.events import PARLEY, Actor, Event

if TYPE_CHECKING:
    from bot.state import State


def spelled_out(state: "State", event: Event) -> Event:
    """The event with everything that it says; ``state`` is the thread's before it. What is said in full already stays as it is."""
    match event:
        case e.ToolCalled(prefetched=False):
            unsaid = _by_agent(state, event)
        case e.ToolStarted() | e.ToolReturned() | e.ToolFailed():
            unsaid = _by_tool(state, event)
        case e.Replied():
            unsaid = _by_agent(state, event) | _words(state, event, "text")
        case e.HumanContacted(kind="question"):
            unsaid = _by_agent(state, event) | _words(state, event, "question")
        case e.DeliveryAttempted(address="") | e.Delivered(address=""):
            post = state.posts.get(event.delivery)
            unsaid = {"address": post.address} if post else {}
        case _:
            return event
    return event.model_copy(update=unsaid) if unsaid else event


def _by_agent(state: "State", event: e.ToolCalled | e.Replied | e.HumanContacted) -> dict[str, Any]:
    return {"actor": Actor(kind="agent", id=f"agent:{state.agent}")} if event.actor == PARLEY else {}


def _by_tool(state: "State", event: e.ToolStarted | e.ToolReturned | e.ToolFailed) -> dict[str, Any]:
    """What really ran has an attempt, which its outcome's id names; a call that the rules refuse has none."""
    call = state.calls.get(event.call)
    ran = isinstance(event, e.ToolStarted) or event.id == outcome_id(event.call, event.attempt)
    return {"actor": Actor(kind="tool", id=f"tool:{call.tool}")} if call and ran and event.actor == PARLEY else {}


def outcome_id(call: str, attempt: int) -> str:
    """The id of what came of an attempt: the same, whoever records it."""
    return f"{call}.{attempt}"


def _words(state: "State", event: e.Replied | e.HumanContacted, argument: str) -> dict[str, Any]:
    call = state.calls.get(event.call or "")
    return {"text": str(call.arguments.get(argument, ""))} if call and not event.text else {}

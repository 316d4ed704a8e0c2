"""What the log leaves out, because an id or an earlier event says it: who chose or ran, which call, the words of a reply, where a delivery goes."""

from typing import TYPE_CHECKING, Any

from bot import events as e
from bot.events import PARLEY, Actor, Event

if TYPE_CHECKING:
    from bot.state import State


def spelled_out(state: "State", event: Event) -> Event:
    """The event with everything that it says; ``state`` is the thread's before it. What is said in full already stays as it is."""
    match event:
        case e.ToolCalled(prefetched=False):
            unsaid = _by_agent(state, event) | _numbered(event)
        case e.ToolStarted() | e.ToolReturned() | e.ToolFailed():
            unsaid = _by_tool(state, event)
        case e.Replied():
            unsaid = _by_agent(state, event) | _words(state, event, "text")
        case e.HumanContacted(kind="question"):
            unsaid = _by_agent(state, event) | _words(state, event, "question")
        case e.DeliveryAttempted(address="") | e.Delivered(address=""):
            unsaid = _addressed(state, event)
        case _:
            return event
    return event.model_copy(update=unsaid) if unsaid else event


def _by_agent(state: "State", event: e.ToolCalled | e.Replied | e.HumanContacted) -> dict[str, Any]:
    return {"actor": Actor(kind="agent", id=f"agent:{state.agent}")} if event.actor == PARLEY else {}


def _by_tool(state: "State", event: e.ToolStarted | e.ToolReturned | e.ToolFailed) -> dict[str, Any]:
    """What really ran has an attempt, which its outcome's id names; a call that the rules refuse has none."""
    named = {} if event.call else {"call": event.id.rpartition(".")[0]}
    call = state.calls.get(named.get("call", event.call))
    ran = named or isinstance(event, e.ToolStarted) or event.id == outcome_id(event.call, event.attempt)
    unsaid = {"actor": Actor(kind="tool", id=f"tool:{call.tool}")} if call and ran and event.actor == PARLEY else {}
    return named | unsaid


def _numbered(event: e.ToolCalled) -> dict[str, Any]:
    """A choice is decided at a version of the thread: the events that it has seen, and its id names the call as well."""
    number = event.id.removeprefix("d")
    ours = not event.call and number.isdecimal()
    return {"call": f"c{number}", "seen": int(number)} if ours else {}


def _addressed(state: "State", event: e.DeliveryAttempted | e.Delivered) -> dict[str, Any]:
    delivery = event.delivery or event.id.rpartition(".")[0]
    post = state.posts.get(delivery)
    return {"delivery": delivery} | ({"address": post.address} if post else {})


def outcome_id(call: str, attempt: int) -> str:
    """The id of what came of an attempt: the same, whoever records it."""
    return f"{call}.{attempt}"


def _words(state: "State", event: e.Replied | e.HumanContacted, argument: str) -> dict[str, Any]:
    call = state.calls.get(event.call or "")
    return {"text": str(call.arguments.get(argument, ""))} if call and not event.text else {}

"""The verbs over HTTP: start, say, show, list, answer, pause, resume, cancel, fork, forget. /v1 and the console share them."""

from collections.abc import AsyncIterator
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, HTTPException, Query, Request
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from fastapi.sse import EventSourceResponse

from bot import verbs
from bot.decide import parse
from bot.events import MessageReceived
from bot.judge import Counted, entitled
from bot.ports import Store
from bot.render import render
from bot.show import pending_json, thread_json
from bot.state import Interaction
from bot.thread import Thread
from bot.words import about as in_words
from bot.words import utc
from channels.web import shapes
from channels.web.costs import costs, first_of
from channels.web.house import Caller, Decider, House, InHouse
from channels.web.keys import Keys

SCAN = 500  # threads that a filtered list looks through, the latest changed first


def api_routes() -> APIRouter:
    """The table of everything that can be asked. Whoever mounts it puts a door before it that names the caller."""
    api = APIRouter(responses=shapes.TROUBLES)
    api.add_api_route("/threads", start, methods=["POST"], status_code=201, response_model=shapes.Id)
    api.add_api_route("/threads", list_threads, methods=["GET"], response_model=list[shapes.ThreadRow])
    api.add_api_route("/threads/{id}", show, methods=["GET"], response_model=shapes.ShownThread)
    api.add_api_route("/threads/{id}", forget, methods=["DELETE"], status_code=204)
    api.add_api_route("/threads/{id}/context", context, methods=["GET"], response_model=shapes.Context)
    api.add_api_route("/threads/{id}/messages", say, methods=["POST"], status_code=201, response_model=shapes.Id)
    api.add_api_route("/threads/{id}/pause", pause, methods=["POST"], response_model=shapes.Id)
    api.add_api_route("/threads/{id}/resume", resume, methods=["POST"], response_model=shapes.Id)
    api.add_api_route("/threads/{id}/cancel", cancel, methods=["POST"], response_model=shapes.Id)
    api.add_api_route("/threads/{id}/fork", fork, methods=["POST"], status_code=201, response_model=shapes.Id)
    api.add_api_route("/pending", pending, methods=["GET"], response_model=list[shapes.Waiting])
    api.add_api_route("/interactions/{id}/answer", answer, methods=["POST"], response_model=shapes.Counts)
    api.add_api_route("/costs", spending, methods=["GET"], response_model=list[shapes.Spent])
    api.add_api_route("/stream", stream, methods=["GET"], response_class=EventSourceResponse)
    api.add_api_route("/about", about, methods=["GET"], response_model=shapes.About)
    return api


class KeyDoor:
    """Lets in whoever has a key of BOT_API_KEYS: ``Authorization: Bearer KEY``, or ``X-API-Key: KEY``."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def __call__(
        self,
        request: Request,
        bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))],
        header: Annotated[str | None, Depends(APIKeyHeader(name="X-API-Key", auto_error=False))],
    ) -> None:
        given = bearer.credentials if bearer else header
        caller = self._keys.holder(given.encode("latin-1")) if given else None
        if caller is None:
            words = "This key is not known" if given else "This needs a key"
            how = "send Authorization: Bearer KEY, with a key of BOT_API_KEYS."
            raise HTTPException(401, f"{words}: {how}", {"WWW-Authenticate": "Bearer"})
        request.state.caller = caller


def start(
    house: InHouse,
    caller: Caller,
    begin: shapes.Begin,
    idempotency_key: Annotated[
        str, Header(max_length=200, description="Makes a repeated request the same one, for the same key's holder.")
    ] = "",
) -> shapes.Id:
    """Begin a thread, from a webhook or a script. It answers as soon as the text is written down; the agent works afterwards."""
    thread = verbs.start(house.store, house.team, caller, begin.text, begin.agent, key=idempotency_key)
    if idempotency_key and not _began_with(verbs.get(house.store, thread), begin.text):
        raise HTTPException(409, "This Idempotency-Key was used for another text; take a new one.")
    return shapes.Id(id=thread)


def _began_with(thread: Thread, text: str) -> bool:
    """Whether this is how the thread began, as far as that is not forgotten."""
    first = next((event for event in thread.events if isinstance(event, MessageReceived)), None)
    return first is None or first.text in ("", verbs.beginning(text))


def list_threads(house: InHouse, search: Annotated[shapes.Search, Query()]) -> list[dict[str, Any]]:
    """Threads without their events, the latest changed first; a search looks through the latest 500."""
    whole_list = search == shapes.Search(address=search.address, limit=search.limit)
    latest = verbs.latest(house.store, search.limit if whole_list else SCAN)
    found = verbs.at(house.store, search.address) if search.address else latest
    fitting = (thread for thread in found if _fits(thread, search))
    return [thread_json(thread, events=False) for thread in islice(fitting, search.limit)]


def _fits(thread: Thread, search: shapes.Search) -> bool:
    state = thread.state
    requester = f"{state.requester.person or ''} {state.requester.name} {state.requester.id}".casefold()
    spots = (state.place, *state.addresses)
    everything = f"{thread.id} {state.agent} {state.title} {requester} {' '.join(spots)}".casefold()
    return (
        search.status in (None, state.status)
        and search.agent in ("", state.agent)
        and search.person.casefold() in requester
        and all(word in everything for word in search.words.casefold().split())
        and any(not search.channel or f"{spot}:".startswith(f"{search.channel}:") for spot in spots)
    )


def show(house: InHouse, id: str) -> dict[str, Any]:
    """A thread with everything that happened in it."""
    return thread_json(verbs.get(house.store, id))


def forget(house: InHouse, caller: Decider, id: str) -> None:
    """Erase what was said and done in a thread; its skeleton stays."""
    verbs.forget(house.store, caller, id)


def context(house: InHouse, id: str) -> shapes.Context:
    """What the model is shown of a thread, byte for byte."""
    thread = verbs.get(house.store, id)
    agent = house.team.agents.get(thread.state.agent)
    return shapes.Context(system=agent.prompt if agent else "", blocks=list(render(thread)))


def say(house: InHouse, caller: Caller, id: str, message: shapes.Message) -> shapes.Id:
    """Say something in a thread. It answers as soon as the text is written down."""
    return shapes.Id(id=verbs.say(house.store, caller, id, message.text))


def pause(house: InHouse, caller: Decider, id: str) -> shapes.Id:
    """Nothing more is thought or done until somebody resumes it; what is said meanwhile is kept."""
    return shapes.Id(id=verbs.pause(house.store, caller, id))


def resume(house: InHouse, caller: Decider, id: str) -> shapes.Id:
    """Go on after a pause, a cancellation or a failure."""
    return shapes.Id(id=verbs.resume(house.store, caller, id))


def cancel(house: InHouse, caller: Decider, id: str) -> shapes.Id:
    """Stop it: open questions and requests are withdrawn, nothing more runs; a later message reopens it."""
    return shapes.Id(id=verbs.cancel(house.store, caller, id))


def fork(house: InHouse, caller: Decider, id: str, where: shapes.ForkAt | None = None) -> shapes.Id:
    """A new thread with the same past; this one stays as it is."""
    return shapes.Id(id=verbs.fork(house.store, caller, id, where.at if where else None))


def pending(
    house: InHouse,
    caller: Caller,
    mine: Annotated[bool, Query(description="Only what the caller may answer or decide.")] = False,
) -> list[dict[str, Any]]:
    """Every open question and approval, oldest first."""
    found = verbs.pending(house.store)
    return [pending_json(thread, each) for thread, each in found if not mine or entitled(each, caller)]


def answer(house: InHouse, caller: Decider, id: str, decision: shapes.Decision) -> shapes.Counts:
    """Answer a question or decide an approval. An answer that does not count is recorded too, and told why."""
    _check_changes(house, id, decision)
    answered = verbs.answer(
        house.store, caller, id, decision.decision, decision.text, decision.arguments, digest=decision.digest
    )
    now = _interaction(house.store, id)
    words = in_words(answered.verdict, now, house.team, utc)
    return shapes.Counts(counted=isinstance(answered.verdict, Counted), words=words)


def _check_changes(house: House, id: str, decision: shapes.Decision) -> None:
    """Changed arguments must still make a call of the tool, while somebody is there to mend them."""
    if decision.arguments is None or (interaction := _interaction(house.store, id)) is None:
        return
    thread = verbs.get(house.store, id.partition(".")[0])
    agent = house.team.agents.get(thread.state.agent)
    made = parse(agent, interaction.asked.tool, decision.arguments) if agent else "Its agent is not there any more."
    if isinstance(made, str):
        raise HTTPException(422, f"These arguments do not fit. {made}")


def _interaction(store: Store, id: str) -> Interaction | None:
    return verbs.get(store, id.partition(".")[0]).state.interactions.get(id)


def spending(
    house: InHouse,
    days: Annotated[int, Query(ge=1, le=90, description="So many days, today (UTC) being the last.")] = 14,
) -> list[shapes.Spent]:
    """What the model was used for, by day, agent and person, in the 500 threads that changed last."""
    return costs(verbs.latest(house.store, SCAN), first_of(days, house.store.now()))


async def stream(house: InHouse) -> AsyncIterator[shapes.Change]:
    """Server-sent events: ``data: {"thread": id}`` whenever a thread changes, until the client goes."""
    async for thread in house.changes.follow():
        yield shapes.Change(thread=thread)


def about(house: InHouse) -> shapes.About:
    """What runs here."""
    return shapes.About(model=house.model, version=house.version, agents=sorted(house.team.agents))

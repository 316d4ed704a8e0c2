"""What goes in and out of the API, so that /docs can show it. Answers may gain fields; none is renamed."""

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, model_validator

from bot.state import Status

TEXT_BYTES = 14_000
"""An event is at most 16 KB; this leaves room for who said it and where."""


def _storable(text: str) -> str:
    if not text.strip():
        raise ValueError("say something")
    if len(json.dumps(text, ensure_ascii=False).encode()) > TEXT_BYTES:
        raise ValueError(f"at most {TEXT_BYTES} bytes; put a longer text where the agent can read it, and say where")
    return text


Text = Annotated[str, AfterValidator(_storable)]


class Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Begin(Request):
    """What an agent should do. Without ``agent`` the default agent answers."""

    text: Text
    agent: str = Field("", max_length=100)


class Message(Request):
    text: Text


class ForkAt(Request):
    """``at``: how many events the new thread begins with; all of them, if not said."""

    at: int | None = Field(None, ge=1)


class Search(BaseModel):
    """Which threads. What is not said does not matter."""

    address: str = Field("", description="The thread that this conversation leads to.")
    words: str = Field("", max_length=200, description="Each of them is in the title, the names, the place or the id.")
    person: str = Field("", max_length=200, description="Who asked: a person of bot.toml, or a part of the name.")
    channel: str = Field(
        "", max_length=200, description="slack, email or web; or a place as a route names it: slack:#ops."
    )
    agent: str = ""
    status: Status | None = None
    limit: int = Field(50, ge=1, le=500)


class Decision(Request):
    """``approved`` or ``denied`` for an approval, ``answered`` for everything else. ``arguments``: the call as the approver changed it.

    ``digest``: that of the list of what is pending; where something else is asked by now, the answer does not count.
    """

    decision: Literal["approved", "denied", "answered"]
    text: Annotated[str, Field(max_length=4000)] = ""
    arguments: dict[str, JsonValue] | None = None
    digest: Annotated[str, Field(max_length=100)] = ""

    @model_validator(mode="after")
    def _fits(self) -> "Decision":
        if self.decision == "answered" and not self.text.strip():
            raise ValueError("an answer needs a text")
        if self.arguments is not None and self.decision != "approved":
            raise ValueError("arguments can be changed only together with approved")
        if len(json.dumps(self.arguments, allow_nan=False).encode()) > TEXT_BYTES // 2:
            raise ValueError(f"arguments: at most {TEXT_BYTES // 2} bytes")
        return self


class Id(BaseModel):
    """The thread's id."""

    id: str


class Counts(BaseModel):
    """Whether the answer counted, and in words what became of it."""

    counted: bool
    words: str


class Trouble(BaseModel):
    """One sentence: what happened, what to do."""

    error: str


class Used(BaseModel):
    """What the model used, in tokens and US dollars; ``cost_usd`` is null where the price of a model is not known."""

    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost_usd: float | None
    by_model: dict[str, dict[str, float | None]]


class ShownEvent(BaseModel):
    """Something that happened. What more an event has depends on its type."""

    model_config = ConfigDict(extra="allow")
    type: str
    at: str = Field(description="ISO 8601, UTC")
    actor: dict[str, JsonValue]


class ThreadRow(BaseModel):
    """A thread in a list. ``words``: how it stands; ``place``: its channel or mailbox, as a route names it; ``updated``: ISO 8601, UTC."""

    id: str
    agent: str
    status: Status
    words: str
    title: str
    requester: str
    place: str
    addresses: list[str]
    updated: str
    usage: Used


class ShownThread(ThreadRow):
    events: list[ShownEvent]


class Context(BaseModel):
    """What the model is shown, byte for byte: the prompt file's words, then a block an event."""

    system: str
    blocks: list[str]


class Waiting(BaseModel):
    """An open question or approval. ``audience``: who was asked; empty: the requester, or any known person."""

    id: str
    thread: str
    agent: str
    kind: Literal["question", "approval", "outcome", "limit"]
    text: str
    choices: list[str]
    tool: str
    arguments: dict[str, JsonValue]
    digest: str
    audience: list[str]
    asked_by: str
    asked_at: str
    until: str | None


class Spent(BaseModel):
    """What an agent used for a person on a day (UTC). ``cost_usd`` is null where the price of a model is not known."""

    day: str
    agent: str
    person: str
    calls: int
    tokens: int
    cost_usd: float | None


class Change(BaseModel):
    """A thread that changed."""

    thread: str


class About(BaseModel):
    model: str
    version: str
    agents: list[str]


TROUBLES: dict[int | str, dict[str, Any]] = {
    code: {"model": Trouble, "description": words}
    for code, words in {
        400: "The body is no JSON.",
        401: "No key, or a wrong one.",
        403: "This key may not do that.",
        404: "There is no such thread, agent or question.",
        409: "This Idempotency-Key was used for something else.",
        413: "Too large.",
        422: "Something is missing or does not fit.",
        503: "The store cannot be reached; nothing was written down.",
    }.items()
}

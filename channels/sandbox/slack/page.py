"""The page's way in: what people see and do in the workspace, as JSON under /sandbox/slack."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from channels.sandbox.slack.errors import SlackError
from channels.sandbox.slack.roster import Json
from channels.sandbox.slack.workspace import Workspace

_SENTENCES = {
    "cant_delete_message": "Only its author can delete a message.",
    "cant_update_message": "Only its author can edit a message.",
    "channel_not_found": "This channel does not exist.",
    "message_not_found": "That message is no longer there.",
    "no_text": "There is nothing to send.",
    "not_found": "That is no longer open.",
    "not_in_channel": "This person is not in that channel.",
    "thread_not_found": "The thread's first message is no longer there.",
    "user_not_found": "Nobody here has this id.",
}


class Person(BaseModel):
    user: str


class Where(BaseModel):
    user: str
    channel: str


class Post(Where):
    text: str
    thread_ts: str | None = None


class Edit(Where):
    ts: str
    text: str


class At(Where):
    ts: str


class React(At):
    name: str


class Dm(BaseModel):
    user: str
    other: str = Field(alias="with")


class Click(At):
    block_id: str
    action_id: str
    value: str | None = None
    selected: str | None = None


class Press(BaseModel):
    user: str
    block_id: str
    action_id: str
    value: str | None = None
    selected: str | None = None


class Shortcut(At):
    callback_id: str


class Command(Where):
    command: str
    text: str = ""


class Stop(Where):
    thread_ts: str


class Close(BaseModel):
    user: str
    view_id: str


class Submit(Close):
    values: Json


class _Refusing(APIRoute):
    """Answers a refusal as a status, so that no route has to catch it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except SlackError as refused:
                sentence = _SENTENCES.get(refused.code, f"Slack would refuse this: {refused.code}.")
                return JSONResponse({**refused.answer(), "error": sentence, "code": refused.code}, status_code=400)

        return answer


def slack_router(workspace: Workspace) -> APIRouter:
    """A refused request answers 400 with `{"ok": false, "error": sentence, "code": code}`."""
    router = APIRouter(prefix="/sandbox/slack", route_class=_Refusing)

    @router.get("/state")
    async def state(user: str) -> Json:
        return workspace.state(user)

    @router.get("/messages")
    async def messages(user: str, channel: str) -> Json:
        return workspace.messages(user, channel)

    @router.get("/modals")
    async def modals(user: str) -> list[Json]:
        return workspace.modals(user)

    @router.get("/home")
    async def home(user: str) -> Json | None:
        return workspace.home(user)

    @router.post("/home")
    async def open_home(body: Person) -> Json:
        return workspace.open_home(body.user)

    @router.post("/press")
    async def press(body: Press) -> Json:
        return await workspace.press(body.user, body.block_id, body.action_id, choice=body.selected or body.value or "")

    @router.post("/post")
    async def post(body: Post) -> Json:
        return workspace.post(body.user, body.channel, body.text, body.thread_ts)

    @router.post("/edit")
    async def edit(body: Edit) -> Json:
        return workspace.edit(body.user, body.channel, body.ts, body.text)

    @router.post("/delete")
    async def delete(body: At) -> Json:
        return workspace.delete(body.user, body.channel, body.ts)

    @router.post("/react")
    async def react(body: React) -> Json:
        return workspace.react(body.user, body.channel, body.ts, body.name)

    @router.post("/dm")
    async def dm(body: Dm) -> Json:
        return workspace.dm(body.user, body.other)

    @router.post("/seen")
    async def seen(body: At) -> Json:
        return workspace.seen(body.user, body.channel, body.ts)

    @router.post("/click")
    async def click(body: Click) -> Json:
        return await workspace.click(
            body.user, body.channel, body.ts, body.block_id, body.action_id, choice=body.selected or body.value or ""
        )

    @router.post("/submit")
    async def submit(body: Submit) -> Json:
        return await workspace.submit(body.user, body.view_id, body.values)

    @router.post("/close")
    async def close(body: Close) -> Json:
        return await workspace.close(body.user, body.view_id)

    @router.post("/command")
    async def command(body: Command) -> Json:
        return await workspace.command(body.user, body.channel, body.command, body.text)

    @router.post("/shortcut")
    async def shortcut(body: Shortcut) -> Json:
        return await workspace.shortcut(body.user, body.channel, body.ts, body.callback_id)

    @router.post("/stop")
    async def stop(body: Stop) -> Json:
        return workspace.stop(body.user, body.channel, body.thread_ts)

    return router

"""What the workspace serves to the app: the Web API, response URLs, Socket Mode; and the delivery of events."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from fastapi import APIRouter, FastAPI
from starlette.websockets import WebSocket

from channels.sandbox.slack.api import api_router
from channels.sandbox.slack.workspace import Workspace


def web_api_router(workspace: Workspace) -> APIRouter:
    """Include it in an app; while that one runs, events are delivered."""

    @contextlib.asynccontextmanager
    async def delivering(_app: FastAPI) -> AsyncIterator[None]:
        delivery = asyncio.create_task(workspace.outbox.run(workspace.line))
        try:
            yield
        finally:
            delivery.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await delivery

    router = APIRouter(lifespan=delivering)

    @router.websocket("/slack/link")
    async def link(websocket: WebSocket) -> None:
        await workspace.link.serve(websocket)

    router.include_router(api_router(workspace))
    return router

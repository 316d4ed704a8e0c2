"""Everything that the workspace serves, as one router: Web API, response URLs, Socket Mode, the page's routes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from fastapi import APIRouter, FastAPI
from starlette.websockets import WebSocket

from channels.sandbox.slack.api import api_router
from channels.sandbox.slack.page import slack_router
from channels.sandbox.slack.workspace import Workspace


def create_routes(workspace: Workspace) -> APIRouter:
    """Include it in an app; while that app runs, events are delivered."""

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
    router.include_router(slack_router(workspace))
    return router

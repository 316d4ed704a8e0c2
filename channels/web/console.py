"""The console: a page for whoever runs this installation. On its own machine it acts as BOT_OPERATOR; no key is in the page."""

import hmac
import secrets
from pathlib import Path

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel

from bot.events import Actor
from channels.web.api import api_routes
from channels.web.guard import same_origin

PAGE = Path(__file__).parent / "console"
LOOK = Path(__file__).parents[1] / "look"  # what the console and the sandbox's page have in common
ONLOOKER = Actor(id="console", name="the console")
HARMLESS = ("GET", "HEAD")


class Me(BaseModel):
    """Who the console acts as, and the token that whatever changes something must carry. Other sites cannot read this."""

    person: str | None
    name: str
    token: str


class OperatorDoor:
    """Lets anybody on this machine look, and the operator act, from the console's own page only."""

    def __init__(self, operator: Actor | None) -> None:
        self._operator = operator
        self._token = secrets.token_urlsafe(32)

    def __call__(self, request: Request) -> None:
        if request.method not in HARMLESS:
            self._check(request)
        request.state.caller = self._operator or ONLOOKER

    def _check(self, request: Request) -> None:
        if not same_origin(request.scope):
            raise HTTPException(403, "This request came from another site; use the console's own page.")
        given = request.headers.get("x-csrf-token", "")
        if not hmac.compare_digest(given.encode("latin-1"), self._token.encode()):
            raise HTTPException(403, "The page is from before a restart; reload it.")
        if self._operator is None:
            raise HTTPException(403, "Nobody may act here: set BOT_OPERATOR to a person of bot.toml, then restart.")

    def me(self) -> Me:
        seen = self._operator or ONLOOKER
        return Me(person=seen.person, name=seen.name, token=self._token)


def console_routes(operator: Actor | None) -> APIRouter:
    """The page, its files, and the API's own functions behind the operator's door."""
    door = OperatorDoor(operator)
    console = APIRouter(include_in_schema=False)
    console.add_api_route("/console/api/me", door.me, methods=["GET"])
    console.include_router(api_routes(), prefix="/console/api", dependencies=[Depends(door)])
    console.mount("/console", StaticFiles(directory=PAGE))
    console.mount("/look", StaticFiles(directory=LOOK))
    console.add_api_route("/", lambda: FileResponse(PAGE / "index.html"), methods=["GET"])
    console.add_api_route("/docs", lambda: FileResponse(PAGE / "docs.html"), methods=["GET"])
    return console

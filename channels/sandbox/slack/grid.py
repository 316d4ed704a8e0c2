"""Several workspaces behind one Web API, and the installing of an app by OAuth: consent, codes, tokens that end.

https://docs.slack.dev/authentication/installing-with-oauth, https://docs.slack.dev/authentication/using-token-rotation
"""

import base64
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from channels.sandbox.slack.api import answered
from channels.sandbox.slack.arguments import Arguments
from channels.sandbox.slack.errors import SlackError
from channels.sandbox.slack.roster import Json
from channels.sandbox.slack.workspace import Workspace

CODE_SECONDS = 600.0


@dataclass(frozen=True)
class Grant:
    """What a code, a token or the right to the next token is good for, and until when."""

    team: str
    until: float


class Grid:
    """The workspaces, and who may speak for the app in each. ``token_seconds``: tokens end and are exchanged; None: they stay."""

    def __init__(
        self, workspaces: Iterable[Workspace], client_id: str, client_secret: str, *, token_seconds: int | None = None
    ) -> None:
        self.workspaces = {workspace.app.team: workspace for workspace in workspaces}
        self.token_seconds = token_seconds
        self.exchanges = 0
        self._client = (client_id, client_secret)
        self._codes: dict[str, Grant] = {}
        self._tokens: dict[str, Grant] = {}
        self._renewals: dict[str, Grant] = {}

    def consent(self, team: str) -> str:
        """The code for an installation that somebody of this workspace agreed to."""
        code = secrets.token_urlsafe(16)
        self._codes[code] = Grant(team, time.time() + CODE_SECONDS)
        return code

    def access(self, arguments: Arguments, client: tuple[str, str]) -> Json:
        """oauth.v2.access: a code, or a token that renews, is good once."""
        if client != self._client:
            raise SlackError("bad_client_secret")
        if arguments.text("grant_type") == "refresh_token":
            granted = self._renewals.pop(arguments.text("refresh_token"), None)
            self.exchanges += 1
        else:
            granted = self._codes.pop(arguments.text("code"), None)
        if granted is None or granted.until < time.time():
            raise SlackError("invalid_refresh_token" if arguments.text("grant_type") else "invalid_code")
        return self._granted(self.workspaces[granted.team])

    def _granted(self, workspace: Workspace) -> Json:
        app = workspace.app
        token, renewal = f"xoxe.xoxb-{secrets.token_urlsafe(24)}", f"xoxe-{secrets.token_urlsafe(24)}"
        self._tokens[token] = Grant(app.team, time.time() + (self.token_seconds or float("inf")))
        ends: Json = {}
        if self.token_seconds is not None:
            self._renewals[renewal] = Grant(app.team, float("inf"))
            ends = {"expires_in": self.token_seconds, "refresh_token": renewal}
        return {
            "ok": True,
            "app_id": app.app,
            "authed_user": {"id": next(user.id for user in workspace.users.values() if not user.is_bot)},
            "scope": ",".join(app.scopes),
            "token_type": "bot",
            "access_token": token,
            "bot_user_id": app.bot_user,
            "team": {"id": app.team, "name": app.team_name},
            "enterprise": None,
            "is_enterprise_install": False,
            **ends,
        }

    def admitted(self, token: str) -> Workspace:
        """The workspace that a token speaks in."""
        granted = self._tokens.get(token)
        if granted is None:
            raise SlackError("invalid_auth")
        if granted.until < time.time():
            raise SlackError("token_expired")
        return self.workspaces[granted.team]

    def remove(self, team: str) -> None:
        """The app is removed from a workspace: its tokens end, and it is told."""
        for grants in (self._tokens, self._renewals):
            for name in [name for name, granted in grants.items() if granted.team == team]:
                del grants[name]
        at = f"{time.time():.6f}"
        bot = self.workspaces[team].app.bot_user
        self.workspaces[team].tell({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [bot]}, "event_ts": at})
        self.workspaces[team].tell({"type": "app_uninstalled", "event_ts": at})


def grid_router(grid: Grid) -> APIRouter:
    """The Web API of all workspaces, told apart by the token, and Slack's page of consent."""
    router = APIRouter(include_in_schema=False)

    @router.get("/slack/oauth/v2/authorize")
    async def authorize(request: Request) -> Response:
        asked = dict(request.query_params)
        if team := asked.get("team"):
            back = {"code": grid.consent(team), "state": asked.get("state", "")}
            return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(back)}", 302)
        links = (
            f'<p><a href="?{escape(urlencode({**asked, "team": team}))}">Allow in {escape(each.app.team_name)}</a></p>'
            for team, each in grid.workspaces.items()
        )
        return HTMLResponse(f"<!doctype html><title>Slack</title>{''.join(links)}")

    @router.api_route("/slack/api/{method}", methods=["GET", "POST"])
    async def call(method: str, request: Request) -> Response:
        kind, _, bearer = request.headers.get("authorization", "").partition(" ")
        try:
            content_type = request.headers.get("content-type", "")
            arguments = Arguments.read(request.url.query, content_type, await request.body())
            if method == "oauth.v2.access":
                return JSONResponse(grid.access(arguments, _client(kind, bearer, arguments)))
            workspace = grid.admitted(bearer or arguments.text("token"))
        except SlackError as refused:
            return JSONResponse(refused.answer())
        headers = {"x-oauth-scopes": ",".join(workspace.app.scopes)}
        return JSONResponse(answered(workspace, method, arguments, workspace.bot_token), headers=headers)

    return router


def _client(kind: str, credentials: str, arguments: Arguments) -> tuple[str, str]:
    """Who the app says it is: in the header, or among the arguments."""
    if kind.lower() != "basic":
        return arguments.text("client_id"), arguments.text("client_secret")
    id, _, secret = base64.b64decode(credentials).decode().partition(":")
    return id, secret

"""Slack over HTTP: the request URL, for signed events and interactivity without Socket Mode, and the pages of an installation.

https://docs.slack.dev/apis/events-api/using-http-request-urls
"""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter
from slack_bolt import BoltRequest, BoltResponse
from slack_bolt.adapter.starlette.handler import to_bolt_request, to_starlette_response
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from bot.people import Team
from bot.ports import Store
from bot.settings import Settings
from channels.slack.bolt import pumps_of, slack_app
from channels.slack.install import INSTALL, REDIRECT, Installing


def http_app(settings: Settings, team: Team, store: Store) -> APIRouter:
    """``POST /slack/events``, and where workspaces may install the app by themselves ``/slack/install`` and ``/slack/oauth_redirect``.

    A wrong or old signature gets 401; what could not be written down gets 500, so that Slack sends it again.
    """
    settings.require(*([] if settings.slack_installable else ["SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"]))
    made = APIRouter(include_in_schema=False)
    if settings.slack_signing_secret:
        app = slack_app(settings, pumps_of(settings, team, store))
        made.add_api_route("/slack/events", _answering(app.dispatch), methods=["POST"])
    if settings.slack_installable:
        pages = Installing(settings, store)
        made.add_api_route(INSTALL, _answering(pages.begin), methods=["GET"])
        made.add_api_route(REDIRECT, _answering(pages.finish), methods=["GET"])
    return made


def _answering(answer: Callable[[BoltRequest], BoltResponse]) -> Callable[[Request], Awaitable[Response]]:
    async def route(request: Request) -> Response:
        asked = to_bolt_request(request, await request.body())
        return to_starlette_response(await run_in_threadpool(answer, asked))

    return route

"""Slack's request URL: signed events and interactivity over HTTP, for installations without Socket Mode.

https://docs.slack.dev/apis/events-api/using-http-request-urls
"""

from fastapi import APIRouter
from slack_bolt.adapter.starlette.handler import to_bolt_request, to_starlette_response
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from bot.people import Team
from bot.ports import Store
from bot.settings import Settings
from channels.slack.bolt import pumps_of, slack_app


def http_app(settings: Settings, team: Team, store: Store) -> APIRouter:
    """``POST /slack/events``. A wrong or old signature gets 401; what could not be written down gets 500, so that Slack sends it again."""
    settings.require(*([] if settings.slack_installable else ["SLACK_BOT_TOKEN"]), "SLACK_SIGNING_SECRET")
    app = slack_app(settings, pumps_of(settings, team, store))
    router = APIRouter()

    @router.post("/slack/events", include_in_schema=False)
    async def events(request: Request) -> Response:
        asked = to_bolt_request(request, await request.body())
        return to_starlette_response(await run_in_threadpool(app.dispatch, asked))

    return router

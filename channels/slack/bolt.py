"""The Bolt app: it verifies and dispatches what Slack sends, and acknowledges once a pump has written it down.

https://docs.slack.dev/tools/bolt-python
"""

import logging
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from slack_bolt import Ack, App, BoltContext, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from bot.people import Team
from bot.ports import Store, Unavailable
from bot.settings import Settings
from channels.slack.connection import quiet
from channels.slack.pump import SECONDS, Json, Pump, kind
from channels.slack.workspaces import Workspaces

log = logging.getLogger("parley.slack")

KNOWN = ("event_callback", "block_actions", "view_submission", "message_action")
LEFT = ("app_uninstalled", "tokens_revoked", "team_access_revoked")
NOT_INSTALLED = "Parley is no longer installed in this workspace: somebody has to install it again."


class Pumps:
    """A pump for each workspace, made when Slack first sends something from there."""

    def __init__(self, workspaces: Workspaces, team: Team, store: Store) -> None:
        self._workspaces = workspaces
        self._team = team
        self._store = store
        self._pumps: dict[str, Pump] = {}
        self._aside = ThreadPoolExecutor(8, "slack-answer")

    def __call__(self, team: str, enterprise: str) -> Pump | None:
        """The pump for a workspace; None: Parley is not installed there. Raises Unavailable when nobody can tell now."""
        if not self._workspaces.know(team, enterprise):
            return None
        key = team if self._workspaces.several else ""
        if key not in self._pumps:
            self._pumps[key] = Pump(self._workspaces(key), self._team, self._store, self._aside)
        return self._pumps[key]

    def check(self) -> None:
        """Raises SettingsError for a SLACK_BOT_TOKEN that Slack refuses, Unavailable while nobody answers."""
        self._workspaces.check()

    def leave(self, event: Json, context: BoltContext, at: float) -> None:
        """The app was removed from a workspace, or its token revoked, at this time."""
        log.warning("Slack sent %s for workspace %s", event["type"], context.team_id or context.enterprise_id)
        for team in event.get("team_ids") or [context.team_id or ""]:
            if event["type"] != "tokens_revoked" or event["tokens"].get("bot"):
                org = event["type"] != "team_access_revoked" and bool(context.is_enterprise_install)
                self._workspaces.leave(team, context.enterprise_id or "", at, whole=org)

    def close(self) -> None:
        self._aside.shutdown()


def pumps_of(settings: Settings, team: Team, store: Store) -> Pumps:
    """The pumps of every workspace that Parley is in. Raises SettingsError where a setting for it is missing."""
    return Pumps(Workspaces(settings, store, seconds=SECONDS), team, store)


def slack_app(settings: Settings, pumps: Pumps) -> App:
    """The app around the pumps. A listener that fails leaves its payload unacknowledged, so that Slack sends it again."""

    def authorize(context: BoltContext, enterprise_id: str | None, team_id: str | None) -> AuthorizeResult | None:
        pump = context["pump"] = pumps(team_id or "", enterprise_id or "")
        return _authorized(pump, settings.slack_bot_token) if pump else None

    def place(body: Json, context: BoltContext, next: Callable[[], None]) -> None:
        """A click by somebody from outside names their workspace; the message that was clicked names ours."""
        context["team_id"] = (body.get("message") or {}).get("team") or context.team_id
        next()

    app = App(
        name="slack.app",  # Bolt sets the level of the logger of this name
        client=WebClient(base_url=settings.slack_api_url, timeout=SECONDS, retry_handlers=[], logger=quiet()),
        before_authorize=place,
        authorize=authorize,  # type: ignore[arg-type]  # None: not installed there
        signing_secret=settings.slack_signing_secret,
        process_before_response=True,
        attaching_conversation_kwargs_enabled=False,
        user_facing_authorize_error_message=NOT_INSTALLED,
        logger=quiet(),
    )
    app.error(_not_taken)

    @app.middleware
    def removed(body: Json, context: BoltContext, next: Callable[[], None]) -> BoltResponse | None:
        if body.get("type") == "event_callback" and body["event"].get("type") in LEFT:
            pumps.leave(body["event"], context, float(body.get("event_time") or 0))
            return BoltResponse(status=200)
        next()
        return None

    app.middleware(_known_only)
    anything = re.compile(".*")

    @app.event(anything)
    def event(body: Json, pump: Pump) -> None:
        pump.event(body)

    @app.action(anything)
    def action(body: Json, pump: Pump, ack: Callable[[], BoltResponse]) -> None:
        pump.press(body)
        ack()

    @app.command(anything)
    def command(body: Json, pump: Pump, ack: Ack) -> None:
        ack(pump.command(body))

    @app.shortcut(anything)
    def shortcut(body: Json, pump: Pump, ack: Ack) -> None:
        pump.shortcut(body)
        ack()

    @app.view(anything)
    def view(body: Json, pump: Pump, ack: Ack) -> None:
        errors = pump.submit(body)
        ack(response_action="errors", errors=dict(errors)) if errors else ack()

    return app


def _authorized(pump: Pump, token: str) -> AuthorizeResult:
    """Who Bolt takes us for. It calls nothing with the token, which serves as a sign that there is one."""
    me = pump.me()
    return AuthorizeResult(
        enterprise_id=me.enterprise or None,
        team_id=me.team,
        bot_id=me.bot,
        bot_user_id=me.user,
        bot_token=token or "of the installation",
    )


def _known_only(body: Json, next: Callable[[], None]) -> BoltResponse | None:
    """Acknowledge what no listener is for; Slack would send it again and again, or show an error."""
    if "command" in body or body.get("type") in KNOWN:
        next()
        return None
    loud = log.warning if body.get("type") == "app_rate_limited" else log.info
    loud("Slack sent %s; there is nothing to do for it", kind(body))
    return BoltResponse(status=200)


def _not_taken(error: Exception, body: Json) -> None:
    """Without an acknowledgement Slack sends an event again, and shows that a click failed."""
    told = str(error) if isinstance(error, Unavailable) else type(error).__name__
    log.error("a Slack %s was not taken, Slack will try again: %s", kind(body), told)

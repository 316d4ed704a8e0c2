"""Socket Mode: the process that keeps a line open to Slack, and opens it again whenever it breaks.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import contextlib
import logging
import threading
import time
from http.client import HTTPException
from socket import SHUT_RDWR

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk.errors import SlackApiError

from bot.people import Team
from bot.ports import Store, Unavailable
from bot.settings import Settings
from channels.slack.bolt import pumps_of, slack_app
from channels.slack.connection import patiently, quiet, reason, refusal

log = logging.getLogger("parley.slack")

PING = 2.0  # seconds between two pings
LOOK = 1.0  # seconds between two looks at the line; once a try to reconnect failed, the library makes no other
SILENT = 30.0  # seconds without a frame after which a line is dead, whatever it says of itself


def run_socket(settings: Settings, team: Team, store: Store, *, stop: threading.Event | None = None) -> None:
    """Listen to Slack until told to stop. Raises SettingsError for a token that Slack refuses; an outage is waited out."""
    settings.require(*([] if settings.slack_installable else ["SLACK_BOT_TOKEN"]), "SLACK_APP_TOKEN")
    stop = stop or threading.Event()
    pumps = pumps_of(settings, team, store)
    try:
        if patiently(pumps.check, stop):
            _listen(slack_app(settings, pumps), settings.slack_app_token, stop)
    finally:
        pumps.close()


def _listen(app: App, token: str, stop: threading.Event) -> None:
    line = Line(app, token)
    try:
        if patiently(line.open, stop):
            log.info("listening to Slack")
        while not stop.wait(LOOK):
            if line.broken or line.silence > SILENT:
                log.warning("nothing comes from Slack any more; opening the line again")
                patiently(line.open, stop)
    finally:
        line.close()


class Line:
    """One line to Slack. It counts as open while frames arrive, not while it says so: half-open sockets say so for hours."""

    def __init__(self, app: App, token: str) -> None:
        handler = SocketModeHandler(app, token, logger=quiet(), ping_interval=PING)
        self._client = handler.client
        self._client.on_message_listeners.append(self._heard)
        self._last = time.time()

    @property
    def broken(self) -> bool:
        """Whether a ping could not even be sent; the library itself waits for five of these."""
        session = self._client.current_session
        return session is None or not session.is_active() or session.consecutive_check_state_error_count > 0

    @property
    def silence(self) -> float:
        """Seconds since the last frame: a message of Slack's, or its answer to a ping."""
        session = self._client.current_session
        ponged = session.last_ping_pong_time if session else None
        return time.time() - max(self._last, ponged or 0.0)

    def _heard(self, _message: str) -> None:
        self._last = time.time()

    def open(self) -> None:
        """Open it, or open it anew. Raises SettingsError for a refused token, Unavailable while Slack is away."""
        try:
            self._client.connect_to_new_endpoint(force=True)
        except SlackApiError as error:
            raise refusal(error, "SLACK_APP_TOKEN") from None
        except (OSError, HTTPException) as error:
            raise Unavailable(f"Slack cannot be reached ({reason(error)})") from None
        if not self._client.is_connected():
            raise Unavailable("Slack does not open a line")
        self._last = time.time()

    def close(self) -> None:
        """Hang up at once: the library's own close waits for its readers, which wait seconds for Slack."""
        self._client.closed, self._client.auto_reconnect_enabled = True, False
        self._client.message_queue.put(None)
        session = self._client.current_session
        if session and session.sock:
            with contextlib.suppress(OSError):
                session.sock.shutdown(SHUT_RDWR)
        self._client.close()

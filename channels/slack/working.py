"""What Slack shows while Parley works: a session with a Stop button, a status line, and for longer work a card of the steps.

Best effort: the log is the truth, and what gets lost here loses nothing. https://docs.slack.dev/ai/agent-sessions
"""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any, Literal, TypeAlias

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.events import Replied
from bot.people import Team
from bot.ports import Unavailable
from bot.settings import SettingsError
from bot.state import Status
from bot.thread import Thread
from channels.slack.address import Address, parse
from channels.slack.steps import Step, steps
from channels.slack.stream import Stream

log = logging.getLogger("parley.slack")

Session: TypeAlias = Literal["processing", "active", "suspended", "closed"]
LOST = (SlackApiError, OSError, HTTPException, Unavailable, SettingsError)

SESSIONS: Mapping[Status, Session] = {
    "running": "processing",
    "waiting": "suspended",
    "paused": "suspended",
    "done": "closed",
    "cancelled": "closed",
    "failed": "closed",
}
LONG = 2  # steps from which work is worth a card
MOST = 500  # conversations that are remembered


@dataclass
class Shown:
    """What one conversation shows: as of which version of its thread, and the card of the steps while it lives."""

    guard: threading.Lock = field(default_factory=threading.Lock)
    version: int = 0
    session: tuple[Session, float] | None = None  # and when a person spoke last before it was set
    stream: Stream | None = None


class Working:
    """Safe to use from any thread; nothing here raises what Slack or the network does."""

    def __init__(self, clients: Callable[[str], WebClient], team: Team) -> None:
        self._clients = clients
        self._team = team
        self._guard = threading.Lock()
        self._shown: dict[str, Shown] = {}

    def busy(self, thread: Thread, words: str) -> None:
        """It works on this now."""
        with self._showing(thread) as found:
            if found is None:
                return
            address, shown = found
            self._session(address, shown, thread, "processing")
            client = self._clients(address.team)
            with suppress(*LOST):
                client.assistant_threads_setStatus(
                    channel_id=address.channel, thread_ts=address.thread_ts, status=_status(words)
                )
            self._steps(address, shown, thread)

    def settled(self, thread: Thread) -> None:
        """Something was delivered, or the work came to rest: the session follows the thread, and the card ends before a pause."""
        status = SESSIONS[thread.state.status]
        if status == "processing":
            return
        with self._showing(thread) as found:
            if found is None:
                return
            address, shown = found
            if shown.stream:
                shown.stream.end((*self._done(thread), *self._done(thread, before=_last_reply(thread))))
                shown.stream = None
            self._session(address, shown, thread, status)

    @contextmanager
    def _showing(self, thread: Thread) -> Iterator[tuple[Address, Shown] | None]:
        """The conversation that shows this thread, unless it shows a later state already."""
        address = parse(thread.state.home) if thread.state.home.startswith("slack:") else Address("", "")
        with suppress(*LOST):
            if not address.thread_ts:
                yield None
                return
            shown = self._of(thread.state.home)
            with shown.guard:
                late = thread.version < shown.version
                shown.version = max(shown.version, thread.version)
                yield None if late else (address, shown)

    def _of(self, home: str) -> Shown:
        with self._guard:
            shown = self._shown.pop(home, None) or Shown()
            self._shown[home] = shown
            while len(self._shown) > MOST:
                self._shown.pop(next(iter(self._shown)))
            return shown

    def _session(self, address: Address, shown: Shown, thread: Thread, status: Session) -> None:
        wanted = (status, thread.state.spoke_at)
        if shown.session == wanted:
            return
        shown.session = wanted
        show_session(self._clients(address.team), address, thread, status)

    def _steps(self, address: Address, shown: Shown, thread: Thread) -> None:
        done = self._done(thread)
        if shown.stream is None and len(done) >= LONG:
            shown.stream = Stream(self._clients(address.team), address, recipient(thread))
        if shown.stream and not shown.stream.show(done):
            shown.stream = None

    def _done(self, thread: Thread, before: str = "") -> tuple[Step, ...]:
        return steps(thread, self._team.agents.get(thread.state.agent), before)


def _last_reply(thread: Thread) -> str:
    return next((event.id for event in reversed(thread.events) if isinstance(event, Replied)), "")


def show_session(client: WebClient, address: Address, thread: Thread, status: Session) -> None:
    """Set the session of a conversation; Slack makes it where there is none, with the title and who began it."""
    try:
        client.agents_sessions_setStatus(
            channel_id=address.channel,
            thread_ts=address.thread_ts,
            status=status,
            title=thread.state.title[:200] or None,
            **{"initiator_user_id": user} if (user := recipient(thread).get("recipient_user_id")) else {},
        )
    except LOST as error:
        log.debug("thread %s: no session in Slack (%s)", thread.id, type(error).__name__)


def recipient(thread: Thread) -> dict[str, Any]:
    """Whom a card is for, with their own workspace, as Slack's streams want to know it."""
    scheme, _, native = thread.state.requester.id.partition(":")
    team, _, user = native.partition("/")
    return {"recipient_team_id": team, "recipient_user_id": user} if scheme == "slack" and user else {}


def _status(words: str) -> str:
    """Slack puts the name of the app in front."""
    return f"is {words}" if words == "thinking…" else f"is working: {words}"

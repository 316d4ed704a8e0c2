"""The way in from Slack: receive, write down, acknowledge, and tell people at once what became of it.

Nothing is acknowledged before it is durable: a listener that fails makes Slack send the event again, or shows the person that a click failed.
"""

import json
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from http.client import HTTPException
from typing import Any, TypeGuard, TypeVar

from pydantic import JsonValue
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot import words
from bot.events import Attachment, Cancelled, Event, HumanResponded, MessageReceived
from bot.hear import understand
from bot.judge import Counted, NotUnderstood, judge
from bot.people import Team
from bot.ports import Arrival, Store, Unavailable
from bot.thread import Thread
from channels.slack import asking, direct, translate
from channels.slack.address import parse
from channels.slack.channel import METADATA
from channels.slack.connection import Introduced, code_of
from channels.slack.dialog import without_dialog
from channels.slack.directory import Directory
from channels.slack.form import Unfit
from channels.slack.opening import OPENING, changes, opened
from channels.slack.press import Pressed, pressed, response, submitted, through_dialog
from channels.slack.steps import stopped
from channels.slack.tabs import Tabs
from channels.slack.text import at
from channels.slack.translate import Heard, Ignored, Me, Names, Spot
from channels.slack.word import Word, why
from channels.slack.working import show_session

log = logging.getLogger("parley.slack")

SECONDS = 2  # for a call on the way in: Slack wants its acknowledgement within three
LONGEST = 12_000  # bytes of a text that an event holds; the whole is kept beside it
UNEXPECTED = (KeyError, IndexError, TypeError, ValueError, AttributeError)

T = TypeVar("T")
Json = Mapping[str, Any]
Translate = Callable[[Json, Me, Team, Names], T]


class Pump:
    """What Slack sends, on its way into the store. Safe to use from any thread."""

    def __init__(self, client: WebClient, team: Team, store: Store, aside: ThreadPoolExecutor | None = None) -> None:
        self.me = Introduced(client)
        self._client = client
        self._team = team
        self._store = store
        self._names = Directory(client)
        self._word = Word(client)
        self._tabs = Tabs(client, self.me, team, store)
        self._aside = aside or ThreadPoolExecutor(4, "slack-answer")

    def close(self) -> None:
        self._aside.shutdown()

    def _later(self, work: Callable[..., None], *about: Any) -> None:
        """Do this once Slack has its acknowledgement. What people are told is best effort; the log is the truth."""
        self._aside.submit(work, *about).add_done_callback(_complain)

    # What people write

    def event(self, body: Json) -> None:
        """Take an event of the Events API. Raises Unavailable when Slack must send it again."""
        if (body.get("event") or {}).get("type") == "app_home_opened":
            self._later(self._tabs.opened, body)
        elif said := self._translated(translate.heard, body):
            self._hear(said)

    def _hear(self, said: Heard) -> None:
        thread = self._thread_of(said)
        if thread is None and self._answers(said):
            return
        event = self._understood(thread, said.arrival.event)
        if said.stop and not isinstance(event, Cancelled):
            running = thread is not None and thread.state.status in ("running", "waiting", "paused")
            self._later(self._word.whisper, said.spot, words.NOT_YOURS_TO_STOP if running else words.NOTHING_TO_STOP)
            return
        done = self._store.ingest(replace(said.arrival, event=event, thread=thread.id if thread else ""))
        if done.new:
            log.info("thread %s: %s from Slack", done.thread, event.type)
            self._later(self._tell, said.spot, done.thread, event)

    def _answers(self, said: Heard) -> bool:
        """Whether it answers what was asked in this direct conversation, and then it is written down."""
        event = said.arrival.event
        found = direct.answered(self._store, self._shortened(event)) if isinstance(event, MessageReceived) else None
        if found is None:
            return False
        thread, response = found
        done = self._store.ingest(replace(said.arrival, event=response, thread=thread.id))
        if done.new:
            log.info("thread %s: %s from Slack", done.thread, response.type)
            self._later(self._tell, said.spot, done.thread, response, True)
        return True

    def _thread_of(self, said: Heard) -> Thread | None:
        id = self._store.find(said.arrival.address)
        if id is None and said.root:
            id = self._by_metadata(said.spot.channel, said.root)
        return self._store.load(id) if id else None

    def _by_metadata(self, channel: str, ts: str) -> str | None:
        """The thread of a message of ours whose delivery is not on record yet: it says so itself."""
        try:
            found = self._client.conversations_replies(channel=channel, ts=ts, limit=1, include_all_metadata=True)
        except SlackApiError as error:
            if error.response.status_code >= 429:
                raise Unavailable(f"Slack does not show a message ({code_of(error)})") from None
            return None
        except (OSError, HTTPException):
            raise Unavailable("Slack does not answer") from None
        root: Json = next(iter(found.get("messages") or ()), {})
        metadata = root.get("metadata") or {}
        if root.get("user") != self.me().user or metadata.get("event_type") != METADATA:
            return None
        return str((metadata.get("event_payload") or {}).get("thread") or "") or None

    def _understood(self, thread: Thread | None, event: Event) -> Event:
        """A text is an answer only where nothing else came with it that would be lost."""
        if not isinstance(event, MessageReceived):
            return event
        message = self._shortened(event)
        return message if message.attachments else understand(thread, message)

    def _shortened(self, message: MessageReceived) -> MessageReceived:
        content = message.text.encode()
        if len(content) <= LONGEST:
            return message
        whole = Attachment(
            name="the whole message", media_type="text/plain", size=len(content), blob=self._store.put_blob(content)
        )
        text = content[:LONGEST].decode(errors="ignore")
        return message.model_copy(update={"text": f"{text}…", "attachments": (*message.attachments, whole)})

    def command(self, body: Json) -> str:
        """Take a slash command; what its author is told."""
        arrival = self._translated(asking.commanded, body)
        if arrival is None:
            return asking.HOW_TO_ASK
        self._begin(arrival)
        return asking.ON_IT

    def shortcut(self, body: Json) -> None:
        """Take a shortcut on a message."""
        if arrival := self._translated(asking.pointed_at, body):
            self._begin(arrival)
            spot = Spot(body["channel"]["id"], body["user"]["id"], body["message"].get("thread_ts") or "")
            self._later(self._word.whisper, spot, asking.told(arrival))

    def _begin(self, arrival: Arrival) -> None:
        done = self._store.ingest(replace(arrival, event=self._understood(None, arrival.event)))
        if done.new:
            log.info("thread %s: %s from Slack", done.thread, arrival.event.type)

    # What people press

    def press(self, body: Json) -> None:
        """Take a click. Raises Unavailable when it could not be written down, which Slack shows."""
        if press := self._translated(pressed, body):
            thread = self._store.load(press.ticket.thread)
            if press.verb in OPENING and _would_count(press, thread):
                self._later(self._open, press, thread)
            else:
                self._decide(press, thread)

    def submit(self, body: Json) -> Mapping[str, str]:
        """Take a dialog that was sent; what is wrong with it, by block id."""
        if press := self._translated(submitted, body):
            thread = self._store.load(press.ticket.thread)
            try:
                self._decide(press, thread, changes(press, thread, self._team))
            except Unfit as unfit:
                return unfit.errors
        return {}

    def _decide(self, press: Pressed, thread: Thread | None, arguments: dict[str, JsonValue] | None = None) -> None:
        arrival = response(press, thread, arguments)
        done = self._store.ingest(arrival)
        log.info("thread %s: %s from Slack", done.thread or "unknown", arrival.event.type)
        if done.new or not done.thread:
            self._later(self._answer, press, done.thread, arrival.event)

    def _open(self, press: Pressed, thread: Thread) -> None:
        """Show the dialog; where Slack does not, offer the same without it."""
        mine = through_dialog(press)
        try:
            self._client.views_open(trigger_id=press.trigger, view=opened(mine, press.verb, thread, self._team))
        except (SlackApiError, OSError, HTTPException, LookupError) as error:
            log.warning("Slack opened no dialog (%s)", why(error))
            self._word.whisper(press.spot, without_dialog(mine, OPENING[press.verb]))

    # What they are told

    def _tell(self, spot: Spot, id: str, event: Event, counted: bool = False) -> None:
        thread = self._store.load(id)
        if isinstance(event, Cancelled) and thread and event.origin:
            show_session(self._client, parse(event.origin.address), thread, "closed")
        if thread and isinstance(thread.state.verdicts.get(event.id), Counted):
            self._word.tick(spot, event)
        if text := answer(thread, event, self._team, counted=counted):
            self._word.whisper(spot, text)

    def _answer(self, press: Pressed, id: str, event: Event) -> None:
        thread = self._store.load(id) if id else None
        text = answer(thread, event, self._team, counted=press.whispered or not press.spot.channel)
        if not press.spot.channel:
            self._tabs.home(press.spot.user, press.actor, text)
        elif press.whispered and press.response_url:
            self._word.replace(press.response_url, text)
        elif text:
            self._word.whisper(press.spot, text)

    # What nobody expected

    def _translated(self, translated: "Translate[T | Ignored]", body: Json) -> T | None:
        """What a payload says; one that cannot be read is kept, so that it can be looked at."""
        try:
            found = translated(body, self.me(), self._team, self._names)
        except UNEXPECTED as error:
            blob = self._store.put_blob(json.dumps(body).encode())
            log.error("a Slack %s has an unknown shape (%s); kept as blob %s", kind(body), type(error).__name__, blob)
            return None
        if isinstance(found, Ignored):
            log.debug("Slack: nothing to do for an %s", found.why)
            return None
        return found


def _would_count(press: Pressed, thread: Thread | None) -> TypeGuard[Thread]:
    """Whether a dialog makes sense; who may not decide, or is too late, is told so before they type."""
    event = response(press, thread, {} if press.verb == "ask_changes" else None).event
    assert isinstance(event, HumanResponded)
    interaction = thread.state.interactions.get(event.interaction) if thread else None
    return isinstance(judge(interaction, event), Counted)


def answer(thread: Thread | None, event: Event, team: Team, *, counted: bool = False) -> str:
    """What somebody is told at once about what they did; empty where they see it anyway. ``counted``: also when it counts."""
    match event:
        case HumanResponded():
            verdict = thread.state.verdicts.get(event.id) if thread else None
            if isinstance(verdict, Counted) and not counted:
                return ""
            interaction = thread.state.interactions.get(event.interaction) if thread else None
            return words.about(verdict or NotUnderstood(event.interaction), interaction, team, at)
        case Cancelled():
            return stopped(thread, event, team.agents.get(thread.state.agent)) if thread else words.STOPPED
        case MessageReceived() if thread is not None and thread.state.paused:
            return words.KEPT
    return ""


def kind(body: Json) -> str:
    """What sort of payload this is, without its content."""
    event = body.get("event")
    inner = f" {event.get('type')}" if isinstance(event, Mapping) else ""
    return f"{body.get('type') or ('command' if 'command' in body else 'payload')}{inner}"


def _complain(work: Future[None]) -> None:
    if error := work.exception():
        log.error("somebody was not told what became of what they did (%s)", type(error).__name__)

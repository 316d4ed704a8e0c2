"""The way in by mail: one process at a time reads the mailbox, writes down what came, and only then moves on."""

import asyncio
import json
import logging
import signal
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypeVar, cast
from urllib.parse import urlsplit

from bot.ids import digest
from bot.people import Team
from bot.ports import Store, Unavailable, Vault
from bot.settings import Settings, credentials
from channels.email import mail as mails
from channels.email.imap import Arrived, Cursor, Mailbox, Positioned, folder_of
from channels.email.imap import Pace as Patience
from channels.email.me import Me
from channels.email.oauth import grant_of
from channels.email.pace import Pace
from channels.email.translate import Ignored, Noticed, Returned, Said, translate

log = logging.getLogger("parley.email")

LOCK = 8.0  # seconds after which another process takes over from one that died
AGAIN = 1.0  # seconds between looks whether the mailbox is free, and between tries while the store is away
FROM_ONE_STRANGER = 60  # mails an hour; more stay unread in the mailbox
REMEMBERED = 1_000  # of them, for a week
A_WEEK = 7 * 86_400.0
UNHEALTHY = 600.0  # seconds without a look at the mailbox: two rounds of the usual pace, and some patience
TRIES = 3  # at understanding one mail, before it is set aside

Meaning: TypeAlias = Said | Returned | Noticed | Ignored
T = TypeVar("T")


def run_mailbox(
    settings: Settings,
    team: Team,
    store: Store,
    *,
    stop: threading.Event | None = None,
    pace: Patience | None = None,
) -> None:
    """Read the mailbox of IMAP_URL until told to stop. Raises SettingsError where a setting is missing; an outage is waited out."""
    settings.require("EMAIL_ADDRESS", "IMAP_URL", "BOT_SECRET")
    intake = Intake(Me.of(settings, team), team, store, name_of(settings.imap_url))
    mailbox = Mailbox(settings.imap_url, grant=grant_of(settings), pace=pace)
    asyncio.run(_until(stop or threading.Event(), _turns(mailbox, intake)))


def name_of(url: str) -> str:
    """A name for a mailbox that holds no address: the same for everybody who reads it."""
    named = digest([urlsplit(url).hostname, credentials(url)[0], folder_of(url)])
    return f"mailbox:{named[:12]}"


def last_look(settings: Settings, store: Vault) -> float | None:
    """When somebody last looked into the mailbox, by the store's clock; None: nobody ever did."""
    at = store.get(f"{name_of(settings.imap_url)}:looked")
    return float(at) if at else None


def passed_over(settings: Settings, store: Vault) -> list[str]:
    """The places in the mailbox of strangers' mails that were too many, and stay unread there."""
    return _passed_over(name_of(settings.imap_url), store)


def _passed_over(name: str, store: Vault) -> list[str]:
    return list(json.loads(store.get(f"{name}:passed") or b"[]"))


@dataclass(frozen=True)
class Intake:
    """What came by mail, on its way into the store. ``name`` is the mailbox's, for its cursor and its lock."""

    me: Me
    team: Team
    store: Store
    name: str

    @property
    def cursor(self) -> Cursor | None:
        """How far the mailbox was read; None: never."""
        known = self.store.cursor(self.name)
        return Cursor.read(known) if known else None

    def take(self, item: Arrived | Positioned) -> None:
        """Write it down and move on, in this order. Raises Unavailable when it must be given again."""
        if isinstance(item, Arrived) and item.raw is None:
            log.error("mail %s is not given by the mail server; it was passed over", item.cursor)
        if isinstance(item, Positioned) or item.raw is None:
            return self._move_on(item)
        meaning = self._meaning(item, item.raw)
        if isinstance(meaning, Said):
            return self._write_down(meaning, item) if self._has_room(meaning) else self._pass_over(item)
        if isinstance(meaning, Returned):
            self._fail(meaning)
        elif isinstance(meaning, Noticed):
            self._note(meaning)
        else:
            log.info("mail %s: nothing to do (%s)", item.cursor, meaning.why)
        return self._move_on(item)

    def set_aside(self, item: Arrived | Positioned) -> None:
        """Keep a mail for people to look at, and move on without it."""
        blob = self.store.put_blob(item.raw or b"") if isinstance(item, Arrived) else ""
        self._move_on(item)
        log.error("mail %s could not be read and was passed over; it is kept as blob %s", item.cursor, blob)

    def _meaning(self, item: Arrived, raw: bytes) -> Meaning:
        mail = mails.parse(raw)
        if not item.whole:
            mail = replace(mail, reason=f"The mail is too large to be read: {item.size / 1e6:.0f} MB.")
        return translate(mail, raw, self.me, self.team, self.store)

    def _has_room(self, said: Said) -> bool:
        """People of bot.toml write as much as they like; a stranger who never stops is a machine, or means no good."""
        actor = said.arrival.event.actor
        return actor.known or not self._strangers.wait([actor.id])

    @property
    def _strangers(self) -> Pace:
        return Pace(self.store, "from", FROM_ONE_STRANGER)

    def _pass_over(self, item: Arrived) -> None:
        """Leave it unread in the mailbox, on record for whoever runs this installation, and move on."""
        before = _passed_over(self.name, self.store)
        now = list(dict.fromkeys((*before, str(item.cursor))))[-REMEMBERED:]
        self.store.put(f"{self.name}:passed", json.dumps(now).encode(), A_WEEK)
        self._move_on(item)
        log.warning("mail %s of a stranger stays unread in the mailbox: it is one too many in an hour", item.cursor)

    def looked(self) -> None:
        """Put on record that the mailbox was looked at, for whoever asks how it is."""
        self.store.put(f"{self.name}:looked", str(self.store.now()).encode())

    def _write_down(self, said: Said, item: Arrived) -> None:
        for content in said.blobs:
            self.store.put_blob(content)
        done = self.store.ingest(replace(said.arrival, cursor=(self.name, str(item.cursor))))
        if done.new and not said.arrival.event.actor.known:
            self._strangers.count([said.arrival.event.actor.id])
        what = said.arrival.event.type if done.new else "the same mail once more"
        log.info("thread %s: %s by email", done.thread or "unknown", what)

    def _fail(self, returned: Returned) -> None:
        self.store.record(returned.thread, returned.event)
        self.store.look_at(returned.thread.id, self.store.now())
        log.error("thread %s: the mail for %s came back", returned.thread.id, returned.event.delivery)

    def _note(self, noticed: Noticed) -> None:
        self.store.record(noticed.thread, noticed.event)
        log.info("thread %s: whoever was asked is away", noticed.thread.id)

    def _move_on(self, item: Arrived | Positioned) -> None:
        self.store.set_cursor(self.name, str(item.cursor))


async def _turns(mailbox: Mailbox, intake: Intake) -> None:
    """Read while the mailbox is ours; wait while another process has it."""
    while True:
        token = await _patiently(lambda: intake.store.lock(intake.name, LOCK))
        if token is None:
            await asyncio.sleep(AGAIN)
            continue
        log.info("reading the mailbox")
        try:
            await _first(_read(mailbox, intake), _kept(mailbox, intake, token))
        finally:
            with suppress(Unavailable):
                intake.store.unlock(intake.name, token)


async def _read(mailbox: Mailbox, intake: Intake) -> None:
    cursor = await _patiently(lambda: intake.cursor)
    async with aclosing(cast(AsyncGenerator[Arrived | Positioned, None], mailbox.watch(cursor))) as items:
        async for item in items:
            await _taken(intake, item)


async def _taken(intake: Intake, item: Arrived | Positioned) -> None:
    """Take an item, again and again until it is written down or set aside."""
    for _ in range(TRIES):
        try:
            return await _patiently(lambda: intake.take(item))
        except Exception as error:
            log.error("mail %s could not be read (%s)", item.cursor, type(error).__name__)
    return await _patiently(lambda: intake.set_aside(item))


async def _kept(mailbox: Mailbox, intake: Intake, token: str) -> None:
    """Hold the mailbox, and say how it is; returns when it was lost."""
    held, looked = True, mailbox.last_cycle
    while held:
        if looked != mailbox.last_cycle:
            looked = mailbox.last_cycle
            await _patiently(intake.looked)
        await asyncio.sleep(LOCK / 3)
        held = await _patiently(lambda: intake.store.keep(intake.name, token, LOCK))
    log.warning("another process reads the mailbox now")


async def _patiently(ask: Callable[[], T]) -> T:
    """The store's answer, as soon as it gives one."""
    while True:
        try:
            return await asyncio.to_thread(ask)
        except Unavailable as error:
            log.warning("the store is away (%s); asking again", error)
            await asyncio.sleep(AGAIN)


async def _first(*work: Coroutine[Any, Any, object]) -> None:
    """Until one of them ends; the others are cancelled. Raises what it raised."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _until(stop: threading.Event, work: Coroutine[Any, Any, None]) -> None:
    """Work until told to stop, by the event or by a signal."""
    if threading.current_thread() is threading.main_thread():
        for each in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(each, stop.set)
    try:
        await _first(work, asyncio.to_thread(stop.wait))
    finally:
        stop.set()

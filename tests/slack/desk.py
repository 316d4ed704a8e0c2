"""Parley's Slack side at work: the real adapter on the sandbox's workspace, with a store in memory and no model."""

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bot.events import PARLEY, Delivered, Event, HumanContacted, HumanResponded
from bot.memory import MemoryStore
from bot.owed import owed
from bot.ports import Arrival, Ingested, Unavailable
from bot.settings import Settings
from bot.thread import Thread
from channels.slack.channel import slack_channel
from channels.slack.socket import run_socket
from tests.sandbox.slackside import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, World, eventually, running_workspace
from tests.slack.team import TEAM, T

TOKENS: dict[str, Any] = {
    "slack_bot_token": BOT_TOKEN,
    "slack_app_token": APP_TOKEN,
    "slack_signing_secret": SIGNING_SECRET,
}


class FlakyStore(MemoryStore):
    """A store that can be away."""

    away = False

    def ingest(self, arrival: Arrival) -> Ingested:
        if self.away:
            raise Unavailable("The store is away")
        with self.guard:  # several adapters may share it
            return super().ingest(arrival)


class Desk:
    """A workspace, a store, and what stands between them."""

    def __init__(self, world: World, store: FlakyStore) -> None:
        self.world = world
        self.store = store
        self.channel = slack_channel(settings(world), TEAM, self.store)

    def thread_at(self, channel: str, ts: str) -> Thread:
        """The thread of the conversation under this message, as soon as there is one."""
        id = eventually(lambda: self.store.find(f"slack:{T}/{channel}/{ts}"))
        return self.load(id)

    def load(self, id: str) -> Thread:
        thread = self.store.load(id)
        assert thread is not None
        return thread

    def post(self, thread: Thread, *events: Event, record: bool = True) -> tuple[str, str]:
        """Write these events down and deliver the card that they owe: its channel and timestamp."""
        here = self.store.record(thread, *events)
        (delivery,) = [each for each in owed(here, 0) if each.key.startswith(_interaction(events))]
        sent = self.channel.send(delivery, here)
        if record:
            done = Delivered(
                id=f"{delivery.key}.d",
                actor=PARLEY,
                delivery=delivery.key,
                address=delivery.address,
                native=sent.native,
                shows=delivery.shows,
                maps=sent.maps,
            )
            self.store.record(here, done)
        channel, _, ts = sent.native.partition("/")
        return channel, ts

    def deliver(self, thread: Thread) -> None:
        """Bring what stands in Slack up to date."""
        here = self.load(thread.id)
        for delivery in owed(here, 0):
            self.channel.send(delivery, here)

    def responses(self, thread: Thread) -> list[HumanResponded]:
        return [each for each in self.load(thread.id).events if isinstance(each, HumanResponded)]

    def whispers(self, user: str, channel: str) -> list[dict[str, Any]]:
        return [message for message in self.world.messages(user, channel) if message["ephemeral"]]

    def settle(self) -> None:
        """Wait until Slack has nothing more to tell."""
        eventually(lambda: not self.world.workspace.records.queued())
        time.sleep(0.05)


def _interaction(events: tuple[Event, ...]) -> str:
    return next(each.interaction for each in events if isinstance(each, HumanContacted))


def settings(world: World, **more: Any) -> Settings:
    return Settings(slack_api_url=world.api_url, **{**TOKENS, **more})


@contextlib.contextmanager
def desk_at(path: Path) -> Iterator[Desk]:
    """The workspace with Parley listening by Socket Mode."""
    with running_workspace(path) as world:
        store = FlakyStore()
        with listening(settings(world), store):
            eventually(lambda: world.workspace.link.is_open)
            yield Desk(world, store)


@contextlib.contextmanager
def listening(given: Settings, store: MemoryStore) -> Iterator[threading.Thread]:
    stop = threading.Event()
    runner = threading.Thread(target=run_socket, args=(given, TEAM, store), kwargs={"stop": stop})
    runner.start()
    try:
        yield runner
    finally:
        stop.set()
        runner.join()

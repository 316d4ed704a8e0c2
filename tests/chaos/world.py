"""Parley's real processes on a store that is really durable, with both far sides in the test's own process, and ways to kill all of it."""

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from channels.sandbox.slack.roster import Json
from tests.chaos import planner
from tests.messages_server import KEY, messages_server
from tests.sandbox.mailside import AGENT, Mailside
from tests.sandbox.slackside import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, free_port, running_workspace
from tests.sandbox.slackside import World as Slack
from workers.demo import Child
from workers.store import RedisStore, connect
from workers.valkey import embedded

ROOT = Path(__file__).parents[2]
PROCESSES = ("web", "slack", "email", "worker", "worker-2")
PEOPLE = """
default_agent = "desk"

[people.ana]
name = "Ana Diaz"
slack = "U02ANA"
email = "ana@example.com"
groups = ["ops"]

[people.ben]
name = "Ben Okafor"
slack = "U03BEN"
email = "ben@example.com"

[people.carl]
name = "Carl Lindqvist"
slack = "U04CARL"
email = "carl@example.com"
groups = ["ops"]
"""
SECRETS = ("SLACK", "IMAP", "SMTP", "EMAIL", "REDIS", "BOT_", "ANTHROPIC")

T = TypeVar("T")


class Refused(Exception):
    """Parley's API did not take it."""


@dataclass
class World:
    """Everything around Parley, and Parley itself as processes."""

    folder: Path
    redis_url: str
    slack: Slack
    mail: Mailside
    model_url: str
    chance: random.Random
    children: dict[str, Child] = field(default_factory=dict)
    killed: Counter[str] = field(default_factory=Counter)
    stopping: threading.Event = field(default_factory=threading.Event)
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.store = RedisStore(connect(self.redis_url, timeout=5.0))
        (self.folder / "bot.toml").write_text(PEOPLE)

    @property
    def environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(SECRETS)}
        return clean | {
            "PYTHONUNBUFFERED": "1",
            "PARLEY_PARENT": str(os.getpid()),
            "REDIS_URL": self.redis_url,
            "BOT_CONFIG": str(self.folder / "bot.toml"),
            "BOT_DATA": str(self.folder),
            "BOT_MODEL": "claude-sonnet-5-5",
            "BOT_OPERATOR": "ana",
            "ANTHROPIC_API_KEY": KEY,
            "ANTHROPIC_BASE_URL": self.model_url,
            "SLACK_BOT_TOKEN": BOT_TOKEN,
            "SLACK_APP_TOKEN": APP_TOKEN,
            "SLACK_SIGNING_SECRET": SIGNING_SECRET,
            "SLACK_API_URL": self.slack.api_url,
            "EMAIL_ADDRESS": AGENT,
            "EMAIL_AUTHSERV_ID": self.mail.authserv_id,
            "IMAP_URL": self.mail.imap_url,
            "SMTP_URL": self.mail.smtp_url,
            "BOT_SECRET": "chaos" * 8,
            "BOT_API_KEYS": "ana:key-of-ana,ben:key-of-ben",
            "PORT": str(self.port),
        }

    # Processes

    def start(self, *names: str) -> None:
        """Start these and keep them running until the end: whichever dies is started again."""
        for name in names:
            command = [sys.executable, "-m", "tests.chaos.process", name.partition("-")[0]]
            self.children[name] = Child(name, command, self.environment, self.folder / f"{name}.log")
            self.children[name].start()
        if len(self.children) == len(names):
            threading.Thread(target=self._keep_running, name="supervisor", daemon=True).start()
        self.until(lambda: self._up(names), f"{', '.join(names)} to be up", 40)

    def _up(self, names: tuple[str, ...]) -> bool:
        logs = "".join((self.folder / f"{name}.log").read_text() for name in names)
        first = {"web": "listening on", "slack": "listening to Slack", "email": "reading the mailbox"}
        said = all(words in logs for name, words in first.items() if name in names)
        read = "email" not in names or bool(self.store.client.keys("cur:mailbox:*"))
        return said and read and logs.count("agents think with") >= sum(name.startswith("worker") for name in names)

    def _keep_running(self) -> None:
        while not self.stopping.wait(0.2):
            for child in list(self.children.values()):
                if not child.running and not self.stopping.is_set():
                    child.start()

    def kill(self, name: str) -> None:
        """SIGKILL, also of the store."""
        self.killed[name] += 1
        if name == "valkey":
            os.kill(self._valkey(), signal.SIGKILL)
        elif process := self.children[name].process:
            process.kill()  # which never hits another process that has got the number since

    def _valkey(self) -> int:
        return self.patiently(lambda: int(self.store.client.info("server")["process_id"]))

    def stop(self) -> None:
        self.stopping.set()
        for child in self.children.values():
            child.stop()
        until = time.monotonic() + 10
        for child in self.children.values():
            child.wait(until - time.monotonic())

    # Looking and asking

    def patiently(self, ask: Callable[[], T]) -> T:
        """What the store says, although it may be away for a moment."""
        end = time.monotonic() + 20
        while True:
            try:
                return ask()
            except Exception:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def until(self, look: Callable[[], T], what: str, seconds: float = 20) -> T:
        end = time.monotonic() + seconds
        while not (found := look()):
            assert time.monotonic() < end, f"waited {seconds:g} s for {what}"
            time.sleep(0.05)
        return found

    def api(self, method: str, path: str, body: Any = None, key: str = "key-of-ana", **headers: str) -> Any:
        """Parley's API. Raises Refused where nothing was acknowledged."""
        asked = Request(
            f"http://127.0.0.1:{self.port}/v1{path}",
            None if body is None else json.dumps(body).encode(),
            {"authorization": f"Bearer {key}", "content-type": "application/json", **headers},
            method=method,
        )
        try:
            with urlopen(asked, timeout=10) as answer:
                return json.loads(answer.read() or b"null")
        except HTTPError as error:
            raise Refused(f"{error.code} {error.read().decode()[:200]}") from None
        except (OSError, HTTPException) as error:
            raise Refused(type(error).__name__) from None

    def deeds(self) -> list[tuple[str, str]]:
        """What tools really did: (deed, idempotency key), in order."""
        path = self.folder / "deeds"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(line.split()[0], line.split()[1]) for line in lines]


@contextmanager
def world(folder: Path, seed: int = 0, redis_url: str = "") -> Iterator[World]:
    """A world without Parley yet; everything of it is gone when the block ends. ``redis_url``: another store than a durable one of its own."""
    chance = random.Random(seed)
    for name in ("slack", "mail"):
        (folder / name).mkdir()
    with ExitStack() as stack:
        redis_url = redis_url or stack.enter_context(embedded(folder / "valkey"))
        slack = stack.enter_context(running_workspace(folder / "slack"))
        mail = stack.enter_context(Mailside(folder / "mail"))
        model = stack.enter_context(messages_server(planner.follow))
        made = World(folder, redis_url, slack, mail, model.url, chance)
        stack.callback(made.stop)
        yield made


def repeat_and_reorder(world: World, share: float = 0.3) -> Counter[str]:
    """From now on Slack's events and clicks come late, in another order, and some of them twice. Counts those that were repeated."""
    link, chance, repeated = world.slack.workspace.link, world.chance, Counter[str]()
    carry, again = link.carry, set[asyncio.Task[Json]]()

    async def once_more(kind: str, payload: Json) -> Json:
        await asyncio.sleep(chance.random() * 2)
        with contextlib.suppress(Exception):
            return await carry(kind, payload, tries=1, reason="timeout")
        return {}

    async def rough(kind: str, payload: Json, *, tries: int = 0, reason: str = "") -> Json:
        await asyncio.sleep(chance.random() * 0.3)
        answer = await carry(kind, payload, tries=tries, reason=reason)
        if chance.random() < share:
            repeated[kind] += 1
            task = asyncio.create_task(once_more(kind, payload))
            again.add(task)
            task.add_done_callback(again.discard)
        return answer

    link.carry = rough  # type: ignore[method-assign]  # the line that both its users hold
    return repeated

"""A store that takes nothing: nothing is acknowledged, so that everybody tries again; and nothing is lost when it does."""

import asyncio
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from channels.sandbox.slack.errors import Unacknowledged
from channels.sandbox.slack.push import Push
from tests.chaos.world import Refused, World, world
from tests.sandbox.mailside import AGENT
from tests.sandbox.slackside import BEN, GENERAL, PARLEY, SIGNING_SECRET
from tests.servers import valkey


@pytest.fixture
def around(tmp_path: Path) -> Iterator[World]:
    with valkey() as url, world(tmp_path, redis_url=url) as around:
        yield around


TROUBLES = {
    "full": ("CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0"),
    "replica": ("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE"),
    "locked": ("CONFIG SET requirepass secret", "CONFIG SET requirepass "),
}


@pytest.mark.chaos
@pytest.mark.timeout(90)
def test_nothing_is_acknowledged_while_the_store_is_full_or_read_only_or_locked(around: World) -> None:
    around.start("web", "slack", "email")
    for name, (breaks, mends) in TROUBLES.items():
        _ask(around, *breaks.split())
        _ask(around, "CLIENT", "KILL", "TYPE", "normal")  # whoever was let in before has to ask again
        before = _cursor(around), around.store.threads()
        ts = around.slack.post(BEN, GENERAL, f"@parley {name}")
        id = around.mail.send("ana@example.com", AGENT, name, name)
        with pytest.raises(Refused, match=r"^5"):
            around.api("POST", "/threads", {"text": name, "agent": "desk"})
        with pytest.raises(Unacknowledged, match="http_error"):
            asyncio.run(_pushed(around, name))
        time.sleep(1.5)
        assert (_cursor(around), around.store.threads()) == before
        assert around.slack.workspace.records.queued()
        _ask(around, *mends.split(" "))
        around.until(_leads(around, f"slack:T0SANDBOX/{GENERAL}/{ts}"), f"Slack's message ({name})")
        around.until(_leads(around, f"email:{id.strip('<>')}"), f"the mail ({name})")
        asyncio.run(_pushed(around, name))


async def _pushed(around: World, text: str) -> None:
    """The same mention over HTTP, signed."""
    ts = f"170000000{len(text)}.000100"
    event = {
        "type": "app_mention",
        "user": BEN,
        "text": f"<@{PARLEY}> {text}",
        "ts": ts,
        "channel": GENERAL,
        "event_ts": ts,
    }
    body = {"type": "event_callback", "team_id": "T0SANDBOX", "event_id": f"Ev{uuid.uuid4().hex}", "event": event}
    await Push(f"http://127.0.0.1:{around.port}/slack/events", SIGNING_SECRET).carry("events_api", body)


def _ask(around: World, *command: str) -> None:
    around.store.client.execute_command(*command)  # type: ignore[no-untyped-call]


def _cursor(around: World) -> str:
    (name,) = around.store.client.keys("cur:mailbox:*")
    return str(around.store.client.get(name))


def _leads(around: World, address: str) -> Callable[[], str | None]:
    return lambda: around.store.find(address)

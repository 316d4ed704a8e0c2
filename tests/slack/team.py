"""The people, routes and threads that the tests of the Slack adapter share."""

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from bot import Agent, Approval, Tool
from bot.events import PARLEY as PARLEY_ITSELF
from bot.events import Audience, DeliveryAttempted, Event, HumanContacted, MessageReceived, Origin, ToolCalled
from bot.people import Group, Person, Route, Team
from bot.thread import Thread
from channels.slack.translate import Me

PAYLOADS = Path(__file__).parents[1] / "payloads" / "slack"
T, ANA, BEN, CARL, SAM, PARLEY = "T0SANDBOX", "U02ANA", "U03BEN", "U04CARL", "U0SAM", "U00PARLEY"
OPS, SUPPORT, GENERAL = "C0OPS", "C0SUPPORT", "C0GENERAL"
ME = Me(team=T, user=PARLEY, bot="B00PARLEY")


class Restart(Tool, effect="write", approval=Approval(by="ops")):
    """Restart a service."""

    service: str = Field(pattern="^[a-z]+$")
    environment: Literal["production", "staging"]

    def run(self) -> str:
        return "restarted"


TEAM = Team(
    agents={name: Agent([Restart]).named(name, "Help.") for name in ("frontdesk", "ops", "support")},
    people={
        "ana": Person(name="Ana Diaz", slack=(ANA,), groups=("ops",)),
        "ben": Person(name="Ben Okafor", slack=(BEN,), groups=("support",)),
        "carl": Person(name="Carl Lindqvist", slack=(f"{T}/{CARL}",), groups=("ops", "support")),
    },
    groups={"support": Group(slack="#support")},
    routes={"slack:#ops": Route(agent="ops"), "slack:C0SHARED": Route(agent="support", trusted=False)},
)


class Names:
    """A directory that knows a few."""

    def person(self, id: str) -> str:
        return {SAM: "Sam Kowalski"}.get(id, "")

    def channel(self, id: str) -> str:
        return {OPS: "ops", SUPPORT: "support", GENERAL: "general"}.get(id, "")


def payload(name: str, **event: Any) -> dict[str, Any]:
    """A recorded payload, its event changed."""
    body: dict[str, Any] = json.loads((PAYLOADS / f"{name}.json").read_text())
    if event:
        body["event"] |= event
    return body


HOME = f"slack:{T}/{OPS}/1.1"


def asked(text: str = "restart the api on production", *, address: str = HOME, user: str = BEN) -> MessageReceived:
    origin = Origin(address=address, native="1.1", place="slack:#ops")
    return MessageReceived(
        id="m1", at=100.0, actor=TEAM.actor(f"slack:{T}/{user}", proof="slack"), text=text, origin=origin, agent="ops"
    )


def approval(**more: Any) -> tuple[Event, Event]:
    """A call of restart, and the request for its approval by ops."""
    arguments = {"service": "api", "environment": "production"}
    call = ToolCalled(
        id="d1", at=101.0, actor=PARLEY_ITSELF, call="c1", tool="restart", arguments=arguments, digest="d", seen=1
    )
    given = {
        "interaction": "t1.2",
        "kind": "approval",
        "text": "restart api on production",
        "audience": Audience(names=("ops",)),
        "surfaces": (HOME,),
        "call": "c1",
        "tool": "restart",
        "arguments": arguments,
        "digest": "d",
    }
    return call, HumanContacted(id="d2", at=102.0, actor=PARLEY_ITSELF, **{**given, **more})


def question(**more: Any) -> HumanContacted:
    given = {
        "interaction": "t1.1",
        "text": "Which order does she mean?",
        "choices": ("4417", "4392"),
        "surfaces": (HOME,),
    }
    return HumanContacted(id="d2", at=102.0, actor=PARLEY_ITSELF, **{**given, **more})


def thread(*events: Event) -> Thread:
    return Thread.of("t1", events)


def attempted(delivery: str, address: str, at: float) -> DeliveryAttempted:
    return DeliveryAttempted(id=f"{delivery}.a1", at=at, actor=PARLEY_ITSELF, delivery=delivery, address=address)

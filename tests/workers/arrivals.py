"""Small events and arrivals to write down in tests of the store."""

from typing import Any

from bot import events as e
from bot.events import PARLEY, Actor, Origin
from bot.ids import new_id
from bot.ports import Arrival

ANA = Actor(id="slack:T1/U02ANA", name="Ana Diaz", person="ana", groups=("ops",), proof="slack")
PLACE = "slack:T1/C1/1.0"


def message(id: str = "", text: str = "hello", address: str = PLACE) -> e.MessageReceived:
    return e.MessageReceived(id=id or new_id(), actor=ANA, text=text, origin=Origin(address=address))


def arrival(*keys: str, address: str = PLACE, **more: Any) -> Arrival:
    return Arrival(message(address=address), address, keys, **more)


def choice(id: str = "") -> e.ToolCalled:
    return e.ToolCalled(id=id or new_id(), actor=PARLEY, call="c1", tool="reply", arguments={"text": "hi"})


def outcome(id: str = "") -> e.ToolReturned:
    return e.ToolReturned(id=id or new_id(), actor=PARLEY, call="c1", result="done")

"""What every route needs: the store, the team and who watches. And the way for a route to ask who is calling."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, HTTPException, Request

from bot.events import Actor
from bot.people import Team
from bot.ports import Store
from channels.web.changes import Changes


@dataclass(frozen=True)
class House:
    """One installation, as seen from HTTP. ``model`` is the name of what the agents think with."""

    store: Store
    team: Team
    changes: Changes
    model: str
    version: str


def _house(request: Request) -> House:
    return cast(House, request.app.state.house)


def _caller(request: Request) -> Actor:
    """Whoever the door let in: a key's holder, or the console's operator."""
    return cast(Actor, request.state.caller)


def _decider(request: Request) -> Actor:
    """The same, where it takes a person of bot.toml."""
    caller = _caller(request)
    if not caller.known:
        raise HTTPException(
            403, "This key names no person, so it may start and say, and decides nothing; use person:key."
        )
    return caller


InHouse = Annotated[House, Depends(_house)]
Caller = Annotated[Actor, Depends(_caller)]
Decider = Annotated[Actor, Depends(_decider)]

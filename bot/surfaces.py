"""Where a question or an approval shows: the addresses that reach its audience."""

from bot.people import Person, Team
from bot.thread import State


def surfaces(team: Team, state: State, names: tuple[str, ...], *, approval: bool) -> tuple[str, ...]:
    """The addresses for these people and groups; nobody named: the conversation that it came from.

    A group is asked in its own channel if it has one; people are mentioned in the Slack channel that it came from, or else asked personally.
    An approval also shows in the thread in which it was asked for, so that who asked sees how it stands; never in a stranger's mailbox.
    """
    if not names and (not approval or state.requester.known):
        return (state.home,)
    mentioned = _is_channel(state) and not _channels(team, names)
    asked = [] if mentioned else [_here(state, place) for place in _places(team, names)]
    home = [state.home] if mentioned or not asked or (approval and _shows_at_home(team, state, names)) else []
    return tuple(dict.fromkeys([*home, *asked]))


def _here(state: State, place: str) -> str:
    """The thread that it came from, rather than a new one in the same channel."""
    return state.home if place.casefold() == state.place.casefold() else place


def _shows_at_home(team: Team, state: State, names: tuple[str, ...]) -> bool:
    if state.home.startswith("email:"):
        return state.requester.known and state.requester.person in team.members(names)
    return True


def _is_channel(state: State) -> bool:
    return state.place.startswith(("slack:#", "slack:C"))


def _channels(team: Team, names: tuple[str, ...]) -> list[str]:
    return [f"slack:{team.groups[name].slack}" for name in names if name in team.groups and team.groups[name].slack]


def _places(team: Team, names: tuple[str, ...]) -> list[str]:
    channels = _channels(team, names)
    alone = [name for name in names if not (name in team.groups and team.groups[name].slack)]
    people = team.members(alone) if alone or not names else ()
    return [*channels, *filter(None, (personal(team.people[person]) for person in people))]


def personal(person: Person) -> str:
    """The address where this person is reached alone; empty: none."""
    if person.slack:
        return f"slack:@{person.slack[0]}"
    return f"email:{person.email[0]}" if person.email else ""

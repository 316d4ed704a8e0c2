"""Where a question or an approval shows: the addresses that reach its audience."""

from collections.abc import Iterator

from bot.people import Person, Team
from bot.state import State


def surfaces(team: Team, state: State, names: tuple[str, ...], *, approval: bool) -> tuple[str, ...]:
    """The addresses for these people and groups; nobody named: the conversation that it came from.

    A group is asked in its own channel if it has one; people are mentioned in the Slack channel that it came from, or else asked personally.
    An approval also shows in the thread in which it was asked for, so that who asked sees how it stands; never in a stranger's mailbox.
    """
    if not names and (not approval or state.requester.known):
        return (state.home,)
    asked = list(_asked(team, state, names))
    home = [state.home] if not asked or (approval and _shows_at_home(team, state, names)) else []
    return tuple(dict.fromkeys([*home, *asked]))


def _asked(team: Team, state: State, names: tuple[str, ...]) -> Iterator[str]:
    grouped = [name for name in names if name in team.groups and team.groups[name].slack]
    for name in grouped:
        yield _here(state, f"slack:{team.groups[name].slack}")
    alone = [name for name in names if name not in grouped]
    for key in team.members(alone) if alone or not names else ():
        person = team.people[key]
        mailed = key == state.requester.person and state.home.startswith("email:")
        if mailed or (_is_channel(state) and _is_here(state, person)):
            yield state.home
        elif address := personal(person):
            yield address


def _here(state: State, place: str) -> str:
    """The thread that it came from, rather than a new one in the same channel."""
    return state.home if place.casefold() == state.place.casefold() else place


def _shows_at_home(team: Team, state: State, names: tuple[str, ...]) -> bool:
    if state.home.startswith("email:"):
        return state.requester.known and state.requester.person in team.members(names)
    return True


def _is_channel(state: State) -> bool:
    return state.home.startswith("slack:") and state.place.rpartition("/")[2].removeprefix("slack:")[:1] in ("#", "C")


def _is_here(state: State, person: Person) -> bool:
    """Whether they are in the workspace that it came from. A place names its workspace where bot.toml must."""
    workspace = state.home.removeprefix("slack:").partition("/")[0]
    return any(
        known.startswith(f"{workspace}/") or ("/" not in known and "/" not in state.place) for known in person.slack
    )


def with_delegates(team: Team, names: tuple[str, ...]) -> tuple[str, ...]:
    """These people and groups, and whoever stands in for those of them who are away."""
    if not names:
        return ()
    away = (team.people[person] for person in team.members(names))
    delegates = (person.delegate for person in away if person.away and person.delegate)
    return tuple(dict.fromkeys((*names, *delegates)))


def personal(person: Person) -> str:
    """The address where this person is reached alone; empty: none."""
    if person.slack:
        return f"slack:@{person.slack[0]}"
    return f"email:{person.email[0]}" if person.email else ""

"""Who is there: the team of bot.toml, a customer and a stranger, and the places they share."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

AGENT_MAILBOX = "parley@example.com"


@dataclass(frozen=True)
class Persona:
    """Somebody whom the page can be. ``slack`` is None for people who only write mail."""

    id: str
    name: str
    title: str
    slack: str | None
    email: str
    kind: Literal["team", "customer", "stranger"]


CUSTOMER = Persona("greta", "Greta Weber", "customer", None, "greta.weber@customer.example", "customer")
STRANGER = Persona("sam", "Sam Kowalski", "stranger", "U0SAM", "sam@elsewhere.example", "stranger")


@dataclass(frozen=True)
class Cast:
    """The people, the Slack channels (names without ``#``) and Parley's mail addresses, its own mailbox first."""

    people: tuple[Persona, ...]
    channels: tuple[str, ...]
    mailboxes: tuple[str, ...]


def read_cast(config: Path) -> Cast:
    """The cast of a bot.toml. Raises ValueError with one sentence that names the file and what to mend."""
    try:
        settings = tomllib.loads(config.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{config} cannot be read ({error.strerror}): name a bot.toml with --config") from error
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{config} is not valid TOML: {error}") from error
    return cast_of(settings, str(config))


def cast_of(settings: Mapping[str, Any], config: str = "bot.toml") -> Cast:
    """The same, from settings that are already read."""
    team = tuple(
        _teammate(key, _table(entry, f"[people.{key}]", config)) for key, entry in _items(settings, "people", config)
    )
    return Cast((*team, CUSTOMER, STRANGER), _channels(settings, config), _mailboxes(settings, config))


def _teammate(key: str, entry: Mapping[str, Any]) -> Persona:
    slack = _first(entry.get("slack"))
    return Persona(
        id=key,
        name=str(entry.get("name", key.title())),
        title=", ".join(entry.get("groups", ())) or "team",
        slack=slack.rpartition("/")[2] or None,  # "T1/U02ANA" names the workspace too
        email=_first(entry.get("email")) or f"{key}@example.com",
        kind="team",
    )


def _channels(settings: Mapping[str, Any], config: str) -> tuple[str, ...]:
    routed = [key.removeprefix("slack:") for key, _ in _items(settings, "routes", config)]
    groups = [
        _first(_table(group, f"[groups.{key}]", config).get("slack"))
        for key, group in _items(settings, "groups", config)
    ]
    named = [name.removeprefix("#") for name in (*routed, *groups) if name.startswith("#")]
    return tuple(dict.fromkeys(["general", *named]))


def _mailboxes(settings: Mapping[str, Any], config: str) -> tuple[str, ...]:
    routed = [key.removeprefix("email:") for key, _ in _items(settings, "routes", config) if key.startswith("email:")]
    return tuple(dict.fromkeys([AGENT_MAILBOX, *(address for address in routed if "@" in address)]))


def _items(settings: Mapping[str, Any], name: str, config: str) -> list[tuple[str, Any]]:
    return list(_table(settings.get(name, {}), f"[{name}]", config).items())


def _table(value: Any, name: str, config: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{config}: {name} must be a table")
    return value


def _first(value: Any) -> str:
    """Slack ids and addresses are a string or a list of them."""
    return str(value[0] if isinstance(value, list) and value else value or "")

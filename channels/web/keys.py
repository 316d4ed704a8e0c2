"""BOT_API_KEYS: who holds which key. Only hashes are kept, and a given key is compared in constant time."""

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass

from bot.events import Actor
from bot.people import Team
from bot.settings import SettingsError

HASHED = re.compile(r"sha256:([0-9a-fA-F]{64})")


@dataclass(frozen=True)
class Keys:
    """Pairs of a key's SHA-256 in hex and whoever holds it."""

    holders: tuple[tuple[str, Actor], ...] = ()

    def holder(self, key: bytes) -> Actor | None:
        """Who this key stands for. Every entry is looked at, whichever fits."""
        given, found = hashlib.sha256(key).hexdigest(), None
        for known, actor in self.holders:
            if hmac.compare_digest(known, given):
                found = actor
        return found


def read_keys(entries: Iterable[str], team: Team) -> Keys:
    """The entries ``key``, ``person:key``, ``sha256:<hex>`` and ``person:sha256:<hex>``. Raises SettingsError, which never quotes a key."""
    holders = tuple(_holder(number, entry, team) for number, entry in enumerate(entries, 1))
    hashes = [known for known, _ in holders]
    if len(set(hashes)) < len(hashes):
        raise SettingsError("BOT_API_KEYS holds the same key twice; give everybody a key of their own.")
    return Keys(holders)


def _holder(number: int, entry: str, team: Team) -> tuple[str, Actor]:
    person, colon, key = entry.partition(":")
    if not colon or HASHED.fullmatch(entry):
        known = _hash(number, entry)
        return known, Actor(id=f"key:{known[:8]}", name="a key", proof="key")
    if person not in team.people:
        people = ", ".join(sorted(team.people)) or "nobody"
        raise SettingsError(
            f"Entry {number} of BOT_API_KEYS begins with a name that is no person of bot.toml (there: {people}); "
            "write person:key, or a key without a colon."
        )
    return _hash(number, key), team.member(person, "key")


def _hash(number: int, key: str) -> str:
    if hashed := HASHED.fullmatch(key):
        return hashed[1].lower()
    if not key or key.startswith("sha256:"):
        raise SettingsError(
            f"Entry {number} of BOT_API_KEYS holds no key: write key, person:key, or person:sha256: and 64 hex digits."
        )
    return hashlib.sha256(key.encode()).hexdigest()

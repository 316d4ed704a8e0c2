"""Names for things: short random ids, and digests of values."""

import hashlib
import json
import secrets
from typing import Any

ALPHABET = (
    "abcdefghjkmnpqrstvwxyz23456789"  # no i, l, o, u, 0, 1: people read these aloud, and mail servers lower-case them
)


def new_id(length: int = 10) -> str:
    """A random id; ten characters carry 49 bits, enough for ids that the store checks, never for secrets."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def canonical(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no spaces, so that equal values have equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(value: Any) -> str:
    """The first 128 bits of the SHA-256 of a value's canonical JSON, in hex."""
    return hashlib.sha256(canonical(value).encode(errors="replace")).hexdigest()[:32]

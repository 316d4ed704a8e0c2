"""What a check-up finds: how something stands and, where it does not stand well, what to do."""

from dataclasses import dataclass
from typing import Literal

from bot.settings import HINTS


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. ✗ must be mended, ! is worth a look; ``mend`` says how. Neither text holds a secret or anybody's address."""

    mark: Literal["✓", "!", "✗"]
    text: str
    mend: str = ""


def good(text: str) -> Finding:
    return Finding("✓", text)


def warning(text: str, mend: str) -> Finding:
    return Finding("!", text, mend)


def bad(text: str, mend: str) -> Finding:
    return Finding("✗", text, mend)


def unset(variable: str) -> Finding:
    """An environment variable that is needed and not there."""
    return bad(f"{variable} is not set", hint(variable))


def hint(variable: str) -> str:
    """Where the value of this environment variable comes from, as a sentence."""
    words = HINTS.get(variable, "add it to .env")
    return f"{words[0].upper()}{words[1:]}."

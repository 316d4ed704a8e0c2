"""What runbooks.toml allows: commands as argument lists, and what may stand in them."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from agents import AgentError, shown

PLACEHOLDER = re.compile(r"\{(\w+)\}")
NAME = re.compile(r"[a-z]+(_[a-z]+)*")  # of a runbook or an argument
GIVEN = frozenset({"python", "data"})  # placeholders that Parley fills in: its own interpreter, its data folder

# Parley's own secrets; no command ever sees them, whatever its entry says.
SECRETS = frozenset(
    {
        "ANTHROPIC_API_KEY",
        "BOT_API_KEYS",
        "BOT_SECRET",
        "IMAP_URL",
        "REDIS_URL",
        "SLACK_APP_TOKEN",
        "SLACK_BOT_TOKEN",
        "SLACK_CLIENT_SECRET",
        "SLACK_SIGNING_SECRET",
        "SMTP_URL",
    }
)

# What pydantic calls a mistake, as its mend.
MENDS = {
    "missing": "is missing; add it",
    "extra_forbidden": "is not known here; correct its spelling or remove it",
    "tuple_type": 'must be a list; write ["…", "…"]',
    "model_type": "must be a table; write it in [brackets] with its lines below",
}


class Entry(BaseModel):
    """A frozen table of the file; a word that it does not know is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Argument(Entry):
    """What the model may fill in: one of some values, or what a pattern matches from its first to its last character."""

    description: str = ""
    one_of: tuple[str, ...] = ()
    pattern: str = ""

    @model_validator(mode="after")
    def _is_bounded(self) -> "Argument":
        if bool(self.one_of) == bool(self.pattern):
            raise ValueError('write either one_of = ["…"] or pattern = "…"')
        if any(value.startswith("-") or not value for value in self.one_of):
            raise ValueError("a value of one_of is empty or begins with a dash, which programs read as an option")
        try:
            re.compile(self.pattern)  # alone, so that it cannot close the group it will be put into
        except re.error as error:
            raise ValueError(f"pattern is no regular expression ({error})") from None
        return self


class Runbook(Entry):
    """One command that people allowed. Nothing said about risk: it is risky.

    ``command`` runs in the file's folder, with PATH, HOME, LANG and the like, and the variables that ``env`` names. ``timeout`` is in seconds.
    """

    description: str = Field(min_length=1)
    command: tuple[str, ...] = Field(min_length=1)
    summary: str = ""
    arguments: Mapping[str, Argument] = Field(default_factory=dict)
    risky: bool | None = None
    risky_when: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    idempotent: bool = False
    trusted: bool = True
    timeout: float = Field(default=60, gt=0, le=3600)
    env: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _fits_together(self) -> "Runbook":
        for mistake in (*self._of_arguments(), *self._of_risk(), *self._of_env()):
            raise ValueError(mistake)
        return self

    def needs_approval(self, arguments: Mapping[str, str]) -> bool:
        """Whether a person must say yes to the command with these arguments."""
        if self.risky_when:
            return any(arguments[name] in values for name, values in self.risky_when.items())
        return self.risky is not False

    def argv(self, values: Mapping[str, str]) -> list[str]:
        """The argument list; a value stays inside its one argument, whatever it holds."""
        return [_filled(part, values) for part in self.command]

    def in_words(self, values: Mapping[str, str]) -> str:
        return _filled(self.summary, values)

    def _of_arguments(self) -> list[str]:
        used, said, known = _placeholders(*self.command), _placeholders(self.summary), set(self.arguments)
        found = [f"the name of argument {name!r} is taken; rename it" for name in sorted(known & GIVEN)]
        found += [f"argument {name!r} needs a lower-case name" for name in sorted(known) if not NAME.fullmatch(name)]
        found += [f"command names {{{name}}}, which no argument defines" for name in sorted(used - known - GIVEN)]
        found += [f"summary names {{{name}}}, which no argument defines" for name in sorted(said - known)]
        found += [f"argument {name!r} is not used in command; use it or remove it" for name in sorted(known - used)]
        if _placeholders(self.command[0]) - {"python"}:
            found.append("command begins with a placeholder; write the program's name")
        return found

    def _of_risk(self) -> list[str]:
        if self.risky is not None and self.risky_when:
            return ["it has both risky and risky_when; keep one of them"]
        allowed = {name: argument.one_of for name, argument in self.arguments.items()}
        return [
            f"risky_when.{name} must be a list of values from the one_of of argument {name}"
            for name, values in self.risky_when.items()
            if not values or not set(values) <= set(allowed.get(name, ()))
        ]

    def _of_env(self) -> list[str]:
        return [f"env names {name}, a secret of Parley; remove it" for name in self.env if name in SECRETS]


def read(path: Path) -> dict[str, Runbook]:
    """The runbooks of a file by name. Raises AgentError with one sentence that names file, entry and mend."""
    return {name: _runbook(path, name, entry) for name, entry in _tables(path).items()}


def _tables(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise AgentError(f"{shown(path)} is missing; write it, or remove ops.py and its prompt.") from None
    except ValueError as error:  # TOML's own mistakes, and bytes that are not UTF-8
        raise AgentError(f"{shown(path)} is not TOML: {error}; correct that line.") from None


def _runbook(path: Path, name: str, entry: object) -> Runbook:
    if not NAME.fullmatch(name):
        raise AgentError(f"{shown(path)}, [{name}]: name it in lower-case words joined by underscores.")
    try:
        return Runbook.model_validate(entry)
    except ValidationError as error:
        raise AgentError(f"{shown(path)}, [{name}]: {_mend(error)}.") from None


def _mend(error: ValidationError) -> str:
    """The first mistake of an entry, and where in it."""
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"]))
    if first["type"] == "value_error":  # one of our own sentences, which name their place where they have one
        return f"{place}: {first['ctx']['error']}".removeprefix(": ")
    return f"{place or 'it'} {MENDS.get(first['type'], 'is wrong: ' + first['msg'])}"


def _filled(template: str, values: Mapping[str, str]) -> str:
    return PLACEHOLDER.sub(lambda found: values[found[1]], template)


def _placeholders(*templates: str) -> set[str]:
    return {name for template in templates for name in PLACEHOLDER.findall(template)}

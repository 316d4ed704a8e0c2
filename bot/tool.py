"""Tools and approvals: what an agent can do, what the model sees of it, and who must say yes first.

A tool is a pydantic model. Its docstring and fields are what the model reads; an instance is one call, a value that can be stored, shown,
edited, refused and compared; ``run`` does it.
"""

import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.ids import digest

DECLARATIONS = ("effect", "approval", "idempotent", "timeout", "trusted", "version")
UNSET: Any = object()


@dataclass(frozen=True, init=False)
class Approval:
    """Who must say yes before a tool runs, how many of them, and what happens while they are silent. Silence never approves.

    ``by``: a person or group of bot.toml, or several; nobody named: any known person. ``quorum``: how many different people must say yes; one no
    ends it. ``self_approval=False`` keeps whoever asked for it from deciding. All times are seconds from the asking: every ``remind`` they are
    reminded, after ``escalate_after`` the people of ``escalate`` are asked as well, and after ``within`` the answer is no; None: it stays open.
    """

    by: tuple[str, ...]
    quorum: int
    self_approval: bool
    within: float | None
    remind: float | None
    escalate: tuple[str, ...]
    escalate_after: float | None

    def __init__(
        self,
        by: str | Iterable[str] = (),
        *,
        quorum: int = 1,
        self_approval: bool = True,
        within: float | None = None,
        remind: float | None = None,
        escalate: str | Iterable[str] = (),
        escalate_after: float | None = None,
    ) -> None:
        _check_times(within=within, remind=remind, escalate_after=escalate_after)
        if not isinstance(quorum, int) or quorum < 1:
            raise TypeError("Approval(quorum=…) takes a whole number of people, 1 or more.")
        if bool(_names("escalate", escalate)) != (escalate_after is not None):
            raise TypeError(
                'Approval(escalate=…) and escalate_after=… go together: escalate="leads", escalate_after=3600.'
            )
        object.__setattr__(self, "by", _names("by", by))
        object.__setattr__(self, "quorum", quorum)
        object.__setattr__(self, "self_approval", self_approval)
        object.__setattr__(self, "within", within)
        object.__setattr__(self, "remind", remind)
        object.__setattr__(self, "escalate", _names("escalate", escalate))
        object.__setattr__(self, "escalate_after", escalate_after)


def _names(word: str, given: str | Iterable[str]) -> tuple[str, ...]:
    names = (given,) if isinstance(given, str) else tuple(given)
    if not all(isinstance(name, str) and name for name in names):
        raise TypeError(f'Approval({word}=…) takes names of bot.toml: {word}="ops", or {word}=["ana", "ops"].')
    return names


def _check_times(**times: float | None) -> None:
    for word, seconds in times.items():
        if seconds is not None and not seconds > 0:
            raise TypeError(f"Approval({word}=…) takes seconds above zero, or None.")


def _nothing(event: int, start: int) -> str:
    raise LookupError(f"There is no event {event}.")


@dataclass(frozen=True)
class Context:
    """What a run may know of its thread, for tools whose ``run`` names a parameter ``context``.

    ``key`` is the same whenever this call is run again: hand it to services that take an idempotency key.
    """

    thread: str
    key: str
    requester: str  # the requester's name, for people to read
    person: str | None  # the requester in bot.toml; None: a stranger, or nobody proved who it was
    data: str = ".data"  # a folder for files that the tool keeps
    recall: Callable[[int, int], str] = (
        _nothing  # of an event of the thread, by its number, what it says from that character on
    )


@dataclass(frozen=True)
class Spec:
    """What a tool declared, kept apart from its fields so that a field may have any name."""

    name: str  # as the model sees it
    description: str
    effect: Literal["read", "write"] = "write"
    approval: Approval | None = Approval()
    by_arguments: bool = False  # a method ``approval`` decides instead
    idempotent: bool = False
    timeout: float = 60.0
    trusted: bool = True
    version: int = 1
    takes_context: bool = False
    intent: bool = False  # carried out by the rules: reply, contact_human, withdraw, hand_over


class Tool(BaseModel):
    """Something an agent can do. Subclass it, write a docstring for the model, typed fields, and ``run``.

    ``effect="read"`` runs at once. ``effect="write"`` names ``approval=Approval(…)``, or ``approval=None`` where none is needed, or defines a
    method ``approval(self)`` that returns one of the two for these arguments. Nothing declared: any known person must approve.
    ``idempotent=True``: may be run again after a crash. ``timeout``: its hard deadline in seconds. ``trusted=False``: what it returns was
    written by strangers. ``version``: raise it when the tool does something else with the same arguments; approvals given before are void.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    __spec__: ClassVar[Spec]

    def __init_subclass__(cls, **declared: Any) -> None:
        super().__init_subclass__()

    @classmethod
    def __pydantic_init_subclass__(cls, **declared: Any) -> None:
        cls.__spec__ = _spec(cls, declared)

    def summary(self) -> str:
        """What an approver reads above the exact arguments; the tool's name in words where a tool has nothing better."""
        return spec(self).name.replace("_", " ")


def spec(tool: Tool | type[Tool]) -> Spec:
    """What a tool declared."""
    return tool.__spec__


def needed_approval(call: Tool) -> Approval | None:
    """The approval that these arguments need; None: none. A method that returns anything else fails closed."""
    if not spec(call).by_arguments:
        return spec(call).approval
    answer = call.approval()  # type: ignore[attr-defined]  # _spec saw that it is a function
    return answer if answer is None or isinstance(answer, Approval) else Approval()


def arguments_of(call: Tool) -> dict[str, Any]:
    """The exact arguments as JSON values."""
    return call.model_dump(mode="json")


def digest_of(call: Tool) -> str:
    """What an approval is bound to: the tool (name, version, input schema) and its exact arguments."""
    return digest([spec(call).name, spec(call).version, schema_of(type(call)), arguments_of(call)])


@cache
def schema_of(tool: type[Tool]) -> dict[str, Any]:
    """The JSON schema of a tool's arguments, without pydantic's titles and without the docstring."""
    schema: dict[str, Any] = _without_titles(tool.model_json_schema())
    schema.pop("description", None)
    return schema


def snake_case(name: str) -> str:
    """``SearchRunbooks`` → ``search_runbooks``: how a tool's name reaches the model."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def mistakes(error: ValidationError) -> str:
    """What is wrong with a call's arguments, in one line that a model or a person can act on."""
    parts = (f"{'.'.join(str(at) for at in item['loc']) or 'arguments'}: {item['msg']}" for item in error.errors())
    return "; ".join(parts)


def one_line(text: str, limit: int = 200) -> str:
    """An error as it is stored and shown: its last line that says something, at most ``limit`` characters."""
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    line = lines[-1] if lines else "failed without a word"
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _spec(cls: type[Tool], declared: dict[str, Any]) -> Spec:
    _check(cls, declared)
    approval, by_arguments = _approval(cls, declared)
    return Spec(
        name=snake_case(cls.__name__),
        description=inspect.cleandoc(cls.__doc__ or ""),
        effect=declared.get("effect", "write"),
        approval=approval,
        by_arguments=by_arguments,
        idempotent=declared.get("idempotent", False),
        timeout=float(declared.get("timeout", 60)),
        trusted=declared.get("trusted", True),
        version=declared.get("version", 1),
        takes_context=_run_takes_context(cls),
        intent=declared.get("intent", False),
    )


def _check(cls: type[Tool], declared: dict[str, Any]) -> None:
    name = cls.__name__
    if unknown := sorted(set(declared) - {*DECLARATIONS, "intent"}):
        raise TypeError(f"{name} declares {unknown[0]!r}; a tool declares only {', '.join(DECLARATIONS)}.")
    if not (cls.__doc__ or "").strip() or cls.__doc__ == Tool.__doc__:
        raise TypeError(f"{name} needs a docstring: it is what the model reads to know when to use the tool.")
    if not inspect.isfunction(getattr(cls, "run", None)):
        raise TypeError(f"{name} needs a method: def run(self) -> str.")
    if taken := sorted({"run", "summary", "approval"} & set(cls.model_fields)):
        raise TypeError(f"{name} has a field {taken[0]!r}, which is the name of a tool's method; rename the field.")
    if declared.get("effect", "write") not in ("read", "write"):
        raise TypeError(f'{name} has effect={declared["effect"]!r}; write effect="read" or effect="write".')
    if not _is_number(declared.get("timeout", 60)) or not declared.get("timeout", 60) > 0:
        raise TypeError(f"{name} has timeout={declared['timeout']!r}; write seconds above zero.")
    for word in ("idempotent", "trusted"):
        if not isinstance(declared.get(word, True), bool):
            raise TypeError(f"{name} has {word}={declared[word]!r}; write True or False.")
    if not isinstance(declared.get("version", 1), int):
        raise TypeError(f"{name} has version={declared['version']!r}; write a whole number.")


def _approval(cls: type[Tool], declared: dict[str, Any]) -> tuple[Approval | None, bool]:
    """The declared approval, and whether a method decides by the arguments instead."""
    name, method = cls.__name__, inspect.isfunction(getattr(cls, "approval", None))
    approval = declared.get("approval", UNSET)
    if declared.get("effect") == "read":
        if method or approval not in (UNSET, None):
            raise TypeError(f'{name} has effect="read", which runs at once; write effect="write" to ask for approval.')
        return None, False
    if method and approval is not UNSET:
        raise TypeError(f"{name} has both approval=… and a method approval; keep one of them.")
    if method or ("effect" not in declared and approval is UNSET):
        return Approval(), method
    if approval is UNSET:
        raise TypeError(
            f'{name} has effect="write": add approval=Approval(by="…"), or approval=None where none is needed.'
        )
    if approval is not None and not isinstance(approval, Approval):
        raise TypeError(f'{name} has approval={approval!r}; write approval=Approval(by="…") or approval=None.')
    return approval, False


def _run_takes_context(cls: type[Tool]) -> bool:
    parameters = list(inspect.signature(cls.run).parameters)[1:]  # type: ignore[attr-defined]  # _check saw it
    if parameters not in ([], ["context"]):
        raise TypeError(f"{cls.__name__}.run takes {', '.join(parameters)}; write run(self) or run(self, context).")
    return parameters == ["context"]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _without_titles(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_titles(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    named = {"properties", "$defs"}
    return {
        key: {name: _without_titles(sub) for name, sub in value.items()} if key in named else _without_titles(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str))
    }

"""Runs the commands that runbooks.toml allows, the risky ones once somebody of ops has said yes."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, cast

from pydantic import AfterValidator, Field, StringConstraints, create_model
from pydantic_core import SchemaError

from agents import AgentError, _process, _runbooks, shown
from agents._runbooks import Argument, Runbook
from bot import Agent, Approval, Context, Tool
from bot.ids import digest
from bot.tool import arguments_of, one_line

RUNBOOKS = Path(__file__).parent / "runbooks.toml"
APPROVERS = "ops"
INHERITED = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "TZ")  # of our environment, what any command may see
REASON = "Why, in one line; whoever approves reads it. The command does not see it."


class CommandFailed(Exception):
    """The command did not do what it was to do; the message is one line for the model and for people."""


class RunCommand(Tool, effect="write"):
    """Run the command of one runbook. Each runbook is a tool of its own, a subclass that ``tool`` makes."""

    runbook: ClassVar[Runbook]
    folder: ClassVar[Path]

    def approval(self) -> Approval | None:
        return Approval(by=APPROVERS) if self.runbook.needs_approval(arguments_of(self)) else None

    def summary(self) -> str:
        return self.runbook.in_words(arguments_of(self)) or super().summary()

    def run(self, context: Context) -> str:
        given = {"python": sys.executable, "data": str(Path(context.data).absolute())}
        argv = self.runbook.argv({**arguments_of(self), **given})
        return _outcome(self.runbook, argv, self.folder)


def tools(path: Path) -> list[type[RunCommand]]:
    """A tool for each entry of a runbooks file. Raises AgentError with one sentence that names file, entry and mend."""
    return [tool(name, runbook, path) for name, runbook in _runbooks.read(path).items()]


def tool(name: str, runbook: Runbook, path: Path) -> type[RunCommand]:
    """The tool ``restart_service`` of the entry ``[restart_service]``; pydantic holds the model to what its arguments allow."""
    if taken := [field for field in runbook.arguments if field == "reason" or hasattr(RunCommand, field)]:
        raise AgentError(f"{shown(path)}, [{name}]: the name of argument {taken[0]!r} is taken; rename it.")
    fields = {field: _field(argument) for field, argument in runbook.arguments.items()}
    fields["reason"] = (str, Field(default="", max_length=300, description=REASON))
    try:
        made = create_model(
            name.title().replace("_", ""),
            __base__=RunCommand,
            __doc__=_description(runbook),
            __cls_kwargs__=_declared(runbook),
            **cast(Any, fields),  # mypy takes them for create_model's own keywords too
        )
    except SchemaError as error:  # pydantic's regular expressions allow less than Python's
        raise AgentError(f"{shown(path)}, [{name}]: {one_line(str(error))}; correct the pattern.") from error
    made.runbook, made.folder = runbook, path.parent
    return made


def _declared(runbook: Runbook) -> dict[str, Any]:
    return {
        "effect": "write",
        "idempotent": runbook.idempotent,
        "trusted": runbook.trusted,
        "timeout": runbook.timeout + 5,  # the command is stopped first, by ourselves
        "version": int(digest(runbook.model_dump(mode="json"))[:12], 16),  # a yes to another command is void
    }


def _description(runbook: Runbook) -> str:
    if runbook.risky_when:
        cases = (f"{name} is {' or '.join(values)}" for name, values in runbook.risky_when.items())
        return f"{runbook.description}\nIt waits for a yes of {APPROVERS} when {', or when '.join(cases)}."
    if runbook.needs_approval({}):
        return f"{runbook.description}\nIt waits for a yes of {APPROVERS}."
    return runbook.description


def _field(argument: Argument) -> tuple[Any, Any]:
    kind: Any = Annotated[str, StringConstraints(pattern=f"^(?:{argument.pattern})$"), AfterValidator(_plain)]
    if argument.one_of:
        kind = Literal[argument.one_of]
    return kind, Field(description=argument.description or None)


def _plain(value: str) -> str:
    if not value or value.startswith("-"):
        raise ValueError("must not be empty or begin with a dash")
    if not value.isprintable():
        raise ValueError("must not hold control characters")
    return value


def _outcome(runbook: Runbook, argv: list[str], folder: Path) -> str:
    environment = {name: os.environ[name] for name in (*INHERITED, *runbook.env) if name in os.environ}
    try:
        finished = _process.run(argv, folder=folder, environment=environment, seconds=runbook.timeout)
    except OSError as error:
        raise CommandFailed(f"{argv[0]} could not be started: {error.strerror}") from None
    if finished.status is None:
        raise CommandFailed(f"stopped after {runbook.timeout:g} s; part of it may be done")
    if finished.status != 0:
        raise CommandFailed(f"ended with status {finished.status}: {one_line(finished.errors or finished.output, 150)}")
    return f"{finished.output}\n{finished.errors}".strip() or "It printed nothing."


agent = Agent(tools=tools(RUNBOOKS))

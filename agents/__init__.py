"""Who answers: one module an agent, named after the module, with its prompt in the prompts folder."""

import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType

from bot import Agent
from bot.tool import one_line

HERE = Path(__file__).parent


class AgentError(Exception):
    """An agent cannot be used; the message is one sentence that names the file and the mend."""


def load(prompts: Path, modules: Path = HERE) -> dict[str, Agent]:
    """Every agent of a folder by its name, with the exact text of ``<prompts>/<name>.md``.

    Each ``.py`` file is an agent, except those whose name begins with an underscore; folders are not looked into.
    Raises AgentError for the first one that cannot be used.
    """
    paths = sorted(path for path in modules.glob("*.py") if not path.name.startswith("_"))
    if not paths:
        raise AgentError(f"{shown(modules)} holds no agent; write one module there, such as frontdesk.py.")
    return {path.stem: _agent(path).named(path.stem, _prompt(prompts / f"{path.stem}.md", path)) for path in paths}


def _agent(path: Path) -> Agent:
    agent = getattr(_module(path), "agent", None)
    if not isinstance(agent, Agent):
        raise AgentError(
            f"{shown(path)} defines no agent; end it with agent = Agent(tools=[…]), "
            f"or rename it to _{path.name} if it is not one."
        )
    return agent


def _module(path: Path) -> ModuleType:
    try:
        return _import(path)
    except AgentError:
        raise
    except Exception as error:  # a user's module may raise anything
        raise AgentError(
            f"{shown(path)}{_line(path, error)} does not load ({type(error).__name__}: {one_line(str(error))}); "
            f"correct it, or rename it to _{path.name} to leave it out."
        ) from error


def _import(path: Path) -> ModuleType:
    if path.parent == HERE:
        return importlib.import_module(f"{__name__}.{path.stem}")
    spec = importlib.util.spec_from_file_location(str(path), path)
    assert spec is not None  # a path that ends in .py always has both
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _prompt(path: Path, module: Path) -> str:
    try:
        text = path.read_bytes().decode()  # not read_text, which would change line ends
    except FileNotFoundError:
        raise AgentError(f"{shown(path)} is missing; write there what {shown(module)} is to do.") from None
    except UnicodeDecodeError:
        raise AgentError(f"{shown(path)} is not UTF-8; save it with that encoding.") from None
    if not text.strip():
        raise AgentError(f"{shown(path)} is empty; write there what {shown(module)} is to do.")
    return text


def _line(path: Path, error: Exception) -> str:
    """Where in the file it went wrong, as ``, line 12``."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f", line {error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f", line {lines[-1]}" if lines else ""


def shown(path: Path) -> Path:
    """A path as its reader knows it: from the checkout, where it is inside."""
    return path.relative_to(HERE.parent) if path.is_relative_to(HERE.parent) else path

"""Agents: a name, a prompt, a narrow set of tools, its limits. One job each."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from bot.intents import COMMON
from bot.tool import Tool, spec

Prefetch: TypeAlias = Tool | Callable[[str], Tool]
"""A read tool to run before the first step: a call, or a function from the first message's text to one."""


@dataclass(frozen=True, init=False)
class Agent:
    """What answers a thread. ``name`` and ``prompt`` come from its module and its prompt file when the agents are loaded.

    ``steps``: choices of the model without a word from a person, then one is asked; ``errors``: the same for failures in a row.
    """

    tools: tuple[type[Tool], ...]
    steps: int
    errors: int
    prefetch: tuple[Prefetch, ...]
    name: str = ""
    prompt: str = ""

    def __init__(
        self,
        tools: Iterable[type[Tool]] = (),
        *,
        steps: int = 20,
        errors: int = 3,
        prefetch: Iterable[Prefetch] = (),
    ) -> None:
        mine, first = tuple(tools), tuple(prefetch)
        _check(mine, steps, errors, first)
        object.__setattr__(self, "tools", mine)
        object.__setattr__(self, "steps", steps)
        object.__setattr__(self, "errors", errors)
        object.__setattr__(self, "prefetch", first)

    def named(self, name: str, prompt: str) -> "Agent":
        """The same agent under the name and with the words it was loaded with."""
        agent = Agent(self.tools, steps=self.steps, errors=self.errors, prefetch=self.prefetch)
        object.__setattr__(agent, "name", name)
        object.__setattr__(agent, "prompt", prompt)
        return agent

    @cached_property
    def toolbox(self) -> dict[str, type[Tool]]:
        """Every tool the model may choose, by the name that it sees."""
        return {spec(tool).name: tool for tool in (*self.tools, *COMMON)}

    def tool(self, name: str) -> type[Tool] | None:
        return self.toolbox.get(name)


def _check(tools: tuple[type[Tool], ...], steps: int, errors: int, prefetch: tuple[Prefetch, ...]) -> None:
    for tool in tools:
        if not (isinstance(tool, type) and issubclass(tool, Tool)):
            raise TypeError(f"Agent(tools=[…]) takes Tool classes; {tool!r} is none.")
    names = [spec(tool).name for tool in (*tools, *COMMON)]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise TypeError(f"Two tools of one agent are called {doubled[0]!r}; rename one of them.")
    if steps < 1 or errors < 1:
        raise TypeError("Agent(steps=…, errors=…) takes whole numbers above zero.")
    for first in prefetch:
        call = first if isinstance(first, Tool) else None
        if call is None and (isinstance(first, type) or not callable(first)):
            raise TypeError("Agent(prefetch=[…]) takes calls such as ListRunbooks(), or functions from a text to one.")
        if call is not None and spec(call).effect != "read":
            raise TypeError(
                f'Agent(prefetch=[…]) runs before anybody was asked; {spec(call).name} must have effect="read".'
            )

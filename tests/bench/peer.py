"""The same work on LangGraph with SQLite, run by its own interpreter, which has none of Parley's libraries: ``python peer.py RUNS MESSAGES…``.

Every step is written down before the next (durability "sync"), as Parley does it. One JSON line for each number of earlier messages.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage  # type: ignore[import-not-found]
from langgraph.checkpoint.sqlite import SqliteSaver  # type: ignore[import-not-found]
from langgraph.graph import END, START, StateGraph, add_messages  # type: ignore[import-not-found]
from langgraph.types import Command, interrupt  # type: ignore[import-not-found]

TEXT = ("The lamp of order 4417 arrived broken; Ms Weber would like a new one before Friday. " * 3)[:200]


class Conversation(TypedDict):
    messages: Annotated[list[AnyMessage], add_messages]


def think(state: Conversation) -> dict[str, Any]:
    """The instant model: look three times, ask, look once more, answer."""
    since = next(number for number, each in enumerate(reversed(state["messages"])) if isinstance(each, HumanMessage))
    tools = [each.name for each in state["messages"][-since:] if isinstance(each, ToolMessage)] if since else []
    if len(tools) == 5:
        return {"messages": [AIMessage(TEXT)]}
    name, arguments = ("ask", {"question": TEXT}) if len(tools) == 3 else ("look", {"words": TEXT})
    return {"messages": [AIMessage("", tool_calls=[{"name": name, "args": arguments, "id": f"c{len(tools)}"}])]}


def act(state: Conversation) -> dict[str, Any]:
    call = state["messages"][-1].tool_calls[0]
    result = interrupt(call["args"]) if call["name"] == "ask" else TEXT
    return {"messages": [ToolMessage(result, tool_call_id=call["id"], name=call["name"])]}


def graph(saver: Any) -> Any:
    made = StateGraph(Conversation)
    made.add_node("think", think)
    made.add_node("act", act)
    made.add_edge(START, "think")
    made.add_conditional_edges("think", lambda state: "act" if state["messages"][-1].tool_calls else END)
    made.add_edge("act", "think")
    return made.compile(checkpointer=saver)


def measured(runs: int, messages: int) -> dict[str, float]:
    """Milliseconds of CPU a run, and bytes that a run adds to the file."""
    with tempfile.TemporaryDirectory() as folder, SqliteSaver.from_conn_string(f"{folder}/file") as saver:
        app = graph(saver)
        threads = [{"configurable": {"thread_id": str(number)}, "recursion_limit": 50} for number in range(runs)]
        past = [(HumanMessage if number % 2 == 0 else AIMessage)(TEXT) for number in range(messages)]
        for each in threads if past else []:
            app.update_state(each, {"messages": past}, as_node="act")
        before, size = time.process_time(), _size(Path(folder))
        for said in (lambda: {"messages": [HumanMessage(TEXT)]}, lambda: Command(resume=TEXT)):
            _say(app, threads, said)
        return {
            "messages": messages,
            "cpu_ms": (time.process_time() - before) * 1000 / runs,
            "bytes": (_size(Path(folder)) - size) / runs,
        }


def _say(app: Any, threads: list[Any], said: Callable[[], Any]) -> None:
    for each in threads:
        app.invoke(said(), each, durability="sync")


def _size(folder: Path) -> int:
    return sum(each.stat().st_size for each in folder.iterdir())


if __name__ == "__main__":
    for length in sys.argv[2:]:
        print(json.dumps(measured(int(sys.argv[1]), int(length))), flush=True)

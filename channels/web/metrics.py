"""Figures for Prometheus, from what the latest threads say of themselves."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import get_args

from bot.state import Status
from bot.thread import Thread

POSTS = ("owed", "attempted", "failed", "unknown")


def figures(threads: Iterable[Thread], now: float) -> str:
    """The text of /metrics (Prometheus' text format 0.0.4). ``now``: the store's time, in seconds."""
    return "\n".join(_lines(list(threads), now)) + "\n"


def _lines(threads: list[Thread], now: float) -> Iterator[str]:
    asked = [each.asked for thread in threads for each in thread.state.open_interactions]
    posts = [post for thread in threads for post in thread.state.posts.values()]
    by_status = Counter(thread.state.status for thread in threads)
    by_kind: Counter[str] = Counter(each.kind for each in asked)
    by_state: Counter[str] = Counter(post.state for post in posts)
    overdue = [post for post in posts if post.state in ("owed", "attempted") and post.retry_at <= now]
    yield from _gauge(
        "threads", "The latest changed threads.", "status", {each: by_status[each] for each in get_args(Status)}
    )
    kinds = ("question", "approval", "outcome", "limit")
    yield from _gauge("pending", "Open questions and approvals.", "kind", {each: by_kind[each] for each in kinds})
    yield from _gauge("deliveries", "Messages that are not there.", "state", {each: by_state[each] for each in POSTS})
    yield from _gauge("deliveries_due", "Messages that could go out now.", "", {"": len(overdue)})
    oldest = max((now - each.at for each in asked), default=0.0)
    yield from _gauge("oldest_pending_seconds", "How long the oldest open one waits.", "", {"": round(oldest, 3)})


def _gauge(name: str, help: str, label: str, values: dict[str, float]) -> Iterator[str]:
    yield f"# HELP parley_{name} {help}"
    yield f"# TYPE parley_{name} gauge"
    for value, count in values.items():
        labels = f'{{{label}="{value}"}}' if label else ""
        yield f"parley_{name}{labels} {count}"

"""What was spent: the calls of the model by day, agent and person, from what the threads say of themselves."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from bot.events import Event, Forked, HandedOff, MessageReceived, Usage
from bot.prices import cost, total
from bot.thread import Thread
from channels.web.shapes import Spent


def costs(threads: Iterable[Thread], since: float) -> list[Spent]:
    """A row for each day (UTC), agent and requester from ``since`` (seconds since 1970) on, the first day first."""
    calls: dict[tuple[str, str, str], list[Event]] = defaultdict(list)
    for thread in threads:
        requester = thread.state.requester
        for agent, event in _calls(thread.events):
            if event.at >= since:
                day = f"{datetime.fromtimestamp(event.at, UTC):%Y-%m-%d}"
                calls[day, agent, requester.name or requester.id].append(event)
    return [_row(*key, events) for key, events in sorted(calls.items())]


def first_of(days: int, now: float) -> float:
    """When the first of so many days began, today (UTC) being the last."""
    today = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return (today - timedelta(days=days - 1)).timestamp()


def _calls(events: Sequence[Event]) -> Iterator[tuple[str, Event]]:
    """Each call of the model with the agent that made it. What a fork has copied was spent by its source."""
    copied = max((number for number, event in enumerate(events) if isinstance(event, Forked)), default=-1)
    agent = ""
    for number, event in enumerate(events):
        if isinstance(event, HandedOff) or (isinstance(event, MessageReceived) and not agent):
            agent = event.agent
        if number > copied and getattr(event, "usage", None):
            yield agent, event


def _row(day: str, agent: str, person: str, events: Sequence[Event]) -> Spent:
    dollars = total(cost(events))
    return Spent(
        day=day,
        agent=agent,
        person=person,
        calls=len(events),
        tokens=sum(map(_tokens, events)),
        cost_usd=None if dollars is None else round(dollars, 6),
    )


def _tokens(event: Event) -> int:
    used: Usage | None = getattr(event, "usage", None)
    return used.input + used.output + used.cache_read + used.cache_write if used else 0

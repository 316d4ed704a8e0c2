"""The clock as a trigger: says the text of each schedule when its time has come, once, and forgets what is old, whichever worker notices first."""

import logging
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

from croniter import croniter

from bot import events as e
from bot.events import CLOCK, Origin
from bot.ids import new_id
from bot.people import Schedule, Team
from bot.ports import Arrival, Store
from bot.settings import SettingsError

SWEEP = 60.0  # seconds between two looks for what is old
AT_ONCE = 200  # threads that one of them forgets, so that nothing else waits for it
DAY = 86_400.0

log = logging.getLogger("parley.worker")


def check_schedules(team: Team) -> None:
    """Raises SettingsError for a schedule whose cron line or time zone means nothing."""
    for name, schedule in team.schedules.items():
        if not croniter.is_valid(schedule.cron):
            raise SettingsError(f"schedules.{name}.cron is no cron line: write five fields, such as 0 9 * * mon-fri.")
        try:
            ZoneInfo(schedule.timezone)
        except (KeyError, ValueError, OSError):
            raise SettingsError(
                f"schedules.{name}.timezone is no time zone: write one such as Europe/Berlin."
            ) from None


def tick(store: Store, team: Team) -> None:
    """Start what is due by now. A schedule that is seen for the first time begins with its next time, not its last."""
    for name, schedule in team.schedules.items():
        mark = f"schedule:{name}"
        last, due = store.cursor(mark), _last_time(schedule, store.now())
        if last is None:
            store.set_cursor(mark, str(due))
        elif due > float(last):
            _say(store, mark, schedule, due)


def forget_old(store: Store, days: int) -> None:
    """Forget the threads that ended and in which nothing happened for so many days; 0: none. What waits for somebody is kept."""
    if not days or store.lock("retention", SWEEP) is None:
        return
    for thread in islice(_ended(store, store.now() - days * DAY), AT_ONCE):
        store.forget(thread)
        log.info("thread %s: forgotten, %s days after it ended", thread, days)


def _ended(store: Store, since: float) -> Iterator[str]:
    for id in store.quiet(since):
        with suppress(e.UnknownEvent):
            thread = store.load(id)
            if thread and thread.state.status in ("done", "cancelled", "failed"):
                yield id


def _last_time(schedule: Schedule, now: float) -> float:
    """The latest time at or before now that the cron line names, in seconds since 1970."""
    zone = ZoneInfo(schedule.timezone)
    return float(croniter(schedule.cron, datetime.fromtimestamp(now + 0.001, zone)).get_prev(float))


def _say(store: Store, mark: str, schedule: Schedule, due: float) -> None:
    thread = new_id()
    origin = Origin(address=schedule.address, place=schedule.address)
    heard = e.MessageReceived(id=new_id(), actor=CLOCK, text=schedule.text, origin=origin, agent=schedule.agent)
    # Only this thread's own address is mapped: the next time begins a new one at the same place.
    arrival = Arrival(heard, f"web:{thread}", (f"{mark}:{due:.0f}",), thread=thread, cursor=(mark, str(due)))
    if store.ingest(arrival).new:
        log.info("thread %s: begun by %s", thread, mark)

"""Working hours: when somebody may be reminded or asked as well, in their own time zone."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WRITTEN = re.compile(r"(?:(\w{3})(?:-(\w{3}))?\s+)?(\d\d?):(\d\d)\s*-\s*(\d\d?):(\d\d)", re.IGNORECASE)


@dataclass(frozen=True)
class Hours:
    """From ``start`` to ``end`` on these days of the week (Monday is 0), in a time zone."""

    days: frozenset[int]
    start: time
    end: time
    zone: ZoneInfo

    @classmethod
    def read(cls, text: str, zone: str = "") -> "Hours":
        """``mon-fri 09:00-17:00``; no days: every day. Raises ValueError."""
        found = WRITTEN.fullmatch(text.strip())
        if found is None:
            raise ValueError('write working hours such as "mon-fri 09:00-17:00"')
        first, last, *clock = found.groups()
        days = range(7) if first is None else range(_day(first), _day(last or first) + 1)
        start, end = time(int(clock[0]), int(clock[1])), time(int(clock[2]), int(clock[3]))
        if not days or end <= start:
            raise ValueError("working hours must end after they begin")
        return cls(frozenset(days), start, end, ZoneInfo(zone or "UTC"))

    def next(self, at: float) -> float:
        """This moment if it lies within them, else the next moment that does. Seconds since 1970."""
        here = datetime.fromtimestamp(at, UTC).astimezone(self.zone)
        for later in range(9):
            day = here.date() + timedelta(days=later)
            opens = datetime.combine(day, self.start, self.zone)
            closes = datetime.combine(day, self.end, self.zone)
            if day.weekday() in self.days and here < closes:
                return max(at, opens.timestamp())
        return at


def _day(name: str) -> int:
    if name.lower() not in DAYS:
        raise ValueError(f"{name!r} is no day: write mon, tue, wed, thu, fri, sat or sun")
    return DAYS.index(name.lower())

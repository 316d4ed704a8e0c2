"""What the workspace remembers: one SQLite file, committed before anything is answered."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from channels.sandbox.slack.roster import Json

_SCHEMA = """
create table if not exists messages (
    channel text, ts text, thread_ts text, audience text, body text, primary key (channel, ts)
);
create table if not exists queued (
    id integer primary key autoincrement, payload text, tries integer default 0, reason text default '',
    due real default 0
);
create table if not exists kept (kind text, key text, body text, primary key (kind, key));
"""


@dataclass(frozen=True)
class Queued:
    """An event that the app has not acknowledged yet. `tries` counts the deliveries begun."""

    id: int
    payload: Json
    tries: int
    reason: str


class Records:
    """Messages, undelivered events, and everything else as JSON under a kind and a key. Safe to use from any thread."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._depth = 0
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("pragma journal_mode=wal")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def change(self) -> Iterator[None]:
        """One transaction; a change inside a change belongs to the outer one."""
        with self._lock:
            if not self._depth:
                self._db.execute("begin immediate")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if not self._depth:
                    self._db.execute("rollback")
                raise
            self._depth -= 1
            if not self._depth:
                self._db.execute("commit")

    def _rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    # messages

    def save(self, channel: str, message: Json, audience: str = "") -> None:
        """Write a message, new or changed. With an audience, only that user ever sees it."""
        self._rows(
            "insert or replace into messages values (?, ?, ?, ?, ?)",
            channel,
            message["ts"],
            message.get("thread_ts", message["ts"]),
            audience,
            json.dumps(message),
        )

    def message(self, channel: str, ts: str, audience: str = "") -> Json | None:
        rows = self._rows(
            "select body from messages where channel = ? and ts = ? and audience in ('', ?)", channel, ts, audience
        )
        return json.loads(rows[0][0]) if rows else None

    def messages(self, channel: str, *, thread: str = "", audience: str = "") -> list[Json]:
        """What everybody can read there (and what only the audience can), oldest first."""
        rows = self._rows(
            "select body from messages where channel = ? and audience in ('', ?) and ? in ('', thread_ts) order by ts",
            channel,
            audience,
            thread,
        )
        return [json.loads(body) for (body,) in rows]

    def ephemerals(self, channel: str, audience: str) -> set[str]:
        rows = self._rows("select ts from messages where channel = ? and audience = ?", channel, audience)
        return {ts for (ts,) in rows} if audience else set()

    def drop(self, channel: str, ts: str) -> None:
        self._rows("delete from messages where channel = ? and ts = ?", channel, ts)

    # events on their way to the app

    def queue(self, payload: Json) -> None:
        self._rows("insert into queued (payload) values (?)", json.dumps(payload))

    def queued(self, due: float = float("inf")) -> list[Queued]:
        rows = self._rows("select id, payload, tries, reason from queued where due <= ? order by id", due)
        return [Queued(id, json.loads(payload), tries, reason) for id, payload, tries, reason in rows]

    def next_due(self, after: float) -> float | None:
        return self._rows("select min(due) from queued where due > ?", after)[0][0]  # type: ignore[no-any-return]

    def tried(self, id: int) -> None:
        self._rows("update queued set tries = tries + 1 where id = ?", id)

    def postpone(self, id: int, due: float, reason: str) -> None:
        self._rows("update queued set due = ?, reason = ? where id = ?", due, reason, id)

    def hurry(self) -> None:
        self._rows("update queued set due = 0")

    def delivered(self, id: int) -> None:
        self._rows("delete from queued where id = ?", id)

    # the rest

    def keep(self, kind: str, key: str, body: Any) -> None:
        self._rows(
            "insert into kept values (?, ?, ?) on conflict do update set body = excluded.body",
            kind,
            key,
            json.dumps(body),
        )

    def kept(self, kind: str, key: str) -> Any:
        rows = self._rows("select body from kept where kind = ? and key = ?", kind, key)
        return json.loads(rows[0][0]) if rows else None

    def all_kept(self, kind: str) -> list[Any]:
        return [json.loads(body) for (body,) in self._rows("select body from kept where kind = ? order by rowid", kind)]

    def forget(self, kind: str, key: str) -> None:
        self._rows("delete from kept where kind = ? and key = ?", kind, key)

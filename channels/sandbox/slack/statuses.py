"""The line "… is typing" under a thread, and whether the app's session there runs."""

import time

from channels.sandbox.slack.records import Records
from channels.sandbox.slack.roster import Json

STATUS_SECONDS = 120
SESSION_STATUSES = ("processing", "active", "suspended", "closed")


class Statuses:
    """A status goes when the app replies, when it is set to nothing, or after two minutes."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def show(self, channel: str, thread_ts: str, status: str, loading_messages: list[str]) -> None:
        body = {"status": status, "loading_messages": loading_messages, "until": time.time() + STATUS_SECONDS}
        self._set(channel, thread_ts, body)

    def clear(self, channel: str, thread_ts: str) -> None:
        if self._records.kept("status", f"{channel}/{thread_ts}"):
            self._set(channel, thread_ts, {"status": ""})

    def session(self, channel: str, thread_ts: str, **changes: str) -> None:
        """Create or change the agent session: its status, its title."""
        self._set(channel, thread_ts, changes)

    def current(self, channel: str) -> list[Json]:
        now = time.time()
        shown = []
        for kept in self._records.all_kept("status"):
            status = kept["status"] if kept.get("until", 0) > now else ""
            if kept["channel"] == channel and (status or kept.get("session")):
                shown.append({**{k: v for k, v in kept.items() if k != "until"}, "status": status})
        return shown

    def _set(self, channel: str, thread_ts: str, changes: Json) -> None:
        key = f"{channel}/{thread_ts}"
        with self._records.change():
            kept = self._records.kept("status", key) or {"channel": channel, "thread_ts": thread_ts, "status": ""}
            self._records.keep("status", key, {**kept, **changes})

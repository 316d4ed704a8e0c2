"""The URLs that answer one interaction: five uses, thirty minutes."""

import secrets
import time

from channels.sandbox.slack.errors import SlackError
from channels.sandbox.slack.records import Records
from channels.sandbox.slack.roster import Json

USES = 5
SECONDS = 30 * 60


class ResponseUrls:
    def __init__(self, records: Records) -> None:
        self._records = records

    def issue(self, user: str, channel: str, *, ts: str = "", thread_ts: str | None = None) -> str:
        """A new token; `ts` is the message that the interaction came from, if it came from one."""
        token = secrets.token_urlsafe(18)
        place = {"user": user, "channel": channel, "ts": ts, "thread_ts": thread_ts}
        self._records.keep("response_url", token, {**place, "until": time.time() + SECONDS, "left": USES})
        return token

    def use(self, token: str) -> Json:
        with self._records.change():
            issued: Json | None = self._records.kept("response_url", token)
            if issued is None or issued["until"] < time.time():
                raise SlackError("expired_url")
            if not issued["left"]:
                raise SlackError("used_url")
            self._records.keep("response_url", token, {**issued, "left": issued["left"] - 1})
            return issued

"""What people and channels are called in a workspace: looked up when needed, remembered for a while."""

import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPException
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.ports import Unavailable
from channels.slack.connection import code_of

SECONDS = 600.0
GONE = {
    "channel_not_found",
    "user_not_found",
    "users_not_found",
    "missing_scope",
    "method_not_supported_for_channel_type",
}
"""Answers that another try does not change."""


class Directory:
    """Names by id, and channels by name. Safe to use from any thread."""

    def __init__(self, client: WebClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, str]] = {}

    def person(self, id: str) -> str:
        """Somebody's name; empty where nobody can tell, which is no reason to let them wait."""
        try:
            return self._remembered(id, self._person)
        except Unavailable:
            return ""

    def channel(self, id: str) -> str:
        """A channel's name without ``#``; empty where Parley may not know it. Raises Unavailable: routes depend on it."""
        return self._remembered(id, self._channel)

    def channel_id(self, name: str) -> str:
        """The id of the channel ``#name``; empty: Parley is in none of that name. Raises Unavailable."""
        found = self._fresh(name)
        if found is None:
            self._keep({f"#{channel}": id for id, channel in self._mine()})
            found = self._fresh(name)
        return found or ""

    def _remembered(self, id: str, look_up: Callable[[str], str]) -> str:
        found = self._fresh(id)
        if found is None:
            found = look_up(id)
            self._keep({id: found})
        return found

    def _fresh(self, key: str) -> str | None:
        with self._lock:
            at, found = self._known.get(key, (float("-inf"), ""))
        return found if self._clock() - at < SECONDS else None

    def _keep(self, found: dict[str, str]) -> None:
        now = self._clock()
        with self._lock:
            self._known |= {key: (now, value) for key, value in found.items()}

    def _person(self, id: str) -> str:
        user = _asked(lambda: self._client.users_info(user=id).get("user")) or {}
        profile = user.get("profile") or {}
        return str(profile.get("real_name") or user.get("real_name") or user.get("name") or "")

    def _channel(self, id: str) -> str:
        channel = _asked(lambda: self._client.conversations_info(channel=id).get("channel")) or {}
        return str(channel.get("name") or "")

    def _mine(self) -> Iterator[tuple[str, str]]:
        """Every channel that Parley is in."""
        cursor = ""
        while True:
            page = _asked(lambda at=cursor: self._page(at)) or {}  # type: ignore[misc]  # the cursor of this turn
            for channel in page.get("channels") or ():
                yield channel["id"], channel.get("name") or ""
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return

    def _page(self, cursor: str) -> dict[str, object]:
        kinds = "public_channel,private_channel"
        found = self._client.users_conversations(types=kinds, exclude_archived=True, limit=500, cursor=cursor or None)
        return found.data if isinstance(found.data, dict) else {}


def _asked(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except SlackApiError as error:
        if code_of(error) in GONE:
            return None
        raise Unavailable(f"Slack does not say what something is called ({code_of(error)})") from None
    except (OSError, HTTPException):
        raise Unavailable("Slack does not answer") from None

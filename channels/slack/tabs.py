"""The app's own two tabs: Home, with what waits for whoever opens it, and Messages, with suggestions. Best effort."""

import logging
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.events import Actor
from bot.people import Team
from bot.ports import Store
from channels.slack.connection import Introduced
from channels.slack.home import PROMPTS, TITLE, home, waiting_for
from channels.slack.translate import actor_of
from channels.slack.word import why

log = logging.getLogger("parley.slack")


class Tabs:
    """Safe to use from any thread."""

    def __init__(self, client: WebClient, me: Introduced, team: Team, store: Store) -> None:
        self._client = client
        self._me = me
        self._team = team
        self._store = store

    def opened(self, body: Mapping[str, Any]) -> None:
        """Somebody opened one of them."""
        event = body["event"]
        if event.get("tab") == "home":
            me = self._me()
            ours = not body.get("is_ext_shared_channel")
            self.home(event["user"], actor_of(event["user"], me.team if ours else "", me, self._team))
        elif event.get("tab") == "messages":
            self._suggest(event["channel"])

    def home(self, user: str, actor: Actor, said: str = "") -> None:
        """Show what waits for this person now, and what became of what they pressed there."""
        try:
            self._client.views_publish(user_id=user, view=home(waiting_for(self._store, actor), self._team, said))
        except (SlackApiError, OSError, HTTPException) as error:
            log.warning("a Home tab could not be shown (%s)", why(error))

    def _suggest(self, channel: str) -> None:
        prompts = [{"title": title, "message": message} for title, message in PROMPTS]
        try:  # without a thread_ts, which an agent's Messages tab has none of
            self._client.assistant_threads_setSuggestedPrompts(channel_id=channel, title=TITLE, prompts=prompts)
        except (SlackApiError, OSError, HTTPException) as error:
            log.debug("no prompts were suggested (%s)", why(error))

"""A word to one person at once, and a mark on what they wrote. Best effort: the log is the truth."""

import logging
from http.client import HTTPException

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from bot.events import Event, HumanResponded
from channels.slack.blocks import Message
from channels.slack.connection import code_of, quiet
from channels.slack.text import escape_but_times
from channels.slack.translate import Spot

log = logging.getLogger("parley.slack")

SECONDS = 2  # for a response URL


class Word:
    """Safe to use from any thread."""

    def __init__(self, client: WebClient) -> None:
        self._client = client

    def whisper(self, spot: Spot, said: str | Message) -> None:
        """A word that only this person sees. Best effort."""
        message = said if isinstance(said, Message) else Message(escape_but_times(said), ())
        try:
            self._client.chat_postEphemeral(
                channel=spot.channel,
                user=spot.user,
                thread_ts=spot.thread_ts or None,
                text=message.text,
                blocks=list(message.blocks) or None,
            )
        except (SlackApiError, OSError, HTTPException) as error:
            log.warning("a word to one person did not reach them (%s)", why(error))

    def replace(self, response_url: str, text: str) -> None:
        """Put the answer where the button was that only they saw."""
        try:
            WebhookClient(response_url, timeout=SECONDS, logger=quiet()).send(
                text=escape_but_times(text), replace_original=True
            )
        except (OSError, HTTPException) as error:
            log.warning("a word to one person did not reach them (%s)", why(error))

    def tick(self, spot: Spot, event: Event) -> None:
        """A mark on words that counted as an answer, so that everybody sees that they did. Best effort."""
        assert isinstance(event, HumanResponded)
        try:
            self._client.reactions_add(channel=spot.channel, timestamp=event.origin.native, name="white_check_mark")
        except (SlackApiError, OSError, HTTPException) as error:
            log.debug("an answer got no mark (%s)", why(error))


def why(error: Exception) -> str:
    """Why a call failed, without what it said."""
    return code_of(error) if isinstance(error, SlackApiError) else type(error).__name__

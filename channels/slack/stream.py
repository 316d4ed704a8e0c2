"""A card of the steps that grows while Parley works: Slack's streaming, ended well before Slack ends it by itself.

https://docs.slack.dev/messaging/sending-and-scheduling-messages#text-streaming
"""

import logging
import threading
from collections.abc import Iterable, Iterator
from http.client import HTTPException
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.models.messages.chunk import Chunk, TaskUpdateChunk

from channels.slack.address import Address
from channels.slack.steps import Step

log = logging.getLogger("parley.slack")

OLDEST = 230.0  # seconds; Slack ends a stream after about five minutes
LOST = (SlackApiError, OSError, HTTPException)


class Stream:
    """One card. It begins with the first steps that it is shown; whatever goes wrong ends it."""

    def __init__(self, client: WebClient, address: Address, recipient: dict[str, Any], oldest: float = OLDEST) -> None:
        self._client = client
        self._address = address
        self._recipient = recipient
        self._guard = threading.Lock()
        self._ts = ""
        self._sent: dict[str, Step] = {}
        self._over = False
        self._clock = threading.Timer(oldest, self.end)
        self._clock.daemon = True

    def show(self, steps: Iterable[Step]) -> bool:
        """Show how the steps stand. False: this card has ended."""
        with self._guard:
            if self._over:
                return False
            chunks = list(self._news(steps))
            try:
                if not self._ts:
                    self._begin(chunks)
                elif chunks:
                    self._client.chat_appendStream(channel=self._address.channel, ts=self._ts, chunks=chunks)
            except LOST as error:
                self._give_up(error)
            return not self._over

    def end(self, steps: Iterable[Step] = ()) -> None:
        """No more steps, for now. Those that it shows are brought up to date."""
        with self._guard:
            self._clock.cancel()
            if self._over or not self._ts:
                return
            self._over = True
            chunks = list(self._news(step for step in steps if step.call in self._sent))
            try:
                self._client.chat_stopStream(channel=self._address.channel, ts=self._ts, chunks=chunks or None)
            except LOST as error:
                self._give_up(error)

    def _begin(self, chunks: list[Chunk]) -> None:
        begun = self._client.chat_startStream(
            channel=self._address.channel,
            thread_ts=self._address.thread_ts,
            chunks=chunks,
            task_display_mode="timeline",
            **self._recipient,
        )
        self._ts = str(begun["ts"])
        self._clock.start()

    def _news(self, steps: Iterable[Step]) -> Iterator[Chunk]:
        for step in steps:
            if self._sent.get(step.call) != step:
                self._sent[step.call] = step
                yield TaskUpdateChunk(id=step.call, title=step.title, status=step.how)

    def _give_up(self, error: Exception) -> None:
        self._over = True
        self._clock.cancel()
        log.debug("a card of steps was lost (%s)", type(error).__name__)

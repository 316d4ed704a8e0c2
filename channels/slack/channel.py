"""The way out to Slack: posts what is owed, changes what stands there, and looks whether something arrived when nobody knows."""

import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from slack_sdk import WebClient

from bot.events import DeliveryAttempted
from bot.owed import Card, Delivery
from bot.people import Team
from bot.ports import Doubtful, Sent, Undelivered, Vault
from bot.settings import Settings
from bot.thread import Thread
from channels.slack.address import Address, conversation, parse
from channels.slack.blocks import Message
from channels.slack.connection import Introduced
from channels.slack.direct import place_of
from channels.slack.directory import Directory
from channels.slack.present import present
from channels.slack.refusals import AGAIN, MENDS, calling
from channels.slack.working import Working
from channels.slack.workspaces import Workspaces

log = logging.getLogger("parley.slack")

METADATA = "parley"
TIMEOUT = 8  # seconds for one call; whoever looks for its effect does so later
SKEW = 120.0  # seconds that Slack's clock and the store's may differ


@dataclass(frozen=True)
class Spot:
    """Where a message goes, as Slack's calls name it."""

    channel: str
    thread_ts: str = ""


class SlackChannel:
    """Implements bot.ports.Channel. ``clients`` gives the client for a workspace; an empty name means the only one."""

    scheme = "slack"

    def __init__(self, clients: Callable[[str], WebClient], team: Team) -> None:
        self._clients = clients
        self._team = team
        self._workspaces: dict[str, Workspace] = {}
        self._working = Working(clients, team)
        self._aside = ThreadPoolExecutor(2, "slack-session")

    def send(self, delivery: Delivery, thread: Thread) -> Sent:
        """Post it, or change what is there. Raises Undelivered or Doubtful."""
        address = parse(delivery.address)
        workspace, parts = self._workspace(address.team), present(delivery, thread, self._team)
        with calling(address):
            self._aside.submit(self._working.settled, thread)
            if delivery.native:
                return workspace.change(delivery.native, parts[0])
            spot = workspace.spot(address)
            there = self._there(workspace, spot, delivery, thread) if delivery.attempt > 1 and len(parts) > 1 else {}
            sent = workspace.post(address, spot, parts, there, {"thread": thread.id, "delivery": delivery.key})
            return _leading_back(sent, delivery, thread)

    def find(self, delivery: Delivery, thread: Thread) -> Sent | None:
        """Whether all of it arrived. None: not all, and sending it again adds what is missing.

        Raises Undelivered while Slack does not let us look, Doubtful where it never will.
        """
        if delivery.native:
            return None
        address = parse(delivery.address)
        try:
            with calling(address):
                return self._found(address, delivery, thread)
        except Doubtful as doubt:
            raise Undelivered(str(doubt), AGAIN) from None
        except Undelivered as error:
            if error.retry_after is not None:
                raise
            raise Doubtful(f"it may have arrived, and Slack does not let us look: {error}") from None

    def _found(self, address: Address, delivery: Delivery, thread: Thread) -> Sent | None:
        workspace = self._workspace(address.team)
        spot = workspace.spot(address)
        there = self._there(workspace, spot, delivery, thread)
        if len(there) < len(present(delivery, thread, self._team)):
            return None
        return _leading_back(workspace.sent(address, spot.channel, there[0]), delivery, thread)

    def _there(self, workspace: "Workspace", spot: Spot, delivery: Delivery, thread: Thread) -> dict[int, str]:
        """The parts of a delivery that stand in Slack, by number."""
        tries = (
            each for each in thread.events if isinstance(each, DeliveryAttempted) and each.delivery == delivery.key
        )
        since = min((each.at for each in tries), default=thread.state.updated) - SKEW
        mine = {"thread": thread.id, "delivery": delivery.key}
        found = dict(_parts(workspace.messages(spot, since), mine))
        if found.get(0) and not spot.thread_ts:  # what goes on stands below the first part
            found |= dict(_parts(workspace.messages(Spot(spot.channel, found[0]), since), mine))
        return found if 0 in found else {}

    def progress(self, thread: Thread, words: str) -> None:
        """Show in the requester's thread what is being done, or with empty words that nothing is. Best effort, never raises."""
        if words:
            self._working.busy(thread, words)
        else:
            self._working.settled(thread)

    def _workspace(self, team: str) -> "Workspace":
        if team not in self._workspaces:
            self._workspaces[team] = Workspace(self._clients(team))
        return self._workspaces[team]


def slack_channel(settings: Settings, team: Team, store: Vault) -> SlackChannel:
    """The way out with the token of the settings, or with that of each workspace that installed Parley."""
    return SlackChannel(Workspaces(settings, store, seconds=TIMEOUT), team)


class Workspace:
    """Slack's calls in one workspace, in our words."""

    def __init__(self, client: WebClient) -> None:
        self._client = client
        self._me = Introduced(client)
        self._directory = Directory(client)

    def spot(self, address: Address) -> Spot:
        """Where an address is. A name is looked up; somebody's direct messages are opened."""
        if address.channel.startswith("@"):
            opened = self._client.conversations_open(users=address.channel[1:])
            return Spot(str(opened["channel"]["id"]))
        if address.channel.startswith("#"):
            id = self._directory.channel_id(address.channel)
            if not id:
                raise Undelivered(MENDS["not_in_channel"].format(where=address.channel))
            return Spot(id)
        return Spot(address.channel, address.thread_ts)

    def post(
        self,
        address: Address,
        spot: Spot,
        parts: tuple[Message, ...],
        there: Mapping[int, str],
        mine: Mapping[str, str],
    ) -> Sent:
        """Every part that is not there yet, the first where it belongs, the others below it."""
        self._me()  # before anything is posted: afterwards nothing may fail
        first = there.get(0) or self._post(spot, parts[0], {**mine, "part": 0})
        below = spot if spot.thread_ts else replace(spot, thread_ts=first)
        for number, part in enumerate(parts[1:], 1):
            if number not in there:
                self._post(below, part, {**mine, "part": number})
        return self.sent(address, spot.channel, first)

    def sent(self, address: Address, channel: str, ts: str) -> Sent:
        """A message that begins a conversation leads to its thread from now on."""
        opened = () if address.thread_ts else (conversation(self._me().team, channel, ts),)
        return Sent(native=f"{channel}/{ts}", maps=opened)

    def _post(self, spot: Spot, message: Message, payload: Mapping[str, str | int]) -> str:
        posted = self._client.chat_postMessage(
            channel=spot.channel,
            thread_ts=spot.thread_ts or None,
            text=message.text,
            blocks=list(message.blocks),
            metadata={"event_type": METADATA, "event_payload": dict(payload)},
            unfurl_links=False,
            unfurl_media=False,
        )
        return str(posted["ts"])

    def change(self, native: str, message: Message) -> Sent:
        channel, _, ts = native.partition("/")
        self._client.chat_update(channel=channel, ts=ts, text=message.text, blocks=list(message.blocks))
        return Sent(native=native)

    def messages(self, spot: Spot, since: float) -> Iterator[Mapping[str, Any]]:
        """Our own messages there since then, with their metadata."""
        cursor, me = "", self._me()
        while True:
            page = self._page(spot, since, cursor)
            yield from (
                each
                for each in page.get("messages") or ()
                if each.get("user") == me.user or each.get("bot_id") == me.bot
            )
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return

    def _page(self, spot: Spot, since: float, cursor: str) -> Mapping[str, Any]:
        place: dict[str, Any] = (
            {"channel": spot.channel, "ts": spot.thread_ts} if spot.thread_ts else {"channel": spot.channel}
        )
        read = self._client.conversations_replies if spot.thread_ts else self._client.conversations_history
        found = read(**place, oldest=f"{since:.6f}", limit=200, include_all_metadata=True, cursor=cursor or None)
        return found.data if isinstance(found.data, dict) else {}


def _leading_back(sent: Sent, delivery: Delivery, thread: Thread) -> Sent:
    """What somebody is asked alone can be answered anywhere in their direct conversation, not only below the question."""
    asks = isinstance(delivery.body, Card) and delivery.body.kind != "approval"
    if not asks or delivery.address == thread.state.home:
        return sent
    return replace(sent, maps=(*filter(None, map(place_of, sent.maps)), *sent.maps))


def _parts(messages: Iterator[Mapping[str, Any]], mine: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    for message in messages:
        metadata = message.get("metadata") or {}
        payload = metadata.get("event_payload") or {}
        if metadata.get("event_type") == METADATA and mine.items() <= payload.items():
            yield int(payload.get("part") or 0), str(message["ts"])

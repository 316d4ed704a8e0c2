"""Channels, direct messages and what is said in them; every change is told to the app as an event."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from channels.sandbox.slack import events
from channels.sandbox.slack.clock import Clock
from channels.sandbox.slack.errors import SlackError
from channels.sandbox.slack.records import Records
from channels.sandbox.slack.roster import Channel, Installation, Json, User


class Conversations:
    """`tell` gets each event of a conversation that the app is in, inside the same transaction as its cause;
    `touched` gets the id of each conversation that now looks different.
    """

    def __init__(
        self,
        records: Records,
        users: Mapping[str, User],
        channels: Sequence[Channel],
        app: Installation,
        *,
        tell: Callable[[Json], None],
        touched: Callable[[str], None],
    ) -> None:
        self._records = records
        self._users = users
        self._app = app
        self._tell = tell
        self._touched = touched
        self._clock = Clock(
            max((message["ts"] for c in self.all() for message in records.messages(c["id"])), default="")
        )
        for channel in channels:
            self._found(channel)

    def _found(self, channel: Channel) -> None:
        """Create a channel that is new, and add whom it lacks: people may have been added since."""
        kept = self._records.kept("conversation", channel.id) or {"members": []}
        members = dict.fromkeys((*kept["members"], *(channel.members or self._users)))
        if list(members) != kept["members"]:
            self._keep({**kept, "id": channel.id, "name": channel.name, "is_im": False, "members": list(members)})

    def _keep(self, conversation: Json) -> Json:
        dated = {"created": int(float(self._clock.tick())), **conversation}
        self._records.keep("conversation", dated["id"], dated)
        self._touched(dated["id"])
        return dated

    # places

    def all(self) -> list[Json]:
        return self._records.all_kept("conversation")

    def get(self, reference: str) -> Json:
        """A conversation by its id or `#name`."""
        for conversation in self.all():
            if reference in (conversation["id"], conversation["name"], f"#{conversation['name']}"):
                return conversation
        raise SlackError("channel_not_found")

    def direct(self, one: str, other: str) -> Json:
        """The direct messages between two users, opened when they never spoke."""
        members = sorted({one, other})
        id = "D0" + hashlib.sha256(" ".join(members).encode()).hexdigest()[:8].upper()
        with self._records.change():
            return self._records.kept("conversation", id) or self._keep(
                {"id": id, "name": id, "is_im": True, "members": members}
            )

    def join(self, channel: str, user: str) -> Json:
        with self._records.change():
            conversation = self.get(channel)
            if user in conversation["members"]:
                return conversation
            joined = self._keep({**conversation, "members": [*conversation["members"], user]})
            self._notify(joined, events.member_joined(user, joined, self._app, ts=self._clock.tick()))
            return joined

    # messages

    def message(self, channel: str, ts: str, audience: str = "") -> Json:
        message = self._records.message(channel, ts, audience)
        if message is None:
            raise SlackError("message_not_found")
        return self._with_threads(channel, [message])[0]

    def history(self, channel: str) -> list[Json]:
        """The channel itself, oldest first: without replies, unless they were sent to the channel too."""
        messages = self._with_threads(channel, self._records.messages(channel))
        return [m for m in messages if not _is_reply(m) or m.get("subtype") == "thread_broadcast"]

    def thread(self, channel: str, ts: str) -> list[Json]:
        """A message and its replies, oldest first."""
        message = self._records.message(channel, ts)
        if message is None:
            raise SlackError("thread_not_found")
        if _is_reply(message):
            return [message]
        parent, *replies = self._records.messages(channel, thread=ts)
        return [events.with_thread(parent, replies), *replies]

    def seen_by(self, channel: str, user: str) -> list[Json]:
        """Everything that this user can read there, ephemerals and replies included, oldest first."""
        return self._with_threads(channel, self._records.messages(channel, audience=user))

    def ephemerals(self, channel: str, user: str) -> set[str]:
        return self._records.ephemerals(channel, user)

    def _with_threads(self, channel: str, messages: Sequence[Json]) -> list[Json]:
        replies: dict[str, list[Json]] = defaultdict(list)
        for message in self._records.messages(channel):
            if _is_reply(message):
                replies[message["thread_ts"]].append(message)
        return [events.with_thread(message, replies[message["ts"]]) for message in messages]

    # what people and the app do

    def say(self, channel: str, author: User, text: str, *, thread_ts: str | None = None, **more: Any) -> Json:
        """Post; `more` is what Slack keeps on the message beside the text (blocks, metadata …)."""
        with self._records.change():
            conversation = self.get(channel)
            message = {**self._drafted(author, text), **self._reply(conversation, thread_ts), **more}
            self._save(conversation["id"], message)
            self._notify(conversation, events.message_posted(message, conversation))
            if self._mentions_app(message, conversation):
                self._notify(conversation, events.app_mentioned(message, conversation))
            return message

    def _drafted(self, author: User, text: str) -> Json:
        ts = self._clock.tick()
        if author.is_bot:
            return events.app_message(self._app, ts=ts, text=text)
        return events.person_message(author, self._app, ts=ts, text=text)

    def _reply(self, conversation: Json, thread_ts: str | None) -> Json:
        if thread_ts is None:
            return {}
        if not re.fullmatch(r"\d{10,}\.\d{6}", thread_ts):
            raise SlackError("invalid_thread_ts")
        parent = self._records.message(conversation["id"], thread_ts)
        if parent is None:
            raise SlackError("thread_not_found")
        if _is_reply(parent):
            raise SlackError("cannot_reply_to_message")
        return {"thread_ts": thread_ts, "parent_user_id": parent["user"]}

    def _mentions_app(self, message: Json, conversation: Json) -> bool:
        """Slack sends no app_mention in direct messages, nor for what the app itself says."""
        return not conversation["is_im"] and "bot_id" not in message and f"<@{self._app.bot_user}>" in message["text"]

    def whisper(self, channel: str, audience: str, text: str, *, thread_ts: str | None = None, **more: Any) -> Json:
        """Post what only one user sees, and no event tells of."""
        with self._records.change():
            thread = {"thread_ts": thread_ts} if thread_ts else {}
            message = {**self._drafted(self._app.as_user(), text), **thread, **more}
            self._save(channel, message, audience)
            return message

    def edit(self, channel: str, ts: str, editor: str, **changes: Any) -> Json:
        with self._records.change():
            previous = self.message(channel, ts)
            edited = {"user": editor, "ts": self._clock.tick()}
            message = {**self._stored(channel, ts), **changes, "edited": edited}
            self._save(channel, message)
            conversation = self.get(channel)
            self._notify(
                conversation,
                events.message_changed(self.message(channel, ts), previous, conversation, ts=edited["ts"]),
            )
            return message

    def redraw(self, channel: str, ts: str, **changes: Any) -> None:
        """Change what a message shows without calling it edited, as a stream does."""
        with self._records.change():
            self._save(channel, {**self._stored(channel, ts), **changes})

    def delete(self, channel: str, ts: str) -> None:
        """A parent whose thread goes on leaves a tombstone, as at Slack."""
        with self._records.change():
            previous, conversation, now = self.message(channel, ts), self.get(channel), self._clock.tick()
            if not previous.get("reply_count"):
                self._drop(channel, ts)
                return self._notify(conversation, events.message_deleted(previous, conversation, ts=now))
            self._save(channel, events.tombstone(self._stored(channel, ts)))
            left = self.message(channel, ts)
            return self._notify(conversation, events.message_changed(left, previous, conversation, ts=now))

    def react(self, channel: str, ts: str, user: str, name: str, *, added: bool) -> None:
        with self._records.change():
            message = self._stored(channel, ts)
            reactions = {reaction["name"]: reaction["users"] for reaction in message.get("reactions", [])}
            users = reactions.setdefault(name, [])
            if added == (user in users):
                raise SlackError("already_reacted" if added else "no_reaction")
            users.append(user) if added else users.remove(user)
            kept = [{"name": n, "users": u, "count": len(u)} for n, u in reactions.items() if u]
            self._save(channel, {**message, "reactions": kept})
            conversation = self.get(channel)
            event = events.reacted(user, name, message, conversation, added=added, ts=self._clock.tick())
            self._notify(conversation, event)

    def replace_whisper(self, channel: str, ts: str, audience: str, message: Json | None) -> None:
        """Change an ephemeral message, or with None take it away."""
        with self._records.change():
            if message is None:
                self._drop(channel, ts)
            else:
                self._save(channel, message, audience)

    def _save(self, channel: str, message: Json, audience: str = "") -> None:
        self._records.save(channel, message, audience)
        self._touched(channel)

    def _drop(self, channel: str, ts: str) -> None:
        self._records.drop(channel, ts)
        self._touched(channel)

    def _stored(self, channel: str, ts: str) -> Json:
        message = self._records.message(channel, ts)
        if message is None:
            raise SlackError("message_not_found")
        return message

    def _notify(self, conversation: Json, event: Json) -> None:
        if self._app.bot_user in conversation["members"]:
            self._tell(event)


def _is_reply(message: Json) -> bool:
    return bool(message.get("thread_ts", message["ts"]) != message["ts"])

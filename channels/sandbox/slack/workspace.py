"""The workspace: everything in it, put together, and what a person can see and do there."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from channels.sandbox.slack import events
from channels.sandbox.slack.blocks import visible
from channels.sandbox.slack.clock import now_ts
from channels.sandbox.slack.compose import compose
from channels.sandbox.slack.conversations import Conversations
from channels.sandbox.slack.errors import SlackError
from channels.sandbox.slack.faults import Faults
from channels.sandbox.slack.interactivity import Interactivity
from channels.sandbox.slack.link import Link
from channels.sandbox.slack.modals import Modals
from channels.sandbox.slack.outbox import Line, Outbox
from channels.sandbox.slack.push import Push
from channels.sandbox.slack.records import Records
from channels.sandbox.slack.response_urls import ResponseUrls
from channels.sandbox.slack.roster import Channel, Installation, Json, User
from channels.sandbox.slack.statuses import Statuses

RESPOND_PATH = "/slack/respond"


def _nobody(_change: Json) -> None:
    pass


class Workspace:
    """One team with one app installed, kept in the folder `path`.

    `url` is where this process serves; with a `request_url` the app is told over HTTP, else over Socket Mode.
    `on_change` hears `{"kind": "slack", "channel": id}` (or `"user"`, for a modal) whenever something looks different.
    """

    def __init__(
        self,
        path: Path,
        *,
        users: Iterable[User],
        channels: Iterable[Channel],
        bot_token: str,
        app_token: str,
        signing_secret: str,
        url: str = "http://127.0.0.1:8000",
        request_url: str | None = None,
        app: Installation | None = None,
        on_change: Callable[[Json], None] = _nobody,
    ) -> None:
        self.app = app or Installation()
        self.bot_token = bot_token
        self.app_token = app_token
        self.url = url
        self.on_change = on_change
        self.users = {user.id: user for user in (*users, self.app.as_user())}
        self.faults = Faults()
        self.records = Records(path / "slack.sqlite3")
        self.outbox = Outbox(self.records)
        self.link = Link(self.app, connected=self.outbox.hurry)
        self.line: Line = Push(request_url, signing_secret) if request_url else self.link
        self.conversations = Conversations(
            self.records, self.users, list(channels), self.app, tell=self.tell, touched=self.touched
        )
        self.views = Modals(self.records, self.app, touched=self._modal_touched)
        self.statuses = Statuses(self.records)
        self.response_urls = ResponseUrls(self.records)
        self.interactivity = Interactivity(
            self.conversations, self.views, self.response_urls, self.app, self.line, url + RESPOND_PATH
        )

    def tell(self, event: Json) -> None:
        """Queue an event for the app; it is on disk with the change that it tells of."""
        self.records.queue(events.event_callback(event, self.app))
        self.outbox.stir()

    def touched(self, channel: str) -> None:
        self.on_change({"kind": "slack", "channel": channel})

    def _modal_touched(self, user: str) -> None:
        self.on_change({"kind": "slack", "user": user})

    def user(self, id: str) -> User:
        if id not in self.users:
            raise SlackError("user_not_found")
        return self.users[id]

    # what people see

    def state(self, user: str) -> Json:
        """The sidebar of this user."""
        return {
            "team": {"id": self.app.team, "name": self.app.team_name, "domain": self.app.domain},
            "me": self._shown(self.user(user)),
            "users": [self._shown(someone) for someone in self.users.values()],
            "channels": [self._listed(c, user) for c in self.conversations.all() if user in c["members"]],
        }

    def _shown(self, user: User) -> Json:
        return {"id": user.id, "name": user.name, "real_name": user.real_name, "is_bot": user.is_bot}

    def _listed(self, conversation: Json, user: str) -> Json:
        id, members = conversation["id"], conversation["members"]
        messages = self.conversations.seen_by(id, user)
        seen = self.records.kept("seen", f"{user}/{id}") or ""
        other = next((member for member in members if member != user), user)
        return {
            "id": id,
            "name": self.users[other].real_name if conversation["is_im"] else conversation["name"],
            "kind": "im" if conversation["is_im"] else "channel",
            "members": members,
            "unread": sum(message["ts"] > seen and message["user"] != user for message in messages),
            "last_ts": messages[-1]["ts"] if messages else None,
        }

    def messages(self, user: str, channel: str) -> Json:
        """What this user can read there, oldest first, replies and ephemerals included; and who is busy."""
        self._member(user, channel)
        whispered = self.conversations.ephemerals(channel, user)
        return {
            "messages": [
                self._read(message, user, message["ts"] in whispered)
                | {"streaming": self.is_streaming(channel, message["ts"])}
                for message in self.conversations.seen_by(channel, user)
            ],
            "statuses": self.statuses.current(channel),
            "prompts": self.records.kept("prompts", channel),
        }

    def _read(self, message: Json, reader: str, ephemeral: bool) -> Json:
        author = self.users.get(message["user"])
        return {
            "ts": message["ts"],
            "user": message["user"],
            "bot_id": message.get("bot_id"),
            "name": message.get("username") or (author.real_name if author else message["user"]),
            "text": message["text"],
            "blocks": visible(message.get("blocks", []), reader),
            "thread_ts": message.get("thread_ts"),
            "reply_count": message.get("reply_count", 0),
            "subtype": message.get("subtype"),
            "edited": message.get("edited"),
            "reactions": message.get("reactions", []),
            "metadata": message.get("metadata"),
            "ephemeral": ephemeral,
        }

    def is_streaming(self, channel: str, ts: str) -> bool:
        """Whether the app may still add to this message."""
        return bool((self.records.kept("stream", f"{channel}/{ts}") or {}).get("until", 0) > time.time())

    def modals(self, user: str) -> list[Json]:
        """The views that this user has open, the topmost last."""
        return self.views.stack(self.user(user).id)

    def home(self, user: str) -> Json | None:
        """The app's Home tab as this user sees it; None: nothing was published yet."""
        found: Json | None = self.records.kept("home", self.user(user).id)
        return found

    # what people do

    def post(self, user: str, channel: str, text: str, thread_ts: str | None = None) -> Json:
        """Send what was typed; names after `@` and `#` become mentions."""
        self._member(user, channel)
        if not text.strip():
            raise SlackError("no_text")
        message = self.conversations.say(channel, self.user(user), self._composed(text), thread_ts=thread_ts)
        self.seen(user, channel, message["ts"])
        return {"ts": message["ts"]}

    def _composed(self, text: str) -> str:
        people = {name: user.id for user in self.users.values() for name in (user.name, user.real_name)}
        channels = {c["name"]: c["id"] for c in self.conversations.all() if not c["is_im"]}
        return compose(text, people=people, channels=channels)

    def edit(self, user: str, channel: str, ts: str, text: str) -> Json:
        self._own(user, channel, ts, "cant_update_message")
        self.conversations.edit(channel, ts, user, text=self._composed(text))
        return {"ts": ts}

    def delete(self, user: str, channel: str, ts: str) -> Json:
        self._own(user, channel, ts, "cant_delete_message")
        self.conversations.delete(channel, ts)
        return {"ts": ts}

    def react(self, user: str, channel: str, ts: str, name: str) -> Json:
        """Add a reaction, or take one's own back."""
        self._member(user, channel)
        reactions = self.conversations.message(channel, ts).get("reactions", [])
        mine = any(reaction["name"] == name and user in reaction["users"] for reaction in reactions)
        self.conversations.react(channel, ts, user, name, added=not mine)
        return {"ts": ts}

    def dm(self, user: str, other: str) -> Json:
        """Open the direct messages with somebody; the app hears when its Messages tab is opened."""
        conversation = self.conversations.direct(self.user(user).id, self.user(other).id)
        if other == self.app.bot_user:
            self.tell(events.tab_opened(user, conversation, "messages", ts=now_ts()))
        return {"channel": conversation["id"]}

    def open_home(self, user: str) -> Json:
        """Open the app's Home tab; the app hears of it and may publish another view."""
        conversation = self.conversations.direct(self.user(user).id, self.app.bot_user)
        self.tell(events.tab_opened(user, conversation, "home", ts=now_ts()))
        return {"ok": True}

    def seen(self, user: str, channel: str, ts: str) -> Json:
        self.records.keep("seen", f"{user}/{channel}", ts)
        self.touched(channel)
        return {"ts": ts}

    async def click(self, user: str, channel: str, ts: str, block_id: str, action_id: str, choice: str = "") -> Json:
        return await self.interactivity.click(self.user(user), channel, ts, block_id, action_id, choice=choice)

    async def press(self, user: str, block_id: str, action_id: str, choice: str = "") -> Json:
        """Press something on the app's Home tab."""
        return await self.interactivity.press(self.user(user), self.home(user), block_id, action_id, choice=choice)

    async def submit(self, user: str, view_id: str, values: Json) -> Json:
        return await self.interactivity.submit(self.user(user), view_id, values)

    async def close(self, user: str, view_id: str) -> Json:
        return await self.interactivity.close(self.user(user), view_id)

    async def command(self, user: str, channel: str, command: str, text: str) -> Json:
        self._member(user, channel)
        return await self.interactivity.command(self.user(user), channel, command, text)

    async def shortcut(self, user: str, channel: str, ts: str, callback_id: str) -> Json:
        self._member(user, channel)
        return await self.interactivity.shortcut(self.user(user), channel, ts, callback_id)

    def stop(self, user: str, channel: str, thread_ts: str) -> Json:
        """Press the Stop button that Slack shows while an agent session is processing."""
        self._member(user, channel)
        streams = [
            m["ts"] for m in self.conversations.thread(channel, thread_ts) if self.is_streaming(channel, m["ts"])
        ]
        for ts in streams:
            self.records.keep("stream", f"{channel}/{ts}", {"until": 0})
        self.tell(events.session_stopped(user, channel, thread_ts, streams, ts=now_ts()))
        return {"ok": True}

    def _member(self, user: str, channel: str) -> None:
        if self.user(user).id not in self.conversations.get(channel)["members"]:
            raise SlackError("not_in_channel")

    def _own(self, user: str, channel: str, ts: str, refusal: str) -> None:
        if self.conversations.message(channel, ts)["user"] != user:
            raise SlackError(refusal)

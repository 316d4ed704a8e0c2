"""What Slack says becomes what happened: payloads to events, purely.

https://docs.slack.dev/reference/events, https://docs.slack.dev/reference/interaction-payloads
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

from bot.events import Actor, Attachment, MessageDeleted, MessageEdited, MessageReceived, Origin
from bot.people import Team
from bot.ports import Arrival
from channels.slack.address import conversation
from channels.slack.text import mentions, readable

Json: TypeAlias = Mapping[str, Any]

MESSAGES = (None, "file_share", "thread_broadcast")
"""Subtypes of a message that somebody wrote; the others tell that something happened in the channel."""


@dataclass(frozen=True)
class Me:
    """Parley itself in one workspace, as ``auth.test`` or the installation tells it.

    ``home``: it is the workspace that bot.toml means where it names none.
    """

    team: str
    user: str
    bot: str
    enterprise: str = ""
    home: bool = True


class Names(Protocol):
    """What ids are called; empty: not known. ``channel`` may raise when it matters and nobody can tell now."""

    def person(self, id: str) -> str: ...

    def channel(self, id: str) -> str: ...


@dataclass(frozen=True)
class Spot:
    """Where somebody is, for a word to them alone. ``thread_ts`` is empty in the channel itself."""

    channel: str
    user: str
    thread_ts: str = ""


@dataclass(frozen=True)
class Heard:
    """Something was written, changed or deleted. ``root`` is the message of ours that it answers, where it answers one.

    ``stop``: it was Slack's Stop button, which says the word and nothing else.
    """

    arrival: Arrival
    spot: Spot
    root: str = ""
    stop: bool = False


@dataclass(frozen=True)
class Ignored:
    """Nothing that a thread should know; ``why`` holds none of its content."""

    why: str


def heard(body: Json, me: Me, team: Team, names: Names) -> Heard | Ignored:
    """An event of the Events API. Raises KeyError, TypeError or ValueError for a payload of an unknown shape."""
    event = body["event"]
    if event["type"] == "agent_session_stopped":
        return _stopped(body, event, me, team, names)
    if event["type"] not in ("message", "app_mention"):
        return Ignored(f"event {event['type']}")
    if event.get("subtype") == "message_changed":
        return _changed(body, event, me, team, names)
    if event.get("subtype") == "message_deleted":
        return _deleted(body, event, event["previous_message"], me, team)
    if event.get("subtype") not in MESSAGES:
        return Ignored(f"message of subtype {event['subtype']}")
    if not _by_a_person(event, me):
        return Ignored("message of a bot")
    return _message(body, event, me, team, names)


def _message(body: Json, event: Json, me: Me, team: Team, names: Names) -> Heard:
    channel, ts = event["channel"], event["ts"]
    address = conversation(me.team, channel, event.get("thread_ts") or ts)
    place = _place(event, me, names)
    route = team.route(*_places(event, me, names))
    message = MessageReceived(
        id=f"slack:{me.team}/{channel}/{ts}",
        actor=_author(body, event, me, team, names),
        text=_text(event, me, team, names),
        origin=Origin(address=address, native=ts, place=place, at=float(ts), trusted=route.trusted),
        attachments=_attachments(event),
        agent=route.agent,
    )
    arrival = Arrival(
        event=message,
        address=address,
        keys=_keys(body, message.id),
        create=_is_direct(event) or event["type"] == "app_mention" or mentions(event.get("text") or "", me.user),
    )
    root = event.get("thread_ts", "") if event.get("parent_user_id") == me.user else ""
    return Heard(arrival, _spot(event, event["user"]), root)


def _changed(body: Json, event: Json, me: Me, team: Team, names: Names) -> Heard | Ignored:
    """An edit, when somebody changed words: links that unfold and threads that grow change a message too."""
    message, before = event["message"], event.get("previous_message") or {}
    if message.get("subtype") == "tombstone":
        return _deleted(body, event, before or message, me, team)
    if message.get("subtype") not in MESSAGES or not _by_a_person(message, me):
        return Ignored("change of a message that no person wrote")
    if message.get("text") == before.get("text") or not message.get("edited"):
        return Ignored("change of a message whose words are the same")
    channel, edited = event["channel"], message["edited"]["ts"]
    address = conversation(me.team, channel, message.get("thread_ts") or message["ts"])
    route = team.route(*_places(event, me, names))
    change = MessageEdited(
        id=f"slack:{me.team}/{channel}/{message['ts']}/edited/{edited}",
        actor=_author(body, message, me, team, names),
        text=_own_words(message, me, team, names),
        origin=Origin(address=address, native=message["ts"], at=float(edited), trusted=route.trusted),
    )
    arrival = Arrival(event=change, address=address, keys=_keys(body, change.id), create=False)
    return Heard(arrival, _spot({**message, "channel": channel}, message["user"]))


def _deleted(body: Json, event: Json, before: Json, me: Me, team: Team) -> Heard | Ignored:
    """A deletion. Slack does not say whose it was, so it counts as the author's."""
    if not _by_a_person(before, me):
        return Ignored("deletion of a message that no person wrote")
    channel, ts = event["channel"], before["ts"]
    address = conversation(me.team, channel, before.get("thread_ts") or ts)
    deletion = MessageDeleted(
        id=f"slack:{me.team}/{channel}/{ts}/deleted",
        actor=actor_of(before["user"], _team_of(body, before, me), me, team),
        origin=Origin(address=address, native=ts, at=float(event["ts"])),
    )
    arrival = Arrival(event=deletion, address=address, keys=_keys(body, deletion.id), create=False)
    return Heard(arrival, _spot({**before, "channel": channel}, before["user"]))


def _stopped(body: Json, event: Json, me: Me, team: Team, names: Names) -> Heard:
    """Slack's Stop button says what the word "stop" says."""
    said = _message(body, {**event, "text": "stop", "ts": event["event_ts"]}, me, team, names)
    return replace(said, arrival=replace(said.arrival, create=False), stop=True)


def _by_a_person(message: Json, me: Me) -> bool:
    return bool(message.get("user")) and not message.get("bot_id") and message["user"] not in (me.user, "USLACKBOT")


def _keys(body: Json, id: str) -> tuple[str, ...]:
    """A mention arrives as two events with two ids, a retry with the same: what was said is one thing under either."""
    return tuple(filter(None, (id, f"slack:event:{body['event_id']}" if body.get("event_id") else "")))


def _is_direct(event: Json) -> bool:
    return event.get("channel_type") == "im" or str(event["channel"]).startswith("D")


def _place(event: Json, me: Me, names: Names) -> str:
    """Where it was said, as bot.toml would write it; away from home with the workspace."""
    if _is_direct(event):
        return "slack:dm"
    name = names.channel(event["channel"])
    return f"slack:{'' if me.home else f'{me.team}/'}{f'#{name}' if name else event['channel']}"


def _places(event: Json, me: Me, names: Names) -> tuple[str, ...]:
    """Every way in which a route may name it, the most particular first."""
    id = event["channel"]
    name = "dm" if _is_direct(event) else f"#{names.channel(id)}"
    called = (f"slack:{me.team}/{name}", f"slack:{name}") if name != "#" else ()
    return (*called, f"slack:{me.team}/{id}", f"slack:{id}")


def _spot(message: Json, user: str) -> Spot:
    return Spot(message["channel"], user, message.get("thread_ts") or "")


def _text(message: Json, me: Me, team: Team, names: Names) -> str:
    shared = ({"text": f"Shared: {each.get('text') or ''}"} for each in _shared(message))
    return "\n\n".join(_own_words(each, me, team, names) for each in (message, *shared)).strip()


def _own_words(message: Json, me: Me, team: Team, names: Names) -> str:
    """What its author wrote, without the messages that they passed on."""
    return readable(message.get("text") or "", me.user, lambda id: called(id, me, team, names), names.channel).strip()


def _shared(message: Json) -> list[Json]:
    """Messages of others that were passed on with this one."""
    return [each for each in message.get("attachments") or () if each.get("is_share") or each.get("is_msg_unfurl")]


def _attachments(event: Json) -> tuple[Attachment, ...]:
    """Files, and what others wrote elsewhere: none of it is the author's own word."""
    passed_on = (
        Attachment(name="a shared message", media_type="text/plain", url=each.get("from_url"))
        for each in _shared(event)
    )
    return (*_files(event), *passed_on)


def _files(event: Json) -> tuple[Attachment, ...]:
    return tuple(
        Attachment(
            name=file.get("name") or file.get("title") or file["id"],
            media_type=file.get("mimetype") or "application/octet-stream",
            size=file.get("size") or 0,
            url=file.get("url_private_download") or file.get("url_private"),
        )
        for file in event.get("files") or ()
    )


# Who


def _author(body: Json, message: Json, me: Me, team: Team, names: Names) -> Actor:
    user = message["user"]
    return actor_of(user, _team_of(body, message, me), me, team, called(user, me, team, names))


def _team_of(body: Json, message: Json, me: Me) -> str:
    """The author's own workspace; empty where a shared channel leaves it open."""
    told = message.get("user_team") or message.get("source_team") or message.get("team")
    return told or ("" if body.get("is_ext_shared_channel") else me.team)


def actor_of(user: str, user_team: str, me: Me, team: Team, name: str = "") -> Actor:
    """People of other organisations (Slack Connect) are never known: their workspace vouches for them, not ours."""
    ours = user_team != "" and user_team in (me.team, me.enterprise)
    id = f"slack:{me.team if ours else user_team or '?'}/{user}"
    shown = name or user
    if not ours:
        return team.actor(id, f"{shown} (from outside)", home=False)
    return team.actor(id, shown, proof="slack", home=me.home)


def called(user: str, me: Me, team: Team, names: Names) -> str:
    person = team.claimed(f"slack:{me.team}/{user}", home=me.home)
    return team.people[person].name if person else names.person(user)

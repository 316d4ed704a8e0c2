"""What is said in the workspace and what the app hears of it, in the shapes of the Events API."""

import uuid
from collections.abc import Sequence

from channels.sandbox.slack.roster import Installation, Json, User, fresh_id

# Messages, as conversations.history and the events show them


def person_message(user: User, installation: Installation, *, ts: str, text: str) -> Json:
    return {
        "type": "message",
        "user": user.id,
        "ts": ts,
        "client_msg_id": str(uuid.uuid4()),
        "text": text,
        "team": installation.team,
    }


def app_message(installation: Installation, *, ts: str, text: str) -> Json:
    return {
        "type": "message",
        "user": installation.bot_user,
        "ts": ts,
        "bot_id": installation.bot,
        "app_id": installation.app,
        "text": text,
        "team": installation.team,
        "bot_profile": {
            "id": installation.bot,
            "app_id": installation.app,
            "user_id": installation.bot_user,
            "name": installation.name,
            "team_id": installation.team,
            "deleted": False,
            "updated": 0,
        },
    }


def tombstone(message: Json) -> Json:
    """What stays of a deleted message whose thread goes on."""
    kept: Json = {key: message[key] for key in ("ts", "thread_ts") if key in message}
    return {
        "type": "message",
        "subtype": "tombstone",
        "user": "USLACKBOT",
        "text": "This message was deleted.",
        "hidden": True,
        **kept,
    }


def with_thread(message: Json, replies: Sequence[Json]) -> Json:
    """A parent as Slack shows it once somebody has replied."""
    if not replies:
        return message
    users = list(dict.fromkeys(reply["user"] for reply in replies))
    return {
        **message,
        "thread_ts": message["ts"],
        "reply_count": len(replies),
        "reply_users_count": len(users),
        "latest_reply": replies[-1]["ts"],
        "reply_users": users,
        "is_locked": False,
        "subscribed": False,
    }


# Events (https://docs.slack.dev/reference/events)


def event_callback(event: Json, installation: Installation) -> Json:
    """The envelope of the Events API."""
    return {
        "token": "sandbox",
        "team_id": installation.team,
        "context_team_id": installation.team,
        "context_enterprise_id": None,
        "api_app_id": installation.app,
        "event": event,
        "type": "event_callback",
        "event_id": fresh_id("Ev0"),
        "event_time": int(float(event["event_ts"])),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": installation.team,
                "user_id": installation.bot_user,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
        "event_context": fresh_id("4-"),
    }


def _place(conversation: Json) -> Json:
    return {"channel": conversation["id"], "channel_type": "im" if conversation["is_im"] else "channel"}


def message_posted(message: Json, conversation: Json) -> Json:
    return {**message, **_place(conversation), "event_ts": message["ts"]}


def app_mentioned(message: Json, conversation: Json) -> Json:
    return {**message, "type": "app_mention", "channel": conversation["id"], "event_ts": message["ts"]}


def message_changed(message: Json, previous: Json, conversation: Json, *, ts: str) -> Json:
    return {
        "type": "message",
        "subtype": "message_changed",
        "message": message,
        "previous_message": previous,
        "hidden": True,
        "ts": ts,
        "event_ts": ts,
        **_place(conversation),
    }


def message_deleted(previous: Json, conversation: Json, *, ts: str) -> Json:
    return {
        "type": "message",
        "subtype": "message_deleted",
        "previous_message": previous,
        "deleted_ts": previous["ts"],
        "hidden": True,
        "ts": ts,
        "event_ts": ts,
        **_place(conversation),
    }


def reacted(user: str, name: str, message: Json, conversation: Json, *, added: bool, ts: str) -> Json:
    return {
        "type": "reaction_added" if added else "reaction_removed",
        "user": user,
        "reaction": name,
        "item": {"type": "message", "channel": conversation["id"], "ts": message["ts"]},
        "item_user": message.get("user"),
        "event_ts": ts,
    }


def member_joined(user: str, conversation: Json, installation: Installation, *, ts: str) -> Json:
    return {
        "type": "member_joined_channel",
        "user": user,
        "channel": conversation["id"],
        "channel_type": "C",
        "team": installation.team,
        "event_ts": ts,
    }


def tab_opened(user: str, conversation: Json, tab: str, *, ts: str) -> Json:
    """https://docs.slack.dev/reference/events/app_home_opened; ``tab`` is `home` or `messages`."""
    return {
        "type": "app_home_opened",
        "user": user,
        "channel": conversation["id"],
        "tab": tab,
        "event_ts": ts,
    }


def session_stopped(user: str, channel: str, thread_ts: str, streams: Sequence[str], *, ts: str) -> Json:
    return {
        "type": "agent_session_stopped",
        "channel": channel,
        "thread_ts": thread_ts,
        "user": user,
        "streaming_message_ts": list(streams),
        "event_ts": ts,
    }

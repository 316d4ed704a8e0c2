"""Who and what a workspace consists of, and how Slack writes them down."""

import secrets
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"


@dataclass(frozen=True)
class User:
    id: str
    name: str
    real_name: str
    email: str = ""
    title: str = ""
    is_bot: bool = False


@dataclass(frozen=True)
class Channel:
    """A public channel. Without members, everybody and the app are in it."""

    id: str
    name: str
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class Installation:
    """The one app and the one team that it is installed in."""

    team: str = "T0SANDBOX"
    team_name: str = "Sandbox"
    domain: str = "sandbox"
    app: str = "A0PARLEY"
    bot: str = "B00PARLEY"
    bot_user: str = "U00PARLEY"
    name: str = "parley"
    real_name: str = "Parley"
    scopes: tuple[str, ...] = (
        "app_mentions:read",
        "assistant:write",
        "channels:history",
        "channels:join",
        "channels:read",
        "chat:write",
        "commands",
        "im:history",
        "im:read",
        "im:write",
        "reactions:read",
        "reactions:write",
        "team:read",
        "usergroups:read",
        "users:read",
        "users:read.email",
    )

    def as_user(self) -> User:
        return User(self.bot_user, self.name, self.real_name, is_bot=True)


def fresh_id(prefix: str) -> str:
    """An id as Slack makes them: a letter or two and nine more characters."""
    return prefix + "".join(secrets.choice(_LETTERS) for _ in range(9))


def user_object(user: User, installation: Installation) -> Json:
    """https://docs.slack.dev/reference/objects/user-object"""
    profile = {
        "title": user.title,
        "real_name": user.real_name,
        "real_name_normalized": user.real_name,
        "display_name": "" if user.is_bot else user.name,
        "display_name_normalized": "" if user.is_bot else user.name,
        "avatar_hash": "",
        "team": installation.team,
    }
    if user.is_bot:
        profile |= {"bot_id": installation.bot, "api_app_id": installation.app}
    elif user.email:
        profile |= {"email": user.email}
    return {
        "id": user.id,
        "team_id": installation.team,
        "name": user.name,
        "deleted": False,
        "real_name": user.real_name,
        "tz": "Europe/Berlin",
        "tz_label": "Central European Time",
        "tz_offset": 3600,
        "profile": profile,
        "is_admin": False,
        "is_owner": False,
        "is_restricted": False,
        "is_ultra_restricted": False,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "updated": 0,
    }


def conversation_object(conversation: Json, installation: Installation) -> Json:
    """https://docs.slack.dev/reference/objects/conversation-object, as the app sees it."""
    is_im = conversation["is_im"]
    shared = {
        "id": conversation["id"],
        "created": conversation["created"],
        "is_archived": False,
        "is_im": is_im,
        "is_org_shared": False,
        "context_team_id": installation.team,
        "updated": conversation["created"] * 1000,
    }
    if is_im:
        other = next((member for member in conversation["members"] if member != installation.bot_user), "")
        return shared | {"user": other, "is_user_deleted": False, "priority": 0}
    return shared | {
        "name": conversation["name"],
        "name_normalized": conversation["name"],
        "is_channel": True,
        "is_group": False,
        "is_mpim": False,
        "is_private": False,
        "is_general": conversation["name"] == "general",
        "is_shared": False,
        "is_ext_shared": False,
        "is_member": installation.bot_user in conversation["members"],
        "creator": "USLACKBOT",
        "topic": {"value": "", "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
        "num_members": len(conversation["members"]),
    }

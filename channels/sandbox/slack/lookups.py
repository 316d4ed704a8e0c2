"""Web API: who, where and what was said (`auth.*`, `conversations.*`, `users.*` and the like)."""

from typing import Any

from channels.sandbox.slack.arguments import Arguments
from channels.sandbox.slack.chat import joined
from channels.sandbox.slack.errors import SlackError
from channels.sandbox.slack.roster import Json, User, conversation_object, user_object
from channels.sandbox.slack.workspace import Workspace


def api_test(_workspace: Workspace, arguments: Arguments) -> Json:
    if "error" in arguments:
        raise SlackError(arguments.text("error"))
    return {"args": {key: value for key, value in arguments.values.items() if key != "token"}}


def auth_test(workspace: Workspace, _arguments: Arguments) -> Json:
    return {
        "url": f"https://{workspace.app.domain}.slack.com/",
        "team": workspace.app.team_name,
        "user": workspace.app.name,
        "team_id": workspace.app.team,
        "user_id": workspace.app.bot_user,
        "bot_id": workspace.app.bot,
        "is_enterprise_install": False,
    }


def open_connection(workspace: Workspace, _arguments: Arguments) -> Json:
    address = workspace.url.replace("http", "ws", 1)
    return {"url": f"{address}/slack/link?ticket={workspace.link.ticket()}&app_id={workspace.app.app}"}


def team_info(workspace: Workspace, _arguments: Arguments) -> Json:
    app = workspace.app
    return {"team": {"id": app.team, "name": app.team_name, "domain": app.domain, "email_domain": "", "icon": {}}}


def bots_info(workspace: Workspace, arguments: Arguments) -> Json:
    app = workspace.app
    if arguments.text("bot") != app.bot:
        raise SlackError("bot_not_found")
    bot = {"id": app.bot, "app_id": app.app, "user_id": app.bot_user, "name": app.name}
    return {"bot": {**bot, "deleted": False, "updated": 0, "icons": {}}}


def list_conversations(workspace: Workspace, arguments: Arguments) -> Json:
    return _conversations(workspace, arguments, member=workspace.app.bot_user, of_channels=False)


def users_conversations(workspace: Workspace, arguments: Arguments) -> Json:
    member = arguments.text("user") or workspace.app.bot_user
    return _conversations(workspace, arguments, member=member, of_channels=True)


def conversation_info(workspace: Workspace, arguments: Arguments) -> Json:
    conversation = workspace.conversations.get(arguments.text("channel"))
    if conversation["is_im"] and workspace.app.bot_user not in conversation["members"]:
        raise SlackError("channel_not_found")
    return {"channel": conversation_object(conversation, workspace.app)}


def history(workspace: Workspace, arguments: Arguments) -> Json:
    """Newest first."""
    channel = joined(workspace, arguments.text("channel"))["id"]
    found = _within(arguments, workspace.conversations.history(channel))[::-1]
    return _messages(arguments, found, default=100)


def replies(workspace: Workspace, arguments: Arguments) -> Json:
    """The parent, then its replies, oldest first."""
    channel = joined(workspace, arguments.text("channel"))["id"]
    parent, *rest = workspace.conversations.thread(channel, arguments.text("ts"))
    return _messages(arguments, [parent, *_within(arguments, rest)], default=1000)


def open_conversation(workspace: Workspace, arguments: Arguments) -> Json:
    users = [user for user in arguments.text("users").split(",") if user]
    if "channel" in arguments:
        return {"channel": {"id": joined(workspace, arguments.text("channel"))["id"]}}
    if not users:
        raise SlackError("users_list_not_supplied")
    if len(users) > 1:
        raise SlackError("method_not_supported_for_channel_type")
    opened = workspace.conversations.direct(workspace.app.bot_user, workspace.user(users[0]).id)
    return {
        "channel": conversation_object(opened, workspace.app) if arguments.flag("return_im") else {"id": opened["id"]}
    }


def members(workspace: Workspace, arguments: Arguments) -> Json:
    conversation = workspace.conversations.get(arguments.text("channel"))
    found, cursor = arguments.page(conversation["members"], default=100)
    return {"members": found, "response_metadata": {"next_cursor": cursor}}


def join(workspace: Workspace, arguments: Arguments) -> Json:
    conversation = workspace.conversations.get(arguments.text("channel"))
    if conversation["is_im"]:
        raise SlackError("method_not_supported_for_channel_type")
    joined_now = workspace.conversations.join(conversation["id"], workspace.app.bot_user)
    return {"channel": conversation_object(joined_now, workspace.app)}


def user_info(workspace: Workspace, arguments: Arguments) -> Json:
    return {"user": user_object(workspace.user(arguments.text("user")), workspace.app)}


def list_users(workspace: Workspace, arguments: Arguments) -> Json:
    found, cursor = arguments.page(list(workspace.users.values()), default=1000)
    shown = [user_object(user, workspace.app) for user in found]
    return {"members": shown, "cache_ts": 0, "response_metadata": {"next_cursor": cursor}}


def look_up_by_email(workspace: Workspace, arguments: Arguments) -> Json:
    email = arguments.text("email").lower()
    found: User | None = next((u for u in workspace.users.values() if email and u.email.lower() == email), None)
    if found is None:
        raise SlackError("users_not_found")
    return {"user": user_object(found, workspace.app)}


def list_usergroups(_workspace: Workspace, _arguments: Arguments) -> Json:
    return {"usergroups": []}


def usergroup_users(_workspace: Workspace, _arguments: Arguments) -> Json:
    raise SlackError("no_such_subteam")


METHODS = {
    "api.test": api_test,
    "auth.test": auth_test,
    "apps.connections.open": open_connection,
    "team.info": team_info,
    "bots.info": bots_info,
    "conversations.list": list_conversations,
    "conversations.info": conversation_info,
    "conversations.history": history,
    "conversations.replies": replies,
    "conversations.open": open_conversation,
    "conversations.members": members,
    "conversations.join": join,
    "users.info": user_info,
    "users.list": list_users,
    "users.lookupByEmail": look_up_by_email,
    "users.conversations": users_conversations,
    "usergroups.list": list_usergroups,
    "usergroups.users.list": usergroup_users,
}


def _conversations(workspace: Workspace, arguments: Arguments, *, member: str, of_channels: bool) -> Json:
    """Channels (with `of_channels`, only those the member is in) and the member's direct messages."""
    types = (arguments.text("types") or "public_channel").replace(" ", "").split(",")
    wanted = [
        conversation
        for conversation in workspace.conversations.all()
        if ("im" if conversation["is_im"] else "public_channel") in types
        and (member in conversation["members"] or not (of_channels or conversation["is_im"]))
    ]
    found, cursor = arguments.page(wanted, default=100)
    shown = [conversation_object(conversation, workspace.app) for conversation in found]
    return {"channels": shown, "response_metadata": {"next_cursor": cursor}}


def _within(arguments: Arguments, messages: list[Json]) -> list[Json]:
    oldest, latest = arguments.text("oldest") or "0", arguments.text("latest") or "9" * 10
    try:
        after, before = float(oldest), float(latest)
    except ValueError:
        raise SlackError("invalid_ts_oldest" if "oldest" in arguments else "invalid_ts_latest") from None
    edge = arguments.flag("inclusive")
    return [m for m in messages if after < float(m["ts"]) < before or (edge and m["ts"] in (oldest, latest))]


def _messages(arguments: Arguments, found: list[Json], *, default: int) -> Json:
    page, cursor = arguments.page(found, default=default)
    hidden = set() if arguments.flag("include_all_metadata") else {"metadata"}
    shown: list[Any] = [{key: value for key, value in message.items() if key not in hidden} for message in page]
    more = {"response_metadata": {"next_cursor": cursor}} if cursor else {}
    return {"messages": shown, "has_more": bool(cursor), **more}

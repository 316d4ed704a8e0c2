"""What people press, send and invoke, in Slack's shapes (https://docs.slack.dev/reference/interaction-payloads)."""

from channels.sandbox.slack.clock import now_ts
from channels.sandbox.slack.roster import Installation, Json, User


def _interaction(kind: str, user: User, installation: Installation, trigger_id: str) -> Json:
    return {
        "type": kind,
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": installation.team},
        "api_app_id": installation.app,
        "token": "sandbox",
        "trigger_id": trigger_id,
        "team": {"id": installation.team, "domain": installation.domain},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def _channel(conversation: Json) -> Json:
    return {"id": conversation["id"], "name": "directmessage" if conversation["is_im"] else conversation["name"]}


def message_clicked(
    user: User,
    installation: Installation,
    *,
    conversation: Json,
    message: Json,
    is_ephemeral: bool,
    action: Json,
    values: Json,
    trigger_id: str,
    response_url: str,
) -> Json:
    thread = {"thread_ts": message["thread_ts"]} if "thread_ts" in message else {}
    container = {
        "type": "message",
        "message_ts": message["ts"],
        "channel_id": conversation["id"],
        "is_ephemeral": is_ephemeral,
        **thread,
    }
    return {
        **_interaction("block_actions", user, installation, trigger_id),
        "container": container,
        "channel": _channel(conversation),
        **({} if is_ephemeral else {"message": message}),
        "state": {"values": values},
        "response_url": response_url,
        "actions": [{**action, "action_ts": now_ts()}],
    }


def home_clicked(
    user: User, installation: Installation, *, view: Json, action: Json, values: Json, trigger_id: str
) -> Json:
    """A press on the Home tab, which lies in no conversation."""
    return {
        **_interaction("block_actions", user, installation, trigger_id),
        "container": {"type": "view", "view_id": view["id"]},
        "view": {**view, "state": {"values": values}},
        "actions": [{**action, "action_ts": now_ts()}],
    }


def view_submitted(user: User, installation: Installation, *, view: Json, trigger_id: str) -> Json:
    return {**_interaction("view_submission", user, installation, trigger_id), "view": view, "response_urls": []}


def view_closed(user: User, installation: Installation, *, view: Json, is_cleared: bool) -> Json:
    payload = _interaction("view_closed", user, installation, "")
    del payload["trigger_id"]
    return {**payload, "view": view, "is_cleared": is_cleared}


def message_shortcut(
    user: User,
    installation: Installation,
    *,
    conversation: Json,
    message: Json,
    callback_id: str,
    trigger_id: str,
    response_url: str,
) -> Json:
    return {
        **_interaction("message_action", user, installation, trigger_id),
        "action_ts": now_ts(),
        "channel": _channel(conversation),
        "callback_id": callback_id,
        "message_ts": message["ts"],
        "message": message,
        "response_url": response_url,
    }


def slash_command(
    user: User,
    installation: Installation,
    *,
    conversation: Json,
    command: str,
    text: str,
    trigger_id: str,
    response_url: str,
) -> Json:
    """https://docs.slack.dev/interactivity/implementing-slash-commands: flat strings, as in a form."""
    channel = _channel(conversation)
    return {
        "token": "sandbox",
        "team_id": installation.team,
        "team_domain": installation.domain,
        "channel_id": channel["id"],
        "channel_name": channel["name"],
        "user_id": user.id,
        "user_name": user.name,
        "command": command,
        "text": text,
        "api_app_id": installation.app,
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": trigger_id,
    }

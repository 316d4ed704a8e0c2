"""Web API: what the app posts, changes, whispers and reacts with (`chat.*`, `reactions.*`, response URLs)."""

from typing import Any

from channels.sandbox.slack.arguments import Arguments
from channels.sandbox.slack.block_rules import MARKDOWN_TOTAL
from channels.sandbox.slack.blocks import checked_blocks
from channels.sandbox.slack.errors import SlackError
from channels.sandbox.slack.roster import Json
from channels.sandbox.slack.workspace import Workspace

POSTED_TEXT = 40_000
UPDATED_TEXT = 4_000


def post_message(workspace: Workspace, arguments: Arguments) -> Json:
    conversation = joined(workspace, arguments.text("channel"))
    text, content = _content(arguments)
    warnings = ["message_truncated"] if len(text) > POSTED_TEXT else []
    message = workspace.conversations.say(
        conversation["id"],
        workspace.app.as_user(),
        text[:POSTED_TEXT],
        thread_ts=arguments.text("thread_ts") if "thread_ts" in arguments else None,
        **content,
        **_metadata(arguments),
        **({"username": arguments.text("username")} if "username" in arguments else {}),
        **({"subtype": "thread_broadcast"} if arguments.flag("reply_broadcast") and "thread_ts" in arguments else {}),
    )
    workspace.statuses.clear(conversation["id"], message.get("thread_ts") or message["ts"])
    warned = {"warning": warnings[0], "response_metadata": {"warnings": warnings}} if warnings else {}
    return {"channel": conversation["id"], "ts": message["ts"], "message": message, **warned}


def update(workspace: Workspace, arguments: Arguments) -> Json:
    """What is not given stays: a text alone leaves the old blocks and their buttons in place."""
    channel = joined(workspace, arguments.text("channel"))["id"]
    _own(workspace, channel, arguments.text("ts"), "cant_update_message")
    text, content = _content(arguments)
    if len(arguments.text("text")) > UPDATED_TEXT:
        raise SlackError("msg_too_long")
    changes = {**content, **_metadata(arguments)}
    if {"text", "markdown_text"} & arguments.values.keys():
        changes["text"] = text
    message = workspace.conversations.edit(channel, arguments.text("ts"), workspace.app.bot_user, **changes)
    return {"channel": channel, "ts": message["ts"], "text": message["text"], "message": message}


def delete(workspace: Workspace, arguments: Arguments) -> Json:
    channel = joined(workspace, arguments.text("channel"))["id"]
    _own(workspace, channel, arguments.text("ts"), "cant_delete_message")
    workspace.conversations.delete(channel, arguments.text("ts"))
    return {"channel": channel, "ts": arguments.text("ts")}


def post_ephemeral(workspace: Workspace, arguments: Arguments) -> Json:
    conversation = joined(workspace, arguments.text("channel"))
    if arguments.text("user") not in conversation["members"]:
        raise SlackError("user_not_in_channel")
    text, content = _content(arguments)
    thread_ts = arguments.text("thread_ts") or None
    whispered = workspace.conversations.whisper(
        conversation["id"], arguments.text("user"), text, thread_ts=thread_ts, **content
    )
    return {"message_ts": whispered["ts"]}


def get_permalink(workspace: Workspace, arguments: Arguments) -> Json:
    channel = workspace.conversations.get(arguments.text("channel"))["id"]
    message = workspace.conversations.message(channel, arguments.text("message_ts"))
    link = f"https://{workspace.app.domain}.slack.com/archives/{channel}/p{message['ts'].replace('.', '')}"
    thread_ts = message.get("thread_ts", message["ts"])
    in_thread = f"?thread_ts={thread_ts}&cid={channel}" if thread_ts != message["ts"] else ""
    return {"channel": channel, "permalink": link + in_thread}


def add_reaction(workspace: Workspace, arguments: Arguments) -> Json:
    return _react(workspace, arguments, added=True)


def remove_reaction(workspace: Workspace, arguments: Arguments) -> Json:
    return _react(workspace, arguments, added=False)


def respond(workspace: Workspace, token: str, arguments: Arguments) -> None:
    """A post to a response URL: a new message, or a change to the one that the interaction came from."""
    issued = workspace.response_urls.use(token)
    channel, ts, user = issued["channel"], issued["ts"], issued["user"]
    if arguments.flag("delete_original") and ts:
        return _replace(workspace, channel, ts, user, None)
    text, content = _content(arguments)
    if arguments.flag("replace_original") and ts:
        return _replace(workspace, channel, ts, user, {"blocks": [], **content, "text": text})
    thread_ts = arguments.text("thread_ts") or issued["thread_ts"]
    answer = {"response_type": arguments.text("response_type"), "text": text, **content}
    return workspace.interactivity.answer(user, channel, answer, thread_ts)


METHODS = {
    "chat.postMessage": post_message,
    "chat.update": update,
    "chat.delete": delete,
    "chat.postEphemeral": post_ephemeral,
    "chat.getPermalink": get_permalink,
    "reactions.add": add_reaction,
    "reactions.remove": remove_reaction,
}


def joined(workspace: Workspace, reference: str) -> Json:
    """The conversation that an id, a `#name` or a user's id means, when the app is in it."""
    if reference in workspace.users:
        return workspace.conversations.direct(workspace.app.bot_user, reference)
    conversation = workspace.conversations.get(reference)
    if workspace.app.bot_user not in conversation["members"]:
        raise SlackError("not_in_channel" if not conversation["is_im"] else "channel_not_found")
    return conversation


def _content(arguments: Arguments) -> tuple[str, Json]:
    """The text, and the blocks where there are some."""
    text, markdown = arguments.text("text"), arguments.text("markdown_text")
    blocks = arguments.json("blocks", "invalid_blocks_format")
    if markdown and (text or blocks):
        raise SlackError("markdown_text_conflict")
    if len(markdown) > MARKDOWN_TOTAL:
        raise SlackError("msg_too_long")
    if markdown:
        return markdown, {"blocks": checked_blocks([{"type": "markdown", "text": markdown}])}
    if not text.strip() and not blocks:
        raise SlackError("no_text")
    if blocks is None:
        return text, {}
    return text, {"blocks": checked_blocks(blocks) if blocks else []}


def _metadata(arguments: Arguments) -> Json:
    """https://docs.slack.dev/messaging/message-metadata"""
    metadata: Any = arguments.json("metadata", "invalid_metadata_format")
    if metadata is None:
        return {}
    if not isinstance(metadata, dict):
        raise SlackError("invalid_metadata_format")
    if metadata and not (
        isinstance(metadata.get("event_type"), str) and isinstance(metadata.get("event_payload"), dict)
    ):
        raise SlackError("invalid_metadata_schema")
    return {"metadata": metadata}


def _own(workspace: Workspace, channel: str, ts: str, refusal: str) -> None:
    if workspace.conversations.message(channel, ts).get("bot_id") != workspace.app.bot:
        raise SlackError(refusal)


def _react(workspace: Workspace, arguments: Arguments, *, added: bool) -> Json:
    channel = joined(workspace, arguments.text("channel"))["id"]
    if not arguments.text("name"):
        raise SlackError("no_item_specified")
    workspace.conversations.react(
        channel, arguments.text("timestamp"), workspace.app.bot_user, arguments.text("name").strip(":"), added=added
    )
    return {}


def _replace(workspace: Workspace, channel: str, ts: str, user: str, changes: Json | None) -> None:
    talk = workspace.conversations
    if ts in talk.ephemerals(channel, user):
        message = {**talk.message(channel, ts, user), **changes} if changes else None
        talk.replace_whisper(channel, ts, user, message)
    elif changes is None:
        talk.delete(channel, ts)
    else:
        talk.edit(channel, ts, workspace.app.bot_user, **changes)

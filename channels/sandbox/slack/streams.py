"""Web API: messages that grow while the app works (`chat.startStream`, `chat.appendStream`, `chat.stopStream`).

https://docs.slack.dev/messaging/sending-and-scheduling-messages#text-streaming
"""

import time

from channels.sandbox.slack.arguments import Arguments
from channels.sandbox.slack.block_rules import MARKDOWN_TOTAL
from channels.sandbox.slack.blocks import checked_blocks
from channels.sandbox.slack.chat import joined
from channels.sandbox.slack.errors import SlackError
from channels.sandbox.slack.roster import Json
from channels.sandbox.slack.workspace import Workspace

STREAM_SECONDS = 300.0
"""Slack ends a stream after about five minutes, however busy it is."""

STATUSES = ("pending", "in_progress", "complete", "error")
DISPLAYS = ("timeline", "plan")


def start(workspace: Workspace, arguments: Arguments) -> Json:
    conversation = joined(workspace, arguments.text("channel"))
    thread_ts = arguments.text("thread_ts")
    if not thread_ts:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: thread_ts")
    if not conversation["is_im"] and not (arguments.text("recipient_user_id") and arguments.text("recipient_team_id")):
        raise SlackError("missing_recipient_user_id")
    display = arguments.text("task_display_mode") or "timeline"
    if display not in DISPLAYS:
        raise SlackError("invalid_arguments", f"[ERROR] task_display_mode must be one of {', '.join(DISPLAYS)}")
    body = _grown({"display": display, "until": time.time() + STREAM_SECONDS, "parts": []}, arguments)
    author = workspace.app.as_user()
    message = workspace.conversations.say(conversation["id"], author, _text(body), thread_ts=thread_ts, **_drawn(body))
    _keep(workspace, conversation["id"], message["ts"], body)
    workspace.statuses.clear(conversation["id"], thread_ts)
    return {"channel": conversation["id"], "ts": message["ts"]}


def append(workspace: Workspace, arguments: Arguments) -> Json:
    channel, ts, body = _open(workspace, arguments)
    _redraw(workspace, channel, ts, _grown(body, arguments))
    return {"channel": channel, "ts": ts}


def stop(workspace: Workspace, arguments: Arguments) -> Json:
    """What is given with the stop is appended, not put in place of what was there."""
    channel, ts, body = _open(workspace, arguments)
    last = checked_blocks(found) if (found := arguments.json("blocks", "invalid_blocks_format")) else []
    _redraw(workspace, channel, ts, {**_grown(body, arguments), "until": 0.0, "last": last})
    if "session_status" in arguments:
        thread_ts = workspace.conversations.message(channel, ts)["thread_ts"]
        workspace.statuses.session(channel, thread_ts, session=arguments.text("session_status"))
    return {"channel": channel, "ts": ts, "message": workspace.conversations.message(channel, ts)}


METHODS = {"chat.startStream": start, "chat.appendStream": append, "chat.stopStream": stop}


def _open(workspace: Workspace, arguments: Arguments) -> tuple[str, str, Json]:
    channel, ts = joined(workspace, arguments.text("channel"))["id"], arguments.text("ts")
    workspace.conversations.message(channel, ts)
    if not workspace.is_streaming(channel, ts):
        raise SlackError("message_not_in_streaming_state")
    return channel, ts, workspace.records.kept("stream", f"{channel}/{ts}")


def _keep(workspace: Workspace, channel: str, ts: str, body: Json) -> None:
    workspace.records.keep("stream", f"{channel}/{ts}", {**body, "channel": channel, "ts": ts})


def _redraw(workspace: Workspace, channel: str, ts: str, body: Json) -> None:
    _keep(workspace, channel, ts, body)
    workspace.conversations.redraw(channel, ts, text=_text(body), **_drawn(body))


def _grown(body: Json, arguments: Arguments) -> Json:
    """The body with what a call adds: text at its end, tasks in their places."""
    parts, chunks = list(body["parts"]), arguments.json("chunks", "invalid_chunks") or []
    if text := arguments.text("markdown_text"):
        chunks = [{"type": "markdown_text", "text": text}, *chunks]
    for chunk in chunks:
        parts = _with(parts, chunk)
    if sum(len(part.get("text", "")) for part in parts) > MARKDOWN_TOTAL:
        raise SlackError("msg_too_long")
    return {**body, "parts": parts}


def _with(parts: list[Json], chunk: Json) -> list[Json]:
    match chunk:
        case {"type": "markdown_text", "text": str(text)}:
            if parts and parts[-1]["type"] == "markdown_text":
                return [*parts[:-1], {**parts[-1], "text": parts[-1]["text"] + text}]
            return [*parts, chunk]
        case {"type": "task_update", "id": str(id), "title": str(title), "status": status} if title:
            if status not in STATUSES:
                raise SlackError("invalid_chunks", f"[ERROR] status must be one of {', '.join(STATUSES)}")
            known = [part.get("id") for part in parts]
            return [chunk if part.get("id") == id else part for part in parts] + ([] if id in known else [chunk])
        case {"type": "plan_update", "title": str()}:
            return [chunk, *(part for part in parts if part["type"] != "plan_update")]
    raise SlackError("invalid_chunks")


def _text(body: Json) -> str:
    return "".join(part.get("text", "") for part in body["parts"])


def _drawn(body: Json) -> Json:
    """The blocks that such a message shows."""
    tasks = [_task(part) for part in body["parts"] if part["type"] == "task_update"]
    title = next((part["title"] for part in body["parts"] if part["type"] == "plan_update"), "Plan")
    texts = [{"type": "markdown", "text": part["text"]} for part in body["parts"] if part["type"] == "markdown_text"]
    shown = [{"type": "plan", "title": title, "tasks": tasks}] if body["display"] == "plan" and tasks else tasks
    return {"blocks": [*shown, *texts, *body.get("last", [])]}


def _task(part: Json) -> Json:
    more = {key: part[key] for key in ("details", "output") if part.get(key)}
    return {"type": "task_card", "task_id": part["id"], "title": part["title"], "status": part["status"], **more}

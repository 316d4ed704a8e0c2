"""Web API: modals and the Home tab (`views.*`), status lines and sessions (`assistant.*`, `agents.*`)."""

from channels.sandbox.slack.arguments import Arguments
from channels.sandbox.slack.chat import joined
from channels.sandbox.slack.errors import SlackError
from channels.sandbox.slack.roster import Json
from channels.sandbox.slack.statuses import SESSION_STATUSES
from channels.sandbox.slack.workspace import Workspace

MOST_PROMPTS = 4


def open_view(workspace: Workspace, arguments: Arguments) -> Json:
    view = _view(arguments)
    return {"view": workspace.views.open(workspace.views.redeem(arguments.text("trigger_id")), view)}


def push_view(workspace: Workspace, arguments: Arguments) -> Json:
    view = _view(arguments)
    return {"view": workspace.views.push(workspace.views.redeem(arguments.text("trigger_id")), view)}


def update_view(workspace: Workspace, arguments: Arguments) -> Json:
    return {
        "view": workspace.views.update(
            arguments.text("view_id"),
            _view(arguments),
            external_id=arguments.text("external_id"),
            hash=arguments.text("hash"),
        )
    }


def publish_view(workspace: Workspace, arguments: Arguments) -> Json:
    return {"view": workspace.views.publish(workspace.user(arguments.text("user_id")).id, _view(arguments))}


def set_status(workspace: Workspace, arguments: Arguments) -> Json:
    channel, thread_ts = _thread(workspace, arguments)
    loading = arguments.json("loading_messages", "invalid_arguments") or []
    workspace.statuses.show(channel, thread_ts, arguments.text("status"), loading)
    workspace.touched(channel)
    return {}


def set_title(workspace: Workspace, arguments: Arguments) -> Json:
    channel, thread_ts = _thread(workspace, arguments)
    workspace.statuses.session(channel, thread_ts, title=arguments.text("title"))
    return {}


def set_suggested_prompts(workspace: Workspace, arguments: Arguments) -> Json:
    channel = joined(workspace, arguments.text("channel_id"))["id"]
    prompts = arguments.json("prompts", "invalid_arguments") or []
    if not 1 <= len(prompts) <= MOST_PROMPTS or not all(p.get("title") and p.get("message") for p in prompts):
        raise SlackError("invalid_arguments", f"[ERROR] 1 to {MOST_PROMPTS} prompts, each with title and message")
    workspace.records.keep("prompts", channel, {"title": arguments.text("title"), "prompts": prompts})
    return {}


def set_session_status(workspace: Workspace, arguments: Arguments) -> Json:
    channel, thread_ts = _thread(workspace, arguments)
    if arguments.text("status") not in SESSION_STATUSES:
        raise SlackError("invalid_arguments", f"[ERROR] status must be one of {', '.join(SESSION_STATUSES)}")
    title = {"title": arguments.text("title")} if "title" in arguments else {}
    workspace.statuses.session(channel, thread_ts, session=arguments.text("status"), **title)
    workspace.touched(channel)
    return {}


METHODS = {
    "views.open": open_view,
    "views.push": push_view,
    "views.update": update_view,
    "views.publish": publish_view,
    "assistant.threads.setStatus": set_status,
    "assistant.threads.setTitle": set_title,
    "assistant.threads.setSuggestedPrompts": set_suggested_prompts,
    "agents.sessions.setStatus": set_session_status,
    "agents.sessions.rename": set_title,
}


def _view(arguments: Arguments) -> Json:
    view = arguments.json("view", "invalid_arguments")
    if not isinstance(view, dict):
        raise SlackError("invalid_arguments", "[ERROR] missing required field: view")
    return view


def _thread(workspace: Workspace, arguments: Arguments) -> tuple[str, str]:
    channel = joined(workspace, arguments.text("channel_id"))["id"]
    thread_ts = arguments.text("thread_ts")
    if thread_ts:
        workspace.conversations.thread(channel, thread_ts)
    return channel, thread_ts

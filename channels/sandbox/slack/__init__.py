"""A Slack workspace on this machine: the far side that slack-bolt and slack-sdk talk to, unchanged."""

from channels.sandbox.slack.page import slack_router
from channels.sandbox.slack.roster import Channel, User
from channels.sandbox.slack.routes import web_api_router
from channels.sandbox.slack.workspace import Workspace

__all__ = ["Channel", "User", "Workspace", "slack_router", "web_api_router"]

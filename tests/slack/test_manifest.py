"""The manifest asks for what the adapter uses, and for nothing else."""

import json
import re
from pathlib import Path
from typing import Any

import channels.slack
from channels.slack.asking import SHORTCUT
from channels.slack.home import PROMPTS

FOLDER = Path(channels.slack.__file__).parent
MANIFEST: dict[str, Any] = json.loads((FOLDER / "manifest.json").read_text())
CODE = "\n".join(path.read_text() for path in FOLDER.glob("*.py"))

SCOPES = {  # https://docs.slack.dev/reference/methods, each method's page
    "chat_postMessage": {"chat:write"},
    "chat_update": {"chat:write"},
    "chat_postEphemeral": {"chat:write"},
    "chat_startStream": {"chat:write"},
    "chat_appendStream": {"chat:write"},
    "chat_stopStream": {"chat:write"},
    "agents_sessions_setStatus": {"assistant:write", "chat:write"},
    "conversations_open": {"im:write"},
    "conversations_replies": {"channels:history", "groups:history", "im:history"},
    "conversations_history": {"channels:history", "groups:history", "im:history"},
    "conversations_info": {"channels:read", "groups:read"},
    "users_conversations": {"channels:read", "groups:read"},
    "users_info": {"users:read"},
    "assistant_threads_setStatus": {"assistant:write", "chat:write"},
    "assistant_threads_setSuggestedPrompts": {"assistant:write"},
    "reactions_add": {"reactions:write"},
    "views_open": set(),
    "views_publish": set(),
    "auth_test": set(),
}
BY_EVENT = {
    "app_mention": {"app_mentions:read"},
    "message.channels": {"channels:history"},
    "message.groups": {"groups:history"},
    "message.im": {"im:history"},
    "app_home_opened": set(),
    "agent_session_stopped": set(),
}
COMMANDS = {"commands"}  # the slash command, and the shortcut on a message
FILES = {"files:read"}  # what a file is called and how big it is comes with its message only then


def test_it_asks_for_exactly_the_scopes_that_are_used() -> None:
    used = set(re.findall(rf"(?:_?client)\.({'|'.join(SCOPES)})\b", CODE))
    assert used == SCOPES.keys()
    needed = set().union(*SCOPES.values(), *BY_EVENT.values(), COMMANDS, FILES)
    assert set(MANIFEST["oauth_config"]["scopes"]["bot"]) == needed


def test_no_method_is_called_that_is_not_accounted_for() -> None:
    assert (
        set(
            re.findall(
                r"_?client\.((?:chat|conversations|users|views|assistant|agents|auth|reactions|files)_\w+)", CODE
            )
        )
        == SCOPES.keys()
    )


def test_it_subscribes_to_what_is_heard() -> None:
    assert set(MANIFEST["settings"]["event_subscriptions"]["bot_events"]) == BY_EVENT.keys()
    assert MANIFEST["settings"]["interactivity"]["is_enabled"]
    assert MANIFEST["settings"]["socket_mode_enabled"]


def test_it_is_an_agent_within_the_schema_s_limits() -> None:
    """slackapi/manifest-schema, schemas/manifest.schema.2.0.0.json"""
    assert len(MANIFEST["display_information"]["name"]) <= 35
    assert len(MANIFEST["display_information"]["description"]) <= 140
    assert re.fullmatch(r"#[0-9a-f]{6}", MANIFEST["display_information"]["background_color"])
    view = MANIFEST["features"]["agent_view"]
    assert len(view["agent_description"]) <= 300
    assert [(prompt["title"], prompt["message"]) for prompt in view["suggested_prompts"]] == list(PROMPTS)
    assert len(PROMPTS) <= 4
    assert MANIFEST["features"]["app_home"]["messages_tab_enabled"]
    assert not MANIFEST["features"]["app_home"]["messages_tab_read_only_enabled"]
    assert MANIFEST["features"]["app_home"]["home_tab_enabled"]


def test_its_shortcut_is_the_one_that_is_heard() -> None:
    assert [each["callback_id"] for each in MANIFEST["features"]["shortcuts"]] == [SHORTCUT]
    assert [each["command"] for each in MANIFEST["features"]["slash_commands"]] == ["/parley"]

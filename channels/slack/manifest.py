"""The app's manifest: what Parley asks of a workspace, for Socket Mode or for a request URL.

https://docs.slack.dev/reference/app-manifest
"""

import json
from pathlib import Path
from typing import Any

SOCKET_MODE = Path(__file__).parent / "manifest.json"  # for people who paste it; the only source

INSTALLABLE = ("app_uninstalled", "tokens_revoked", "team_access_revoked")
"""Events that matter where workspaces install the app by themselves."""


def manifest(url: str = "", *, installable: bool = False) -> dict[str, Any]:
    """For Socket Mode, or for the request URL below ``url``. ``installable``: workspaces install it by themselves, by OAuth."""
    made: dict[str, Any] = json.loads(SOCKET_MODE.read_text(encoding="utf-8"))
    settings, base = made["settings"], url.rstrip("/")
    if base:
        settings["socket_mode_enabled"] = False
        for asked in (settings["event_subscriptions"], settings["interactivity"]):
            asked["request_url"] = f"{base}/slack/events"
        for command in made["features"].get("slash_commands", ()):
            command["url"] = f"{base}/slack/events"
    if installable:
        settings["event_subscriptions"]["bot_events"] = sorted({*events(), *INSTALLABLE})
        settings["org_deploy_enabled"] = True
        if base:
            made["oauth_config"]["redirect_urls"] = [f"{base}/slack/oauth_redirect"]
    return made


def scopes() -> tuple[str, ...]:
    """What the app may do."""
    return tuple(json.loads(SOCKET_MODE.read_text(encoding="utf-8"))["oauth_config"]["scopes"]["bot"])


def events() -> tuple[str, ...]:
    """What the app hears of."""
    return tuple(json.loads(SOCKET_MODE.read_text(encoding="utf-8"))["settings"]["event_subscriptions"]["bot_events"])

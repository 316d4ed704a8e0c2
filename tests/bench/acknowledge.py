"""How soon Slack has its acknowledgement: signed events over HTTP at a steady rate, through the real ``bot web``."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from slack_sdk.signature import SignatureVerifier

from tests.sandbox.slackside import BOT_TOKEN, SIGNING_SECRET, eventually, free_port, running_workspace
from tests.slack.team import payload

ROOT = Path(__file__).parents[2]
here = threading.local()


def acknowledged(url: str, rate: int, seconds: int) -> list[float]:
    """Seconds from the moment each event should have left until its acknowledgement. Half of them begin a thread, half go on in one."""
    with tempfile.TemporaryDirectory() as folder, running_workspace(Path(folder) / "slack") as world:
        port = free_port()
        with _web(port, url, world.api_url, Path(folder)):
            for number in range(20):
                _send(port, number, time.monotonic())
            with ThreadPoolExecutor(32) as senders:
                begun = time.monotonic() + 0.2
                sent = [
                    senders.submit(_send, port, 100 + number, begun + number / rate) for number in range(rate * seconds)
                ]
                return [each.result() for each in sent]


@contextmanager
def _web(port: int, redis_url: str, slack_url: str, folder: Path) -> Iterator[None]:
    settings = {
        "PORT": str(port),
        "REDIS_URL": redis_url,
        "BOT_DATA": str(folder),
        "SLACK_BOT_TOKEN": BOT_TOKEN,
        "SLACK_SIGNING_SECRET": SIGNING_SECRET,
        "SLACK_API_URL": slack_url,
        "LOG_LEVEL": "WARNING",
    }
    process = subprocess.Popen([sys.executable, "-m", "bot", "web"], cwd=ROOT, env=clean_environment() | settings)
    try:
        eventually(lambda: _answers(port), seconds=30)
        yield
    finally:
        process.terminate()
        process.wait(20)


def clean_environment() -> dict[str, str]:
    """This process's environment without anybody's settings."""
    ours = ("SLACK", "IMAP", "SMTP", "EMAIL", "REDIS", "BOT_", "ANTHROPIC", "PORT", "HOST", "LOG_", "PUBLIC_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def _answers(port: int) -> bool:
    line = HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        line.request("GET", "/healthz")
        return line.getresponse().status == 200
    except OSError:
        return False
    finally:
        line.close()


def _send(port: int, number: int, at: float) -> float:
    time.sleep(max(0.0, at - time.monotonic()))
    content = json.dumps(_event(number)).encode()
    now = str(int(time.time()))
    signature = SignatureVerifier(SIGNING_SECRET).generate_signature(timestamp=now, body=content) or ""
    headers = {"content-type": "application/json", "x-slack-request-timestamp": now, "x-slack-signature": signature}
    line = _line(port)
    line.request("POST", "/slack/events", content, headers)
    answer = line.getresponse()
    answer.read()
    assert answer.status == 200, answer.status
    return time.monotonic() - at


def _line(port: int) -> HTTPConnection:
    """This thread's own connection, kept open as Slack keeps its."""
    line: HTTPConnection | None = getattr(here, "line", None)
    if line is None or line.port != port:
        line = here.line = HTTPConnection("127.0.0.1", port, timeout=10)
    return line


def _event(number: int) -> dict[str, Any]:
    """A mention that begins a thread, or (every second one) a message in the thread of the one before."""
    ts = f"1764064800.{number:06}"
    more = {"thread_ts": f"1764064800.{number - 1:06}"} if number % 2 else {}
    return payload("message_mention", ts=ts, event_ts=ts, client_msg_id=f"c{number}", **more) | {
        "event_id": f"Ev{number}"
    }

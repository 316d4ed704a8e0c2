"""The demo as a person uses it, from outside: its page's own routes, its processes, and a clock on the wall."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

ROOT = Path(__file__).parents[2]
PATIENCE = 20.0
T = TypeVar("T")

ANA, BEN, CARL, SAM = "U02ANA", "U03BEN", "U04CARL", "U0SAM"
GRETA = "greta.weber@customer.example"


class Demo:
    """A running ``python -m bot demo`` on a folder and a port of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        secrets = ("SLACK", "IMAP", "SMTP", "EMAIL", "REDIS", "BOT_", "ANTHROPIC")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(secrets)}
        settings = {"PORT": str(self.port), "BOT_DATA": str(self.folder), "BOT_MODEL": "scripted"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bot", "demo"],
            cwd=ROOT,
            env=clean | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if "Parley is up" in line:
                return
        raise AssertionError(f"the demo did not start, it said {line!r}")

    def stop(self, number: int = signal.SIGINT) -> None:
        if self.process is None:
            return
        self.process.send_signal(number)
        self.process.wait(20)
        if self.process.stdout:
            self.process.stdout.close()

    def call(self, path: str, body: Any = None, method: str = "", **query: str) -> Any:
        url = f"{self.url}{path}" + (f"?{urlencode(query)}" if query else "")
        data = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json", "origin": self.url}
        asked = Request(url, data, headers, method=method or ("GET" if body is None else "POST"))
        try:
            with urlopen(asked, timeout=15) as answer:
                return json.loads(answer.read() or b"null")
        except HTTPError as error:
            raise AssertionError(f"{path}: {error.code} {error.read().decode()[:300]}") from None

    # Slack

    def channel(self, name: str, user: str = ANA) -> str:
        state = self.call("/sandbox/slack/state", user=user)
        return next(str(each["id"]) for each in state["channels"] if each["name"] == name)

    def post(self, user: str, channel: str, text: str, thread_ts: str = "") -> str:
        more = {"thread_ts": thread_ts} if thread_ts else {}
        said = {"user": user, "channel": self.channel(channel, user), "text": text, **more}
        return str(self.call("/sandbox/slack/post", said)["ts"])

    def messages(self, channel: str, user: str = ANA) -> list[dict[str, Any]]:
        at = self.channel(channel, user)
        return list(self.call("/sandbox/slack/messages", user=user, channel=at)["messages"])

    def by_bot(self, channel: str, thread_ts: str = "", user: str = ANA) -> list[dict[str, Any]]:
        """What Parley posted, oldest first."""
        posted = [message for message in self.messages(channel, user) if message.get("bot_id")]
        return [each for each in posted if not thread_ts or each.get("thread_ts") == thread_ts]

    def buttons(self, message: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """The buttons of a message by their labels."""
        rows = [block for block in message.get("blocks") or [] if block["type"] == "actions"]
        return {
            element["text"]["text"]: {**element, "block_id": row["block_id"]}
            for row in rows
            for element in row["elements"]
            if element["type"] == "button"
        }

    def click(self, user: str, channel: str, message: dict[str, Any], label: str) -> dict[str, Any]:
        button = next(each for text, each in self.buttons(message).items() if text.startswith(label))
        pressed = {"block_id": button["block_id"], "action_id": button["action_id"], "value": button.get("value", "")}
        at = {"user": user, "channel": self.channel(channel, user), "ts": message["ts"]}
        return dict(self.call("/sandbox/slack/click", {**at, **pressed}))

    def submit_modal(self, user: str, text: str) -> dict[str, Any]:
        """Fill the first text field of the modal that is open for this person, and submit it."""
        view = self.until(lambda: self.call("/sandbox/slack/modals", user=user), "a modal")[-1]
        field = next(block for block in view["blocks"] if block["type"] == "input")
        value = {field["element"]["action_id"]: {"type": "plain_text_input", "value": text}}
        body = {"user": user, "view_id": view["id"], "values": {field["block_id"]: value}}
        return dict(self.call("/sandbox/slack/submit", body))

    # Mail

    def mail(self, sender: str, to: str, subject: str, text: str, **more: Any) -> str:
        letter = {"from": sender, "to": [to], "subject": subject, "text": text, **more}
        return str(self.call("/sandbox/mail/send", letter)["message_id"])

    def inbox(self, address: str) -> list[dict[str, Any]]:
        mails = self.call("/sandbox/mail/messages", address=address)
        return [each for each in mails if each["direction"] == "in"]

    # Parley

    def thread(self, address: str) -> dict[str, Any]:
        found = self.until(lambda: self.call("/parley/threads", address=address), f"a thread for {address}")
        return dict(self.call(f"/parley/threads/{found[0]['id']}"))

    def thread_events(self, id: str) -> list[dict[str, Any]]:
        return list(self.call(f"/parley/threads/{id}")["events"])

    def until(self, look: Callable[[], T], what: str, seconds: float = PATIENCE) -> T:
        """What ``look`` gives as soon as it gives something."""
        end = time.monotonic() + seconds
        while not (found := look()):
            assert time.monotonic() < end, f"waited {seconds:g} s for {what}"
            time.sleep(0.1)
        return found

    def restarts(self) -> list[str]:
        """Every restart that the demo's services really saw."""
        record = self.folder / "demo" / "demo-services.log"
        return record.read_text().splitlines() if record.exists() else []

    def processes(self) -> dict[str, int]:
        """The demo's processes by name."""
        assert self.process is not None
        found = {}
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes().decode().split("\0")
                parent = int(path.with_name("stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, ValueError):
                continue
            if parent == self.process.pid:
                name = "sandbox" if "channels.sandbox" in words else words[3] if len(words) > 3 else words[0]
                found[Path(name).name] = int(path.parent.name)
        return found

    def kill(self, name: str) -> None:
        """SIGKILL, also of one that is just being started again."""
        os.kill(self.until(lambda: self.processes().get(name, 0), f"the process {name}"), signal.SIGKILL)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_demo(folder: Path) -> Iterator[Demo]:
    demo = Demo(folder)
    try:
        demo.start()
        yield demo
    finally:
        demo.stop()

"""A browser to look at pages with: Debian's chromium, driven over the DevTools protocol."""

import base64
import contextlib
import itertools
import json
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

SWITCHES = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-port=0"),
)
KEYS = {"Enter": 13, "Escape": 27, "Tab": 9, "ArrowUp": 38, "ArrowDown": 40}
SPOT = """(selector, text) => [...document.querySelectorAll(selector)]
    .filter((e) => e.getClientRects().length && !e.disabled && e.innerText.includes(text)).slice(-1)
    .map((e) => (e.scrollIntoView({block: "center"}), e.getBoundingClientRect()))
    .map((box) => [box.x + box.width / 2, box.y + box.height / 2])[0]"""


class Page:
    """One tab. ``errors`` holds what it complained about: exceptions, and what its security policy refused."""

    def __init__(self, link: ClientConnection) -> None:
        self._link = link
        self._ids = itertools.count(1)
        self.errors: list[str] = []
        for domain in ("Page", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._ids)
        self._link.send(json.dumps({"id": number, "method": method, "params": params}))
        while (message := json.loads(self._link.recv(timeout=30))).get("id") != number:
            self._note(message["method"], message["params"])
        if "result" not in message:
            raise RuntimeError(f"{method}: {message['error']['message']}")
        return dict(message["result"])

    def _note(self, event: str, params: dict[str, Any]) -> None:
        if event == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(params["exceptionDetails"]))
        elif event == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.errors.append(params["entry"]["text"])

    def go(self, url: str) -> None:
        self.send("Page.navigate", url=url)
        self.wait("document.readyState === 'complete'")

    def resize(self, width: int, height: int, *, dark: bool = False) -> None:
        size = {"width": width, "height": height, "mobile": width < 600}
        self.send("Emulation.setDeviceMetricsOverride", deviceScaleFactor=1, **size)
        look = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[look])

    def evaluate(self, script: str) -> Any:
        answer = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["result"].get("description", answer["result"])))
        return answer["result"].get("value")

    def wait(self, script: str, seconds: float = 10) -> Any:
        """Until the script gives an element (then True) or something true, which is returned. TimeoutError otherwise."""

        def answer() -> Any:
            with contextlib.suppress(RuntimeError):  # a page that is just being replaced cannot answer
                return self.evaluate(f"Promise.resolve({script}).then((v) => v instanceof Node || v)")

        return until(answer, seconds, f"{script} in the page, which complained: {self.errors}")

    def text(self, selector: str) -> str:
        return str(self.evaluate(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''"))

    def click(self, selector: str, text: str = "") -> None:
        """Click the last visible, enabled element that matches and contains the text, as a mouse would."""
        x, y = self.wait(f"({SPOT})({json.dumps(selector)}, {json.dumps(text)})")
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def type(self, text: str) -> None:
        self.send("Input.insertText", text=text)

    def press(self, key: str) -> None:
        code = {"key": key, "windowsVirtualKeyCode": KEYS[key], **({"text": "\r"} if key == "Enter" else {})}
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, **code)

    def screenshot(self, path: Path | str) -> None:
        Path(path).write_bytes(base64.b64decode(self.send("Page.captureScreenshot")["data"]))


@contextlib.contextmanager
def browser() -> Iterator[Page]:
    """A fresh browser with one tab. Where chromium is not installed, FileNotFoundError."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = ["chromium", *SWITCHES, f"--user-data-dir={profile}", "about:blank"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process, contextlib.ExitStack() as stack:
            stack.callback(process.terminate)
            told = Path(profile, "DevToolsActivePort")
            port, *_ = until(lambda: told.exists() and told.read_text().split(), 30, "chromium's port")
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=10) as answer:
                tab = next(tab for tab in json.load(answer) if tab["type"] == "page")
            yield Page(stack.enter_context(connect(tab["webSocketDebuggerUrl"], max_size=None)))


def until(ask: Callable[[], Any], seconds: float, what: str) -> Any:
    """The first true answer. TimeoutError when there is none in time."""
    end = time.monotonic() + seconds
    while not (answer := ask()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(0.05)
    return answer

"""``bot demo``: the sandbox and all of Parley's processes on this machine, in one command; whichever dies is started again."""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.people import read_config
from bot.settings import TOKENS, Settings, SettingsError
from channels.email.pump import name_of
from workers.assembly import team_of
from workers.store import RedisStore, connect
from workers.valkey import embedded, erase

ADDRESS = "parley@example.com"
AUTHSERV = "mx.example.com"
PATIENCE = 60.0  # seconds until the page must be up
REST = 0.5  # seconds before a process that died is started again


@dataclass
class Child:
    """One process of the demo, and how to start it again."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    log: Path
    process: "subprocess.Popen[bytes] | None" = None
    started: int = field(default=0)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603  # our own interpreter and modules
                self.command,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches the demo alone, which ends the others in order
            )
        self.started += 1

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        if self.process is not None and self.running:
            self.process.terminate()

    def wait(self, seconds: float) -> None:
        if self.process is None:
            return
        try:
            self.process.wait(max(seconds, 0.1))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def run_demo(settings: Settings) -> int:
    """Everything at once, until Ctrl-C. Raises SettingsError beside real tokens or when a port is taken."""
    _refuse_real_tokens(settings)
    team_of(settings)  # what is wrong with an agent or bot.toml is said before anything starts
    folder = settings.data / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    kept = _kept(folder, settings)
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    print("Starting the store, a Slack workspace, a mail server and Parley …", flush=True)
    with embedded(folder / "valkey") as redis_url, _running(_children(settings, folder, kept, redis_url)) as children:
        store = RedisStore(connect(redis_url))
        page = f"http://127.0.0.1:{settings.port}"
        if _wait_until_up(children, page, kept["web_port"], lambda: _mailbox_opened(children, store), stopping):
            print(_welcome(settings, folder), flush=True)
            _keep_running(children, stopping)
        print("Stopping …", flush=True)
    return 0


def reset(settings: Settings) -> int:
    """Forget the demo's data. Raises SettingsError while a demo runs on it."""
    folder = settings.data / "demo"
    try:
        erase(folder / "valkey")
    except SettingsError:
        raise SettingsError("The demo is running on this data: stop it with Ctrl-C first.") from None
    shutil.rmtree(folder, ignore_errors=True)
    print("The demo's data is gone.")
    return 0


def _refuse_real_tokens(settings: Settings) -> None:
    real = [
        name
        for name, value in (
            ("SLACK_BOT_TOKEN", settings.slack_bot_token),
            ("SLACK_APP_TOKEN", settings.slack_app_token),
            ("IMAP_URL", settings.imap_url),
            ("SMTP_URL", settings.smtp_url),
        )
        if value
    ]
    if real:
        raise SettingsError(
            f"The demo brings its own Slack and mail and does not start beside real ones: unset {real[0]}."
        )
    if _taken(settings.port):
        raise SettingsError(
            f"Port {settings.port} is taken: stop what listens there, or choose another with PORT=8010."
        )


def _kept(folder: Path, settings: Settings) -> dict[str, Any]:
    """Ports and secrets of this demo, made once, so that everything finds everything again after a restart."""
    path = folder / "kept.json"
    kept: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    for name in ("slack_bot", "slack_app", "signing", "mail", "secret", "key"):
        kept.setdefault(name, secrets.token_hex(24))
    for name in ("web_port", "smtp_port", "imap_port"):
        if _taken(kept.get(name, 0)):
            kept[name] = _free_port()
    path.touch(mode=0o600)
    path.write_text(json.dumps(kept))
    return kept


def _children(settings: Settings, folder: Path, kept: Mapping[str, Any], redis_url: str) -> list[Child]:
    base = {name: value for name, value in os.environ.items() if name not in TOKENS or name.startswith("ANTHROPIC")}
    page = f"http://127.0.0.1:{settings.port}"
    shared = {
        "PYTHONUNBUFFERED": "1",
        "PARLEY_PARENT": str(os.getpid()),
        "SLACK_BOT_TOKEN": f"xoxb-sandbox-{kept['slack_bot']}",
        "SLACK_APP_TOKEN": f"xapp-sandbox-{kept['slack_app']}",
        "SLACK_SIGNING_SECRET": kept["signing"],
    }
    team = read_config(settings.config).people
    keys = ",".join(
        [kept["key"], *(f"{person}:{kept['key']}-{person}" for person in team)]
    )  # the page acts as whoever it is
    far = base | shared | {"SANDBOX_MAIL_PASSWORD": kept["mail"], "SANDBOX_API_KEY": keys}
    account = f"{ADDRESS.replace('@', '%40')}:{kept['mail']}@127.0.0.1"
    near = base | shared
    near |= {
        "REDIS_URL": redis_url,
        "BOT_CONFIG": str(settings.config),
        "BOT_DATA": str(folder),
        "BOT_MODEL": settings.model or ("" if settings.anthropic_api_key else "scripted"),
        "ANTHROPIC_API_KEY": settings.anthropic_api_key,
        "SLACK_API_URL": f"{page}/slack/api/",
        "EMAIL_ADDRESS": ADDRESS,
        "EMAIL_AUTHSERV_ID": AUTHSERV,
        "SMTP_URL": f"smtp://{account}:{kept['smtp_port']}",
        "IMAP_URL": f"imap://{account}:{kept['imap_port']}/INBOX",
        "BOT_SECRET": kept["secret"],
        "BOT_API_KEYS": keys,
        "HOST": "127.0.0.1",
        "PORT": str(kept["web_port"]),
        "PUBLIC_URL": page,
        "LOG_LEVEL": settings.log_level,
    }
    logs = folder / "logs"
    logs.mkdir(exist_ok=True)
    sandbox = [sys.executable, "-m", "channels.sandbox", "--config", str(settings.config)]
    sandbox += ["--data", str(folder / "sandbox"), "--port", str(settings.port)]
    sandbox += ["--smtp-port", str(kept["smtp_port"]), "--imap-port", str(kept["imap_port"])]
    sandbox += ["--parley-url", f"http://127.0.0.1:{kept['web_port']}"]
    processes = [Child("sandbox", sandbox, far, logs / "sandbox.log")]
    for name in ("web", "slack", "email", "worker"):
        processes.append(Child(name, [sys.executable, "-m", "bot", name], near, logs / f"{name}.log"))
    return processes


@contextmanager
def _running(children: list[Child]) -> Iterator[list[Child]]:
    try:
        for child in children:
            child.start()
        yield children
    finally:
        for child in reversed(children):
            child.stop()
        until = time.monotonic() + 8
        for child in children:
            child.wait(until - time.monotonic())


def _mailbox_opened(children: list[Child], store: RedisStore) -> bool:
    """Whether the mailbox was read once: what comes before is older than Parley there, and not answered."""
    url = next(child.environment["IMAP_URL"] for child in children if child.name == "email")
    return store.cursor(name_of(url)) is not None


def _wait_until_up(
    children: list[Child], page: str, web_port: int, listens: Callable[[], bool], stopping: threading.Event
) -> bool:
    """Wait for the page, the API and the mailbox, starting again what stumbles; False when stopped meanwhile."""
    until = time.monotonic() + PATIENCE
    port = int(page.rpartition(":")[2])
    while not (_taken(port) and _taken(web_port) and listens()):
        if stopping.wait(0.1):
            return False
        if time.monotonic() > until or any(child.started > 20 for child in children):
            raise SettingsError(_what_failed(children))
        _restart_dead(children)
    return True


def _what_failed(children: list[Child]) -> str:
    down = max(children, key=lambda child: (not child.running, child.started))  # whichever had to be started most often
    with suppress(OSError, IndexError):
        last = down.log.read_text(errors="replace").strip().splitlines()[-1]
        return f"The demo's {down.name} process does not start: {last} (its log: {down.log})"
    return f"The demo's {down.name} process does not start; its log is {down.log}."


def _keep_running(children: list[Child], stopping: threading.Event) -> None:
    while not stopping.wait(REST):
        _restart_dead(children)


def _restart_dead(children: list[Child]) -> None:
    for child in children:
        if not child.running:
            child.start()


def _welcome(settings: Settings, folder: Path) -> str:
    scripted = not settings.anthropic_api_key and settings.model in ("", "scripted")
    model = (
        "The agents are played by a scripted stand-in, no model is called. Set ANTHROPIC_API_KEY to talk to a real one."
        if scripted
        else f"The agents think with {settings.model or 'the default model'}."
    )
    return (
        f"\n  Parley is up: http://127.0.0.1:{settings.port}\n\n  {model}\n"
        f"  Look inside from another shell: BOT_DATA={folder} .venv/bin/python -m bot threads\n"
        f"  Logs: {folder / 'logs'} · stop with Ctrl-C; afterwards make demo-reset forgets everything\n"
    )


def _taken(port: int) -> bool:
    if not port:
        return True
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

"""`python -m channels.sandbox`: the Slack workspace, the mail server and the page, in one process on this machine."""

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn

from bot.orphan import end_with_parent
from channels.sandbox.app import Changes, create_app
from channels.sandbox.mail import Mailroom
from channels.sandbox.people import Cast, read_cast
from channels.sandbox.slack import Channel, User, Workspace

LOOPBACK = "127.0.0.1"
SECRETS = {
    "SLACK_BOT_TOKEN": "xoxb-sandbox",
    "SLACK_APP_TOKEN": "xapp-sandbox",
    "SLACK_SIGNING_SECRET": "sandbox-signing-secret",
    "SANDBOX_MAIL_PASSWORD": "sandbox",
    "SANDBOX_API_KEY": "sandbox",
}
"""Read from the environment, where other processes cannot see them; what stands here opens nothing but a sandbox."""


class Server(uvicorn.Server):
    """Says when everything is up, and on a signal ends the pages' streams, so that nobody waits for them to close."""

    def __init__(self, config: uvicorn.Config, changes: Changes, ready: str) -> None:
        super().__init__(config)
        self._changes = changes
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(self._ready, flush=True)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._leave)
        yield

    def _leave(self) -> None:
        self._changes.tell(None)
        self.should_exit = True


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m channels.sandbox",
        description=f"A Slack workspace, a mail server and a page to use them, on {LOOPBACK} only.",
        epilog="Secrets come from the environment: " + ", ".join(SECRETS) + ".",
    )
    parser.add_argument(
        "--config", type=Path, default=Path("bot.toml"), help="the bot.toml that names people and channels"
    )
    parser.add_argument("--data", type=Path, default=Path(".data/sandbox"), help="where the sandbox keeps its state")
    parser.add_argument("--port", type=int, default=8000, help="of the page and the Slack Web API; 0: any free one")
    parser.add_argument("--smtp-port", type=int, default=0, help="0: any free one")
    parser.add_argument("--imap-port", type=int, default=0, help="0: any free one")
    parser.add_argument("--parley-url", default="http://127.0.0.1:8001", help="where Parley's web process listens")
    return parser.parse_args(given)


async def serve(options: argparse.Namespace, secrets: Mapping[str, str]) -> None:
    """Run until SIGINT or SIGTERM. Raises ValueError or OSError with one sentence when it cannot start."""
    cast = read_cast(options.config)
    changes = Changes()
    with _listen(options.port) as listening:
        port = listening.getsockname()[1]
        url = f"http://{LOOPBACK}:{port}"
        workspace = _workspace(options.data, cast, secrets, changes, url)
        mailroom = _mailroom(options.data, cast, secrets, changes)
        await _open(mailroom, options)
        app = create_app(
            workspace,
            mailroom,
            cast=cast,
            changes=changes,
            parley_url=options.parley_url,
            api_keys=secrets["SANDBOX_API_KEY"],
        )
        config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=2)
        ready = f"sandbox ready {url} smtp={urlsplit(mailroom.smtp_url).port} imap={urlsplit(mailroom.imap_url).port}"
        try:
            await Server(config, changes, ready).serve([listening])
        finally:
            await mailroom.stop()


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((LOOPBACK, port))
    except OSError as error:
        raise OSError(f"Port {port} is taken: choose another one with --port.") from error


async def _open(mailroom: Mailroom, options: argparse.Namespace) -> None:
    try:
        await mailroom.start(options.smtp_port, options.imap_port)
    except OSError as error:
        raise OSError(
            f"Mail cannot listen on ports {options.smtp_port} and {options.imap_port}: choose others with --smtp-port and --imap-port."
        ) from error


def _workspace(data: Path, cast: Cast, secrets: Mapping[str, str], changes: Changes, url: str) -> Workspace:
    users = [
        User(person.slack, person.id, person.name, email=person.email, title=person.title)
        for person in cast.people
        if person.slack
    ]
    return Workspace(
        data,
        users=users,
        channels=[Channel(_channel_id(name), name) for name in cast.channels],
        bot_token=secrets["SLACK_BOT_TOKEN"],
        app_token=secrets["SLACK_APP_TOKEN"],
        signing_secret=secrets["SLACK_SIGNING_SECRET"],
        url=url,
        on_change=changes.tell,
    )


def _channel_id(name: str) -> str:
    """The same id at every start, so that threads keep their addresses."""
    return "C0" + "".join(letter for letter in name.upper() if letter.isalnum())


def _mailroom(data: Path, cast: Cast, secrets: Mapping[str, str], changes: Changes) -> Mailroom:
    agent, *aliases = cast.mailboxes
    return Mailroom(
        data,
        agent=agent,
        aliases=aliases,
        people=[(person.email, person.name) for person in cast.people],
        password=secrets["SANDBOX_MAIL_PASSWORD"],
        on_change=changes.tell,
    )


def main() -> None:
    end_with_parent()
    options = arguments()
    secrets = {name: os.environ.get(name) or default for name, default in SECRETS.items()}
    try:
        asyncio.run(serve(options, secrets))
    except (OSError, ValueError) as error:
        sys.exit(f"sandbox: {error}")


if __name__ == "__main__":
    main()

"""What the sandbox's mail server has accepted outlasts a kill -9."""

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

import aiosmtplib

from tests.sandbox.mailside import AGENT, Mailside


@contextmanager
def process(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A mail server of its own process, and its SMTP URL."""
    command = [sys.executable, "-m", "tests.sandbox.mailside", str(folder)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout
        yield child, json.loads(child.stdout.readline())["smtp"]
    finally:
        child.kill()
        child.communicate()


async def send(url: str, message_id: str, to: str) -> None:
    parts = urlsplit(url)
    await aiosmtplib.send(
        f"Message-ID: {message_id}\r\nFrom: {AGENT}\r\n\r\nhello\r\n".encode(),
        sender=AGENT,
        recipients=[to],
        hostname=parts.hostname,
        port=parts.port,
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        start_tls=False,
        timeout=5,
    )


def test_every_answered_mail_is_there_after_a_kill(tmp_path: Path) -> None:
    answered = []

    async def send_until_it_dies(url: str) -> None:
        with suppress(aiosmtplib.SMTPException, OSError):
            for number in range(10_000):
                await send(url, f"<{number}@example.com>", "ana@example.com")
                answered.append(f"<{number}@example.com>")

    with process(tmp_path) as (child, url):
        threading.Timer(0.7, child.kill).start()
        asyncio.run(send_until_it_dies(url))
    with Mailside(tmp_path) as far:
        kept = [mail["message_id"] for mail in far.messages("ana@example.com")]

    assert len(answered) > 5
    assert kept[: len(answered)] == answered
    assert len(kept) - len(answered) in (0, 1)  # the one whose answer was on its way


def test_a_report_that_a_kill_prevented_comes_once_after_the_restart(tmp_path: Path) -> None:
    with process(tmp_path) as (child, url):
        asyncio.run(send(url, "<1@example.com>", "gone@nowhere.invalid"))
        child.kill()
    with Mailside(tmp_path) as far:
        far.wait_for(AGENT)
    with Mailside(tmp_path) as far:
        time.sleep(0.4)
        (report,) = far.messages(AGENT)

    assert report["auto"] is True

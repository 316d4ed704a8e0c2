"""Runs one program: no shell, its own process group, a deadline, and an end to what it may print."""

import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import IO

LIMIT = 8 * 1024  # bytes kept of each of the two streams a program prints

# Terminal colours, and control characters other than tab and line feed.
UNPRINTABLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True)
class Finished:
    """How a program ended. ``status`` None: it was stopped at its deadline. ``output`` and ``errors``: what it printed where."""

    status: int | None
    output: str
    errors: str


def run(argv: Sequence[str], *, folder: Path, environment: Mapping[str, str], seconds: float) -> Finished:
    """Run a program to its end, or to its deadline. Whatever it left running in its process group is killed with it.

    Raises OSError where the program cannot be started.
    """
    process = subprocess.Popen(  # noqa: S603  # a list of arguments: nothing in it is ever read by a shell
        argv,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,
    )
    output, errors = Printed(process.stdout), Printed(process.stderr)
    try:
        status = _wait(process, seconds)
    finally:
        _kill_group(process)
    return Finished(status, output.text(), errors.text())


class Kept:
    """The beginning and the end of some bytes; the middle is only counted."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.half = limit // 2
        self.head = self.tail = b""
        self.total = 0

    def add(self, chunk: bytes) -> None:
        self.total += len(chunk)
        room = self.half - len(self.head)
        self.head += chunk[:room]
        self.tail = (self.tail + chunk[room:])[-self.half :]

    def text(self) -> str:
        left_out = self.total - len(self.head) - len(self.tail)
        middle = f"\n[… {left_out} bytes left out …]\n".encode() if left_out else b""
        return UNPRINTABLE.sub("", (self.head + middle + self.tail).decode(errors="replace")).strip()


class Printed:
    """What a program prints to one stream, read to its end beside it, so that it never waits for us."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        assert stream is not None  # the program was started with a pipe
        self.stream = stream
        self.kept = Kept()
        self.reader = Thread(target=self._read, daemon=True)
        self.reader.start()

    def text(self) -> str:
        """All of it, once the program has ended. A process that left its group may hold the pipe open; it is waited for a second."""
        self.reader.join(timeout=1)
        return self.kept.text()

    def _read(self) -> None:
        with self.stream:
            while chunk := self.stream.read(64 * 1024):
                self.kept.add(chunk)


def _wait(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()

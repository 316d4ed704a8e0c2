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

LIMIT = 8 * 1024  # bytes kept of what a program prints

# Terminal colours, and control characters other than tab and line feed.
UNPRINTABLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True)
class Finished:
    """How a program ended. ``status`` None: it was stopped at its deadline. ``output``: what it printed, errors included."""

    status: int | None
    output: str


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
        stderr=subprocess.STDOUT,
        bufsize=0,
        start_new_session=True,
    )
    assert process.stdout is not None  # asked for above
    printed = Printed()
    reader = Thread(target=printed.read, args=(process.stdout,), daemon=True)
    reader.start()
    try:
        status = _wait(process, seconds)
    finally:
        _kill_group(process)
    reader.join(timeout=1)  # a process that left the group may hold the pipe open; it is not waited for
    return Finished(status, printed.text())


class Printed:
    """The beginning and the end of what a program prints; the middle is only counted."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.half = limit // 2
        self.head = self.tail = b""
        self.total = 0

    def read(self, stream: IO[bytes]) -> None:
        """Read a stream to its end, so that the program never waits for us, and close it."""
        with stream:
            while chunk := stream.read(64 * 1024):
                self.add(chunk)

    def add(self, chunk: bytes) -> None:
        self.total += len(chunk)
        room = self.half - len(self.head)
        self.head += chunk[:room]
        self.tail = (self.tail + chunk[room:])[-self.half :]

    def text(self) -> str:
        left_out = self.total - len(self.head) - len(self.tail)
        middle = f"\n[… {left_out} bytes left out …]\n".encode() if left_out else b""
        return UNPRINTABLE.sub("", (self.head + middle + self.tail).decode(errors="replace")).strip()


def _wait(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()

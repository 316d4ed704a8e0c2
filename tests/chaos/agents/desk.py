"""An agent whose tools leave a line in a file for all that they do, so that deeds can be counted from outside."""

import os
import random
import signal
import time
from pathlib import Path

from bot import Agent, Approval, Context, Tool

LINGER = 0.8  # seconds, at most, before and after a deed: time to be killed in


def do(deed: str, context: Context) -> str:
    """One line, written at once, which stays whatever happens to this process afterwards."""
    time.sleep(random.random() * LINGER)
    with (Path(context.data) / "deeds").open("ab", buffering=0) as file:
        file.write(f"{deed} {context.key} {os.getpid()}\n".encode())
    time.sleep(random.random() * LINGER)
    return f"did {deed}"


class Look(Tool, effect="read", timeout=5):
    """Look at something."""

    deed: str

    def run(self) -> str:
        return f"saw {self.deed}"


class Jot(Tool, effect="write", approval=None, timeout=3):
    """Do something that must not be done twice."""

    deed: str

    def run(self, context: Context) -> str:
        return do(self.deed, context)


class Stamp(Tool, effect="write", approval=None, idempotent=True, timeout=3):
    """Do something that may be done twice under one key."""

    deed: str

    def run(self, context: Context) -> str:
        return do(self.deed, context)


class Ship(Tool, effect="write", approval=Approval(by="ops"), timeout=3):
    """Do something that ops must allow and that must not be done twice."""

    deed: str

    def summary(self) -> str:
        return f"ship {self.deed}"

    def run(self, context: Context) -> str:
        return do(self.deed, context)


class Hold(Tool, effect="read", timeout=30):
    """Take long, and tell the test which process does."""

    deed: str

    def run(self, context: Context) -> str:
        (Path(context.data) / f"holds-{os.getpid()}").touch()
        end = time.monotonic() + 20
        while time.monotonic() < end and not (Path(context.data) / "released").exists():
            time.sleep(0.1)
        return f"held {self.deed}"


class Die(Tool, effect="read", timeout=5):
    """Kill whatever process runs it, until the poison is gone."""

    deed: str

    def run(self, context: Context) -> str:
        with (Path(context.data) / "deaths").open("ab", buffering=0) as file:
            file.write(b"x")
        if (Path(context.data) / "poison").exists():
            os.kill(os.getpid(), signal.SIGKILL)
        return f"survived {self.deed}"


class DieWriting(Tool, effect="write", approval=None, idempotent=True, timeout=0.5):
    """Kill whatever process runs it, although it may be run again."""

    deed: str

    def run(self, context: Context) -> str:
        return Die(deed=self.deed).run(context)


agent = Agent(tools=[Look, Jot, Stamp, Ship, Hold, Die, DieWriting])

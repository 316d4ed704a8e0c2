"""A process that was started by another one ends when that one is gone, however it went."""

import os
import signal
import threading
import time


def end_with_parent(variable: str = "PARLEY_PARENT") -> None:
    """Watch the parent process that this variable names, if it names one; when it is gone, ask this process to stop."""
    named = os.environ.get(variable, "")
    if named.isdecimal():
        threading.Thread(target=_watch, args=(int(named),), name="parent", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os.kill(os.getpid(), signal.SIGTERM)

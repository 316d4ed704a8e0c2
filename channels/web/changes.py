"""Who watches: one look at the store's changes for all open streams of this process."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from bot.ports import Store

log = logging.getLogger("parley.web")

PAUSE = 1.0  # seconds before the store is watched anew, after it was away or had no more to say


class Changes:
    """The ids of threads as they change, for any number of streams; a slow reader hears of each thread once, not of each change."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._readers: set[_Reader] = set()
        self._closing = threading.Event()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """While this lasts, streams are fed; when it ends, so do they."""
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._watch, args=(loop,), name="changes", daemon=True).start()
        try:
            yield
        finally:
            self._closing.set()
            for reader in self._readers:
                reader.close()

    async def follow(self) -> AsyncIterator[str]:
        """Thread ids from now on."""
        reader = _Reader()
        self._readers.add(reader)
        try:
            while (changed := await reader.next()) is not None:
                for thread in changed:
                    yield thread
        finally:
            self._readers.discard(reader)

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        while not self._closing.is_set():
            try:
                for thread in self._store.changes():
                    if self._closing.is_set():
                        return
                    if thread:
                        loop.call_soon_threadsafe(self._tell, thread)
            except Exception as error:  # whatever it was, the pages must hear of changes again afterwards
                log.warning("the store's changes cannot be watched (%s); trying again", type(error).__name__)
            self._closing.wait(PAUSE)

    def _tell(self, thread: str) -> None:
        for reader in self._readers:
            reader.hear(thread)


class _Reader:
    """One open stream: what changed since it last looked."""

    def __init__(self) -> None:
        self._changed: dict[str, None] = {}
        self._woken = asyncio.Event()
        self._closed = False

    def hear(self, thread: str) -> None:
        self._changed[thread] = None
        self._woken.set()

    def close(self) -> None:
        self._closed = True
        self._woken.set()

    async def next(self) -> list[str] | None:
        await self._woken.wait()
        self._woken.clear()
        if self._closed:
            return None
        changed, self._changed = list(self._changed), {}
        return changed

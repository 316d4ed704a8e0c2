"""A worker in a process of its own, as ``python -m bot worker`` sets one up, with an instant model and a platform that takes everything."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from queue import SimpleQueue

from redis import Redis
from rq import Queue, SimpleWorker

from bot.ports import Model
from tests.bench.work import TEAM, Instant, Outbox, Posted
from tests.messages_server import KEY
from workers import loop
from workers.assembly import SHARE
from workers.deliver import Deliveries
from workers.leases import LEASE, Leases
from workers.loop import Loop, rest
from workers.model import ClaudeModel
from workers.queue import worker_for
from workers.store import RedisStore, connect

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0  # seconds until what should have happened did not


class Staff:
    """The measured process, seen from outside: what it posts, and the CPU that it has used."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.posted: SimpleQueue[Posted] = SimpleQueue()
        self._spent: SimpleQueue[float] = SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def cpu(self) -> float:
        """Seconds of CPU that it has used so far."""
        assert self.process.stdin is not None
        self.process.stdin.write("cpu\n")
        self.process.stdin.flush()
        return self._spent.get(timeout=PATIENCE)

    def next_post(self) -> Posted:
        return self.posted.get(timeout=PATIENCE)

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            word, *more = line.split()
            if word == "cpu":
                self._spent.put(float(more[0]))
            else:
                self.posted.put((word, more[0], float(more[1])))


@contextmanager
def staff(what: str, *about: str) -> Iterator[Staff]:
    """The process ``what`` ("parley", "waiting" or "rq") at work on a store. It ends with the block, and with this process."""
    command = [sys.executable, "-m", "tests.bench.staff", what, *about]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        here = Staff(process)
        here.cpu()
        time.sleep(1.0)  # what happens once, at its start, is not counted
        yield here
    finally:
        process.stdin.close()  # type: ignore[union-attr]  # it is a pipe
        process.wait(PATIENCE)
        process.stdout.close()  # type: ignore[union-attr]


def empty_job() -> None:
    """What RQ spends on this is what it spends on any job."""
    print("job", "-", time.time(), flush=True)


def _parley(url: str, model: Model | None = None) -> None:
    store, leases, outbox = RedisStore(connect(url, timeout=5.0)), Leases(LEASE), Outbox()
    deliveries = Deliveries(store, {"slack": outbox}, partial(rest, store, TEAM), leases=leases)
    sys.setswitchinterval(SHARE)
    look = Loop(store, TEAM, model or Instant(), deliveries, deliveries.progress, leases=leases).look
    threading.Thread(target=_tell, args=(outbox,), daemon=True).start()
    worker_for(store, look, TEAM).work()


def _waiting(url: str, server: str, patience: str) -> None:
    """The real client of a model, with less patience than usual."""
    loop.THINKING = float(patience)
    _parley(url, ClaudeModel("claude-sonnet-5-5", KEY, server))


def _tell(outbox: Outbox) -> None:
    while True:
        print(*outbox.posted.get(), flush=True)


def _rq(url: str) -> None:
    client = Redis.from_url(url)
    SimpleWorker([Queue("floor", connection=client)], connection=client).work(logging_level="WARNING")


def _obey() -> None:
    """Say what was spent whenever asked; end when nobody is there to ask any more."""
    for _ in sys.stdin:
        print("cpu", time.process_time(), flush=True)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_obey, daemon=True).start()
    work: dict[str, Callable[..., None]] = {"parley": _parley, "waiting": _waiting, "rq": _rq}
    work[sys.argv[1]](*sys.argv[2:])

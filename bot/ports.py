"""What the rules need from the world, as small ports: a store, a model, channels. Workers and channels implement them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from bot.agent import Agent
from bot.events import Event, Usage
from bot.owed import Delivery
from bot.thread import Thread

PUT_OFF = 4.0  # seconds until a thread that was claimed and then forgotten is due again


@dataclass(frozen=True)
class Arrival:
    """Something a person said or did, ready to be written down.

    ``address``: its conversation, which finds the thread; ``thread``: the thread, where the channel knows it otherwise. ``create``: whether it may
    begin a thread. ``keys``: what makes it the same thing when it arrives again. ``maps``: further addresses that lead to the thread from now on.
    ``cursor``: (mailbox, position), stored in the same step.
    """

    event: Event
    address: str
    keys: tuple[str, ...] = ()
    thread: str = ""
    create: bool = True
    maps: tuple[str, ...] = ()
    cursor: tuple[str, str] | None = None


@dataclass(frozen=True)
class Ingested:
    """It is durable. ``thread`` is empty if there was none and none could begin; ``new`` False: it had arrived before."""

    thread: str
    new: bool


@dataclass(frozen=True)
class Held:
    """A thread under a lease: nobody else decides in it. ``now`` is the store's time of the last operation, in seconds.

    ``attempts``: how often it was taken up since a holder last appended something or let go; many mean that it kills whoever touches it.
    """

    thread: Thread
    fence: int
    now: float
    attempts: int = 0


class Fenced(Exception):
    """The lease has passed to somebody else; whatever was chosen here is void."""


class Overtaken(Exception):
    """A person spoke since the choice was made. ``held`` has what they said; decide again."""

    def __init__(self, held: Held) -> None:
        super().__init__("a person spoke meanwhile")
        self.held = held


class Unavailable(Exception):
    """The store cannot be reached or does not accept writes; nothing was acknowledged."""


class Vault(Protocol):
    """Small things by name, which may end by themselves, and locks by name. What is secret is sealed before it comes here."""

    def put(self, name: str, content: bytes, seconds: float | None = None) -> None:
        """Keep this under the name, in place of what was there. ``seconds``: until it is gone by itself."""
        ...

    def get(self, name: str) -> bytes | None: ...

    def delete(self, name: str) -> None: ...

    def lock(self, name: str, seconds: float) -> str | None:
        """A lock with an end: its token, or None while somebody else has it."""
        ...

    def unlock(self, name: str, token: str) -> None: ...


class Store(Vault, Protocol):
    """The log, its leases and its clock. Every operation is atomic and may be repeated by the client without harm."""

    def now(self) -> float:
        """The store's time in seconds since 1970; the only clock that the rules see."""
        ...

    def find(self, address: str) -> str | None:
        """The id of the thread that an address leads to."""
        ...

    def load(self, thread: str) -> Thread | None: ...

    def ingest(self, arrival: Arrival) -> Ingested:
        """Write down what arrived, once: find or create its thread, append, and have somebody look. Durable when it returns."""
        ...

    def acquire(self, thread: str, seconds: float) -> Held | None:
        """The lease and the thread; None: somebody else holds it, or there is no such thread."""
        ...

    def renew(self, held: Held, seconds: float) -> bool:
        """Keep the lease for so many seconds from now. False: it was lost."""
        ...

    def append(self, held: Held, *events: Event) -> Held:
        """Append choices. Raises Overtaken when a person spoke since ``held``, Fenced when the lease was lost."""
        ...

    def record(self, thread: Thread, *events: Event) -> Thread:
        """Append outcomes, whoever holds the lease; the same event id is appended once. Returns the thread with all that came since."""
        ...

    def release(self, held: Held, until: float | None) -> Held | None:
        """Let go; look again at ``until`` (the store's time). Returns the thread instead, still held, if anything was appended since ``held``."""
        ...

    def rest(self, thread: Thread, until: float | None) -> None:
        """Nobody needs to look before ``until`` (the store's time; None: at all). Nothing happens while somebody holds the thread, or if anything
        was appended since."""
        ...

    def claim_due(self, limit: int = 100) -> list[str]:
        """Threads whose time has come; each is put off a little, so that only one worker takes it."""
        ...

    def look_at(self, thread: str, at: float) -> None:
        """Have somebody look at the thread at this time (the store's) or earlier."""
        ...

    def keep(self, name: str, token: str, seconds: float) -> bool:
        """Hold the lock longer. False: it was lost."""
        ...

    def threads(self, limit: int = 200) -> list[str]:
        """Thread ids, the latest changed first."""
        ...

    def quiet(self, since: float) -> list[str]:
        """Threads in which nothing happened since then (the store's time), the longest quiet first."""
        ...

    def create(self, thread: str, events: Iterable[Event], addresses: Iterable[str] = ()) -> None:
        """Write a whole thread at once (a fork)."""
        ...

    def forget(self, thread: str) -> bool:
        """Erase what was said and done in a thread, with its blobs; its skeleton (types, times) stays. False: no such thread."""
        ...

    def cursor(self, mailbox: str) -> str | None: ...

    def set_cursor(self, mailbox: str, position: str) -> None: ...

    def put_blob(self, content: bytes) -> str:
        """Keep bytes under their SHA-256, which is returned."""
        ...

    def blob(self, name: str) -> bytes | None: ...

    def changes(self) -> Iterator[str]:
        """The ids of threads as they change, for those who watch; blocks; an empty string now and then means "nothing yet"."""
        ...


@dataclass(frozen=True)
class Prompt:
    """Everything that one call of the model is given: the prompt file's words, the tools, a block an event, and the thread itself for stand-ins."""

    agent: Agent
    blocks: tuple[str, ...]
    thread: Thread
    aside: str = ""  # what changes every time (the present time); never cached


@dataclass(frozen=True)
class Choice:
    """What the model chose: one call of one tool, as raw arguments. Plain text is a choice of ``reply``."""

    tool: str
    arguments: dict[str, Any]
    usage: Usage = field(default_factory=Usage)
    thought: str = ""


class ModelError(Exception):
    """The model gave nothing usable. ``retry_after``: seconds until it makes sense to ask again; None: it does not by itself."""

    def __init__(
        self,
        reason: Literal["overloaded", "refused", "too_long", "context", "setup", "unreachable", "nonsense"],
        message: str,
        retry_after: float | None = None,
        usage: Usage | None = None,
    ) -> None:
        super().__init__(message)
        self.reason: Literal["overloaded", "refused", "too_long", "context", "setup", "unreachable", "nonsense"] = (
            reason
        )
        self.retry_after = retry_after
        self.usage = usage


class Model(Protocol):
    """Turns a prompt into one choice. Raises ModelError."""

    name: str

    def choose(self, prompt: Prompt) -> Choice: ...


@dataclass(frozen=True)
class Sent:
    """It is there: the platform's id of it, and the addresses that lead to the thread from now on."""

    native: str = ""
    maps: tuple[str, ...] = ()


class Undelivered(Exception):
    """It is certainly not there. ``retry_after``: seconds until another try; None: it will not work."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Doubtful(Exception):
    """Nobody knows whether it is there: the request went out and no answer came back."""


class Channel(Protocol):
    """One platform's way out. ``send`` is called with at most one delivery a conversation at a time, from any thread of the process."""

    scheme: str

    def send(self, delivery: Delivery, thread: Thread) -> Sent:
        """Post it, or change what is there. Raises Undelivered or Doubtful."""
        ...

    def find(self, delivery: Delivery, thread: Thread) -> Sent | None:
        """Whether an earlier attempt arrived after all. None: certainly not (or sending it again is harmless).

        Raises Doubtful where nobody can tell, Undelivered where nobody can look now.
        """
        ...

    def progress(self, thread: Thread, words: str) -> None:
        """Show what is being done, or with empty words that nothing is. Best effort, never raises."""
        ...

"""The loop: ask the rules what should happen next, do it, write down what came of it, ask again."""

import asyncio
import inspect
import json
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from pydantic_core import to_jsonable_python

from bot import events as e
from bot.decide import PATIENCE, decide, parse, stuck
from bot.effects import Effect, Prefetch, Run, Think, Wait, Write
from bot.events import Event
from bot.ids import new_id
from bot.owed import next_due, owed
from bot.people import Team
from bot.ports import Fenced, Held, Model, ModelError, Overtaken, Prompt, Store, Unavailable
from bot.recall import recalled, vouched
from bot.render import fingerprint, render
from bot.thread import Thread
from bot.tool import Context, Tool, arguments_of, digest_of, one_line, spec
from bot.unsaid import outcome_id
from workers.leases import LEASE, Leases

log = logging.getLogger("parley.worker")

TakesTime: TypeAlias = Think | Prefetch | Run
T = TypeVar("T")

WAITS = 200  # threads that one process takes through the model at once; the others stand in line
SHOWN = 4_000  # characters of a result that the log and the model keep; the whole is a blob
THINKING = 180.0  # seconds after which a wedged call of the model is abandoned
GRACE = 2.0  # seconds between a tool's own deadline and the moment it counts as overdue
OUTAGE = 900.0  # seconds for which what a tool did is kept here, should the store be away


@dataclass(frozen=True)
class Loop:
    """One process's share of the work. ``deliver`` is told of every thread whose log may owe somebody something."""

    store: Store
    team: Team
    model: Model
    deliver: Callable[[Thread], None] = lambda thread: None
    progress: Callable[[Thread, str], None] = lambda thread, words: None
    data: Path = Path(".data")
    waits: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(WAITS, "wait"))
    hands: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(32, "hand"))
    leases: Leases = field(default_factory=lambda: Leases(LEASE))
    stopping: threading.Event = field(default_factory=threading.Event)
    busy: set[str] = field(default_factory=set)  # threads that show what is being done

    def finish(self) -> None:
        """Begin nothing more, and wait for the calls and tools that are under way: what they did is written down while the store is still there."""
        self.stopping.set()
        self.waits.shutdown(cancel_futures=True)  # who stood in line is taken up elsewhere
        self.hands.shutdown()

    def look(self, thread: str) -> None:
        """Somebody said that there may be something to do in this thread. Harmless when there is not."""
        held = self.store.acquire(thread, LEASE)
        if held is not None:
            self._guarded(held, self.advance)
        elif (seen := self.store.load(thread)) is not None:
            self.deliver(seen)

    def advance(self, held: Held) -> None:
        """Everything that can be done at once; whatever takes time goes on, with all that follows, in a thread that may wait."""
        if (stopped := self._at_once(held)) is not None:
            self._hold(*stopped)
            if (number := len(self.leases.kept) - WAITS) > 0:
                self._show(stopped[0].thread, f"busy; you are number {number} in line…")
            self.waits.submit(self._guarded, stopped[0], self._with_patience, stopped[1])

    def _with_patience(self, held: Held, effect: TakesTime) -> None:
        stopped: tuple[Held, TakesTime] | None = (held, effect)
        while stopped is not None:
            stopped = self._at_once(self._take_time(*stopped))

    def _at_once(self, held: Held) -> tuple[Held, TakesTime] | None:
        """All that takes no time, up to what does; None: the thread rests, and is let go."""
        while True:
            match effect := self._next(held):
                case Think() | Prefetch() | Run() if self.stopping.is_set():
                    if (later := self.store.release(held, held.now)) is None:
                        return None
                    held = later
                case Write(event=event):
                    held = self._write(held, *self._with_what_follows(held, event))
                case Wait(until=until):
                    self.deliver(held.thread)
                    later = self.store.release(held, _look_again(held.thread, held.now, until))
                    if later is None:
                        self._show(held.thread, "")
                        return None
                    held = later
                case Think() | Prefetch() | Run():
                    return held, effect

    def _show(self, thread: Thread, words: str) -> None:
        """Say what is being done; with empty words that nothing is any more, where something was shown."""
        if words or thread.id in self.busy:
            self.progress(thread, words)
        (self.busy.add if words else self.busy.discard)(thread.id)

    def _next(self, held: Held) -> Effect:
        if held.attempts <= PATIENCE:
            return decide(self.team, held.thread, held.now)
        return Write(stuck(held.thread))

    def _take_time(self, held: Held, effect: TakesTime) -> Held:
        self._hold(held, effect)
        try:
            return self._perform(held, effect)
        finally:
            self.leases.let_go(_lease(held))

    def _hold(self, held: Held, effect: TakesTime) -> None:
        """Keep the lease for as long as this may take, and not longer: a wedged call must not hold a thread for ever."""
        patience = spec(effect.tool).timeout + 2 * GRACE if isinstance(effect, Run) else THINKING
        self.leases.hold(_lease(held), lambda: self.store.renew(held, LEASE), patience)

    def _guarded(self, held: Held, work: Callable[..., None], *more: Any) -> None:
        """A lost lease is somebody else's thread now; any other failure here leaves the lease to run out, and counts as an attempt."""
        try:
            work(held, *more)
        except Fenced:
            log.info("thread %s went to another worker", held.thread.id)
        except Exception:
            log.exception("thread %s: stopped; it is taken up again", held.thread.id)

    def _write(self, held: Held, *events: Event) -> Held:
        """Append choices, unless a person spoke: then what they said comes first."""
        try:
            held = self.store.append(held, *events)
        except Overtaken as overtaken:
            return overtaken.held
        self.deliver(held.thread)
        return held

    def _with_what_follows(self, held: Held, event: Event) -> list[Event]:
        """This event and all that the rules would write down right after it, so that they are appended in one step."""
        events, thread = [event], held.thread.extend([_stamped(event, held.now)])
        while isinstance(effect := decide(self.team, thread, held.now), Write):
            events.append(effect.event)
            thread = thread.extend([_stamped(effect.event, held.now)])
        return events

    def _perform(self, held: Held, effect: TakesTime) -> Held:
        match effect:
            case Think():
                return self._think(held)
            case Prefetch(number=number):
                return self._prefetch(held, number)
            case Run():
                return self._run(held, effect)

    # Thinking

    def _think(self, held: Held) -> Held:
        thread = held.thread
        self.deliver(thread)
        self._show(thread, "thinking…")
        agent = self.team.agents[thread.state.agent]
        blocks = render(thread)
        try:
            choice = self.model.choose(Prompt(agent, blocks, thread, aside=_now_in_words(held.now)))
        except ModelError as error:
            return self._model_failed(held, error)
        tool = parse(agent, choice.tool, choice.arguments)
        call = e.ToolCalled(
            id=f"d{thread.version}",
            tool=choice.tool,
            arguments=_json_object(choice.arguments) if isinstance(tool, str) else arguments_of(tool),
            digest="" if isinstance(tool, str) or spec(tool).effect == "read" else digest_of(tool),
            shown=fingerprint(agent, blocks),
            thought=choice.thought,
            usage=choice.usage,
        )
        try:
            return self.store.append(held, *self._with_what_follows(held, call))
        except Overtaken as overtaken:
            lost = e.ThoughtDiscarded(id=new_id(), seen=thread.version, usage=choice.usage)
            return replace(overtaken.held, thread=self.store.record(overtaken.held.thread, lost))

    def _model_failed(self, held: Held, error: ModelError) -> Held:
        thread = held.thread
        retry_at = None
        if error.retry_after is not None:
            retry_at = held.now + max(error.retry_after, min(2.0 ** min(thread.state.model_failures, 10), 300.0))
        failed = e.ModelFailed(
            id=new_id(),
            reason=error.reason,
            error=one_line(str(error)),
            retry_at=retry_at,
            seen=thread.version,
            usage=error.usage,
        )
        log.warning("thread %s: the model failed (%s)", thread.id, error.reason)
        return replace(held, thread=self.store.record(thread, failed))

    def _prefetch(self, held: Held, number: int) -> Held:
        thread = held.thread
        wanted = self.team.agents[thread.state.agent].prefetch[number]
        first = next((event.text for event in thread.events if isinstance(event, e.MessageReceived)), "")
        called = e.ToolCalled(id=f"d{thread.version}", call=f"c{thread.version}", tool="", prefetched=True)
        try:
            tool = wanted if isinstance(wanted, Tool) else wanted(first)
        except Exception as error:
            called = called.model_copy(update={"tool": getattr(wanted, "__name__", "prefetch")})
            failed = e.ToolFailed(id=f"d{thread.version}f", call=called.call, error=_error(error))
            return self._write(held, called, failed)
        named = {"tool": spec(tool).name, "arguments": arguments_of(tool), "digest": digest_of(tool)}
        return self._write(held, called.model_copy(update=named))

    # Doing

    def _run(self, held: Held, effect: Run) -> Held:
        begun = time.monotonic()
        if spec(effect.tool).effect == "write":
            try:
                held = self.store.append(held, self._started(held, effect))
            except Overtaken as overtaken:
                return overtaken.held
            if not _is_started(held.thread, effect):  # what an earlier attempt did became known meanwhile
                return held
        self.deliver(held.thread)
        self._show(held.thread, f"{effect.tool.summary()}…")
        timeout = spec(effect.tool).timeout
        work = self.hands.submit(_run_tool, effect.tool, self._context(held.thread, effect), begun + timeout)
        wait([work], timeout)
        work.cancel()  # what no hand has taken up by now must not begin any more
        if not work.done():
            return self._late(held, effect, work, begun)
        return replace(held, thread=self._record(held.thread, self._outcome(held, effect, work, begun)))

    def _started(self, held: Held, effect: Run) -> e.ToolStarted:
        return e.ToolStarted(
            id=f"d{held.thread.version}",
            call=effect.call,
            attempt=effect.attempt,
            key=effect.key,
            deadline=held.now + spec(effect.tool).timeout + GRACE,
            approval=effect.approval,
            digest=digest_of(effect.tool),
        )

    def _outcome(self, held: Held, effect: Run, work: "Future[str]", begun: float) -> Event:
        """What came of a run that is over, under an id that is the same whoever records it."""
        about: dict[str, Any] = {"id": outcome_id(effect.call, effect.attempt), "attempt": effect.attempt}
        try:
            result = work.result()
        except BaseException as raised:
            error = NotBegun() if work.cancelled() else raised
            trusted = spec(effect.tool).trusted
            return e.ToolFailed(**about, call=effect.call, error=_error(error), trusted=trusted, seconds=_since(begun))
        blob = None
        if len(result) > SHOWN:
            blob = _patiently(partial(self.store.put_blob, result.encode(errors="replace")))
        trusted = spec(effect.tool).trusted and vouched(held.thread, effect.tool)
        return e.ToolReturned(**about, result=result[:SHOWN], blob=blob, trusted=trusted, seconds=_since(begun))

    def _late(self, held: Held, effect: Run, work: "Future[str]", begun: float) -> Held:
        """Past its deadline. What it really did is still recorded when it ends, and settles the doubt."""
        if spec(effect.tool).effect == "read":
            error = f"{spec(effect.tool).name} took longer than {spec(effect.tool).timeout:g} s and was given up."
            failed = e.ToolFailed(id=new_id(), call=effect.call, attempt=effect.attempt, error=error)
            return replace(held, thread=self._record(held.thread, failed))

        def ended(work: "Future[str]") -> None:
            thread = self._record(held.thread, self._outcome(held, effect, work, begun))
            _patiently(partial(self.look, thread.id))

        work.add_done_callback(ended)
        return replace(held, now=max(held.now, self.store.now(), _deadline(held.thread, effect.call)))

    def _record(self, thread: Thread, outcome: Event) -> Thread:
        return _patiently(partial(self.store.record, thread, outcome))

    def _context(self, thread: Thread, effect: Run) -> Context:
        who = thread.state.calls[effect.call].requester
        recall = partial(recalled, thread, self.store.blob)
        return Context(thread.id, effect.key, who.name or who.id, who.person, str(self.data), recall)


def _stamped(event: Event, now: float) -> Event:
    """An event with the time that the store will give it, more or less."""
    return event if event.at else event.model_copy(update={"at": now})


def _lease(held: Held) -> str:
    return f"{held.thread.id}:{held.fence}"


def _look_again(thread: Thread, now: float, until: float | None) -> float | None:
    """When somebody must look: for the rules, and for deliveries, should whoever makes them die."""
    due = next_due(owed(thread, now))
    times = [] if until is None else [until]
    return min([*times, due if due > now else now + LEASE] if due is not None else times, default=None)


def rest(store: Store, team: Team, thread: Thread) -> None:
    """What this thread owed somewhere went out. Where that was all there is to do, nobody needs to look before the rules say so."""
    if thread.state.agent in team.agents and not owed(thread, thread.state.updated):
        effect = decide(team, thread, thread.state.updated)
        if isinstance(effect, Wait):
            store.rest(thread, effect.until)


class NotBegun(Exception):
    """Nothing was free to run a tool before its time was over, so it never will."""

    def __str__(self) -> str:
        return "nothing here was free to run it in time; it did nothing"


def _run_tool(tool: Tool, context: Context, latest: float) -> str:
    """Run it, here and now, and give its result as text; unless it is too late to begin: by then people are asked, or another worker is at it."""
    if time.monotonic() > latest:
        raise NotBegun
    run: Any = tool.run  # type: ignore[attr-defined]  # every tool has one; it was checked when the class was defined
    value = run(context) if spec(tool).takes_context else run()
    return _text(asyncio.run(_awaited(value)) if inspect.isawaitable(value) else value)


async def _awaited(value: Any) -> Any:
    return await value


def _text(value: Any) -> str:
    """What a tool returned, as text. It has done its deed, so this always gives one."""
    if value is None or isinstance(value, str):
        return "done" if value is None else value
    try:
        return json.dumps(to_jsonable_python(value, fallback=repr), ensure_ascii=False)
    except Exception:
        return f"done; the {type(value).__name__} that it returned cannot be written as text"


def _patiently(ask: Callable[[], T]) -> T:
    """What the store says, once it is there: a deed that was done must not be forgotten. Raises Unavailable in the end."""
    end, pause = time.monotonic() + OUTAGE, 0.05
    while True:
        try:
            return ask()
        except Unavailable:
            if time.monotonic() > end:
                raise
            log.warning("the store is away; what a tool did is kept here until it answers")
            time.sleep(pause := min(2 * pause, 5.0))


def _error(error: BaseException) -> str:
    text = str(error).strip()
    return one_line(f"{type(error).__name__}: {text}" if text else type(error).__name__)


def _is_started(thread: Thread, effect: Run) -> bool:
    call = thread.state.calls[effect.call]
    return call.state == "started" and call.attempt == effect.attempt


def _deadline(thread: Thread, call: str) -> float:
    return thread.state.calls[call].deadline


def _since(begun: float) -> float:
    return round(time.monotonic() - begun, 3)


def _json_object(arguments: Any) -> dict[str, Any]:
    """Nonsense that the model sent, as far as it can be written down."""
    try:
        made = json.loads(json.dumps(arguments, default=str))
    except ValueError:
        made = {}
    return made if isinstance(made, dict) else {"value": made}


def _now_in_words(now: float) -> str:
    return time.strftime("It is %A %d %B %Y, %H:%M UTC.", time.gmtime(now))

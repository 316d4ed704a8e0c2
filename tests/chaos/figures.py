"""What came of it, counted from outside: from what Slack and the mailboxes hold, and from what tools really did; and held against the logs."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from bot import events as e
from bot.thread import Thread
from tests.chaos.people import Talk
from tests.chaos.world import World
from tests.sandbox.mailside import PEOPLE

ONCE = ("jot", "ship")  # tools that must not be run again


@dataclass
class Figures:
    """Every list names what is wrong; all but the repeated ones must be empty."""

    conversations: int = 0
    events: int = 0
    deeds: int = 0
    posts: int = 0
    mails: int = 0
    progress: int = 0  # messages of best effort, which say how work goes on
    interrupted: int = 0
    lost: list[str] = field(default_factory=list)
    doubled_deeds: list[str] = field(default_factory=list)
    doubled_posts: list[str] = field(default_factory=list)
    doubled_mails: list[str] = field(default_factory=list)
    unsettled: list[str] = field(default_factory=list)
    mails_repeated: int = 0  # with the same Message-ID
    deeds_repeated: int = 0  # with the same idempotency key

    @property
    def wrong(self) -> list[str]:
        return [*self.lost, *self.doubled_deeds, *self.doubled_posts, *self.doubled_mails, *self.unsettled]

    def __str__(self) -> str:
        return ", ".join(
            f"{name} {value if isinstance(value, int) else len(value)}" for name, value in vars(self).items()
        )


def count(world: World, talks: Iterable[Talk]) -> Figures:
    figures = Figures()
    for talk in talks:
        thread = world.store.load(talk.thread() or "")
        figures.conversations += 1
        if thread is None:
            figures.lost.append(f"{talk.name}: no thread")
            continue
        figures.events += thread.version
        figures.lost += _lost(talk, thread)
        figures.unsettled += _unsettled(talk, thread)
        figures.interrupted += sum(isinstance(event, e.OutcomeUnknown) for event in thread.events)
    _count_deeds(world, figures)
    _count_posts(world, figures)
    _count_mails(world, figures)
    return figures


def _lost(talk: Talk, thread: Thread) -> Iterator[str]:
    """What was acknowledged and left no trace, and what was promised and did not happen."""
    if not talk.done:
        yield f"{talk.name}: never done ({thread.state.status}, {thread.id})"
    heard = Counter(
        event.text.strip() for event in thread.events if isinstance(event, e.MessageReceived | e.HumanResponded)
    )
    heard["APPROVE"] = sum(
        isinstance(event, e.HumanResponded) and event.decision == "approved" for event in thread.events
    )
    for text, times in Counter(talk.said).items():
        if sum(count for said, count in heard.items() if text in said) < times:
            yield f"{talk.name}: {text!r} was taken and is not in the log"
    responded = {event.interaction for event in thread.events if isinstance(event, e.HumanResponded)}
    for interaction in talk.decided - responded:
        yield f"{talk.name}: the decision of {interaction} was taken and is not in the log"
    did = {deed for deed, _ in talk.world.deeds()}
    not_done = {event.call for event in thread.events if isinstance(event, e.ToolFailed)}
    not_done |= {event.call for event in thread.events if isinstance(event, e.OutcomeUnknown)}
    taken_back = {event.interaction for event in thread.events if isinstance(event, e.Withdrawn)}
    not_done |= {each.asked.call or "" for each in thread.state.interactions.values() if each.id in taken_back}
    calls = [event for event in thread.events if isinstance(event, e.ToolCalled) and event.tool in (*ONCE, "stamp")]
    for call in calls:
        if call.call not in not_done and call.arguments["deed"] not in did:
            yield f"{talk.name}: {call.arguments['deed']} was not done"


def _unsettled(talk: Talk, thread: Thread) -> Iterator[str]:
    """Runs without an outcome that nobody was asked about."""
    outcomes = {
        (event.call, event.attempt) for event in thread.events if isinstance(event, e.ToolReturned | e.ToolFailed)
    }
    unknown = {event.call for event in thread.events if isinstance(event, e.OutcomeUnknown)}
    asked = {event.call for event in thread.events if isinstance(event, e.HumanContacted) and event.kind == "outcome"}
    once = {event.call for event in thread.events if isinstance(event, e.ToolCalled) and event.tool in ONCE}
    started = [event for event in thread.events if isinstance(event, e.ToolStarted) and event.call in once]
    for each in started:
        if (each.call, each.attempt) not in outcomes and each.call not in unknown & asked:
            yield f"{talk.name}: {each.call} was interrupted and nobody was asked ({thread.id})"


def _count_deeds(world: World, figures: Figures) -> None:
    deeds = world.deeds()
    figures.deeds = len({deed for deed, _ in deeds})
    keys: dict[str, set[str]] = {}
    for deed, key in deeds:
        keys.setdefault(deed, set()).add(key)
    figures.doubled_deeds += [f"{deed} under {len(some)} keys" for deed, some in keys.items() if len(some) > 1]
    stamped = _stamped(world)
    for (deed, _), times in Counter(deeds).items():
        if times > 1 and deed in stamped:
            figures.deeds_repeated += times - 1
        elif times > 1:
            figures.doubled_deeds.append(f"{deed} {times} times")


def _stamped(world: World) -> set[str]:
    """The deeds that may be done twice under one key."""
    threads = (world.store.load(id) for id in world.store.threads(10_000))
    calls = (event for thread in threads if thread for event in thread.events if isinstance(event, e.ToolCalled))
    return {str(call.arguments["deed"]) for call in calls if call.tool == "stamp"}


def _count_posts(world: World, figures: Figures) -> None:
    """Every message of Parley's says which delivery it is, and must be the only one that says so."""
    records, seen, texts = world.slack.workspace.records, Counter[tuple[str, ...]](), Counter[str]()
    for conversation in world.slack.workspace.conversations.all():
        for message in records.messages(conversation["id"]):
            if message.get("bot_id") and "metadata" not in message:
                figures.progress += 1
            elif message.get("bot_id"):
                payload = message["metadata"]["event_payload"]
                seen[payload["thread"], payload["delivery"], str(payload["part"])] += 1
                texts[message["text"]] += message["text"].startswith("Done ")
    figures.posts = sum(seen.values())
    figures.doubled_posts += [f"{which} {times} times" for which, times in seen.items() if times > 1]
    figures.doubled_posts += [f"{text!r} {times} times" for text, times in texts.items() if times > 1]


def _count_mails(world: World, figures: Figures) -> None:
    """Two mails with one Message-ID are one mail; two ids for one text that answers one mail are two."""
    for address in PEOPLE:
        mails = [mail for mail in world.mail.messages(address) if mail["direction"] == "in"]
        ids = Counter(mail["message_id"] for mail in mails)
        figures.mails += len(ids)
        figures.mails_repeated += sum(ids.values()) - len(ids)
        texts: dict[tuple[str, ...], set[str]] = {}
        for mail in mails:
            texts.setdefault((mail["subject"], mail["text"], mail["in_reply_to"] or ""), set()).add(mail["message_id"])
        figures.doubled_mails += [
            f"{subject}: {text[:80]!r}" for (subject, text, _), some in texts.items() if len(some) > 1
        ]

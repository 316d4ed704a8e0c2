"""Stands in for a model, offline and without a key: plays any agent from a few rules about words. It never raises and never asks twice."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from bot import events as e
from bot.agent import Agent
from bot.decide import parse
from bot.events import Event, Usage
from bot.judge import Counted, TooLate
from bot.ports import Choice, Prompt
from bot.state import STOP, Call, Interaction
from bot.thread import Thread
from bot.tool import Tool, one_line, schema_of, spec
from workers.guess import LOOKING, Guess, guess, stems, words
from workers.passages import Article, articles, core

Step: TypeAlias = tuple[str, dict[str, Any]]

LABEL = "I am the scripted stand-in for a model: I know a few rules about words and nothing else. With an ANTHROPIC_API_KEY a real model answers."
GREETED = frozenset("hello hallo hi hey good morning afternoon evening day".split())
THANKED = frozenset("thanks thank great perfect wonderful".split())
POLITE = (
    GREETED
    | THANKED
    | frozenset(
        "dear there parley everybody all team you very much so a lot many ok okay cool fine nice bye works it that was is for your the help".split()
    )
)
ABOUT_ME = re.compile(
    r"\b(what (can|do) you do|how does this work|who are you|what are you)\W*$|\bscripted\b|\bstand-?in\b|^\W*help\W*$"
    r"|\bare you (really )?(a |an )?(bot|robot|human|person|machine|model|ai|llm|real)\b|\bwhich model\b",
    re.IGNORECASE,
)
TAKE_BACK = re.compile(
    r"^\W*((no|sorry|please|ok|wait|actually|oh|then|parley)\W+)*(stop|cancel|withdraw|forget|don'?t|do not|hold off|no longer)\b"
    r"|\bnever ?mind\b|\b(cancel|withdraw|forget) (it|that|this)\b|\btake (it|that|this) back\b|\bno longer need",
    re.IGNORECASE,
)
OTHERWISE = re.compile(
    r"^\W*(no|nope|sorry|wait|actually|rather|instead|i meant)\b|\b(instead|rather|not)\b", re.IGNORECASE
)
DESK = re.compile(r"^- `(\w+)`: (.+(?:\n  .+)*)", re.MULTILINE)
COLLEAGUES = re.compile(r"`to` \"(\w+)\"")
ONLY_THEY = "Only {} can answer this, please reply to this message. "

DESK_WORDS = {
    "support": "customer order parcel package shipping refund return exchange broken price chair table lamp shelf oak receipt",
    "ops": "restart deploy server outage production staging api web jobs slow down disk healthy incident",
}
"""What people say without naming the desk, for the desks that come with Parley."""


class ScriptedModel:
    """Implements bot.ports.Model. ``delay``: seconds that it pretends to think, so that people see the thread at work."""

    name = "scripted"

    def __init__(self, delay: float = 0.0) -> None:
        self.delay = delay

    def choose(self, prompt: Prompt) -> Choice:
        time.sleep(self.delay)
        tool, arguments = Reader(prompt.agent, prompt.thread).step()
        return Choice(tool, arguments, Usage(model=self.name, seconds=self.delay))


@dataclass(frozen=True)
class Reader:
    """One agent reading one thread. What it reads decides what it does; nothing is kept between two steps."""

    agent: Agent
    thread: Thread

    def step(self) -> Step:
        """The next step: to what people said since the last one, else to what came of it."""
        news = self.thread.events[self.thread.state.seen :]
        if any(isinstance(event, HEARD) for event in news):
            return self.hear()
        for event in reversed(news):
            if isinstance(event, e.HumanResponded):
                return self.take_answer(event)
            if isinstance(event, e.ToolReturned | e.ToolFailed) and self._searched(event.call):
                return self.answer_from_articles()
            if isinstance(event, e.Withdrawn) and (question := self._to_ask_again(event)):
                return question
            if isinstance(event, e.ToolReturned) and (stale := self._stale_request(event)):
                return "withdraw", {"interaction": stale.id}
        return self.reply("")

    # What people say

    def hear(self) -> Step:
        """To the newest message, with those before it that are not answered yet."""
        texts = self._texts()
        if not texts:
            return self.reply("You took your message back, so I did nothing." if self._deleted() else self._lost())
        for meaning in (
            self._taken_back,
            self._small_talk,
            self._tool_call,
            self._from_inside,
            self._search,
            self._desk,
        ):
            if step := meaning(texts):
                return step
        return self.reply(self._lost())

    def _taken_back(self, texts: list[str]) -> Step | None:
        """A request is taken back, unless the same words name what to do instead; a question only by few words."""
        waiting, meant, few = self._waiting(), self._guess(texts), len(texts[0].split()) <= 4
        if not TAKE_BACK.search(texts[0]):
            return None
        if not waiting:
            return self.reply("Nothing is waiting, so there is nothing to take back.") if few and not meant else None
        instead = meant and not meant.missing and not _is_this(waiting[-1], meant) and OTHERWISE.search(texts[0])
        if instead or (waiting[-1].asked.kind == "question" and not few):
            return None
        return "withdraw", {"interaction": waiting[-1].id}

    def _small_talk(self, texts: list[str]) -> Step | None:
        if ABOUT_ME.search(texts[0]):
            return self.reply(f"{self._abilities()} {LABEL}")
        said = set(words(texts[0]))
        if not said <= POLITE or "?" in texts[0]:
            return None
        if said & THANKED:
            return self.reply("You are welcome.")
        return self.reply(f"Hello. {self._abilities()}" if said & GREETED else "Fine.")

    def _tool_call(self, texts: list[str]) -> Step | None:
        meant = self._guess(texts)
        if meant is None:
            return None
        if any(_is_this(each, meant) for each in self._waiting()):
            return self.reply(self._still_waiting())
        return self._ask_for(meant) if meant.missing else (meant.name, dict(meant.arguments))

    def _guess(self, texts: list[str]) -> Guess | None:
        tools = [tool for tool in self.agent.tools if tool is not self._search_tool()]
        return guess(tools, texts, self._earlier_call())

    def _ask_for(self, meant: Guess) -> Step:
        """One question for what is missing; a second one only says what would help."""
        field = meant.missing.replace("_", " ")
        if self._asked_already():
            example = " ".join([meant.name.replace("_", " "), *map(str, meant.arguments.values()), *meant.choices[:1]])
            return self.reply(f"I still do not know which {field}. Write it in one message, for example: {example}.")
        question = f"Which {field} do you mean?" if meant.choices else f"What is the {field}?"
        return "contact_human", {"question": question, "choices": list(meant.choices)}

    def _from_inside(self, texts: list[str]) -> Step | None:
        """A word among colleagues that answers no question: the requester does not get it."""
        to, message, state = self._colleagues(), self._last_message(), self.thread.state
        if not to or message is None or message.origin.address == state.home or message.actor.same(state.requester):
            return None
        if waiting := [each for each in self._waiting() if to in each.asked.audience.names]:
            return "withdraw", {"interaction": waiting[-1].id}  # to ask it again: two open questions would be mixed up
        question = "This stays between us. Answer here with what the other side should read, and I pass it on."
        return "contact_human", {"question": question, "to": to}

    def _to_ask_again(self, withdrawn: e.Withdrawn) -> Step | None:
        """The question that somebody who was not asked has spoken to."""
        asked, texts, to = self.thread.state.interactions.get(withdrawn.interaction), self._texts(), self._colleagues()
        if asked is None or not to or to not in asked.asked.audience.names or not texts or TAKE_BACK.search(texts[0]):
            return None
        question = asked.asked.text.removeprefix(ONLY_THEY.format(to))
        return "contact_human", {"question": ONLY_THEY.format(to) + question, "to": to}

    def _search(self, texts: list[str]) -> Step | None:
        tool = self._search_tool()
        if tool is None:
            return None
        if self._results():
            return self.answer_from_articles()
        return spec(tool).name, {_only_field(tool): core(texts[0])[:300] or texts[0][:300]}

    def _desk(self, texts: list[str]) -> Step | None:
        """The desk whose description has most words of the message; undecided between two, whoever wrote says which."""
        desks = self._desks()
        scores = {name: _likeness(texts[0], name, about) for name, about in desks.items()}
        best = [name for name, score in scores.items() if score == max(scores.values()) and score > 0]
        if len(best) == 1:
            return "hand_over", {"agent": best[0], "note": f"{self._requester()} writes: {_short(texts[-1])}"}
        if best and not self._asked_already():
            return "contact_human", {"question": "Which desk is this for?", "choices": best}
        return None

    # What comes back

    def take_answer(self, response: e.HumanResponded) -> Step:
        interaction = self.thread.state.interactions.get(response.interaction)
        verdict = self.thread.state.verdicts.get(response.id)
        if interaction is None or interaction.asked.kind != "question":
            return self._after_decision(response, interaction)
        if interaction.asked.audience.names and isinstance(verdict, Counted | TooLate):
            return self.reply(self._passed_on(response.text, late=isinstance(verdict, TooLate)))
        return self.hear()

    def _after_decision(self, response: e.HumanResponded, interaction: Interaction | None) -> Step:
        if interaction is not None and interaction.asked.kind == "limit":
            return self.reply("I stopped here.") if response.text == STOP else self.hear()
        return self.reply("")

    def _passed_on(self, text: str, *, late: bool) -> str:
        answer = text.strip() or "They have no answer to that"
        answer = answer[0].upper() + answer[1:] + ("" if answer[-1] in ".!?" else ".")
        lead = "One addition to my last message." if late else "Thank you for waiting, I asked a colleague."
        return self._letter(f"{lead} {answer}")

    def answer_from_articles(self) -> Step:
        """The best passage of the best article if it fits, else a question to colleagues, else plain words."""
        text, found = next(iter(self._texts()), ""), self._results()
        found_articles, unknown = articles(found)
        best = max(found_articles, key=lambda article: len(article.matches(text)), default=None)
        if best is not None and best.fits(text, found_articles, unknown):
            return self.reply(self._letter(best.passage(text)))
        if found and not found_articles and not found.startswith("No "):  # a search that does not give articles
            return self.reply(found[:1500])
        to = self._colleagues()
        if to and not self._unreachable():
            return "contact_human", {"question": self._question(text, best), "to": to}
        return self.reply(
            self._letter("I found nothing that answers this, and nobody to ask. Please write to us again later.")
        )

    def _question(self, text: str, best: Article | None) -> str:
        nearest = (
            f" The nearest article is “{best.title}”, and it does not settle it." if best else " No article answers it."
        )
        return f"{self._requester()} asks: {_short(core(text) or text)}{nearest} What shall I answer?"

    def reply(self, text: str) -> Step:
        """What came of everything since the last reply, then ``text``."""
        parts = [*self._reports(), text] if text else list(self._reports())
        return "reply", {"text": "\n\n".join(filter(None, parts)) or self._lost()}

    def _reports(self) -> Iterator[str]:
        for event in self._since_reply():
            yield self._report(event)

    def _report(self, event: Event) -> str:
        match event:
            case e.ToolReturned() if not self._searched(event.call):
                return self._done(event)
            case e.ToolFailed() if not self._searched(event.call):
                return f"That did not work: {_sentence(event.error)}"
            case e.HumanResponded():
                return self._decided(event)
            case e.TimedOut():
                return "Nobody decided in time, so I did nothing."
            case e.Withdrawn() if event.reason == "withdrawn":
                asked = self.thread.state.interactions.get(event.interaction)
                return f"I took the request back: {_sentence(asked.asked.text)}" if asked else ""
            case e.DeliveryFailed() if event.retry_at is None:
                return f"I could not reach everybody: {_sentence(one_line(event.error))}"
            case _:
                return ""

    def _done(self, event: e.ToolReturned) -> str:
        call = self.thread.state.calls.get(event.call)
        if event.actor.kind == "parley" or call is None or self._is_prefetched(event.call):
            return self._still_waiting() if self._waiting() else ""
        result = event.result.strip()
        line = "; ".join(each.strip() for each in result.splitlines() if each.strip())
        shown = _sentence(line) if len(line) <= 200 else f"\n```\n{result[:1500]}\n```"
        done = self._in_words(call)
        looked = LOOKING & set(words(f"{done} {call.tool.replace('_', ' ')}"))
        return shown.strip() if looked else f"{self._approved(call)}: {done}. {shown}"

    def _approved(self, call: Call) -> str:
        interaction = self.thread.state.interactions.get(call.interaction or "")
        if interaction is None or interaction.by is None:
            return "Done"
        changed = ", who changed it before" if interaction.arguments is not None else ""
        return f"Done, approved by {interaction.by.name or 'a colleague'}{changed}"

    def _in_words(self, call: Call) -> str:
        interaction = self.thread.state.interactions.get(call.interaction or "")
        changed = interaction.arguments if interaction else None
        tool = parse(self.agent, call.tool, call.arguments if changed is None else changed)
        try:
            return one_line(tool.summary()) if isinstance(tool, Tool) else call.tool.replace("_", " ")
        except Exception:  # a tool's own words may raise anything
            return call.tool.replace("_", " ")

    def _decided(self, response: e.HumanResponded) -> str:
        interaction = self.thread.state.interactions.get(response.interaction)
        if interaction is None or not isinstance(self.thread.state.verdicts.get(response.id), Counted):
            return ""
        if response.decision == "denied":
            why = f' and says: "{one_line(response.text)}"' if response.text.strip() else ""
            return f"{response.actor.name or 'A colleague'} denied this{why}. I did not {interaction.asked.text}."
        return f"Noted: {_sentence(response.text)}" if interaction.asked.kind == "outcome" else ""

    # What it knows of itself and of the thread

    def _lost(self) -> str:
        if self._waiting():
            return self._still_waiting()
        return f"I do not know what to do with that. {self._abilities()} {LABEL}"

    def _still_waiting(self) -> str:
        asked = self._waiting()[-1].asked
        return f"This still waits for {' and '.join(asked.audience.names) or 'an answer'}: {_sentence(asked.text)}"

    def _abilities(self) -> str:
        if desks := self._desks():
            return f"I pass you on: {'; '.join(f'{name} for {_first_part(about)}' for name, about in desks.items())}."
        if self._search_tool() is not None and self._colleagues():
            return f"I answer from our articles, and ask {self._colleagues()} where they do not say."
        can = [one_line(spec(tool).description.partition("\n")[0]).rstrip(".") for tool in self.agent.tools]
        if not can:
            return "I can answer and ask people."
        return f"I can {'; '.join(each[:1].lower() + each[1:] for each in can)}."

    def _desks(self) -> dict[str, str]:
        """Other agents, as this one's prompt lists them."""
        found = {name: " ".join(about.split()) for name, about in DESK.findall(self.agent.prompt)}
        return {name: about for name, about in found.items() if name not in self.agent.toolbox}

    def _colleagues(self) -> str:
        found = COLLEAGUES.search(self.agent.prompt)
        return found[1] if found else ""

    def _search_tool(self) -> type[Tool] | None:
        names = ("search", "find")
        return next(
            (each for each in self.agent.tools if spec(each).name.startswith(names) and _only_field(each)), None
        )

    def _searched(self, call: str) -> bool:
        tool, found = self._search_tool(), self.thread.state.calls.get(call)
        return tool is not None and found is not None and found.tool == spec(tool).name

    def _results(self) -> str:
        """What the search since the newest message gave."""
        found = ""
        for event in self._since_reply():
            if isinstance(event, e.MessageReceived | e.MessageEdited):
                found = ""
            elif isinstance(event, e.ToolReturned | e.ToolFailed) and self._searched(event.call):
                found = event.result if isinstance(event, e.ToolReturned) else event.error
        return found

    def _since_reply(self) -> tuple[Event, ...]:
        events = self.thread.events
        last = max((at for at, event in enumerate(events) if isinstance(event, e.Replied | e.Cancelled)), default=-1)
        return events[last + 1 :]

    def _texts(self) -> list[str]:
        """What people said since the last reply and did not take back, the newest first."""
        said: dict[str, str] = {}
        for event in self._since_reply():
            match event:
                case e.MessageReceived():
                    said[event.origin.native or event.id] = event.text.strip() or event.subject
                case e.MessageEdited():
                    said[event.origin.native] = event.text
                case e.MessageDeleted():
                    said.pop(event.origin.native, None)
                case e.HumanResponded() if self._completes(event):
                    said[event.id] = event.text
        return [text for text in reversed(said.values()) if text.strip()]

    def _completes(self, response: e.HumanResponded) -> bool:
        """Whether it is the requester's answer to a question about their own request."""
        asked = self.thread.state.interactions.get(response.interaction)
        return asked is not None and asked.asked.kind == "question" and not asked.asked.audience.names

    def _deleted(self) -> bool:
        return any(isinstance(event, e.MessageDeleted) for event in self._since_reply())

    def _last_message(self) -> e.MessageReceived | None:
        return next((each for each in reversed(self.thread.events) if isinstance(each, e.MessageReceived)), None)

    def _waiting(self) -> list[Interaction]:
        return [each for each in self.thread.state.open_interactions if each.asked.kind in ("question", "approval")]

    def _earlier_call(self) -> tuple[str, dict[str, Any]] | None:
        """The call that a short message may change: the one that waits, else the last one."""
        mine = {spec(tool).name for tool in self.agent.tools}
        waiting = [(each.asked.tool, each.asked.arguments) for each in self._waiting() if each.asked.tool]
        made = [(call.tool, dict(call.arguments)) for call in self.thread.state.calls.values() if call.tool in mine]
        return next(reversed(waiting or made), None)

    def _stale_request(self, returned: e.ToolReturned) -> Interaction | None:
        """A request that still waits although another call has just done what its requester wanted instead."""
        call, texts = self.thread.state.calls.get(returned.call), self._texts()
        meant = self._guess(texts)
        if call is None or meant is None or (meant.named and not OTHERWISE.search(texts[0])):
            return None
        same = [each for each in self._waiting() if each.asked.tool == call.tool and each.asked.call != call.id]
        return same[-1] if same and returned.actor.kind != "parley" else None

    def _asked_already(self) -> bool:
        return any(isinstance(event, e.HumanContacted) and event.kind == "question" for event in self._since_reply())

    def _unreachable(self) -> bool:
        """Asking colleagues was tried and failed."""
        failed = (event for event in self._since_reply() if isinstance(event, e.ToolFailed | e.DeliveryFailed))
        return any(not (isinstance(event, e.ToolFailed) and self._searched(event.call)) for event in failed)

    def _is_prefetched(self, call: str) -> bool:
        return any(
            isinstance(each, e.ToolCalled) and each.call == call and each.prefetched for each in self.thread.events
        )

    def _requester(self) -> str:
        return self.thread.state.requester.name or "Somebody"

    def _letter(self, text: str) -> str:
        """A mail greets whoever wrote it; a message in a thread does not."""
        if not self.thread.state.home.startswith("email:"):
            return text
        name = self.thread.state.requester.name.split()
        hello = f"Hello {name[0]}," if name and name[0].isalpha() else "Hello,"
        return f"{hello}\n\n{text}\n\nIf that does not answer it, simply reply to this mail."


HEARD = (e.MessageReceived, e.MessageEdited, e.MessageDeleted, e.HandedOff, e.Resumed)


def _is_this(waiting: Interaction, meant: Guess) -> bool:
    return not meant.missing and (waiting.asked.tool, waiting.asked.arguments) == (meant.name, meant.arguments)


def _likeness(text: str, name: str, about: str) -> int:
    said = stems(text)
    return 9 * (name in words(text)) + len(said & stems(f"{about} {DESK_WORDS.get(name, '')}"))


def _only_field(tool: type[Tool]) -> str:
    """The name of a read tool's one field, if that is a text."""
    fields = schema_of(tool).get("properties", {})
    if spec(tool).effect != "read" or len(fields) != 1:
        return ""
    name, part = next(iter(fields.items()))
    return str(name) if part.get("type") == "string" and "enum" not in part else ""


def _short(text: str) -> str:
    line = " ".join(text.split())
    return f"“{line if len(line) <= 300 else line[:299] + '…'}”"


def _sentence(text: str) -> str:
    text = text.strip()
    return text if not text or text[-1] in ".!?…" else f"{text}."


def _first_part(text: str) -> str:
    return one_line(re.split(r"[:.]", text)[0])

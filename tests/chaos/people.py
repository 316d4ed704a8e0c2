"""People who talk to Parley: each conversation does what its person would do, and keeps what was acknowledged."""

import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parseaddr
from http.client import HTTPException
from typing import Any, ClassVar

from bot.state import DID_NOT, GO_ON, HAPPENED
from channels.sandbox.slack.roster import Json
from tests.chaos.world import Refused, World
from tests.sandbox.mailside import AGENT
from tests.sandbox.slackside import ANA, BEN, GENERAL

STEPS = ("look", "jot", "stamp", "ship", "ask")
LOOK = 0.4  # seconds between two looks of one person


def plan(chance: random.Random) -> list[str]:
    """Four to six steps, a question and an approval among them."""
    return chance.sample([*chance.choices(STEPS, k=chance.randint(2, 4)), "ask", "ship"], k=4)


@dataclass
class Talk:
    """One conversation. ``said`` are the texts that were acknowledged, ``decided`` the interactions that somebody decided and was not refused."""

    world: World
    name: str
    steps: list[str]
    chance: random.Random
    said: list[str] = field(default_factory=list)
    decided: set[str] = field(default_factory=set)
    later: float = 0.0  # seconds until it begins
    done: bool = False
    troubles: int = 0
    channel: ClassVar[str]

    @property
    def opening(self) -> str:
        return f"{self.name}: {' '.join(self.steps)}."

    def run(self, stop: threading.Event) -> None:
        stop.wait(self.later)
        while not self.said and not stop.wait(LOOK):
            self._patiently(self.begin)
        while not stop.wait(LOOK):
            self._patiently(self.look)

    def _patiently(self, act: Callable[[], None]) -> None:
        """Whatever shows an error is done again at the next look, as people do."""
        try:
            act()
        except (OSError, HTTPException):
            self.troubles += 1

    def begin(self) -> None:
        raise NotImplementedError

    def look(self) -> None:
        """See what is there, and do the next thing."""
        raise NotImplementedError

    def thread(self) -> str | None:
        """The thread's id, as the store knows it."""
        raise NotImplementedError

    def outcome(self, text: str) -> str:
        """The truth about what was interrupted, as somebody finds it out who looks."""
        found = re.search(rf"\b{self.name}\.\d+\b", text)
        did = {deed for deed, _ in self.world.deeds()}
        return HAPPENED if found and found[0] in did else DID_NOT

    def closes(self, text: str) -> bool:
        return f"Done {self.name} " in text


@dataclass
class SlackTalk(Talk):
    """In a thread of #general. Now and then somebody clicks twice, says something in between, or is a stranger."""

    ts: str = ""
    hurried: bool = False
    clicked: set[str] = field(default_factory=set)
    answered: set[str] = field(default_factory=set)
    channel = "slack"

    def begin(self) -> None:
        self.ts = self.world.slack.post(BEN, GENERAL, f"@parley {self.opening}")
        self.said.append(self.opening)

    def look(self) -> None:
        messages = self.world.slack.workspace.records.messages(GENERAL, thread=self.ts)
        ours = [message for message in messages if message.get("bot_id")]
        for message in ours:
            self._act(message)
        if ours and not self.hurried and self.chance.random() < 0.1:
            self._say(f"hurry {self.name}")
            self.hurried = True
        self.done = self.done or any(self.closes(str(message)) for message in ours)

    def _act(self, message: Json) -> None:
        actions = [each["action_id"] for block in message.get("blocks", ()) for each in block.get("elements", ())
                   if "action_id" in each]  # fmt: skip
        text = str(message)
        if "parley:approve" in actions:
            self._click(message, ANA, "parley:approve")
        elif len(actions) == 2 and "parley:choose:0" in actions:
            wanted = self.outcome(text) if DID_NOT in text else GO_ON
            self._click(message, BEN if wanted == GO_ON else ANA, f"parley:choose:{int(wanted == DID_NOT)}")
        elif (question := re.search(r"Which colour for (\w+ \d+)\?", text)) and question[1] not in self.answered:
            self._say(f"blue for {question[1]}")
            self.answered.add(question[1])

    def _click(self, message: Json, who: str, action: str) -> None:
        """A click that shows an error is tried again at the next look; one that counted is sometimes made twice."""
        if message["ts"] in self.clicked and self.chance.random() > 0.1:
            return
        if self.chance.random() < 0.1:
            self.world.slack.click(BEN, GENERAL, message["ts"], action)
        with suppress(StopIteration):  # the button is gone already
            if self.world.slack.click(who, GENERAL, message["ts"], action)["ok"]:
                self.clicked.add(message["ts"])
                block = next(each["block_id"] for each in message["blocks"] if each["type"] == "actions")
                self.decided.add(str(block).split(":")[1])

    def _say(self, text: str) -> None:
        self.world.slack.post(BEN, GENERAL, text, thread_ts=self.ts)
        self.said.append(text)

    def thread(self) -> str | None:
        team = self.world.slack.workspace.app.team
        return self.world.store.find(f"slack:{team}/{GENERAL}/{self.ts}")


@dataclass
class MailTalk(Talk):
    """By mail, as somebody who may approve."""

    me: str = "ana@example.com"
    id: str = ""
    answered: set[str] = field(default_factory=set)
    channel = "email"

    def begin(self) -> None:
        self.id = self.world.mail.send(self.me, AGENT, f"Plan {self.name}", self.opening)
        self.said.append(self.opening)

    def look(self) -> None:
        time.sleep(LOOK * 2)  # reading a whole mailbox is work
        for mail in self._mine():
            if mail["message_id"] not in self.answered and (answer := self._answer(mail["text"])):
                self.answered.add(mail["message_id"])
                to = parseaddr(mail["reply_to"][0])[1]
                self.world.mail.send(self.me, to, mail["subject"], answer, in_reply_to=mail["message_id"])
                self.said.append(answer)
            self.done = self.done or self.closes(mail["text"])

    def _mine(self) -> Iterator[dict[str, Any]]:
        for mail in self.world.mail.messages(self.me):
            if mail["direction"] == "in" and mail["subject"] == f"Re: Plan {self.name}":
                yield mail

    def _answer(self, text: str) -> str:
        if "Reply with APPROVE" in text:
            return "APPROVE"
        if DID_NOT in text:
            return self.outcome(text)
        if GO_ON in text and "Shall I" in text:
            return GO_ON
        question = re.search(r"Which colour for (\w+ \d+)\?", text)
        return f"blue for {question[1]}" if question else ""

    def thread(self) -> str | None:
        return self.world.store.find(f"email:{self.id.strip('<>')}")


@dataclass
class ApiTalk(Talk):
    """Over HTTP, by a script that repeats what was not acknowledged, and sometimes what was."""

    id: str = ""
    channel = "web"

    def begin(self) -> None:
        for _ in range(1 + (self.chance.random() < 0.3)):
            self.id = self._start()
        self.said.append(self.opening)

    def _start(self) -> str:
        while True:
            with suppress(Refused):
                body = {"text": self.opening, "agent": "desk"}
                return str(self.world.api("POST", "/threads", body, **{"Idempotency-Key": self.name})["id"])
            time.sleep(LOOK)

    def look(self) -> None:
        with suppress(Refused):
            shown = self.world.api("GET", f"/threads/{self.id}")
            asked = {each["interaction"]: each for each in shown["events"] if each["type"] == "human_contacted"}
            for id, each in asked.items():
                if id not in self.decided:
                    self.world.api("POST", f"/interactions/{id}/answer", self._decision(each))
                    self.decided.add(id)
            self.done = any(self.closes(each.get("text", "")) for each in shown["events"] if each["type"] == "replied")

    def _decision(self, asked: dict[str, Any]) -> dict[str, str]:
        match asked.get("kind", "question"):
            case "approval":
                return {"decision": "approved"}
            case "outcome":
                return {"decision": "answered", "text": self.outcome(asked["text"])}
            case "limit":
                return {"decision": "answered", "text": GO_ON}
            case _:
                return {"decision": "answered", "text": "blue"}

    def thread(self) -> str | None:
        return self.id


KINDS: tuple[type[Talk], ...] = (SlackTalk, MailTalk, ApiTalk)


def talks(world: World, count: int, over: float) -> list[Talk]:
    """So many conversations: half of them in Slack, the others by mail and over HTTP; they begin within so many seconds."""
    made: list[Talk] = []
    for number in range(count):
        kind = (SlackTalk, MailTalk, SlackTalk, ApiTalk)[number % 4]
        chance = random.Random(world.chance.random())
        later = chance.random() * over
        made.append(kind(world, f"{kind.channel}{number}", plan(chance), chance, later=later))
    return made

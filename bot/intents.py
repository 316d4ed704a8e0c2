"""What every agent can do besides its own tools: reply, contact a human, withdraw a request, hand over, which the rules carry out; and read more."""

from typing import Literal

from pydantic import Field

from bot.tool import Context, Tool


class Intent(Tool, effect="read", intent=True):
    """A choice that the rules carry out themselves; nothing runs."""

    def run(self) -> str:
        raise TypeError("An intent is carried out by the rules, it does not run.")


class Reply(Intent, effect="read", intent=True):
    """Answer the person who wrote to you, in the conversation they wrote from. You are then done for now; any later message continues.
    Open questions and approvals stay open."""

    text: str = Field(description="What they read, as Markdown. Short, concrete, in their language.")


class ContactHuman(Intent, effect="read", intent=True):
    """Ask a person a question and wait for the answer, however long it takes. Use it when you are not sure, when a fact is missing, or when
    somebody else must know."""

    question: str = Field(description="One clear question with what they need to know to answer it.")
    choices: list[str] = Field(default_factory=list, description="Possible answers, if there are few.")
    to: str | None = Field(default=None, description="A person or a group; leave it out to ask whoever wrote to you.")
    urgency: Literal["low", "normal", "high"] = "normal"


class Withdraw(Intent, effect="read", intent=True):
    """Take back a question or an approval request that is still open, because it is no longer needed."""

    interaction: str = Field(description="The id of the question or approval.")


class HandOver(Intent, effect="read", intent=True):
    """Hand this conversation over to another agent whose job it is."""

    agent: str = Field(description="The agent's name.")
    note: str = Field(default="", description="What it should know, in one or two sentences.")


class ReadMore(Tool, effect="read"):
    """Read what you were shown in part: a long message or result, the text files of a message, or an old event of which you see a line."""

    event: int = Field(description="The event's number.")
    start: int = Field(default=0, description="The character to go on from.")

    def run(self, context: Context) -> str:
        return context.recall(self.event, self.start)


INTENTS: tuple[type[Tool], ...] = (Reply, ContactHuman, Withdraw, HandOver)
COMMON: tuple[type[Tool], ...] = (*INTENTS, ReadMore)

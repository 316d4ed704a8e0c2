"""Whether somebody who is known stands for the words that an event brings into the context; otherwise they are strangers' words."""

from bot import events as e
from bot.events import Actor, Event


def vouched(event: Event) -> bool:
    """Whether it shows the model no word of a stranger: of nobody unproven or unknown, of no file, of no untrusted place, tool or mail server."""
    match event:
        case e.MessageReceived():
            return _known(event.actor) and event.origin.trusted and not event.attachments
        case e.MessageEdited() | e.MessageDeleted():
            return _known(event.actor) and event.origin.trusted
        case e.HumanResponded():
            return not says_something(event) or (_known(event.actor) and event.origin.trusted)
        case e.Cancelled() | e.Resumed():
            return _known(event.actor)  # a name is a word as well
        case e.ToolReturned() | e.ToolFailed():
            return event.trusted
        case e.DeliveryFailed():
            return event.retry_at is not None or not event.address.startswith(
                "email:"
            )  # the reason is a foreign server's
        case _:
            return True


def says_something(event: e.HumanResponded) -> bool:
    """Whether there is more to it than a press of a button."""
    return bool(event.text or event.arguments)


def _known(actor: Actor) -> bool:
    """The clock says what bot.toml tells it to say."""
    return actor.kind != "person" or actor.known

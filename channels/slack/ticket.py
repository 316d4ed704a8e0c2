"""What a button carries: which interaction it belongs to, what was shown there, which choice it is. An opaque value, never a proof."""

from dataclasses import dataclass

from pydantic import TypeAdapter

APPROVE, DENY, DENY_NOW, EDIT, CHOOSE, SELECT, OTHER = (
    f"parley:{verb}" for verb in ("approve", "deny", "deny_now", "edit", "choose", "select", "other")
)
"""The action ids; ``CHOOSE`` and ``SELECT`` are followed by a number, since ids are unique in a block."""


@dataclass(frozen=True)
class Ticket:
    thread: str
    interaction: str
    digest: str = ""  # of the tool and arguments that were shown
    choice: int | None = None
    channel: str = ""  # where it was pressed, on tickets that travel through a dialog
    message_ts: str = ""
    thread_ts: str = ""

    def dump(self) -> str:
        return _ticket.dump_json(self, exclude_defaults=True).decode()


_ticket: TypeAdapter[Ticket] = TypeAdapter(Ticket)


def load(value: str) -> Ticket:
    """The ticket in a value. Raises ValueError for anything else."""
    return _ticket.validate_json(value)

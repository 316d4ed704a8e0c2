"""What an event says in full, where the model was shown only its beginning or a line of it; of this thread and no other."""

from collections.abc import Callable, Iterator

from bot import events as e
from bot import trust
from bot.ids import canonical
from bot.intents import ReadMore
from bot.thread import Thread
from bot.tool import Tool

PAGE = 3_500  # characters that one call reads; less than what a result may have before it is cut itself
TEXTUAL = ("text/", "message/rfc822", "application/json", "application/xml", "application/yaml", "application/toml")
WORDS = ("subject", "text", "result", "error", "note", "arguments")

Blobs = Callable[[str], bytes | None]


def recalled(thread: Thread, blobs: Blobs, number: int, start: int) -> str:
    """A page of what the event of this number says. Raises LookupError, in words for the model, where there is no such event or character."""
    if not 0 < number <= len(thread.events):
        raise LookupError(f"There is no event {number}; the last one is {len(thread.events)}.")
    whole = "\n".join(_parts(thread.events[number - 1], blobs))
    if not 0 <= start < max(len(whole), 1):
        raise LookupError(f"Event {number} has {len(whole)} characters; start below that.")
    end = min(start + PAGE, len(whole))
    more = f"; go on with start={end}" if end < len(whole) else ""
    return f"(characters {start} to {end} of {len(whole)}{more})\n{whole[start:end]}"


def vouched(thread: Thread, call: Tool) -> bool:
    """Whether what this call reads was said by people who are known or by tools that are trusted; of other calls their tool says it."""
    if not isinstance(call, ReadMore) or not 0 < call.event <= len(thread.events):
        return True
    return trust.vouched(thread.events[call.event - 1])


def _parts(event: e.Event, blobs: Blobs) -> Iterator[str]:
    if isinstance(event, e.ToolReturned) and event.blob:
        yield _text(blobs(event.blob))
        return
    said = event.model_dump(mode="json", include=set(WORDS))
    yield from (
        said[name] if isinstance(said[name], str) else canonical(said[name]) for name in WORDS if said.get(name)
    )
    for file in getattr(event, "attachments", ()):
        yield f"[{file.name}, {file.media_type}, {file.size} bytes]"
        if file.blob and file.media_type.startswith(TEXTUAL):
            yield _text(blobs(file.blob))


def _text(content: bytes | None) -> str:
    return "(It is not kept any more.)" if content is None else content.decode(errors="replace")

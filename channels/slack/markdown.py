"""Long Markdown in portions that each read well: cut between paragraphs, with code fences closed and opened again and table heads repeated."""

import re
from collections.abc import Iterator

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})(.*)$")
_RULE = re.compile(r"^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$")


def portions(text: str, limit: int) -> list[str]:
    """The text in pieces of at most ``limit`` characters; nothing is left out."""
    pieces: list[str] = []
    for block in _blocks(text):
        for part in _fitting(block, limit):
            if pieces and len(pieces[-1]) + len(part) + 2 <= limit:
                pieces[-1] += f"\n\n{part}"
            else:
                pieces.append(part)
    return pieces


def _blocks(text: str) -> Iterator[str]:
    """Paragraphs, lists, tables and whole fences: what is separated by empty lines outside of code."""
    block: list[str] = []
    fence = ""
    for line in text.split("\n"):
        if not fence and not line.strip():
            if block:
                yield "\n".join(block)
            block = []
            continue
        block.append(line)
        fence = _fence_after(fence, line)
    if block:
        yield "\n".join(block)


def _fence_after(fence: str, line: str) -> str:
    """The fence that is open after this line; empty: none."""
    found = _FENCE.match(line)
    if found is None:
        return fence
    mark, rest = found.groups()
    if not fence:
        return mark if mark[0] == "~" or "`" not in rest else ""
    closes = mark[0] == fence[0] and len(mark) >= len(fence) and not rest.strip()
    return "" if closes else fence


def _fitting(block: str, limit: int) -> Iterator[str]:
    """One block in pieces, by lines; each piece begins with what its lines need in order to be what they are."""
    if len(block) <= limit:
        yield block
        return
    head, end, lines = _frame(block.split("\n"))
    frame = len(head) + len(end)
    if frame > limit // 2:
        head, end, lines, frame = "", "", block.split("\n"), 0
    room = limit - frame
    piece = ""
    for part in (part for line in lines for part in _words(line, room - 1)):
        if piece and len(piece) + len(part) + 1 > room:
            yield f"{head}{piece}{end}"
            piece = ""
        piece = f"{piece}\n{part}" if piece else part
    yield f"{head}{piece}{end}"


def _frame(lines: list[str]) -> tuple[str, str, list[str]]:
    """What goes around every piece of these lines: a fence, or the head of a table."""
    fence = _fence_after("", lines[0])
    if fence:
        closed = _fence_after(fence, lines[-1]) == "" and len(lines) > 1
        return f"{lines[0]}\n", f"\n{fence}", lines[1:-1] if closed else lines[1:]
    if len(lines) > 2 and "|" in lines[0] and _RULE.match(lines[1]):
        return f"{lines[0]}\n{lines[1]}\n", "", lines[2:]
    return "", "", lines


def _words(line: str, limit: int) -> Iterator[str]:
    """One line in pieces, between words where there are any."""
    while len(line) > limit:
        space = line.rfind(" ", limit // 2, limit)
        cut = limit if space < 0 else space + 1
        yield line[:cut]
        line = line[cut:]
    yield line

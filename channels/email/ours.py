"""Which lines of a mail are our own words come back: found word by word, so that rewrapping and restyling hide nothing."""

import re
from collections.abc import Sequence

from channels.email import markup
from channels.email.markup import Line

_RUN = 5  # words in a row that make a text ours
_LONG_RUN = 12  # words that do so on a line of their own, without any sign of quoting
_WORDS = 20_000
_PLACES = 8  # of one run of words in our texts that are compared


def own_lines(lines: Sequence[Line], sent: Sequence[str], top: int) -> set[int]:
    """The indexes of the lines that repeat what we sent.

    Above line `top` nothing looks quoted: there a choice of ours that a person repeats as the answer stays the person's.
    """
    ours = [word for text in sent for word in [*_words(_visible(text)), ""]][:_WORDS]
    theirs = [(word, at) for at, line in enumerate(lines) for word in _words(line.text)][:_WORDS]
    covered = _covered([word for word, _ in theirs], ours)
    counts: dict[int, tuple[int, int]] = {}
    for (_, at), run in zip(theirs, covered, strict=True):
        total, known = counts.get(at, (0, 0))
        touched = run is not None and (at >= top or run[1] - run[0] >= _LONG_RUN or _spans_lines(theirs, run))
        counts[at] = (total + 1, known + touched)
    found = {at for at, (total, known) in counts.items() if known * 5 >= total * 4}
    return found | _between(lines, found)


def _visible(text: str) -> str:
    return markup.to_text(text) if text.lstrip().startswith("<") and "</" in text else text


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _covered(theirs: list[str], ours: list[str]) -> list[tuple[int, int] | None]:
    """For every word of theirs the run (start, end) of words that it shares with ours, if there is a long enough one."""
    length = min(_RUN, max((end - start for start, end in _texts(ours)), default=0))
    places: dict[tuple[str, ...], list[int]] = {}
    for at in range(len(ours) - length + 1):
        gram = tuple(ours[at : at + length])
        if "" not in gram:
            places.setdefault(gram, []).append(at)
    covered: list[tuple[int, int] | None] = [None] * len(theirs)
    at, told = 0, 0  # our words up to `told` were found just before
    while length and at + length <= len(theirs):
        starts = places.get(tuple(theirs[at : at + length]), [])[:_PLACES]
        size, start = max(((_shared(theirs, at, ours, start), start) for start in starts), default=(0, 0))
        # "… or the chair?", answered with "the chair": what we said once was not said twice by us.
        answer = max(told - start, 0) if size and told - start < size else 0
        covered[at + answer : at + size] = [(at + answer, at + size)] * (size - answer)
        at, told = at + (size or 1), start + size if size else 0
    return covered


def _texts(ours: list[str]) -> list[tuple[int, int]]:
    ends = [at for at, word in enumerate(ours) if word == ""]
    return list(zip([0, *(end + 1 for end in ends)], ends, strict=False))


def _shared(theirs: list[str], at: int, ours: list[str], start: int) -> int:
    size = 0
    while at + size < len(theirs) and start + size < len(ours) and theirs[at + size] == ours[start + size]:
        size += 1
    return size


def _spans_lines(theirs: list[tuple[str, int]], run: tuple[int, int]) -> bool:
    return theirs[run[0]][1] != theirs[run[1] - 1][1]


def _between(lines: Sequence[Line], found: set[int]) -> set[int]:
    """Lines without a word (rules, bullets) that stand among ours."""
    wordless: set[int] = set()
    pending: list[int] = []
    last_is_ours = False
    for at, line in enumerate(lines):
        if at in found:
            wordless.update(pending if last_is_ours else [])
            pending, last_is_ours = [], True
        elif line.text.strip() and not _words(line.text):
            pending.append(at)
        elif line.text.strip():
            pending, last_is_ours = [], False
    return wordless.union(pending if last_is_ours else [])

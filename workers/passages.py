"""Finds in the articles of a search the passage that answers a text, or that none does."""

import re
from collections import Counter
from dataclasses import dataclass

from workers.guess import stems

GREETING = re.compile(
    r"^\s*(dear|hello|hallo|hi|hey|good (morning|afternoon|evening|day))\b[^\n,.!?:]{0,40}[,.!:]?\s*", re.IGNORECASE
)
FAREWELL = re.compile(
    r"\b(((best|kind|warm|many) )+(regards|wishes|thanks|greetings)|regards|sincerely|cheers)\b.*", re.I | re.S
)
ARTICLE = re.compile(r"^# (.+?)(?: \([^()]*?(?:; has: ([^()]*))?\))?$", re.MULTILINE)
UNKNOWN = re.compile(r"^No article has: (.+)\.$", re.MULTILINE)
NUMBER = re.compile(r"\b\d{4,}\b")  # an order, an invoice: something that only people can look up


@dataclass(frozen=True)
class Article:
    """One article of a search's result, with those of the searched words that it has."""

    title: str
    text: str
    has: frozenset[str]

    def matches(self, text: str) -> set[str]:
        return set(self.has & set(_spoken(text)))

    def fits(self, text: str, all_of_them: "list[Article]", unknown: set[str]) -> bool:
        """Whether it has most of what was asked, and nothing that only people can look up."""
        asked = set(_spoken(text)) & {*unknown, *(word for each in all_of_them for word in each.has)}
        titled = bool(stems(self.title) & stems(" ".join(self.matches(text))))
        return not NUMBER.search(text) and len(self.matches(text)) > (0.5 if titled else 0.65) * len(asked)

    def passage(self, text: str) -> str:
        """The paragraph that has most of the words, above all the rare ones; steps come with the sentence before them."""
        parts = [part for part in self.text.split("\n\n") if part.strip()] or [self.title]
        wanted = stems(" ".join(self.matches(text)))
        rare = Counter(word for part in parts for word in wanted & stems(part))
        weights = [sum(1 / rare[word] for word in wanted & stems(part)) for part in parts]
        weights[0] += 0.6  # articles begin with what is asked most
        best = weights.index(max(weights))
        first = best - 1 if best and _is_list(parts[best]) else best
        return "\n\n".join(map(_unwrapped, parts[first : best + 1]))


def articles(result: str) -> tuple[list[Article], set[str]]:
    """The articles in a search's result, and the words that none of them has."""
    unknown = {word for line in UNKNOWN.findall(result) for word in line.split(", ")}
    heads = list(ARTICLE.finditer(result))
    ends = [*(head.start() for head in heads[1:]), len(result)]
    return [_article(head, result[head.end() : end]) for head, end in zip(heads, ends, strict=False)], unknown


def _article(head: re.Match[str], text: str) -> Article:
    return Article(head[1], UNKNOWN.sub("", text).strip(), frozenset((head[2] or "").split(", ")))


def core(text: str) -> str:
    """A mail without its greeting and farewell."""
    return FAREWELL.sub("", GREETING.sub("", text)).strip()


def _spoken(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", (core(text) or text).lower())


def _is_list(paragraph: str) -> bool:
    return bool(re.match(r"\s*(\d+\.|[-*]) ", paragraph))


def _unwrapped(paragraph: str) -> str:
    return paragraph if _is_list(paragraph) else " ".join(paragraph.split())

"""Answers customers' mail from a folder of Markdown articles, and asks the support team when they do not say."""

import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from bot import Agent, Tool

ARTICLES = Path(__file__).parent / "articles"
BEST = 3  # articles a search returns
LONGEST = 4000  # characters shown of one article
MOST_WORDS = 32  # of a long mail, its first ones

# Words that are in every mail and say nothing about what it asks.
COMMON = """
    a about after again all also am an and any are as at be been before best but by can could day dear did do does for from get good got
    had has have hello hey hi him his how if in into is it its just kind let like many may me might more much my need no not now of on
    one only or our out please regards she should so some still than thank thanks that the their them then there these they this those
    to too up us very want was we were what when where which who why will with would yes yet you your
"""


@dataclass(frozen=True)
class Article:
    """``file`` holds it; its first heading is the title."""

    file: str
    title: str
    text: str


class SearchArticles(Tool, effect="read"):
    """Find the help articles that answer best to these words. Gives up to three whole articles, and the words that no article has."""

    words: str = Field(description="A few telling words in English, the language of the articles.")

    def run(self) -> str:
        return answer(read(ARTICLES), self.words)


def answer(articles: Iterable[Article], text: str) -> str:
    """The best articles for a text, each with the words of the text that it has, and the words that none of them has."""
    wanted = keywords(text)
    with closing(_index(articles)) as index:
        best = _ranked(index, wanted)
        having = {word: _files(index, word) for word in wanted}
    parts = [_shown(article, [word for word in wanted if article.file in having[word]]) for article in best]
    unknown = [word for word in wanted if not having[word]]
    return "\n\n".join([*(parts or ["No article matches."]), *_none_has(unknown)])


def read(folder: Path) -> list[Article]:
    """Every article of a folder as it is now. Nothing is kept between two searches, so that an edited article counts at once."""
    return [_article(path) for path in sorted(folder.glob("*.md"))]


def keywords(text: str) -> list[str]:
    """The telling words of a text in their order, each once, in lower case: letters and digits only, so that no query syntax is left."""
    words, common = re.findall(r"[^\W_]+", text.lower()), set(COMMON.split())
    return list(dict.fromkeys(word for word in words if len(word) > 1 and word not in common))[:MOST_WORDS]


def first_search(text: str) -> SearchArticles:
    """The search that each first message surely needs."""
    return SearchArticles(words=" ".join(keywords(text)))


def _article(path: Path) -> Article:
    heading, _, rest = path.read_text(encoding="utf-8", errors="replace").strip().partition("\n")
    return Article(path.name, heading.lstrip("# "), rest.strip())


def _index(articles: Iterable[Article]) -> sqlite3.Connection:
    index = sqlite3.connect(":memory:")
    index.execute(
        "CREATE VIRTUAL TABLE articles USING fts5(file UNINDEXED, title, text, tokenize = 'porter unicode61')"
    )
    index.executemany("INSERT INTO articles VALUES (?, ?, ?)", ((a.file, a.title, a.text) for a in articles))
    return index


def _ranked(index: sqlite3.Connection, words: list[str]) -> list[Article]:
    """The best articles that have any of the words; a word in a title weighs four times one in the text."""
    if not words:
        return []
    rows = index.execute(
        "SELECT file, title, text FROM articles WHERE articles MATCH ? ORDER BY bm25(articles, 0, 4, 1), file LIMIT ?",
        (" OR ".join(map(_quoted, words)), BEST),
    )
    return [Article(*row) for row in rows]


def _files(index: sqlite3.Connection, word: str) -> set[str]:
    return {file for (file,) in index.execute("SELECT file FROM articles WHERE articles MATCH ?", (_quoted(word),))}


def _quoted(word: str) -> str:
    return f'"{word}"'  # a string in FTS5's grammar; keywords leaves no quote inside


def _shown(article: Article, words: list[str]) -> str:
    text = article.text if len(article.text) <= LONGEST else article.text[:LONGEST] + " […]"
    return f"# {article.title} ({article.file}; has: {', '.join(words)})\n\n{text}"


def _none_has(words: list[str]) -> list[str]:
    return [f"No article has: {', '.join(words)}."] if words else []


agent = Agent(tools=[SearchArticles], prefetch=[first_search])

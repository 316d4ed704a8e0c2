"""The support agent finds articles by a customer's own words, whatever these are."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.support import (
    ARTICLES,
    BEST,
    LONGEST,
    MOST_WORDS,
    Article,
    SearchArticles,
    agent,
    answer,
    first_search,
    keywords,
    read,
)

SHIPPED = read(ARTICLES)


def first(found: str) -> str:
    return found.splitlines()[0]


@pytest.mark.parametrize(
    ("mail", "file"),
    [
        ("Hello, how long will the delivery of my lamp take? Best regards, Eva Weber", "delivery.md"),
        ("I would like to send the chair back, how do I get a refund?", "returns.md"),
        ("I moved. Can you change the delivery address of order 4417?", "changing-the-address.md"),
        ("Please send me a copy of the invoice for 4392.", "invoice.md"),
        ("Which bulb do I need for the table lamp?", "lamp-bulbs.md"),
        ("The switch is broken. Do I have a warranty?", "warranty.md"),
        ("I cannot assemble the chair, it wobbles", "assembling-the-chair.md"),
        ("Can I pay with PayPal or by bank transfer?", "payment.md"),
        ("Are you open on Saturdays?", "opening-hours.md"),
        ("how often should i oil my oak table", "caring-for-oak.md"),
    ],
)
def test_finds_the_article_that_answers(mail: str, file: str) -> None:
    assert f"({file}; has: " in first(SearchArticles(words=mail).run())


def test_gives_the_whole_article() -> None:
    assert SHIPPED[0].text in answer(SHIPPED, SHIPPED[0].title)


def test_says_which_words_no_article_has() -> None:
    found = answer(SHIPPED, "Do you engrave oak?")
    assert "has: oak)" in first(found)
    assert found.endswith("No article has: engrave.")


@pytest.mark.parametrize("mail", ["Do you sell gift vouchers?", "", "Thank you very much!", "???"])
def test_finds_nothing_where_there_is_nothing(mail: str) -> None:
    assert answer(SHIPPED, mail).startswith("No article matches.")


@pytest.mark.parametrize(
    "hostile",
    [
        '" OR *',
        "chair AND",
        "NEAR(chair, 2)",
        "title:chair",
        "chair*",
        '"',
        "'; DROP TABLE articles; --",
        "(((",
        "^chair",
        "-chair",
        "\0chair",
    ],
)
def test_the_syntax_of_queries_is_only_words(hostile: str) -> None:
    found = answer(SHIPPED, hostile)
    assert ("assembling-the-chair.md" in found) == ("chair" in hostile)


@given(st.text())
def test_any_text_is_a_query(text: str) -> None:
    assert answer(SHIPPED[:2], text)


def test_an_article_is_found_as_soon_as_it_is_written_changed_or_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.support.ARTICLES", tmp_path)
    search = SearchArticles(words="zebra")
    assert search.run().startswith("No article matches.")
    (tmp_path / "animals.md").write_text("# Animals\n\nA zebra.")
    assert first(search.run()) == "# Animals (animals.md; has: zebra)"
    (tmp_path / "animals.md").write_text("# Animals\n\nA horse.")
    assert search.run().startswith("No article matches.")
    (tmp_path / "animals.md").unlink()
    assert search.run().startswith("No article matches.")


def test_a_word_in_the_title_counts_more_than_words_in_the_text() -> None:
    about, beside = Article("a.md", "Dimmers", "All about it."), Article("b.md", "Other", "A dimmer, another dimmer.")
    assert first(answer([beside, about], "dimmer")).startswith("# Dimmers")


def test_word_forms_and_accents_make_no_difference() -> None:
    articles = [Article("cafe.md", "The café", "We deliver beans.")]
    assert "has: cafe, delivering" in first(answer(articles, "cafe delivering"))


def test_returns_few_articles_and_cuts_long_ones() -> None:
    articles = [Article(f"{number}.md", "Oak", "oak " * 4000) for number in range(9)]
    found = answer(articles, "oak")
    assert found.count("has: oak") == BEST
    assert len(found) < BEST * (LONGEST + 100)


def test_the_first_search_holds_the_telling_words_of_the_mail() -> None:
    assert first_search("Hello, which bulb fits my lamp? The LAMP is old.") == SearchArticles(
        words="bulb fits lamp old"
    )
    assert agent.prefetch == (first_search,)


def test_of_a_long_mail_only_the_first_words_are_searched() -> None:
    assert len(keywords(" ".join(f"word{number}" for number in range(10_000)))) == MOST_WORDS

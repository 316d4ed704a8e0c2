"""Long Markdown is cut where it reads well, and nothing of it is lost."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from channels.slack.markdown import portions


def test_a_short_text_stays_as_it_is() -> None:
    assert portions("one\n\ntwo\nthree", 100) == ["one\n\ntwo\nthree"]


def test_it_is_cut_between_paragraphs() -> None:
    assert portions("a" * 30 + "\n\n" + "b" * 30 + "\n\n" + "c" * 30, 70) == ["a" * 30 + "\n\n" + "b" * 30, "c" * 30]


def test_code_is_closed_and_opened_again() -> None:
    code = "```python\n" + "\n".join(f"line {n}" for n in range(40)) + "\n```"
    parts = portions(f"Look:\n\n{code}\n\nDone.", 120)
    assert len(parts) > 2
    for part in parts:
        assert part.count("```") % 2 == 0
        assert len(part) <= 120
    assert [line for part in parts for line in part.split("\n") if line.startswith("line")] == [
        f"line {n}" for n in range(40)
    ]


def test_empty_lines_in_code_are_no_end_of_it() -> None:
    code = "~~~\na\n\nb\n~~~"
    assert portions(f"{'x' * 50}\n\n{code}", 55) == ["x" * 50, code]


def test_a_table_keeps_its_head() -> None:
    head = "| city | people |\n| --- | ---: |"
    table = head + "".join(f"\n| town {n} | {n} |" for n in range(30))
    parts = portions(table, 150)
    assert len(parts) > 2
    assert all(part.startswith(head) and len(part) <= 150 for part in parts)


def test_one_endless_word_is_cut_all_the_same() -> None:
    assert "".join(portions("x" * 1000, 300)) == "x" * 1000


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(["word ", "\n", "\n\n", "```\n", "~~~\n", "| a | b |\n", "|---|---|\n", "x" * 40, "é "]),
        max_size=60,
    )
)
def test_whatever_was_written_every_portion_fits_and_every_word_is_there(pieces: list[str]) -> None:
    text = "".join(pieces)
    parts = portions(text, 90)
    assert all(len(part) <= 90 for part in parts)

    def letters(said: str) -> str:
        return re.sub(r"[^wordxé]", "", said)

    cut = iter(letters("".join(parts)))  # what a table's or a code's lines need is there more than once
    assert all(letter in cut for letter in letters(text))

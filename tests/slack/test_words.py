"""What people are told about an answer, and arguments that hide nothing."""

import pytest

from bot import words
from bot.events import Audience, HumanResponded, Origin
from bot.judge import Counted, NotEntitled, NotUnderstood, Outdated, TooLate, Verdict
from bot.people import Person, Team
from tests.slack.team import ANA, BEN, HOME, TEAM, T, approval, asked, question, thread


def noon(at: float) -> str:
    return "14:05"


REQUEST = thread(asked(), *approval()).state.interactions["t1.2"]
QUESTION = thread(asked(), question()).state.interactions["t1.1"]
ANYBODY = thread(asked(), *approval(audience=Audience())).state.interactions["t1.2"]


@pytest.mark.parametrize(
    ("verdict", "interaction", "told"),
    [
        (TooLate("i", "approved", "Ana Diaz", 1.0), REQUEST, "Ana already approved this at 14:05."),
        (TooLate("i", "denied", "Ana Diaz", 1.0, mine=True), REQUEST, "You already denied this at 14:05."),
        (TooLate("i", "answered", "Sam Kowalski", 1.0), QUESTION, "Sam Kowalski already answered this at 14:05."),
        (TooLate("i", "timed_out", "the clock", 1.0), REQUEST, "Nobody decided in time; it was closed at 14:05."),
        (TooLate("i", "superseded", "Parley", 1.0), REQUEST, "This was replaced by something newer at 14:05."),
        (
            TooLate("i", "withdrawn", "ops", 1.0),
            REQUEST,
            "This was withdrawn at 14:05; there is nothing left to decide.",
        ),
        (NotEntitled("i", ("ops",), True), REQUEST, "Only ops can decide this (Ana, Carl)."),
        (NotEntitled("i", ("ana",), True), REQUEST, "Only Ana can decide this."),
        (NotEntitled("i", ("ana", "support"), True), REQUEST, "Only Ana or support can decide this (Ben, Carl)."),
        (NotEntitled("i", (), False), ANYBODY, "Only this team can decide this (Ana, Ben, Carl)."),
        (NotEntitled("i", (), True), QUESTION, "Only Ben can answer this."),
        (
            NotEntitled("i", ("ops",), True, own_request=True),
            REQUEST,
            "You asked for this yourself, so somebody else has to decide: ops (Ana, Carl).",
        ),
        (
            Outdated("i"),
            REQUEST,
            "This has changed since you saw it. Please read it again and decide on what it says now.",
        ),
        (NotUnderstood("i"), None, "I cannot find this question any more; nothing was decided."),
        (NotUnderstood("i"), REQUEST, "That is no decision: please approve or deny."),
        (NotUnderstood("i"), QUESTION, "That is no answer to this: it takes 4417 or 4392."),
        (Counted("i", "approved"), REQUEST, "Recorded: approved by you, 14:05. I write when it is done."),
        (Counted("i", "denied"), REQUEST, "Recorded: denied by you, 14:05. It will not run."),
        (Counted("i", "answered"), QUESTION, "Recorded: your answer, 14:05."),
    ],
)
def test_everybody_is_told_in_one_sentence(verdict: Verdict, interaction: object, told: str) -> None:
    assert words.about(verdict, interaction, TEAM, noon) == told  # type: ignore[arg-type]


def test_a_verdict_of_the_log_is_told_to_whoever_came_late() -> None:
    def by(user: str, id: str) -> HumanResponded:
        actor = TEAM.actor(f"slack:{T}/{user}", proof="slack")
        return HumanResponded(
            id=id, at=3600.0, actor=actor, interaction="t1.2", decision="approved", origin=Origin(address=HOME)
        )

    state = thread(asked(), *approval(), by(ANA, "h1"), by(BEN, "h2"), by(ANA, "h3")).state
    told = [words.about(state.verdicts[id], state.interactions["t1.2"], TEAM, words.utc) for id in ("h2", "h3")]
    assert told == ["Only ops can decide this (Ana, Carl).", "You already approved this at Thu 01 Jan, 01:00 UTC."]


def test_two_people_of_one_first_name_keep_their_names() -> None:
    team = Team(
        people={
            key: Person(name=name, groups=("ops",))
            for key, name in [("a", "Ana Diaz"), ("b", "Ana Berg"), ("c", "Carl L")]
        }
    )
    assert words.audience(("ops",), team) == "ops (Ana Diaz, Ana Berg, Carl)"


def test_a_large_group_is_not_listed_to_its_end() -> None:
    team = Team(people={f"p{n}": Person(name=f"P{n} X", groups=("ops",)) for n in range(9)})
    assert words.audience(("ops",), team) == "ops (P0, P1, P2, P3, P4, P5 and 3 more)"


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.44, "0.4 s"), (12.3, "12 s"), (89, "89 s"), (180, "3 min"), (7200, "2 h")]
)
def test_a_length_of_time_is_short(seconds: float, said: str) -> None:
    assert words.duration(seconds) == said


@pytest.mark.parametrize(
    ("hidden", "seen"),
    [
        ("pay\u202egnp.exe", "pay⟨U+202E⟩gnp.exe"),
        ("a\u200bb\u00a0c\u3164d", "a⟨U+200B⟩b⟨U+00A0⟩c⟨U+3164⟩d"),
        ("tab\tbell\x07\x1b[31m", "tab⟨U+0009⟩bell⟨U+0007⟩⟨U+001B⟩[31m"),
        ("x\U000e0041\ufe01", "x⟨U+E0041⟩⟨U+FE01⟩"),
        ("Grüße, 東京 ❤\ufe0f", "Grüße, 東京 ❤\ufe0f"),
        ("two\nlines", "two\nlines"),
    ],
)
def test_what_nobody_would_see_is_named(hidden: str, seen: str) -> None:
    assert words.visible(hidden) == seen


@pytest.mark.parametrize(
    ("place", "said"),
    [("slack:#ops", "#ops"), ("slack:dm", "a direct message"), ("email:a@b.c", "an email"), ("slack:C1", "Slack")],
)
def test_a_place_is_called_as_people_call_it(place: str, said: str) -> None:
    assert words.place(place) == said

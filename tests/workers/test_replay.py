"""Replay: a prompt can be tried on threads that really happened."""

from bot import Agent
from tests.stage import Script, Stage, stage
from workers.replay import changed


def talked() -> Stage:
    on = stage(model=[("contact_human", {"question": "Which one?"}), "The first."])
    on.says("one of them")
    on.says("the first")
    return on


def test_the_same_bytes_are_rendered_again() -> None:
    on = talked()
    assert list(changed(on.thread(), on.team, None)) == []


def test_a_changed_prompt_shows_at_every_choice() -> None:
    on = talked()
    on.team = Stage({"desk": Agent()}, Script([])).team.__class__({"desk": Agent().named("desk", "Another prompt.")})
    assert len(list(changed(on.thread(), on.team, None))) == 2


def test_the_model_is_asked_again_and_only_another_choice_is_a_change() -> None:
    on = talked()
    same = Script([("contact_human", {"question": "Which one?"}), "The first."])
    assert list(changed(on.thread(), on.team, same)) == []
    other = Script(["I do not ask.", "The first."])
    assert "I do not ask." in next(iter(changed(on.thread(), on.team, other))).what

"""Timestamps are ids: no two are the same, and none is earlier than one that was given out."""

from channels.sandbox.slack.clock import Clock


def test_ticks_within_one_microsecond_still_differ() -> None:
    clock = Clock("")
    ticks = [clock.tick() for _ in range(5_000)]
    assert ticks == sorted(set(ticks))


def test_a_machine_whose_clock_was_set_back_goes_on_after_its_last_timestamp() -> None:
    assert Clock("9999999998.999999").tick() == "9999999999.000000"

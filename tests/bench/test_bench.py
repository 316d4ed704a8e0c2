"""The bench in a short form: everything is measured, and what a slow machine cannot blur is kept."""

from collections.abc import Iterator

import pytest

from tests.bench import runs
from tests.bench.figures import Figure, quantile, table
from tests.bench.waits import held
from workers.valkey import embedded

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(180),
]  # seconds, on a machine that has other things to do; otherwise it takes twenty


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with embedded(tmp_path_factory.mktemp("bench")) as url:
        yield url


def test_a_run_costs_no_more_in_a_long_thread_than_in_a_short_one(url: str) -> None:
    floor = runs.floor(url, 4)
    short, long = runs.measured(url, 10, 4), runs.measured(url, 1000, 4)
    assert short.known.total < 4 * floor.total
    assert long.known.total < 2 * short.known.total
    assert long.log + long.indexes < 1.2 * (short.log + short.indexes) < 1.2 * 6 * 1024


def test_a_worker_holds_many_waits_and_gives_up_those_that_hang(url: str) -> None:
    found = held(url, 30, seconds=2.0, hang=1, patience=3.0)
    assert found.most >= 10  # how many more depends on how busy the machine is
    assert found.lost == 0
    assert found.megabytes < 600


def test_a_bound_is_kept_or_not_and_both_can_be_seen() -> None:
    figures = [Figure("fast", 0.01234, "s", 0.1), Figure("slow", 3.0, "s", 1), Figure("many", 9, "", 10, "more")]
    assert [each.kept for each in figures] == [True, False, False]
    assert table(figures).startswith("✓  fast  0.0123 s  ≤ 0.1")
    assert quantile([3, 1, 2], 0.5) == 2

"""``python -m tests.bench``: every figure as one JSON line, and all as a table. ``--peers`` adds LangGraph, ``--short`` is quick."""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

from tests.bench import runs
from tests.bench.acknowledge import acknowledged
from tests.bench.figures import Figure, median, quantile, table
from tests.bench.idle import idle
from tests.bench.runs import Cost, Measured
from tests.bench.waits import held
from workers.valkey import embedded

LENGTHS = (10, 100, 1000)
PEER = Path(__file__).with_name("peer.py")
LANGGRAPH = ("langgraph==1.2.22", "langgraph-checkpoint-sqlite==3.1.2")


def main() -> None:
    asked = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    asked.add_argument("--short", action="store_true", help="fewer and shorter measurements")
    asked.add_argument(
        "--peers", type=Path, metavar="FOLDER", help="also LangGraph, in a virtual environment kept here"
    )
    options = asked.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # whatever was started ends as well
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        figures = []
        for figure in measure(Path(folder), short=options.short, peers=options.peers):
            print(figure.line(), flush=True)
            figures.append(figure)
    print(table(figures), file=sys.stderr)


def measure(folder: Path, *, short: bool, peers: Path | None) -> Iterator[Figure]:
    """All figures, in the order of the table."""
    many, rounds = (10, 1) if short else (60, 3)
    with embedded(folder / "valkey") as url:
        at_10 = yield from _costs(url, many, rounds)
        yield from _latencies(url, many)
        yield from _peers(peers, many, at_10) if peers else ()
        yield from _acknowledgements(url, seconds=2 if short else 15)
        yield from _waits(url, threads=20 if short else 150)
    yield from _idleness(seconds=3 if short else 30)


def _costs(url: str, many: int, rounds: int) -> Generator[Figure, None, dict[int, float]]:
    """The floor and our own runs in turn, so that what else the machine does meets both; of each the median round."""
    floors: list[Cost] = []
    ours: dict[int, list[Measured]] = {length: [] for length in LENGTHS}
    for _ in range(rounds):
        floors.append(runs.floor(url, many))
        for length in LENGTHS:
            ours[length].append(runs.measured(url, length, many))
    floor = median([each.total for each in floors])
    yield Figure("cpu_floor", floor, "ms/run", note="two empty RQ jobs")
    known = {length: median([each.known.total for each in ours[length]]) for length in LENGTHS}
    for length in LENGTHS:
        yield from _cost(length, ours[length], known[length])
    yield Figure("cpu_at_10_by_floor", known[10] / floor, "×", 3)
    yield Figure("cpu_at_1000_by_at_10", known[1000] / known[10], "×", 1.3)
    return known


def _cost(length: int, ours: list[Measured], known: float) -> Iterator[Figure]:
    parts = [(each.known.adapter, each.known.worker, each.known.redis) for each in ours]
    adapter, worker, redis = (median(part) for part in zip(*parts, strict=True))
    yield Figure(
        f"cpu_at_{length}", known, "ms/run", note=f"adapter {adapter:.1f}, worker {worker:.1f}, Redis {redis:.1f}"
    )
    yield Figure(f"runs_at_{length}", 1000 / known, "runs/s/core")
    first = median([each.unknown.total for each in ours])
    yield Figure(
        f"cpu_at_{length}_unknown", first, "ms/run", note="the first run after worker and adapter were started"
    )
    log, indexes = median([each.log for each in ours]), median([each.indexes for each in ours])
    yield Figure(
        f"stored_at_{length}", log + indexes, "bytes/run", 5 * 1024, note=f"log {log:.0f}, indexes {indexes:.0f}"
    )


def _latencies(url: str, many: int) -> Iterator[Figure]:
    started, answered = runs.start_latency(url, many), runs.answer_latency(url, many)
    start = 1000 * median(started)
    yield Figure("start_p50", start, "ms", note="an empty RQ job, from enqueuing to its first line")
    yield Figure(
        "answer_p50", 1000 * median(answered), "ms", 3 * start, note="from a reply's arrival to the answer's posting"
    )
    yield Figure("answer_p95", 1000 * quantile(answered, 0.95), "ms")


def _peers(folder: Path, many: int, ours: dict[int, float]) -> Iterator[Figure]:
    python = folder / "langgraph" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(python.parents[1])], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *LANGGRAPH], check=True)
    said = subprocess.run([str(python), str(PEER), str(many), *map(str, LENGTHS)], check=True, capture_output=True)
    for line in map(json.loads, said.stdout.splitlines()):
        length = line["messages"]
        yield Figure(f"langgraph_cpu_at_{length}", line["cpu_ms"], "ms/run", note="SQLite, durability sync, no queue")
        yield Figure(f"langgraph_stored_at_{length}", line["bytes"], "bytes/run")
        least = {10: 1.0, 1000: 5.0}.get(length)
        yield Figure(f"ahead_of_langgraph_at_{length}", line["cpu_ms"] / ours[length], "×", least, "more")


def _acknowledgements(url: str, seconds: int) -> Iterator[Figure]:
    waited = acknowledged(url, 100, seconds)
    yield Figure("ack_p50", 1000 * median(waited), "ms", note="Slack over HTTP, 100 events/s")
    yield Figure("ack_p99", 1000 * quantile(waited, 0.99), "ms", 50)


def _waits(url: str, threads: int) -> Iterator[Figure]:
    found = held(url, threads, seconds=8.0, hang=3, patience=10.0)
    yield Figure("waits", found.most, "threads", threads, "more", note="waiting for a model at once, in one worker")
    yield Figure("waits_memory", found.megabytes, "MB", 600, note="the worker's largest resident size")
    yield Figure("waits_lost", found.lost, "thoughts", 0, note="while others computed, and some calls hung")
    yield Figure(
        "waits_abandoned", found.abandoned, "s", 18, note="until calls that hung, given 10 s, were taken up again"
    )


def _idleness(seconds: float) -> Iterator[Figure]:
    shares = idle(500, seconds)
    parts = ", ".join(f"{name} {100 * share:.2f}" for name, share in sorted(shares.items()))
    yield Figure("idle", 100 * sum(shares.values()), "% of a core", 1, note=f"500 waiting threads: {parts}")


if __name__ == "__main__":
    main()

"""What a system costs in which nothing happens: every process of the Procfile, 500 threads that wait for people, and Redis."""

import os
import tempfile
import time
from pathlib import Path

from bot import events as e
from bot.ids import new_id
from tests.bench.work import TEXT, address, message
from tests.e2e.demo import Demo
from workers.store import RedisStore, connect
from workers.valkey import embedded

TICKS = os.sysconf("SC_CLK_TCK")


def idle(threads: int, seconds: float) -> dict[str, float]:
    """The share of a core that each process of a running demo takes, by its name; without the sandbox, which is the world outside."""
    with tempfile.TemporaryDirectory() as folder:
        demo = Demo(Path(folder))
        demo.start()
        assert demo.process is not None
        try:
            with embedded(Path(folder) / "valkey") as url:
                _wait_for_people(RedisStore(connect(url, timeout=5.0)), threads)
            time.sleep(5.0)  # everybody has looked at everything once
            before = _spent(demo.process.pid)
            time.sleep(seconds)
            after = _spent(demo.process.pid)
        finally:
            demo.stop()
    return {name: (after[name] - before[name]) / seconds for name in after if name in before}


def _wait_for_people(store: RedisStore, threads: int) -> None:
    for number in range(threads):
        id, where = new_id(), address(number)
        key = f"{id}.2.0"
        past = (
            message(where).model_copy(update={"agent": "frontdesk"}),
            e.ToolCalled(id="d1", call="c1", tool="contact_human", arguments={"question": TEXT}, seen=1),
            e.HumanContacted(id="d2", interaction=f"{id}.2", call="c1", surfaces=(where,)),
            e.DeliveryAttempted(id="a1", delivery=key),
            e.Delivered(id="a2", delivery=key, native=f"C1/{number}", shows="00000000"),
        )
        store.create(id, past, [where])


def _spent(demo: int) -> dict[str, float]:
    """Seconds of CPU by process: the demo's children and the store it started."""
    spent = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (found := _name(entry, demo)):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            spent[found] = (int(fields[11]) + int(fields[12])) / TICKS
    return spent


def _name(entry: Path, demo: int) -> str:
    try:
        words = (entry / "cmdline").read_text().split("\0")
        parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return ""
    if parent != demo or len(words) < 4:
        return ""
    return "store" if "valkey" in words[0] else words[3] if words[2] == "bot" else ""

"""What a death costs: a killed worker's threads move on within seconds, and what kills whoever touches it is set aside."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.world import ROOT, World, world

SECONDS = 5.0  # within which the threads of a killed worker move on


@pytest.fixture
def around(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as around:
        yield around


def said(around: World, plan: str) -> str:
    body = {"text": f"talk1: {plan}.", "agent": "desk"}
    return str(around.api("POST", "/threads", body)["id"])


def holders(around: World) -> set[int]:
    return {int(path.name.partition("-")[2]) for path in around.folder.glob("holds-*")}


def status(around: World, id: str) -> str:
    thread = around.store.load(id)
    return thread.state.status if thread else ""


def types(around: World, id: str) -> list[str]:
    thread = around.store.load(id)
    return [event.type for event in thread.events] if thread else []


@pytest.mark.timeout(60)
def test_a_killed_workers_thread_moves_on_within_five_seconds(around: World) -> None:
    around.start("web", "worker", "worker-2")
    id = said(around, "hold look")
    (first,) = around.until(lambda: holders(around), "a worker at it")
    os.kill(first, signal.SIGKILL)
    killed = time.monotonic()
    around.until(lambda: holders(around) - {first}, "another worker at it", SECONDS)
    print(f"\nmoved on after {time.monotonic() - killed:.1f} s")
    (around.folder / "released").touch()
    around.until(lambda: status(around, id) == "done", "the end", 30)


@pytest.mark.chaos
@pytest.mark.timeout(120)
@pytest.mark.parametrize(("poison", "then"), [("die", "done"), ("die_writing", "waiting")])
def test_a_thread_that_kills_whoever_touches_it_is_set_aside_until_somebody_resumes_it(
    around: World, poison: str, then: str
) -> None:
    (around.folder / "poison").touch()
    around.start("web", "worker")
    id = said(around, f"{poison} look")
    around.until(lambda: status(around, id) == "failed", "it to be set aside", 80)
    assert 5 <= (around.folder / "deaths").stat().st_size <= 6  # begun once, and taken up five times
    thread = around.store.load(id)
    assert thread is not None
    assert f"python -m bot resume {id}" in thread.state.failed
    (around.folder / "poison").unlink()
    resume(around, id)  # of what was begun and may have happened people are asked; the rest goes on
    around.until(lambda: "replied" in types(around, id), "the end", 30)
    around.until(lambda: status(around, id) == then, f"it to be {then}")
    assert ("human_contacted" in types(around, id)) == (then == "waiting")


def resume(around: World, id: str) -> None:
    """The command that the notice names, with the agents of the repository: it needs none to resume."""
    config = around.folder / "resume.toml"
    config.write_text((around.folder / "bot.toml").read_text().replace('"desk"', '"frontdesk"'))
    command = [sys.executable, "-m", "bot", "resume", id]
    subprocess.run(command, cwd=ROOT, env=around.environment | {"BOT_CONFIG": str(config)}, check=True, timeout=30)


@pytest.mark.chaos
@pytest.mark.timeout(60)
def test_a_worker_that_is_told_to_stop_writes_down_what_its_tools_did(around: World) -> None:
    around.start("web", "worker")
    id = said(around, "jot jot jot")
    around.until(around.deeds, "a deed")
    worker = around.children["worker"]
    assert worker.process is not None
    around.stopping.set()
    worker.process.send_signal(signal.SIGTERM)
    worker.process.wait(10)
    happened = types(around, id)
    assert happened.count("tool_started") == happened.count("tool_returned") == len(around.deeds())
    assert status(around, id) == "running"

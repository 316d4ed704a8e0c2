"""Nothing is lost and nothing doubled, whatever is killed: many conversations at once with real processes, far sides and a durable store."""

import os
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.show import timeline
from tests.chaos.figures import Figures, count
from tests.chaos.people import Talk, talks
from tests.chaos.world import PROCESSES, World, repeat_and_reorder, world

VICTIMS = (*PROCESSES, "valkey")


@pytest.mark.timeout(90)
def test_nothing_is_lost_or_doubled_while_everything_is_killed_in_turn(tmp_path: Path) -> None:
    storm(tmp_path, conversations=6, kills=6, pause=0.8, settle=40)


@pytest.mark.chaos
@pytest.mark.timeout(600)
def test_nothing_is_lost_or_doubled_in_a_long_storm(tmp_path: Path) -> None:
    storm(tmp_path, conversations=40, kills=50, pause=2.0, settle=120)


def storm(folder: Path, *, conversations: int, kills: int, pause: float, settle: float) -> None:
    """Kill and talk, then let it settle, then count. CHAOS_SEED=… repeats what was killed when."""
    seed = int(os.environ.get("CHAOS_SEED") or random.randrange(10**6))
    print(f"\nCHAOS_SEED={seed}")
    with world(folder, seed) as around:
        around.start(*PROCESSES)
        repeated = repeat_and_reorder(around)
        everybody = talks(around, conversations, kills * pause * 0.8)
        began, stop = time.monotonic(), threading.Event()
        with ThreadPoolExecutor(conversations) as people:
            talking = [people.submit(talk.run, stop) for talk in everybody]
            try:
                kill_at_random(around, kills, pause)
                wait_for_rest(around, everybody, settle)
            finally:
                stop.set()
        figures = count(around, everybody)
        report(around, figures, repeated, time.monotonic() - began)
        for talk in everybody:
            if any(line.startswith(f"{talk.name}:") for line in figures.wrong):
                tell(around, talk)
        for each in talking:
            each.result()
        assert figures.wrong == []


def kill_at_random(around: World, kills: int, pause: float) -> None:
    """Everything at least once, in an order that the seed decides."""
    victims = list(VICTIMS) + around.chance.choices(VICTIMS, k=max(0, kills - len(VICTIMS)))
    around.chance.shuffle(victims)
    for victim in victims:
        time.sleep(pause * (0.5 + around.chance.random()))
        around.kill(victim)


def wait_for_rest(around: World, everybody: list[Talk], seconds: float) -> None:
    """Until every conversation is over and nothing is owed to anybody."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if all(talk.done for talk in everybody) and all(at_rest(around, talk) for talk in everybody):
            return
        time.sleep(0.5)


def at_rest(around: World, talk: Talk) -> bool:
    thread = around.patiently(lambda: around.store.load(talk.thread() or ""))
    posts = thread.state.posts.values() if thread else ()
    resting = thread is not None and thread.state.status == "done"
    return resting and all(post.state not in ("owed", "attempted") or post.address.startswith("web:") for post in posts)


def report(around: World, figures: Figures, repeated: Counter[str], seconds: float) -> None:
    print(f"{seconds:.0f} s, killed {dict(around.killed)}, repeated {dict(repeated)}")
    print(figures)
    for line in figures.wrong:
        print("WRONG", line)


def tell(around: World, talk: Talk) -> None:
    """How a conversation went that did not go well."""
    print(f"\n{talk.name}: said {talk.said}, decided {sorted(talk.decided)}")
    if thread := around.store.load(talk.thread() or ""):
        for at, what, text in timeline(thread):
            print(f"  {at} {what} {text[:150]!r}")

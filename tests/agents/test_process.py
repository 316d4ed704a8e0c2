"""A program runs without a shell, alone in its group, not for ever, and does not say too much."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents._process import LIMIT, Finished, Kept, run


def python(code: str, *arguments: str, seconds: float = 10) -> Finished:
    return run(
        [sys.executable, "-c", code, *arguments], folder=Path.cwd(), environment={"ONLY": "this"}, seconds=seconds
    )


def alive(pid: int) -> bool:
    """Whether a process still runs; one that is dead and only not yet collected does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and state.read_text().rpartition(")")[2].split()[0] in "ZX")


def gone(pid: int) -> bool:
    end = time.monotonic() + 5
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.01)
    return not alive(pid)


# Starts a grandchild that would live for a minute, says its number, and goes on as told.
GRANDCHILD = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(float(sys.argv[1]))
"""


def test_gives_the_status_and_what_was_printed_where() -> None:
    finished = python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    assert finished == Finished(3, "out", "err")


def test_sees_only_the_environment_it_is_given() -> None:
    finished = python("import os; print(sorted(name for name in os.environ if name != 'LC_CTYPE'))")
    assert finished.output == "['ONLY']"


@pytest.fixture
def typed() -> Iterator[None]:
    """Somebody typed something into the terminal that we run in."""
    ours = os.dup(0)
    source, sink = os.pipe()
    os.write(sink, b"secret")
    os.close(sink)
    os.dup2(source, 0)
    yield
    os.dup2(ours, 0)
    os.close(ours)
    os.close(source)


def test_reads_nothing_from_us(typed: None) -> None:
    assert python("import sys; print(repr(sys.stdin.read()))").output == "''"


def test_is_killed_at_the_deadline_with_its_grandchildren() -> None:
    began = time.monotonic()
    finished = python(GRANDCHILD, "60", seconds=1)
    assert finished.status is None
    assert gone(int(finished.output))
    assert time.monotonic() - began < 8


def test_leaves_nothing_running_when_it_ends_early() -> None:
    finished = python(GRANDCHILD, "0")
    assert finished.status == 0
    assert gone(int(finished.output))


def test_a_process_that_left_the_group_is_not_waited_for() -> None:
    began = time.monotonic()
    finished = python(GRANDCHILD.replace('60)"])', '4)"], start_new_session=True)'), "0")
    assert finished.status == 0
    assert time.monotonic() - began < 3.5  # it sleeps for four seconds


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_program_that_prints_without_end_is_stopped_and_cut(stream: str) -> None:
    finished = python(f"import sys\nwhile True: print('x' * 10000, file=sys.{stream})", seconds=0.5)
    assert finished.status is None
    assert LIMIT < len(finished.output + finished.errors) < LIMIT + 100


def test_keeps_the_beginning_and_the_end() -> None:
    finished = python(f"print('first'); print('x' * {LIMIT * 4}); print('last')")
    assert finished.output.startswith("first")
    assert finished.output.endswith("last")
    assert "bytes left out …]" in finished.output


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 30])
@pytest.mark.parametrize("chunk", [1, 3, 100])
def test_what_fits_is_kept_whole_however_it_arrives(size: int, chunk: int) -> None:
    kept, data = Kept(limit=8), b"abcdefghijklmnopqrstuvwxyz1234"[:size]
    for start in range(0, size, chunk):
        kept.add(data[start : start + chunk])
    whole = data.decode()
    assert kept.text() == (whole if size <= 8 else f"{whole[:4]}\n[… {size - 8} bytes left out …]\n{whole[-4:]}")


def test_bytes_that_are_no_text_and_terminal_codes_do_no_harm() -> None:
    finished = python(r"import sys; sys.stdout.buffer.write(b'\x1b[31mred\x1b[0m \xff\x00\x07 end\r\n')")
    assert finished.output == "red \ufffd end"


def test_a_program_that_is_not_there_is_an_error_of_the_system() -> None:
    with pytest.raises(FileNotFoundError):
        run(["no-such-program"], folder=Path.cwd(), environment={}, seconds=1)

"""The embedded Valkey: one server a folder, whoever starts it, however anybody ends."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

from bot.settings import SettingsError
from tests.servers import valkey
from workers.valkey import check, embedded, erase, socket_of


def pid_of(url: str) -> int:
    with Redis.from_url(url) as client:
        return int(client.info("server")["process_id"])


def alive(pid: int) -> bool:
    """Whether it runs; a server whose starter was killed is nobody's child and may stay behind as a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(what: Callable[[], bool], seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until
        time.sleep(0.02)


def answers(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except RedisError:
        return False


@contextmanager
def somebody_else(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that uses the folder until it is killed."""
    code = "import sys,time,pathlib,workers.valkey as v\nwith v.embedded(pathlib.Path(sys.argv[1])) as url: print(url, flush=True); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("unix:")
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_what_was_acknowledged_survives_a_power_cut_and_a_restart(tmp_path: Path) -> None:
    with embedded(tmp_path) as url, Redis.from_url(url) as client:
        client.set("a", "1")
        os.kill(pid_of(url), signal.SIGKILL)
    with embedded(tmp_path) as url, Redis.from_url(url) as client:
        assert client.get("a") == b"1"


def test_it_has_exactly_the_settings_that_durability_needs_and_no_port(tmp_path: Path) -> None:
    with embedded(tmp_path) as url, Redis.from_url(url) as client:
        assert all(finding.good for finding in check(client))
        assert client.config_get("port") == {"port": "0"}
        assert socket_of(tmp_path).stat().st_mode & 0o777 == 0o700
        assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_a_terminals_ctrl_c_does_not_reach_it(tmp_path: Path) -> None:
    with embedded(tmp_path) as url:
        assert os.getpgid(pid_of(url)) != os.getpgid(0)


def test_whoever_comes_later_finds_the_one_that_runs_and_leaves_it_running(tmp_path: Path) -> None:
    with embedded(tmp_path) as url:
        first = pid_of(url)
        with embedded(tmp_path) as again:
            assert pid_of(again) == first
        assert pid_of(url) == first


def test_it_goes_on_for_others_when_its_starter_leaves_and_stops_with_the_last(tmp_path: Path) -> None:
    with somebody_else(tmp_path) as starter, embedded(tmp_path) as url:
        server = pid_of(url)
        starter.send_signal(signal.SIGINT)
        starter.wait(10)
        assert pid_of(url) == server
    assert not alive(server)


def test_a_killed_starter_leaves_a_server_that_the_next_one_finds_and_stops(tmp_path: Path) -> None:
    with somebody_else(tmp_path) as starter:
        with embedded(tmp_path) as url, Redis.from_url(url) as client:
            server = pid_of(url)
            client.set("a", "1")
        assert alive(server)
        starter.kill()
        starter.wait()
        assert alive(server)
        with embedded(tmp_path) as url, Redis.from_url(url) as client:
            assert pid_of(url) == server
            assert client.get("a") == b"1"
        assert not alive(server)


def test_many_who_start_at_once_share_one_server(tmp_path: Path) -> None:
    ready = threading.Barrier(8)

    def use(_: int) -> int:
        with embedded(tmp_path) as url:
            pid = pid_of(url)
            ready.wait()
            return pid

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(use, range(8)))) == 1


def test_a_server_that_dies_is_started_again_while_somebody_uses_it(tmp_path: Path) -> None:
    with embedded(tmp_path) as url, Redis.from_url(url) as client:
        client.set("a", "1")
        first = pid_of(url)
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: answers(client))
        assert client.get("a") == b"1"
        assert pid_of(url) != first


def test_a_folder_with_a_long_name_gets_a_short_socket(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 20) / ("name" * 20)
    with embedded(folder) as url, Redis.from_url(url) as client:
        assert client.ping()
        assert len(str(socket_of(folder))) < 107


def test_a_folder_with_odd_characters_works(tmp_path: Path) -> None:
    with embedded(tmp_path / "my data?#%40 é") as url, Redis.from_url(url) as client:
        assert client.ping()


def test_a_server_that_does_not_start_is_one_sentence_that_names_its_log(tmp_path: Path) -> None:
    (tmp_path / "appendonlydir").write_text("not a directory")
    with pytest.raises(SettingsError, match=r"does not start; its log is .*valkey\.log"), embedded(tmp_path):
        pass


def test_erasing_refuses_while_somebody_uses_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with embedded(folder):
        with pytest.raises(SettingsError, match="in use"):
            erase(folder)
        assert folder.exists()
    erase(folder)
    assert not folder.exists()


def test_what_a_careless_redis_would_lose_is_said_with_the_mend() -> None:
    with valkey(maxmemory_policy="allkeys-lru") as url, Redis.from_url(url) as client:
        bad = [finding.text for finding in check(client) if not finding.good]
        assert [text.rpartition("set ")[2] for text in bad] == [
            "appendonly yes.",
            "appendfsync always.",
            "maxmemory-policy noeviction.",
        ]
        client.replicaof("127.0.0.1", "1")
        assert any("replica" in finding.text for finding in check(client) if not finding.good)

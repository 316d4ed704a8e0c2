"""The process on Socket Mode: an outage is waited out, a dead line is replaced, a refused token ends with a sentence."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.settings import Settings, SettingsError
from channels.slack import socket as slack_socket
from channels.slack.socket import run_socket
from tests.sandbox.slackside import ANA, OPS, eventually, free_port, running_workspace
from tests.slack.desk import TOKENS, Desk, FlakyStore, listening, settings
from tests.slack.team import TEAM


def test_it_waits_for_a_slack_that_is_away_and_then_listens(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()
    store = FlakyStore()
    away = Settings(slack_api_url=f"http://127.0.0.1:{port}/slack/api/", **TOKENS)
    with listening(away, store) as runner:
        eventually(lambda: "Slack cannot be reached" in caplog.text)
        assert runner.is_alive()
        with running_workspace(tmp_path, port=port) as world:
            eventually(lambda: world.workspace.link.is_open)
            ts = world.post(ANA, OPS, "@parley hello")
            assert Desk(world, store).thread_at(OPS, ts)


def test_when_slack_asks_for_a_new_line_it_gets_one(tmp_path: Path) -> None:
    port = free_port()
    store = FlakyStore()
    with running_workspace(tmp_path, port=port) as world, listening(settings(world), store) as runner:
        eventually(lambda: world.workspace.link.is_open)
        world.on_server(world.workspace.link.disconnect())
        ts = world.post(ANA, OPS, "@parley hello")
        assert Desk(world, store).thread_at(OPS, ts)
        assert runner.is_alive()


def test_a_line_that_went_silent_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(slack_socket, "PING", 1.0)
    monkeypatch.setattr(slack_socket, "LOOK", 0.2)
    monkeypatch.setattr(slack_socket, "SILENT", 3.0)
    monkeypatch.setattr("channels.sandbox.slack.link.ACK_SECONDS", 0.5)
    store = FlakyStore()
    with running_workspace(tmp_path) as world, cable(world.url) as (url, cut):
        world.workspace.url = url
        given = settings(world)
        with listening(given, store):
            eventually(lambda: world.workspace.link.is_open)
            cut.set()
            ts = world.post(ANA, OPS, "@parley are you there?")
            assert Desk(world, store).thread_at(OPS, ts)
    assert "opening the line again" in caplog.text


@contextlib.contextmanager
def cable(url: str) -> Iterator[tuple[str, threading.Event]]:
    """A way to a server that can be cut without anybody noticing: what is connected then hears nothing more, new ways work."""
    host, port = url.removeprefix("http://").split(":")
    cut = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    ends: list[socket.socket] = [listener]

    def carry(source: socket.socket, target: socket.socket, mine: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if mine and cut.is_set():
                    continue
                target.sendall(data)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection((host, int(port)))
                ends.extend((near, far))
                old = not cut.is_set()
                threading.Thread(target=carry, args=(near, far, old), daemon=True).start()
                threading.Thread(target=carry, args=(far, near, old), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", cut
    finally:
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@pytest.mark.parametrize("variable", ["slack_bot_token", "slack_app_token"])
def test_a_refused_token_ends_with_a_sentence(tmp_path: Path, variable: str) -> None:
    with (
        running_workspace(tmp_path) as world,
        pytest.raises(SettingsError, match=f"{variable.upper()} is refused by Slack"),
    ):
        run_socket(settings(world, **{variable: "xoxb-wrong"}), TEAM, FlakyStore())


@pytest.mark.parametrize("variable", ["slack_bot_token", "slack_app_token"])
def test_a_missing_token_is_named(variable: str) -> None:
    with pytest.raises(SettingsError, match=f"{variable.upper()} is not set"):
        run_socket(Settings(**{**TOKENS, variable: ""}), TEAM, FlakyStore())

"""The bare websocket of Socket Mode: what travels over it, and who is let in."""

import json
from pathlib import Path
from threading import Thread

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from channels.sandbox.slack.roster import Json
from tests.sandbox.slackside import ANA, APP_TOKEN, OPS, World, eventually, running_workspace


def address(world: World) -> str:
    return str(world.client().apps_connections_open(app_token=APP_TOKEN)["url"])


def frame(socket: ClientConnection) -> Json:
    received: Json = json.loads(socket.recv(timeout=5))
    return received


def test_the_first_frame_greets_and_an_event_waits_for_its_acknowledgement(tmp_path: Path) -> None:
    with running_workspace(tmp_path) as world, connect(address(world), proxy=None) as socket:
        hello = frame(socket)
        assert (hello["type"], hello["num_connections"]) == ("hello", 1)
        ts = world.post(ANA, OPS, "hello")
        envelope = frame(socket)
        assert envelope["payload"]["event"]["ts"] == ts
        assert envelope | {"payload": {}, "envelope_id": ""} == {
            "type": "events_api",
            "envelope_id": "",
            "payload": {},
            "accepts_response_payload": False,
            "retry_attempt": 0,
            "retry_reason": "",
        }
        assert world.workspace.records.queued()
        socket.send(json.dumps({"envelope_id": envelope["envelope_id"]}))
        eventually(lambda: not world.workspace.records.queued())


def test_an_interaction_takes_an_answer_with_its_acknowledgement(tmp_path: Path) -> None:
    with running_workspace(tmp_path) as world, connect(address(world), proxy=None) as socket:
        frame(socket)
        using = Thread(target=world.do, args=["command"], kwargs={"user": ANA, "channel": OPS, "command": "/parley"})
        using.start()
        envelope = frame(socket)
        assert (envelope["type"], envelope["accepts_response_payload"]) == ("slash_commands", True)
        assert "retry_attempt" not in envelope
        socket.send("nonsense")
        socket.send(json.dumps({"envelope_id": envelope["envelope_id"], "payload": {"text": "Looking."}}))
        using.join()
        assert [message["text"] for message in world.messages(ANA, OPS)] == ["Looking."]


def test_a_ticket_admits_one_socket(tmp_path: Path) -> None:
    with running_workspace(tmp_path) as world:
        ticket = address(world)
        with connect(ticket, proxy=None) as socket:
            frame(socket)
            with pytest.raises(InvalidStatus, match="403"):
                connect(ticket, proxy=None)
        with pytest.raises(InvalidStatus, match="403"):
            connect(f"{world.url.replace('http', 'ws')}/slack/link?ticket=guessed", proxy=None)


def test_an_event_is_sent_again_at_once_when_its_socket_closes(tmp_path: Path) -> None:
    with running_workspace(tmp_path) as world:
        with connect(address(world), proxy=None) as socket, connect(address(world), proxy=None) as other:
            frame(socket), frame(other)
            world.post(ANA, OPS, "hello")
            first = frame(socket)
            socket.close()
            second = frame(other)
        assert first["payload"] == second["payload"]
        assert first["envelope_id"] != second["envelope_id"]
        assert (second["retry_attempt"], second["retry_reason"]) == (1, "connection_failed")

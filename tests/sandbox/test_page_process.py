"""`python -m channels.sandbox` as a process: ready, kept, stopped, refused."""

import signal
import socket
import threading
import urllib.request
from pathlib import Path

from tests.sandbox.pageside import launch, sandbox


def ports(ready: str) -> tuple[int, int, int]:
    _, _, url, smtp, imap = ready.split()
    return int(url.rpartition(":")[2]), int(smtp.partition("=")[2]), int(imap.partition("=")[2])


def test_it_says_in_one_line_where_everything_listens(tmp_path: Path) -> None:
    with sandbox(tmp_path) as running:
        assert running.ready.startswith("sandbox ready http://127.0.0.1:")
        for port, greeting in zip(ports(running.ready)[1:], (b"220 ", b"* OK "), strict=True):
            with socket.create_connection(("127.0.0.1", port), 5) as connection:
                assert connection.recv(100).startswith(greeting)


def test_what_was_said_survives_a_kill_and_the_ports_may_stay_the_same(tmp_path: Path) -> None:
    mail = {"from": "ana@example.com", "to": ["ben@example.com"], "subject": "Lamp", "text": "Hello"}
    with sandbox(tmp_path) as running:
        running.post("/sandbox/slack/post", {"user": "U02ANA", "channel": "C0OPS", "text": "still here?"})
        running.post("/sandbox/mail/send", mail)
        taken = ports(running.ready)
        running.process.kill()
    with sandbox(tmp_path, ports=taken) as again:
        assert ports(again.ready) == taken
        _, told = again.get("/sandbox/slack/messages?user=U03BEN&channel=C0OPS")
        assert [message["text"] for message in told["messages"]] == ["still here?"]
        _, mails = again.get("/sandbox/mail/messages?address=ben@example.com")
        assert [mail["subject"] for mail in mails] == ["Lamp"]


def test_it_stops_at_once_on_a_signal_although_a_page_listens(tmp_path: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        with sandbox(tmp_path) as running:
            with urllib.request.urlopen(f"{running.url}/sandbox/stream", timeout=10) as stream:
                assert stream.readline() == b": hello\n"
                rest = threading.Thread(target=stream.read)
                rest.start()
                running.process.send_signal(number)
                assert running.process.wait(1.5) == 0
                rest.join(5)
            assert running.process.stderr
            assert running.process.stderr.read() == ""


def test_a_taken_port_is_one_sentence_that_says_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        for taken, option in (((port, 0, 0), "--port"), ((0, port, 0), "--smtp-port")):
            refused = launch(tmp_path, "http://127.0.0.1:9", taken)
            out, errors = refused.communicate(timeout=20)
            assert (refused.returncode, out) == (1, "")
            assert errors.startswith("sandbox: ")
            assert option in errors
            assert errors.count("\n") == 1

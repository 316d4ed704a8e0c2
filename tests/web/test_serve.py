"""The web process as a process: it stops when told to, whoever is still watching."""

import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from http.client import HTTPResponse

from tests.web.asking import ANA, KEYS

PROGRAM = f"""
import signal
import socket
import sys
from bot.settings import Settings
from channels.web.app import create_app, serve
from tests.web.asking import on_stage
on = on_stage()
settings = Settings(port=int(sys.argv[1]), api_keys={KEYS!r})
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
listener = socket.create_server(("127.0.0.1", settings.port))
serve(create_app(settings, on.team, on.store, model_name="scripted"), listener)
print("put away")
"""


def test_stops_when_told_to_although_somebody_watches() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with subprocess.Popen([sys.executable, "-c", PROGRAM, str(port)], stdout=subprocess.PIPE) as process:
        try:
            with _watching(port):
                process.send_signal(signal.SIGTERM)
                assert process.communicate(timeout=8)[0] == b"put away\n"
        finally:
            process.kill()
    assert process.returncode == 0


def _watching(port: int) -> HTTPResponse:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/stream", headers={"Authorization": f"Bearer {ANA}"})
    end = time.monotonic() + 20
    while True:
        try:
            answer: HTTPResponse = urllib.request.urlopen(request, timeout=10)
            return answer
        except urllib.error.URLError:
            assert time.monotonic() < end, "the web process did not start"
            time.sleep(0.1)

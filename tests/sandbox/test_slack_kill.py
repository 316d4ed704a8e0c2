"""The workspace killed outright: what it had answered is still true afterwards."""

import subprocess
import sys
from pathlib import Path

from channels.sandbox.slack.roster import Json
from tests.sandbox.slackside import ANA, OPS, Page, bolt_app, connected, eventually, free_port, heard, running_workspace

ROOT = Path(__file__).parent.parent.parent

SERVE = """
import sys, threading
from pathlib import Path
from tests.sandbox.slackside import running_workspace
with running_workspace(Path(sys.argv[1]), port=int(sys.argv[2])):
    print("ready", flush=True)
    threading.Event().wait()
"""


def test_a_killed_workspace_comes_back_with_all_that_it_had_answered(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-c", SERVE, str(tmp_path), str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as served:
        try:
            assert served.stdout
            served.stdout.readline()
            page = Page(f"http://127.0.0.1:{port}")
            posted = [page.post(ANA, OPS, f"message {number}") for number in range(20)]
        finally:
            served.kill()
    with running_workspace(tmp_path, port=port) as world:
        assert [message["ts"] for message in world.messages(ANA, OPS)] == posted
        app = bolt_app(world)
        messages: list[Json] = heard(app, "message")
        with connected(app):
            eventually(lambda: len(messages) == 20)
    assert {body["event"]["ts"] for body in messages} == set(posted)

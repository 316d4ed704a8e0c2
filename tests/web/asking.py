"""Somebody asks the web process: its application on a stage, and people with their keys before it."""

import hashlib
from typing import Any

from fastapi.testclient import TestClient

from bot import Agent, Approval, Tool
from bot.settings import Settings
from channels.web.app import create_app
from tests.stage import Script, Stage

HERE = "http://127.0.0.1:8000"
BARE, ANA, BEN = "just-a-key", "the-key-of-ana", "the-key-of-ben"
KEYS = (BARE, f"ana:{ANA}", f"ben:sha256:{hashlib.sha256(BEN.encode()).hexdigest()}")


class Restart(Tool, effect="write", approval=Approval(by="ops")):
    """Restart a service."""

    service: str

    def run(self) -> str:
        return f"restarted {self.service}"


def on_stage(*model: Any) -> Stage:
    """An agent called desk that may restart things, and another one."""
    return Stage({"desk": Agent([Restart]), "other": Agent()}, Script(list(model)))


def asking(on: Stage, key: str = ANA, *, client: str = "127.0.0.1", host: str = HERE, **settings: Any) -> TestClient:
    """A client with this key (empty: none), from this address."""
    app = create_app(Settings(**{"api_keys": KEYS, **settings}), on.team, on.store, model_name="scripted")
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return TestClient(app, base_url=host, client=(client, 50000), headers=headers)


def error(answer: Any) -> tuple[int, str]:
    """Status and sentence of an answer that is an error and nothing else."""
    body = answer.json()
    assert set(body) == {"error"}
    return answer.status_code, body["error"]

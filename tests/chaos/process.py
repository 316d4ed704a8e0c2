"""``python -m tests.chaos.process NAME``: one process of Parley, composed as ever, with the agents of this folder."""

import sys
from pathlib import Path

import agents
from bot.people import assemble, read_config
from bot.settings import read_settings
from workers.assembly import run_process

HERE = Path(__file__).parent


def main(name: str) -> int:
    settings = read_settings()
    known = agents.load(HERE / "prompts", HERE / "agents")
    return run_process(name, settings, assemble(read_config(settings.config), known, str(settings.config)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

"""Agents are modules with a prompt file each; what is wrong with one is said in a sentence."""

import sys
from pathlib import Path

import pytest

from agents import AgentError, load

ROOT = Path(__file__).parents[2]
GOOD = "from bot import Agent\nagent = Agent()\n"


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    prompts, modules = tmp_path / "prompts", tmp_path / "agents"
    prompts.mkdir()
    modules.mkdir()
    return prompts, modules


def refusal(folders: tuple[Path, Path]) -> str:
    with pytest.raises(AgentError) as error:
        load(*folders)
    message = str(error.value)
    assert "\n" not in message
    return message


def test_the_shipped_agents_load_with_the_exact_text_of_their_prompts() -> None:
    agents = load(ROOT / "prompts")
    assert set(agents) == {"frontdesk", "ops", "support"}
    for name, agent in agents.items():
        assert agent.name == name
        assert agent.prompt.encode() == (ROOT / "prompts" / f"{name}.md").read_bytes()


def test_loading_twice_gives_the_same_tools() -> None:
    assert load(ROOT / "prompts") == load(ROOT / "prompts")


def test_the_front_desk_names_every_other_agent() -> None:
    agents = load(ROOT / "prompts")
    for name in set(agents) - {"frontdesk"}:
        assert f"`{name}`" in agents["frontdesk"].prompt


def test_an_agent_is_named_after_its_module_and_keeps_its_line_ends(folders: tuple[Path, Path]) -> None:
    prompts, modules = folders
    (modules / "oncall.py").write_text(GOOD)
    (prompts / "oncall.md").write_bytes("Wach auf.\r\nÄrger.\n".encode())
    assert load(prompts, modules)["oncall"].prompt == "Wach auf.\r\nÄrger.\n"


def test_modules_with_an_underscore_and_folders_are_no_agents(folders: tuple[Path, Path]) -> None:
    prompts, modules = folders
    (modules / "oncall.py").write_text(GOOD)
    (prompts / "oncall.md").write_text("Wake up.")
    (modules / "_shared.py").write_text("raise SystemExit")
    (modules / "data").mkdir()
    (modules / "data" / "tables.py").write_text("raise SystemExit")
    assert list(load(prompts, modules)) == ["oncall"]


def test_a_missing_prompt_names_the_file_to_write(folders: tuple[Path, Path]) -> None:
    prompts, modules = folders
    (modules / "oncall.py").write_text(GOOD)
    assert f"{prompts / 'oncall.md'} is missing; write there" in refusal(folders)


@pytest.mark.parametrize(
    ("content", "said"), [(b" \n", "is empty; write there"), (b"caf\xe9", "is not UTF-8; save it")]
)
def test_a_prompt_that_says_nothing_readable_is_refused(folders: tuple[Path, Path], content: bytes, said: str) -> None:
    prompts, modules = folders
    (modules / "oncall.py").write_text(GOOD)
    (prompts / "oncall.md").write_bytes(content)
    assert said in refusal(folders)


@pytest.mark.parametrize("code", ["", "agent = 'oncall'\n"])
def test_a_module_without_an_agent_is_told_how_to_end(folders: tuple[Path, Path], code: str) -> None:
    (folders[1] / "oncall.py").write_text(code)
    assert "oncall.py defines no agent; end it with agent = Agent(tools=[…])" in refusal(folders)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("\nimport nowhere_at_all\n", "line 2 does not load (ModuleNotFoundError: No module named 'nowhere_at_all')"),
        ("x = 1\n\n\nagent = (\n", "line 4 does not load (SyntaxError: "),
        (
            "from bot import Agent, Tool\n\nclass Page(Tool):\n    reason: str\n",
            "line 3 does not load (TypeError: Page needs a docstring",
        ),
    ],
)
def test_a_module_that_does_not_load_names_the_line(folders: tuple[Path, Path], code: str, said: str) -> None:
    (folders[1] / "oncall.py").write_text(code)
    assert said in refusal(folders)


def test_a_folder_without_agents_says_so(folders: tuple[Path, Path]) -> None:
    assert "holds no agent; write one module there" in refusal(folders)


def test_a_module_of_another_folder_hides_none_of_python(folders: tuple[Path, Path]) -> None:
    import json

    prompts, modules = folders
    (modules / "json.py").write_text(GOOD)
    (prompts / "json.md").write_text("Speak JSON.")
    load(prompts, modules)
    assert sys.modules["json"] is json

"""The code in README and docs is run, so that it stays true."""

import re
from pathlib import Path
from typing import Any

import pytest

import bot.__main__ as front_door
from bot import Agent
from bot.settings import FIELDS
from bot.tool import needed_approval, spec

ROOT = Path(__file__).parents[1]


def python_in(name: str) -> list[str]:
    """The Python blocks of a page, without the indentation that a list gives them."""
    text = (ROOT / name).read_text()
    found = re.findall(r"^( *)```python\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    return [re.sub(f"^{indent}", "", code, flags=re.MULTILINE) for indent, code in found]


def run(code: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "page"}
    exec(compile(code, "a page of the docs", "exec"), names)
    return names


def test_the_readmes_agent_is_one() -> None:
    (code,) = [each for each in python_in("README.md") if "agent = Agent" in each]
    names = run(code)
    assert isinstance(names["agent"], Agent)
    assert names["Page"](reason="fire").summary() == "wake the engineer on call: fire"


def test_the_how_to_for_an_agent_works_with_its_test(monkeypatch: pytest.MonkeyPatch) -> None:
    module, test = python_in("docs/add-an-agent.md")
    names = run(module)
    test = test.replace("from agents.oncall import WhoIsOnCall\n", "")
    checked: dict[str, Any] = {"WhoIsOnCall": names["WhoIsOnCall"]}
    exec(compile(test, "docs/add-an-agent.md", "exec"), checked)
    checked["test_says_who_is_on_call"]()


def test_the_how_to_for_a_tool_declares_what_it_says() -> None:
    (code,) = python_in("docs/add-a-tool.md")
    refund = run(code)["Refund"]
    assert spec(refund).idempotent
    assert needed_approval(refund(order=1, amount=5)) is None
    asked = needed_approval(refund(order=1, amount=500))
    assert asked is not None
    assert (asked.by, asked.self_approval) == (("support",), False)


def test_every_setting_is_in_the_example() -> None:
    example = (ROOT / ".env.example").read_text()
    missing = {name for name in FIELDS if name not in example}
    assert missing <= {"SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SLACK_API_URL"}


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))])
def test_links_of_a_page_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)", (ROOT / page).read_text()):
        assert (ROOT / page).parent.joinpath(target).exists(), f"{page} links to {target}"


def test_the_commands_of_the_readme_exist(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        front_door.main(["--help"])
    known = capsys.readouterr().out
    for command in re.findall(r"python -m bot ([a-z-]+)", (ROOT / "README.md").read_text()):
        assert re.search(rf"^    {command}\s", known, re.MULTILINE), command

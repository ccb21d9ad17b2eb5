"""Commands in the docs exist as written, those that can run here run, and the README's sample is generated output."""

from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from tools.cli import app
from tools.readme import README, made

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
INLINE = re.compile(r"`([^`\n]+)`")
PROGRAMS = (".venv/bin/", "make ", "focus-acceptance ", "python ", "behave ", ".venv\\Scripts\\")
RUN_HERE = ("list", "--version", "--help")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def fenced(text: str) -> Iterator[str]:
    """Lines of the code blocks that are commands."""
    inside = False
    for line in text.splitlines():
        if line.startswith("```"):
            inside = not inside
        elif inside and line.startswith(PROGRAMS):
            yield line.partition("  #")[0].strip()


def commands(page: Path) -> list[str]:
    text = page.read_text(encoding="utf-8")
    inline = (match[1] for match in INLINE.finditer(text) if match[1].startswith(PROGRAMS[:3]))
    return list(dict.fromkeys([*fenced(text), *inline]))


ALL = sorted({(page.relative_to(ROOT).as_posix(), command) for page in PAGES for command in commands(page)})


def problem_with(command: str) -> str | None:
    """The reason why a command of the docs does not exist, or None."""
    words = shlex.split(command, posix="\\" not in command)
    if words[0] == "make":
        return _of_make(words[1:])
    if words[0] in ("focus-acceptance", "python", "behave"):
        return "without .venv/bin it is not found"
    if words[0].endswith("focus-acceptance"):
        return _of_the_cli(words[1:])
    if words[1:2] == ["-m"]:
        name = words[2]
        return None if importlib.util.find_spec(name) else f"there is no module {name}"
    return None if (ROOT / words[1]).is_file() or words[0].endswith("ruff") else f"there is no {words[1]}"


def _of_make(words: list[str]) -> str | None:
    for word in words:
        name, is_set, _ = word.partition("=")
        if is_set and not re.search(rf"\b{name}\b", MAKEFILE):
            return f"the Makefile does not know {name}"
        if not is_set and not re.search(rf"^[^\t#=]*\b{re.escape(name)}\b.*:", MAKEFILE, re.MULTILINE):
            return f"the Makefile has no target {name}"
    return None


def _of_the_cli(words: list[str]) -> str | None:
    """Follow the command line as its parser would, without calling anything."""
    command = typer.main.get_command(app)
    while words and (found := getattr(command, "commands", {}).get(words[0])) is not None:
        command, words = found, words[1:]
    if getattr(command, "commands", None):
        words = [word for word in words if word not in ("--install-completion", "--show-completion", *RUN_HERE)]
        return f"there is no command {words[0]}" if words else None
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    if command.name == "sandbox":
        return None if words[:1] in ([], ["up"], ["down"]) else f"sandbox has no {words[0]}"
    unknown = [word for word in words if word.startswith("-") and word.partition("=")[0] not in {*known, "--help"}]
    return f"{command.name} has no option {unknown[0]}" if unknown else None


@pytest.mark.parametrize(("page", "command"), ALL)
def test_a_command_of_the_docs_exists(page: str, command: str) -> None:
    assert problem_with(command) is None, page


@pytest.mark.parametrize(
    "command",
    [command for _, command in ALL if "focus-acceptance " in command and RUN_HERE[0] in command.split()[1:2]],
)
def test_a_command_that_can_run_here_runs(command: str) -> None:
    assert CliRunner().invoke(app, shlex.split(command)[1:]).exit_code == 0


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("focus-acceptance doctor", "without .venv/bin it is not found"),
        ("make nothing", "the Makefile has no target nothing"),
        ("make acceptance COLOUR=1", "the Makefile does not know COLOUR"),
        (".venv/bin/focus-acceptance lists", "there is no command lists"),
        (".venv/bin/focus-acceptance report opens", "there is no command opens"),
        (".venv/bin/focus-acceptance doctor --fast", "doctor has no option --fast"),
        (".venv/bin/python -m tools.nothing", "there is no module tools.nothing"),
        (".venv/bin/focus-acceptance sandbox off", "sandbox has no off"),
    ],
)
def test_a_command_that_does_not_exist_is_found(command: str, says: str) -> None:
    assert problem_with(command) == says


def test_commands_are_found_in_the_docs() -> None:
    assert {"make acceptance", "make test"} <= {command for page, command in ALL if page == "README.md"}


def test_the_sample_of_the_readme_is_what_the_console_shows_of_the_example_run() -> None:
    assert README.read_text(encoding="utf-8") == made(), "python -m tools.readme makes it"

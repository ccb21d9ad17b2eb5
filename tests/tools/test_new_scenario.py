"""The scenario generator: it writes four pieces, each to its place and valid for its reader."""

from __future__ import annotations

import ast
import shlex
import shutil
from pathlib import Path

import pytest

from support.fault_catalogue import load_catalogue
from support.files import PROJECT
from support.gherkin.documents import read_documents
from tools.gherkin_lint.phrases import compare
from tools.new_scenario import main

FEATURE = "features/job_lifecycle/opening.feature"
ASKED = {
    "--feature": FEATURE,
    "--noun": "job",
    "--fault": "job-id-endless",
    "--notice": "Job ids have forty digits.",
    "--says": "digits",
}
STEPS = ("Given a connected fibre", "When a client opens a live investigation", "Then its job id can be read aloud")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("features", "load", "steps", "environments/sandbox/focus_server/faults"):
        shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "environments/sandbox/faults.toml", tmp_path / "environments/sandbox/faults.toml")
    return tmp_path


def called(root: Path, requirement: str = "JL-03", **changed: str) -> int:
    options = {**ASKED, **{f"--{name}": value for name, value in changed.items()}}
    words = [word for pair in options.items() for word in pair] + [word for step in STEPS for word in ("--step", step)]
    return main([requirement, "A title of an outcome", *words], root)


def test_the_four_pieces_are_where_they_belong(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert called(root) == 0
    told = capsys.readouterr().out
    examples = {e.name: e for d in read_documents(root / "features") for rule in d.rules for e in rule.examples}
    made = examples["A title of an outcome"]
    assert made.id is not None and f"scenario  {FEATURE}: @{made.id}" in told
    assert [step.name for step in made.steps] == [step.partition(" ")[2] for step in STEPS]
    assert compare([*(root / "features").rglob("*.feature"), *(root / "load").rglob("*.feature")], root / "steps") == []
    fault = load_catalogue(root / "environments/sandbox/faults.toml")["job-id-endless"]
    assert (fault.requirement, dict(fault.scenarios)) == ("JL-03", {made.id: "digits"})
    for module in ("steps/job_steps.py", "environments/sandbox/focus_server/faults/answers.py"):
        ast.parse((root / module).read_text())
        assert "NotImplementedError" in (root / module).read_text()


def test_the_command_of_the_page_makes_a_fault_with_what_is_related(root: Path) -> None:
    page = (PROJECT / "docs/writing-a-scenario.md").read_text(encoding="utf-8")
    (line,) = [line for line in page.splitlines() if "-m tools.new_scenario JL-03" in line]
    assert main(shlex.split(line)[3:], root) == 0
    fault = load_catalogue(root / "environments/sandbox/faults.toml")["job-id-endless"]
    assert {"JL-05", "CA-01"} <= set(fault.related) and fault.requirement == "JL-03"


def test_the_next_one_takes_the_next_id(root: Path) -> None:
    assert called(root) == called(root, fault="another-one") == 0
    ids = [e.id for d in read_documents(root / "features") for rule in d.rules for e in rule.examples]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"requirement": "JL-77"}, "JL-77 is not in docs/requirements.toml"),
        ({"fault": "two-jobs-for-one-request"}, "it is in the catalogue already"),
        ({"fault": "Job Id"}, "small letters, digits and hyphens"),
        ({"feature": "features/nothing.feature"}, "there is no file features/nothing.feature"),
        ({"noun": "nothing"}, "there is no file steps/nothing_steps.py"),
        ({"module": "nothing"}, "there is no file environments/sandbox/focus_server/faults/nothing.py"),
    ],
)
def test_what_cannot_be_made_is_one_sentence_and_nothing_is_written(
    root: Path, capsys: pytest.CaptureFixture[str], changed: dict[str, str], says: str
) -> None:
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert called(root, **changed) == 2
    assert says in capsys.readouterr().err
    after = {path: path.read_bytes() for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert after == before

"""The GitHub Actions workflows: pinned actions, least permissions, no secrets, and only make targets as commands.

Windows has no make: the commands of its job are listed here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").iterdir())
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
PINNED_LINE = re.compile(r"\s*(- )?uses: \S+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
MAKE = re.compile(r"make (?P<target>[a-z]+)( [A-Z]+=[\w.@-]+)*")
MORE_PERMISSIONS = {"pages": {"pages": "write", "id-token": "write"}}
JOBS = {
    "static", "tests", "windows", "acceptance", "pages", "faults", "stability", "real", "plan", "shards", "merged",
}  # fmt: skip
IMAGE = re.compile(r"[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}")
WITHOUT_MAKE = {
    "windows": [
        "python tools/setup.py test",
        ".venv/Scripts/python -m pytest -q tests/support",
        ".venv/Scripts/python -m behave -D env=local --dry-run || [ $? -eq 2 ]",
    ]
}


TEXT_OR_NUMBER = {"type": ["string", "number", "boolean"]}
NAMED = {"type": "object", "additionalProperties": TEXT_OR_NUMBER}
SERVICE = {"image": {"type": "string"}, "env": NAMED, "ports": {"type": "array", "items": {"pattern": r"^\d+:\d+$"}}}
STEP = {
    "name": {"type": "string"}, "id": {"type": "string"}, "if": {"type": "string"}, "uses": {"type": "string"},
    "run": {"type": "string"}, "shell": {"enum": ["bash"]}, "with": NAMED, "env": NAMED,
}  # fmt: skip
JOB = {
    "name": {"type": "string"}, "needs": {"type": ["string", "array"]}, "if": {"type": "string"},
    "runs-on": {"enum": ["ubuntu-24.04", "windows-2025"]}, "timeout-minutes": {"type": "integer", "maximum": 360},
    "strategy": {"type": "object"}, "permissions": NAMED, "environment": NAMED, "env": NAMED,
    "services": {"type": "object", "additionalProperties": {
        "type": "object", "properties": SERVICE, "additionalProperties": False, "required": ["image"],
    }},
    "steps": {"type": "array", "minItems": 1, "items": {
        "type": "object", "properties": STEP, "additionalProperties": False,
        "oneOf": [{"required": ["uses"]}, {"required": ["run"]}],
    }},
}  # fmt: skip
SCHEMA = {
    "type": "object", "required": ["name", "on", "permissions", "jobs"], "additionalProperties": False,
    "properties": {
        "name": {"type": "string"}, "on": {"type": "object"}, "permissions": NAMED, "concurrency": NAMED,
        "jobs": {"type": "object", "additionalProperties": {
            "type": "object", "properties": JOB, "additionalProperties": False,
            "required": ["name", "runs-on", "timeout-minutes", "steps"],
        }},
    },
}  # fmt: skip
"""The part of GitHub's syntax that is used here. A misspelt key would be ignored, or refused only on GitHub."""


def targets() -> set[str]:
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert phony is not None
    return set(phony[1].split())


def troubles(text: str) -> Iterator[str]:
    """Errors in a workflow."""
    content = yaml.safe_load(text)
    if content.get("permissions") != {"contents": "read"}:
        yield "the workflow may do more than read"
    if "secrets." in text or "secrets[" in text or "secrets:" in text:
        yield "a secret is used"
    # YAML 1.1 reads the key `on` as a boolean.
    if "pull_request_target" in content[True]:
        yield "pull_request_target runs others' code with our rights"
    for line in text.splitlines():
        if "uses:" in line and not PINNED_LINE.fullmatch(line):
            yield f"not pinned by commit with its version: {line.strip()}"
    for name, job in content["jobs"].items():
        yield from (f"{name}: {trouble}" for trouble in _job_troubles(name, job))


def _job_troubles(name: str, job: dict[str, Any]) -> Iterator[str]:
    if job.get("permissions", {}) != MORE_PERMISSIONS.get(name, {}):
        yield "permissions it does not need"
    if "timeout-minutes" not in job:
        yield "no timeout"
    images = [service["image"] for service in job.get("services", {}).values()]
    images += [step["with"]["node_image"] for step in job["steps"] if "node_image" in step.get("with", {})]
    yield from (f"the image {image} is not pinned by digest" for image in images if not IMAGE.fullmatch(image))
    for step in job["steps"]:
        uses, run = step.get("uses", ""), step.get("run")
        if uses and not PINNED.fullmatch(uses):
            yield f"{uses} is not pinned by commit"
        if "${{" in (run or ""):
            yield f"an expression of GitHub becomes part of a command: {run}"
        if uses.startswith("actions/checkout@") and step.get("with", {}).get("persist-credentials") is not False:
            yield "the checkout leaves its token behind"
        if "upload" in uses and "!cancelled()" not in step.get("if", ""):
            yield "reports of a red run are not kept"
        if run is not None and run not in WITHOUT_MAKE.get(name, ()):
            make = MAKE.fullmatch(run)
            if make is None or make["target"] not in targets():
                yield f"runs something else than a make target: {run}"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_written_in_the_syntax_of_github(path: Path) -> None:
    assert list(syntax_errors(path.read_text(encoding="utf-8"))) == []


def syntax_errors(text: str) -> Iterator[str]:
    content = yaml.safe_load(text)
    content["on"] = content.pop(True)
    yield from (error.message for error in Draft202012Validator(SCHEMA).iter_errors(content))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("timeout-minutes: 15", "timeout_minutes: 15"),
        ("      - run: make lint", "      - runs: make lint"),
        ("          - 27017:27017", "          - mongodb"),
        ("        image: mongo:8", "        picture: mongo:8"),
        ("    services:\n", "    service:\n"),
    ],
)
def test_a_slip_in_the_syntax_is_found(old: str, new: str) -> None:
    assert old in TEXT
    assert list(syntax_errors(TEXT.replace(old, new, 1)))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_keeps_the_rules(path: Path) -> None:
    assert list(troubles(path.read_text(encoding="utf-8"))) == []


TEXT = (ROOT / ".github" / "workflows" / "acceptance.yml").read_text(encoding="utf-8")
CONTENT = yaml.safe_load(TEXT)


def test_everything_that_is_to_run_has_its_job() -> None:
    assert set(CONTENT["jobs"]) == JOBS
    for name, job in CONTENT["jobs"].items():
        needed = job.get("needs", [])
        assert {needed} if isinstance(needed, str) else set(needed) <= JOBS, name
    runs = {name: [step["run"] for step in job["steps"] if "run" in step] for name, job in CONTENT["jobs"].items()}
    assert {name: runs.pop(name) for name in WITHOUT_MAKE} == WITHOUT_MAKE
    made = {run.split()[1] for several in runs.values() for run in several}
    assert made == {
        "lint", "test", "nightly", "acceptance", "faults", "repeat", "real", "plan", "shard", "merge",
    }  # fmt: skip


def test_the_published_site_has_the_history_and_the_last_matrix() -> None:
    """History and matrix are restored before the run makes the site, and saved by the jobs that make them."""
    steps = CONTENT["jobs"]["acceptance"]["steps"]
    run = next(number for number, step in enumerate(steps) if step.get("run") == "make acceptance")
    restored = [step["with"]["path"] for step in steps[:run] if "cache/restore@" in step.get("uses", "")]
    assert restored == ["reports/history/", "reports/faults/"]
    kept = {
        (job, step["with"]["path"])
        for job in ("acceptance", "faults")
        for step in CONTENT["jobs"][job]["steps"]
        if "cache/save@" in step.get("uses", "")
    }
    assert kept == {("acceptance", "reports/history/"), ("faults", "reports/faults/")}


def share_troubles(jobs: dict[str, Any]) -> Iterator[str]:
    """Errors in the shares: the matrix must match the plan, and all shares must be merged, including red ones."""
    plan, shards, merged = jobs["plan"], jobs["shards"], jobs["merged"]
    (planned,) = re.findall(r"make plan SHARDS=(\d+)", "\n".join(step.get("run", "") for step in plan["steps"]))
    strategy = shards["strategy"]
    if strategy["matrix"]["index"] != list(range(int(planned))):
        yield f"the plan has {planned} shares, the matrix {strategy['matrix']['index']}"
    if strategy.get("fail-fast") is not False:
        yield "a red share ends the others"
    if shards.get("env") != {"INDEX": "${{ matrix.index }}"}:
        yield "a share does not know its index"
    if (shards["needs"], merged["needs"]) != ("plan", "shards") or "!cancelled()" not in merged.get("if", ""):
        yield "the order of plan, shares and merge is another, or a red share is not merged"
    if _handed(plan) != [("plan", "reports/plan.json")] or _taken(shards) != [("plan", "reports/")]:
        yield "the shares do not follow the plan"
    if _handed(shards) != [("shard-${{ matrix.index }}", "reports/shards/")]:
        yield "a share does not hand over its reports"
    if _taken(merged) != [("shard-*", "reports/shards/")]:
        yield "not every share is merged"


def _handed(job: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (step["with"]["name"], step["with"]["path"])
        for step in job["steps"]
        if "upload-artifact" in step.get("uses", "")
    ]


def _taken(job: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (step["with"].get("name") or step["with"].get("pattern"), step["with"]["path"])
        for step in job["steps"]
        if "download-artifact" in step.get("uses", "")
    ]


def test_the_shares_of_the_matrix_are_those_of_the_plan_and_are_merged() -> None:
    assert list(share_troubles(CONTENT["jobs"])) == []


@pytest.mark.parametrize(
    ("old", "new", "trouble"),
    [
        ("index: [0, 1, 2]", "index: [1, 2, 3]", "the plan has 3 shares"),
        ("SHARDS=3", "SHARDS=4", "the plan has 4 shares"),
        ("fail-fast: false  # a red share", "fail-fast: true  # a red share", "a red share ends the others"),
        ("      INDEX: ", "      SHARE: ", "a share does not know its index"),
        ("needs: shards\n", "needs: plan\n", "the order of plan"),
        ("!cancelled() && needs.shards", "success() && needs.shards", "the order of plan"),
        ("name: shard-${{ matrix.index }}", "name: shard", "a share does not hand over its reports"),
        ("pattern: shard-*", "pattern: shard-0", "not every share is merged"),
        ("path: reports/plan.json", "path: plan.json", "the shares do not follow the plan"),
    ],
)
def test_a_matrix_that_loses_a_share_is_found(old: str, new: str, trouble: str) -> None:
    assert old in TEXT
    found = list(share_troubles(yaml.safe_load(TEXT.replace(old, new))["jobs"]))
    assert any(one.startswith(trouble) for one in found), found


def test_one_action_has_one_version() -> None:
    used = set(re.findall(r"uses: (\S+)@([0-9a-f]{40}) # (v\S+)", TEXT))
    assert len({name for name, *_ in used}) == len(used)


@pytest.mark.parametrize("job", ["stability", "real", "plan"])
def test_the_nightly_run_reaches_the_job(job: str) -> None:
    assert CONTENT[True]["schedule"] and "schedule" in CONTENT["jobs"][job]["if"]


@pytest.mark.parametrize(
    ("old", "new", "trouble"),
    [
        ("permissions:\n  contents: read\n", "permissions: write-all\n", "the workflow may do more than read"),
        ("permissions:\n  contents: read\n", "", "the workflow may do more than read"),
        ("@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2", "@v4", "static: actions/checkout@v4 is not pinned"),
        (" # v4.2.2", "", "not pinned by commit with its version"),
        ("persist-credentials: false", "fetch-depth: 1", "static: the checkout leaves its token behind"),
        ("run: make lint", "run: make lint && curl -s https://x", "static: runs something else than a make target"),
        ("run: make lint", "run: make lint TAGS=${{ github.head_ref }}", "static: runs something else"),
        ("run: make lint", "run: make lint N=${{ matrix.n }}", "static: an expression of GitHub becomes part"),
        ("run: make lint", "run: python tools/setup.py test", "static: runs something else than a make target"),
        ("run: make lint", "run: make deploy", "static: runs something else than a make target: make deploy"),
        ("    timeout-minutes: 15\n", "", "static: no timeout"),
        ("    if: ${{ !cancelled() }}\n        uses: actions/upload-artifact", "    uses: actions/upload-artifact",
         "acceptance: reports of a red run are not kept"),
        ("  pull_request:\n", "  pull_request_target:\n", "pull_request_target runs others' code"),
        ("    needs: static\n", "    needs: static\n    permissions: write-all\n", "tests: permissions it does"),
        ("mongo:8.0@sha256:", "mongo:8.0@sha257:", "real: the image mongo:8.0@sha257:"),
        ("node:v1.34.0@sha256:7416", "node:v1.34.0#7416", "real: the image kindest/node:v1.34.0#7416"),
        ("run: make lint", "run: make lint\n        env:\n          T: ${{ secrets.TOKEN }}", "a secret is used"),
    ],
)  # fmt: skip
def test_a_workflow_that_breaks_a_rule_is_found(old: str, new: str, trouble: str) -> None:
    assert old in TEXT
    found = list(troubles(TEXT.replace(old, new, 1)))
    assert any(one.startswith(trouble) for one in found), found

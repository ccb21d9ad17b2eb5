"""Runs under production's policy load nothing, write nothing but the release of their own jobs, and are green.

They use a sandbox behind relays that count the requests. By default only the areas run whose steps measure or disturb;
``PRODUCTION_POLICY=all`` runs the whole default selection.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.config.models import WITHOUT_LOAD
from tests.endings.killed_site import site
from tests.endings.relays import Relays, relays
from tests.endings.test_run_endings import ROOT, Behave, WarmBehave

FORBIDDEN = {f"FOCUS__SAFETY__{name}": "false" for name in ("LOAD", "DISRUPTIVE", "WRITES_DATABASE")}
WHOLE = os.environ.get("PRODUCTION_POLICY") == "all"
THROUGH_A_HOST = "@IN-07a"
"""Left out: the sandbox's hosts lead to its API server directly and not through a relay."""
SELECTION = f"not (@wip or @quarantine or {THROUGH_A_HOST})" if WHOLE else "@CA or @PF or @SB"


@pytest.fixture
def between(tmp_path: Path) -> Iterator[Relays]:
    with site(tmp_path) as sandbox, relays(sandbox.run_file, tmp_path) as found:
        yield found


@pytest.mark.parametrize("parallel", [pytest.param(1, marks=pytest.mark.nightly), 3])
def test_the_default_selection_is_green_and_asks_for_no_load(tmp_path: Path, between: Relays, parallel: int) -> None:
    (folder := tmp_path / "run").mkdir()
    userdata = ("-D", "publish=record", "-D", f"parallel={parallel}", "-D", f"sandbox_run_file={between.run_file}")
    run = WarmBehave(folder, *userdata, f"--tags={SELECTION}", **FORBIDDEN)
    code, errors = run.end()
    print("\n".join(counted(between)))
    by_id = {scenario["id"]: scenario["status"] for scenario in run.record()["scenarios"]}
    reasons = [(one["id"], one["reason"]) for one in run.record()["scenarios"] if one["status"] in ("failed", "error")]
    assert (code, errors, reasons) == (0, "", [])
    assert by_id["CA-02a"] == "passed" and by_id["CA-01a"] == by_id["PF-01a"] == "skipped"
    assert 0 < between.openings <= WITHOUT_LOAD["openings_in_all"]
    assert between.server.at_once <= WITHOUT_LOAD["requests_at_once"]
    assert between.writes_beyond_releases == []
    assert between.writes_to_the_index == []


@pytest.mark.skipif(not WHOLE, reason="a part of the whole selection: PRODUCTION_POLICY=all runs it")
def test_the_cluster_is_examined_through_a_host(tmp_path: Path) -> None:
    assert Behave(tmp_path, "-D", "publish=record", f"--tags={THROUGH_A_HOST}", **FORBIDDEN).end() == (0, "")


def test_the_relays_see_what_is_forbidden_there(tmp_path: Path, between: Relays) -> None:
    (folder := tmp_path / "run").mkdir()
    run = WarmBehave(folder, "-D", f"sandbox_run_file={between.run_file}", "--tags=@SB-04a or @PV-06b")
    assert run.end() == (0, "")
    kinds = {asked.partition("?")[0].rpartition("/")[0].rpartition("/")[2] for asked in between.writes_beyond_releases}
    assert "POST /api/v1/namespaces/panda/resourcequotas" in between.writes_beyond_releases, kinds
    assert between.writes_to_the_index == ["delete", "insert"]


TAGS = re.compile(r" @(load|slow|disruptive|writes_database|needs_baseline)\b")


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("tags", "openings"),
    [
        ("@SB-05d or @PF-01a or @PF-02 or @PF-03a or @SB-02a", 0),
        ("@CA-01a or @CA-03a or @CA-04a or @CA-08a", 1),  # the growth of CA-03 begins with one, which is no load
    ],
)
def test_without_its_tags_load_is_refused_by_the_clients(
    tmp_path: Path, between: Relays, tags: str, openings: int
) -> None:
    """Run copies of the load features without the tags that exclude them from production."""
    project = tmp_path / "project"
    project.mkdir()
    for name in ("steps", "support", "environments", "environment.py", "docs"):
        (project / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "pyproject.toml", project)
    shutil.copytree(ROOT / "features", project / "features")
    for feature in (project / "features").rglob("*.feature"):
        feature.write_text(TAGS.sub("", feature.read_text()))
    (folder := tmp_path / "run").mkdir()
    userdata = ("-D", "publish=record", "-D", f"sandbox_run_file={between.run_file}")
    run = Behave(folder, *userdata, f"--tags={tags}", folder=project, **FORBIDDEN)
    code, errors = run.end()
    assert code == 1, errors
    scenarios = run.record()["scenarios"]
    reasons = {scenario["id"]: scenario["reason"] or "" for scenario in scenarios}
    assert len(reasons) >= 4
    assert {name: reason for name, reason in reasons.items() if "does not permit to" not in reason} == {}
    print("\n".join(counted(between)))
    assert (between.openings, between.server.at_once) == (openings, openings)
    assert max(between.server.asked.values()) <= len(reasons), between.server.asked
    assert between.writes_beyond_releases == []


def counted(between: Relays) -> Iterator[str]:
    """The counts of the relays as lines of a table."""
    asked = (between.server.asked.total(), between.cluster.asked.total(), between.index.asked.total())
    yield f"| asked: Focus Server, Kubernetes, MongoDB | {asked[0]}, {asked[1]}, {asked[2]} |"
    yield f"| openings | {between.openings}, at once at most {between.server.at_once} |"
    writes, beyond = sum(between.writes_to_the_cluster.values()), len(between.writes_beyond_releases)
    yield f"| removals in Kubernetes of what an own investigation started | {writes - beyond} |"
    yield f"| writes to Kubernetes beyond these | {beyond} |"
    yield f"| writes to MongoDB | {len(between.writes_to_the_index)} |"

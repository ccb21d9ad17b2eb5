"""``make acceptance`` on a site asks for the site's name before it loads or disrupts it.

It first lists what would load or disrupt the site. Someone who only copies a command therefore does neither. The site
is a sandbox behind an environment file of kind staging, in a copy of the project.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.endings.killed_site import Site, site
from tests.endings.site_file import ROOT, site_of, write_site_file

pytestmark = pytest.mark.nightly
TAGS = "@IN-01a or @SB-05d or @RS-01a"
"""One scenario of each kind: one without side effects, one that loads, one that takes MongoDB away."""
DOES = "this run will open up to 200 investigations at once, take parts of it away and restart its server on A site"


class Project:
    """A copy of this project with an environment ``staging`` on this machine."""

    def __init__(self, folder: Path, sandbox: Site) -> None:
        self.folder, self.reports = folder, folder / "reports"
        unwanted = shutil.ignore_patterns("__pycache__", "staging.yaml", "production.yaml")
        for name in ("support", "environments"):
            shutil.copytree(ROOT / name, folder / name, ignore=unwanted)
        for name in ("steps", "features", "docs", "requirements", "environment.py"):
            (folder / name).symlink_to(ROOT / name)
        for name in ("Makefile", "pyproject.toml"):
            shutil.copy(ROOT / name, folder)
        data, self._variables = site_of(sandbox.run_file, folder, "staging")
        data["safety"]["writes_database"] = False
        write_site_file(data, folder / "environments" / "staging.yaml")

    def make(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run ``make acceptance ENV=staging`` with the installation of the tests."""
        command = ["make", "-o", ".venv/.run-ready", f"BIN={Path(sys.executable).parent}", "acceptance", "ENV=staging"]
        kept = {name: value for name, value in os.environ.items() if name != "FOCUS_CONFIRM"}
        return subprocess.run(
            [*command, f"TAGS={TAGS}", *words],
            cwd=self.folder, env={**kept, **self._variables, **variables},
            capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip

    def statuses(self) -> dict[str, str]:
        content = json.loads((self.reports / "run.json").read_text())
        return {scenario["id"]: scenario["status"] for scenario in content["scenarios"]}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("sandbox")) as one:
        yield one


@pytest.fixture
def project(sandbox: Site, tmp_path: Path) -> Project:
    return Project(tmp_path, sandbox)


@pytest.mark.parametrize("words", [(), ("CONFIRM=production",)])
def test_without_its_name_nothing_is_touched(project: Project, sandbox: Site, words: tuple[str, ...]) -> None:
    done = project.make(*words)
    told, made = done.stderr.splitlines()
    given = ", not production" if words else ""
    assert done.returncode == 2 and done.stdout == "" and made.startswith("make: *** ")
    assert told.startswith(f"{DOES} (staging): confirm that with -D confirm=staging{given} (make: CONFIRM=staging), or")
    assert not (project.reports / "run.json").exists() and sandbox.facts() == sandbox.before


def test_with_its_name_it_says_what_it_does_and_does_it(project: Project, sandbox: Site) -> None:
    done = project.make("CONFIRM=staging")
    assert done.stdout.splitlines()[0] == f"{DOES} (staging)", done.stderr
    assert (done.returncode, project.statuses()) == (0, dict.fromkeys(["IN-01a", "SB-05d", "RS-01a"], "passed"))
    assert sandbox.facts() == sandbox.before


def test_openings_in_the_middle_of_an_outage_are_found_where_others_work_too(project: Project) -> None:
    """Such a site is not exclusive, so jobs are recognised by the channels of the run."""
    done = project.make("CONFIRM=staging", "TAGS=@RS-04e or @RS-04f")
    assert (done.returncode, project.statuses()) == (0, {"RS-04e": "passed", "RS-04f": "passed"}), done.stdout

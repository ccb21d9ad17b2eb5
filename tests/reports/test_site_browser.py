"""The site in a real browser, where one is installed: the policy of the pages lets their own script and style work."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from site_project import SiteProject, result

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# Nothing may leave the machine: no service of the browser is on, and every name and proxy leads nowhere.
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--proxy-server=http://127.0.0.1:9",
    "--dump-dom",
    "--enable-logging=stderr",
)


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
@pytest.mark.parametrize("name", ["index.html", "area-job_lifecycle.html"])
def test_the_page_runs_its_own_script_and_nothing_is_refused(tmp_path: Path, name: str) -> None:
    site = SiteProject(tmp_path).make(result(), result("JL-01b", "failed"))
    command = [str(BROWSER), *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", (site / name).as_uri()]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "Content Security Policy" not in ended.stderr
    assert "Uncaught" not in ended.stderr
    assert "JL-01b" in ended.stdout
    assert ('class="find" role="search" hidden' in ended.stdout) is False

"""Makes Allure's own report as one page, with the npm tool ``allure`` (version 3), without requests to the network."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from support.files import write_atomically

_TIMEOUT_S = 120
_ANALYTICS = (
    re.compile(r'<script[^>]*\bsrc="https?://[^"]*googletagmanager[^"]*"[^>]*>\s*</script>'),
    re.compile(r"<script>(?:(?!</script>).)*\bgtag\((?:(?!</script>).)*</script>", re.DOTALL),
)
_REMOTE = re.compile(r'<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)="(https?://[^"]*)"')
# Prevents the browser from loading remote resources, even if a later version of the tool refers to some.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' data: blob:; style-src 'unsafe-inline' data:; "
    "img-src data: blob:; font-src data:; media-src data: blob:; frame-src data: blob:; worker-src data: blob:; "
    "connect-src data: blob:"
)


class AllureError(Exception):
    """The page cannot be made. The message is one sentence."""


def write_allure_html(results: Path, page: Path, title: str) -> None:
    """Make the page from a folder of results. Raises :class:`AllureError` if the tool is missing or fails, and if the
    page would load remote resources."""
    tool = shutil.which("allure")
    if tool is None:
        raise AllureError("the npm tool allure is not installed (npm install -g allure), so there is no page of it")
    if not any(results.glob("*-result.json")):
        raise AllureError(f"{results}: there are no results")
    with tempfile.TemporaryDirectory() as folder:
        configuration = Path(folder) / "allurerc.json"
        configuration.write_text(json.dumps({"categories": _categories(results)}), encoding="utf-8")
        command = [tool, "awesome", "--single-file", "--report-name", title, "--group-by", "epic,feature,story"]
        command += [
            "--config",
            str(configuration),
            "--cwd",
            folder,
            "--output",
            f"{folder}/report",
            str(results.resolve()),
        ]
        _run(command)
        made = Path(folder) / "report" / "index.html"
        if not made.is_file():
            raise AllureError("allure made no page: is it version 3?")
        write_atomically(page, self_contained(made.read_text(encoding="utf-8")))


def self_contained(html: str) -> str:
    """Remove the analytics of a page and add a policy that forbids it to fetch anything."""
    for pattern in _ANALYTICS:
        html = pattern.sub("", html)
    remote = _REMOTE.search(html)
    if remote is not None:
        raise AllureError(f"the page of allure would fetch {remote[1]}, so it is not kept")
    policy = f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    with_policy, heads = re.subn(r"<head>", f"<head>{policy}", html, count=1)
    if heads != 1:
        raise AllureError("the page of allure has no head, so it is not kept")
    return with_policy


def _categories(results: Path) -> Any:
    """Return the categories of the results. Version 2 of Allure reads their file itself, version 3 needs them in its
    configuration."""
    path = results / "categories.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise AllureError(f"allure did not end within {_TIMEOUT_S} s") from None
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise AllureError(f"allure failed: {lines[-1] if lines else 'it said nothing'}")

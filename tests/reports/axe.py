"""Run axe-core on each page of the given sites: ``.venv/bin/python tests/reports/axe.py AXE SITE ...``.

AXE is the file ``axe.min.js`` of the npm package axe-core (MPL-2.0), which is not part of the repository. Each page is
checked in both languages, on a desktop in light mode and on a phone in dark mode. The exit code is 1 if a page has a
violation.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from browser import Browser, started

SHOWN = (((1200, 900), False), ((390, 844), True))
RUN = "window.found = null; axe.run().then(function (told) { window.found = told; }); 0"
FOUND = """JSON.stringify(found.violations.map(function (one) {
    return one.id + ': ' + one.nodes.map(function (node) { return node.target.join(' '); }).join(', ');
}))"""


def violations(browser: Browser, page: Path, size: tuple[int, int], dark: bool, axe: str) -> list[str]:
    browser.open(page.resolve().as_uri(), *size, dark)
    browser.value(f"{axe}; 0")
    browser.value(RUN)
    browser.wait_until("window.found !== null")
    found: list[str] = json.loads(browser.value(FOUND))
    return found


def of(sites: Sequence[Path], axe: str) -> Iterator[tuple[Path, list[str]]]:
    """Yield each rendered page with its violations."""
    with tempfile.TemporaryDirectory() as profile, started(Path(profile)) as browser:
        for site in sites:
            for page in sorted(site.rglob("*.html")):
                for size, dark in SHOWN:
                    yield page, violations(browser, page, size, dark, axe)


if __name__ == "__main__":
    shown = list(of([Path(site) for site in sys.argv[2:]], Path(sys.argv[1]).read_text(encoding="utf-8")))
    bad = [(page, found) for page, found in shown if found]
    for page, found in bad:
        print(f"{page}: {'; '.join(found)}")
    pages, number = len({page for page, _ in shown}), sum(len(found) for _, found in bad)
    print(f"{number} violations in {len(shown)} renderings of {pages} pages")
    sys.exit(1 if bad else 0)

"""Make the pictures of docs/images: ``.venv/bin/python tests/reports/pictures.py WHOLE CASCADE``.

WHOLE is the site of a run of all scenarios, with the last fault matrix. CASCADE is the site of a run in which one cause
makes many scenarios fail. The picture of Allure needs an npm tool and is not remade.
"""

from __future__ import annotations

import base64
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from browser import started

from support.files import PROJECT

IMAGES = PROJECT / "docs" / "images"
DESKTOP, PHONE = (1100, 930), (390, 844)
# Name of the picture: its run, page, window size, dark mode, and the element to scroll to.
PICTURES = {
    "start": (0, "index", DESKTOP, False, ""),
    "start-dark": (0, "index", DESKTOP, True, ""),
    "start-he": (0, "he/index", DESKTOP, False, ""),
    "start-phone": (0, "index", PHONE, False, ""),
    "requirements": (0, "requirements", DESKTOP, False, ""),
    "trends": (0, "trends", DESKTOP, False, ""),
    "cascade-folded": (1, "index", (1100, 1500), False, ""),
    "area-with-failure": (
        1,
        "area-job_lifecycle",
        DESKTOP,
        False,
        "document.querySelector('.e-failed').closest('section')",
    ),
}


def take(sites: Sequence[Path], images: Path) -> None:
    with tempfile.TemporaryDirectory() as profile, started(Path(profile)) as browser:
        for name, (run, page, (width, height), dark, place) in PICTURES.items():
            browser.open((sites[run] / f"{page}.html").resolve().as_uri(), width, height, dark)
            if place:
                browser.value(f"{place}.scrollIntoView()")
            data = browser.ask("Page.captureScreenshot", format="png", optimizeForSpeed=False)["data"]
            (images / f"{name}.png").write_bytes(base64.b64decode(data))


if __name__ == "__main__":
    take([Path(site) for site in sys.argv[1:3]], IMAGES)

"""What a run may do on production's policy: everything that is no load, and nothing else; proven on a sandbox.

By default only the areas whose steps measure or disturb; ``PRODUCTION_POLICY=all`` runs the whole default selection.
"""

from __future__ import annotations

import os
from pathlib import Path

from support.config.models import WITHOUT_LOAD
from tests.endings.test_run_endings import Behave

FORBIDDEN = {f"FOCUS__SAFETY__{name}": "false" for name in ("LOAD", "DISRUPTIVE", "WRITES_DATABASE")}
SELECTION = () if os.environ.get("PRODUCTION_POLICY") == "all" else ("--tags=@CA or @PF or @SB",)


def test_the_default_selection_is_green(tmp_path: Path) -> None:
    run = Behave(tmp_path, "-D", "publish=record", *SELECTION, **FORBIDDEN)
    code, errors = run.end()
    scenarios = run.record()["scenarios"]
    assert (code, errors) == (0, "")
    by_id = {scenario["id"]: scenario["status"] for scenario in scenarios}
    assert by_id["CA-02a"] == "passed" and by_id["CA-01a"] == by_id["PF-01a"] == "skipped"
    assert openings(run) <= WITHOUT_LOAD["openings_in_all"]


def openings(run: Behave) -> int:
    asked = {one["request"]: one["count"] for one in run.record()["requests"]}
    return asked.get("POST /configure", 0)

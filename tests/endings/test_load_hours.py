"""A site outside its load hours: the load is skipped with that reason, and everything else runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.endings.test_run_endings import Behave


@pytest.mark.nightly
def test_a_load_is_skipped_outside_of_its_hours(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    hours = f"{now + timedelta(hours=2):%H:%M}-{now + timedelta(hours=3):%H:%M} UTC"
    run = Behave(tmp_path, "-D", "publish=record", "--tags=@CA-04a or @JL-01a", FOCUS__SAFETY__LOAD_BETWEEN=hours)
    assert run.end() == (0, "")
    by_id = {scenario["id"]: scenario for scenario in run.record()["scenarios"]}
    assert by_id["JL-01a"]["status"] == "passed"
    assert by_id["CA-04a"]["status"] == "skipped"
    assert by_id["CA-04a"]["reason"].startswith(
        f"environment sandbox is not loaded at this hour: safety.load_between is {hours}, and it is "
    )

"""The latencies of earlier runs of an environment, kept with the reports: what PF-03 compares a run with."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from support.capacity.gates import BASELINE_RUNS
from support.reporting.model import write_atomically

SCHEMA = "focus-acceptance/baseline/1"
KEPT = 50
DIRECTORY_VARIABLE = "FOCUS_BASELINES"


class BaselineError(Exception):
    """The file of the baseline cannot be used; one sentence. ``exit_code`` is that of wrong use."""

    exit_code = 2


@dataclass(frozen=True)
class EarlierRun:
    """One run: when it was (UTC, ISO 8601), and its P95 of ``POST /configure`` in ms."""

    at: str
    configure_p95_ms: float


class Baselines:
    """The earlier runs of one environment, oldest first; only runs within the limits are kept."""

    def __init__(self, reports: Path, environment: str) -> None:
        """They lie in ``baselines`` below the reports, or where FOCUS_BASELINES says."""
        folder = Path(os.environ.get(DIRECTORY_VARIABLE) or reports / "baselines")
        self.path = folder / f"{environment}.json"

    def runs(self) -> list[EarlierRun]:
        """Raises :class:`BaselineError` for a file that is not what this class writes."""
        if not self.path.is_file():
            return []
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
            return [EarlierRun(str(one["at"]), float(one["configure_p95_ms"])) for one in content["runs"]]
        except (ValueError, KeyError, TypeError) as error:
            raise BaselineError(
                f"{self.path}: not a baseline of this suite ({error!r}); remove it to begin anew"
            ) from None

    def add(self, configure_p95_ms: float) -> None:
        """Keep the result of this run."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        runs = [*self.runs(), EarlierRun(now, configure_p95_ms)][-KEPT:]
        content = {"schema": SCHEMA, "runs": [asdict(one) for one in runs]}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self.path, json.dumps(content, indent=2) + "\n")

    def reason_to_wait(self) -> str | None:
        """Why a run cannot be compared with earlier ones yet, or None."""
        amount = len(self.runs())
        if amount >= BASELINE_RUNS:
            return None
        return (
            f"there is no baseline yet: {amount} earlier runs of this environment are known, {BASELINE_RUNS} are needed"
        )

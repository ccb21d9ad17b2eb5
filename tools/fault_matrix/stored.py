"""``matrix.json``: the results of the last matrix, for the living documentation."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from support.files import write_atomically
from tools.fault_matrix.judgement import Judgement

MATRIX = "matrix.json"


def clear(folder: Path) -> None:
    """Remove what earlier runs of the matrix left, except the verdicts, which are replaced when new ones exist."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != MATRIX:
            path.unlink()


def write_verdicts(judgements: list[Judgement], folder: Path, complete: bool) -> None:
    """Write the verdicts for the living documentation. A run of some faults keeps the verdicts of all others."""
    path = folder / MATRIX
    faults = {} if complete else _verdicts_so_far(path)
    for judgement in judgements:
        faults[judgement.fault.id] = {
            "id": judgement.fault.id,
            "caught": judgement.caught,
            "failed": judgement.failed,
            "proven": sorted(judgement.proven),
            "missed": judgement.missed,
            "unrelated": sorted(judgement.unrelated),
        }
    content = {"finished": datetime.now(UTC).isoformat(), "faults": list(faults.values())}
    write_atomically(path, json.dumps(content, indent=2) + "\n")


def _verdicts_so_far(path: Path) -> dict[str, Any]:
    """Return the stored verdicts by fault; empty if the file does not exist or was not written by a matrix."""
    try:
        return {one["id"]: one for one in json.loads(path.read_text(encoding="utf-8"))["faults"]}
    except (OSError, ValueError, LookupError, TypeError):
        return {}

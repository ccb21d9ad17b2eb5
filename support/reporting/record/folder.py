"""The folder of each run, and the copies of its reports at the usual places.

Two runs in one checkout never write into the same file: each has ``reports/runs/TIME-PID``. At the end of a run, its
reports replace those in ``reports``, each in one move, and ``reports/latest`` names the folder. A run of a part of the
suite keeps its site and evidence in its own folder; ``reports`` still shows those of the last run of the whole suite.
"""

from __future__ import annotations

import datetime
import os
import shutil
from pathlib import Path

from support.files import write_atomically
from support.reporting.record.model import Record, now
from support.reporting.record.places import FILES, FOLDERS, RECORD

RUNS = "runs"
LATEST = "latest"
_WHOLE = "whole-suite"
_KEPT = 10
_A_DAY = datetime.timedelta(days=1)


def new_folder(reports: Path) -> Path:
    """Return the folder for a run that starts now. It is created on first use."""
    return reports / RUNS / f"{now():%Y%m%dT%H%M%S.%f}-{os.getpid()}"


def latest(reports: Path) -> Path:
    """Return the folder of the run whose record ``reports`` shows, or ``reports`` if the record is from elsewhere."""
    try:
        folder = reports / (reports / LATEST).read_text(encoding="utf-8").strip()
        same = (folder / RECORD).read_bytes() == (reports / RECORD).read_bytes()
    except OSError:
        return reports
    return folder if same else reports


def place_of(name: str, record: Record, folder: Path, reports: Path) -> Path:
    """Return the path at which users find a report of this run."""
    return (reports if record.selection.complete or name in FILES else folder) / name


def show(record: Record, folder: Path, reports: Path) -> dict[str, str]:
    """Copy the reports of a run to the usual places. Returns the reason for each report that failed, by its name.

    A failure does not stop the other reports. Raises OSError if the folder of the reports cannot be written at all.
    """
    if folder == reports:
        return {}
    problems: dict[str, str] = {}
    for name in _shown(record, folder, reports):
        try:
            _replace(folder / name, reports / name)
        except OSError as error:
            problems[name] = f"cannot be put in its place: {error.strerror or error}"
    if record.selection.complete:
        write_atomically(reports / _WHOLE, f"{RUNS}/{folder.name}\n")
    write_atomically(reports / LATEST, f"{RUNS}/{folder.name}\n")
    _forget_old(reports)
    return problems


def _shown(record: Record, folder: Path, reports: Path) -> list[str]:
    """Return the names to copy. A run of a part copies its folders only if no run of the whole suite ever did."""
    names = [*FILES, *(path.name for path in folder.glob("infra_gap_report_*"))]
    return names + [*FOLDERS] if record.selection.complete or not (reports / _WHOLE).is_file() else names


def _replace(new: Path, old: Path) -> None:
    if new.is_dir() or old.is_dir() and not new.exists():
        _replace_folder(new, old)
    elif new.is_file():
        _replace_file(new, old)
    else:
        old.unlink(missing_ok=True)


def _replace_file(new: Path, old: Path) -> None:
    temporary = old.with_name(f".{old.name}.{os.getpid()}")
    shutil.copyfile(new, temporary)
    temporary.replace(old)


def _replace_folder(new: Path, old: Path) -> None:
    """Replace a folder by renaming, so that a reader never sees a mixture of old and new files."""
    temporary, away = (old.with_name(f".{old.name}.{word}{os.getpid()}") for word in ("new", "old"))
    if new.is_dir():
        shutil.copytree(new, temporary)
    if old.is_dir():
        old.rename(away)
    if new.is_dir():
        temporary.rename(old)
    shutil.rmtree(away, ignore_errors=True)


def _forget_old(reports: Path) -> None:
    """Delete old runs except the newest ones and those that the usual places show."""
    shown = {
        path.read_text(encoding="utf-8").strip() for name in (LATEST, _WHOLE) if (path := reports / name).is_file()
    }
    folders = sorted(path for path in (reports / RUNS).iterdir() if path.is_dir())
    for old in folders[:-_KEPT]:
        if f"{RUNS}/{old.name}" not in shown and _has_ended(old):
            shutil.rmtree(old, ignore_errors=True)


def _has_ended(folder: Path) -> bool:
    """Whether the run has ended. A folder without a record counts as that of a killed run after one day."""
    return (folder / RECORD).is_file() or folder.name < f"{now() - _A_DAY:%Y%m%dT%H%M%S}"

"""A folder for each run, and what of it is shown at the usual places.

Two runs in one checkout never write into the same file: each has ``reports/runs/TIME-PID``. When it is complete, its
reports replace those in ``reports`` in one move each; ``reports/latest`` names the folder. A run of a part of the suite
has its own site and evidence in its folder, and leaves those of the last run of the whole suite in their place.
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
    """Where a run that begins now writes; made when it is first used."""
    return reports / RUNS / f"{now():%Y%m%dT%H%M%S.%f}-{os.getpid()}"


def latest(reports: Path) -> Path:
    """The folder of the run whose record ``reports`` shows, or ``reports`` itself where somebody else has put one."""
    try:
        folder = reports / (reports / LATEST).read_text(encoding="utf-8").strip()
        same = (folder / RECORD).read_bytes() == (reports / RECORD).read_bytes()
    except OSError:
        return reports
    return folder if same else reports


def place_of(name: str, record: Record, folder: Path, reports: Path) -> Path:
    """Where a person finds a report of this run."""
    return (reports if record.selection.complete or name in FILES else folder) / name


def show(record: Record, folder: Path, reports: Path) -> dict[str, str]:
    """Put what a run has written at the usual places; answers why a report could not be put there, by its name.

    One that cannot be put there hides no other. Raises OSError when not even their folder can be written.
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
    """A part of the suite shows its folders only where there are none of the whole suite."""
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
    """A reader sees the old folder or the new one; nothing of both."""
    temporary, away = (old.with_name(f".{old.name}.{word}{os.getpid()}") for word in ("new", "old"))
    if new.is_dir():
        shutil.copytree(new, temporary)
    if old.is_dir():
        old.rename(away)
    if new.is_dir():
        temporary.rename(old)
    shutil.rmtree(away, ignore_errors=True)


def _forget_old(reports: Path) -> None:
    """Keep the newest runs, and those that the usual places show."""
    shown = {
        path.read_text(encoding="utf-8").strip() for name in (LATEST, _WHOLE) if (path := reports / name).is_file()
    }
    folders = sorted(path for path in (reports / RUNS).iterdir() if path.is_dir())
    for old in folders[:-_KEPT]:
        if f"{RUNS}/{old.name}" not in shown and _has_ended(old):
            shutil.rmtree(old, ignore_errors=True)


def _has_ended(folder: Path) -> bool:
    """A folder without a record is that of a run that still goes on, or of one that was killed: a day tells which."""
    return (folder / RECORD).is_file() or folder.name < f"{now() - _A_DAY:%Y%m%dT%H%M%S}"

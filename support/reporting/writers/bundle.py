"""Writes and reads bundles: one archive with all files of a run, to attach to a ticket, to keep, or to compare."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath

from support.reporting.record.model import Record
from support.reporting.record.places import FILES, FOLDERS

SUMMARY = "summary.txt"
_LARGEST_BYTES = 200_000_000
_MODE = 0o644 << 16


class BundleError(Exception):
    """An archive cannot be made or read. The message is one sentence."""


def write_bundle(
    record: Record, folder: Path, summary: str, also: tuple[Path, ...] = (), destination: Path | None = None
) -> Path:
    """Write `bundle-<environment>-<start>.zip` of the run in `folder` beside its record, or elsewhere; return its path.

    It contains one folder with the files of the run, `also` (such as its gap report), and `summary` as text. The same
    files give the same bytes: names are sorted, and all times are the end of the run. Links are not followed.
    """
    name = f"focus-acceptance-{_safe(record.environment)}-{record.started:%Y%m%dT%H%M%SZ}"
    path = (destination or folder) / f"bundle-{_safe(record.environment)}-{record.started:%Y%m%dT%H%M%SZ}.zip"
    found = dict(sorted({**_of_the_run(folder), **{one.name: one for one in also if _is_ours(one)}}.items()))
    temporary = path.with_suffix(".part")
    try:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            _add(archive, f"{name}/{SUMMARY}", summary.encode("utf-8", "backslashreplace"), record)
            for inside, source in found.items():
                _add(archive, f"{name}/{inside}", source.read_bytes(), record)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def text_in(path: Path, name: str) -> str:
    """Return the text of a file in the top folder of a bundle. Raises BundleError."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = [entry for entry in archive.infolist() if PurePosixPath(entry.filename).parts[1:] == (name,)]
            if len(found) != 1:
                raise BundleError(f"{path.name}: not a bundle of a run: {len(found)} times {name} in it")
            if found[0].file_size > _LARGEST_BYTES:
                raise BundleError(f"{path.name}: {name} in it is larger than {_LARGEST_BYTES} bytes")
            return archive.read(found[0]).decode("utf-8", "replace")
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise BundleError(f"{path.name}: cannot be read: {error}") from error


def _of_the_run(reports: Path) -> dict[str, Path]:
    files = {name: reports / name for name in FILES if _is_ours(reports / name)}
    inside = (path for folder in FOLDERS for path in (reports / folder).rglob("*") if _is_ours(path))
    return files | {path.relative_to(reports).as_posix(): path for path in inside}


def _is_ours(path: Path) -> bool:
    """Whether a path is a regular file. Excludes hidden files, which may be half written, and links, whose targets are
    not part of the run."""
    return path.is_file() and not path.is_symlink() and not path.name.startswith(".")


def _add(archive: zipfile.ZipFile, name: str, content: bytes, record: Record) -> None:
    entry = zipfile.ZipInfo(name, record.finished.timetuple()[:6])
    entry.external_attr = _MODE
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, content)


def _safe(environment: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "_-" else "_" for letter in environment)[:40]

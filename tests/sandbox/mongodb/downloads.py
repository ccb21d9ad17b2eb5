"""Downloads from the machine's package indexes for the tests: never committed, cached per user and version."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import pymongo
import pytest

MONGOSH_VERSION = "2"
_TIMEOUT_S = 180
_NPM = ("install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-save", "--prefix", ".")


def cache_folder() -> Path:
    """The cache folder of this user; follows ``XDG_CACHE_HOME``."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "focus-acceptance"


def pymongo_tests() -> Path:
    """The folder with ``test/`` from the driver's source package, in exactly the installed version."""
    return _cached(f"pymongo-tests-{pymongo.version}", _fetch_pymongo)


def mongosh() -> Path:
    """The mongosh executable, installed with npm."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not on this machine")
    return (
        _cached(f"mongosh-{MONGOSH_VERSION}", lambda folder: _fetch_mongosh(npm, folder)) / "node_modules/.bin/mongosh"
    )


def _cached(name: str, fetch: Callable[[Path], None]) -> Path:
    """Return the cached folder, fetching it first if it does not exist.

    It is renamed into place only when complete. If another run was faster, its identical result is used.
    """
    place = cache_folder() / name
    if not place.is_dir():
        place.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(dir=place.parent, prefix=f"{name}-"))
        try:
            fetch(unfinished)
            with contextlib.suppress(OSError):  # another run has created it meanwhile
                unfinished.rename(place)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return place


def _fetch_pymongo(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        _run("the source package of pymongo", scratch, sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
             "--no-binary", "pymongo", f"pymongo=={pymongo.version}")  # fmt: skip
        (archive,) = Path(scratch).glob("pymongo-*.tar.gz")
        with tarfile.open(archive) as content:
            content.extractall(scratch, filter="data")
        shutil.copytree(archive.with_suffix("").with_suffix("") / "test", folder / "test")


def _fetch_mongosh(npm: str, folder: Path) -> None:
    _run("mongosh", str(folder), npm, *_NPM, f"mongosh@{MONGOSH_VERSION}")


def _run(what: str, folder: str, *command: str) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        pytest.skip(f"{what} could not be downloaded within {_TIMEOUT_S} s")
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        pytest.skip(f"{what} could not be downloaded: {lines[-1]}")

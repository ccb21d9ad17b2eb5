"""Check that every pinned package can be installed without a compiler: ``python tools/check_wheels.py [LOCK ...]``.

A package needs a wheel for each supported system and Python, or one that is pure Python. The available files are those
of the index that uv is configured for, read from a lock in the standard format (PEP 751). Needs uv and packaging.

Exit codes: 0 if every package has a wheel everywhere, 1 if some are missing, 2 if the check could not be done.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.markers import Marker
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import parse_wheel_filename

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ((3, 11), (3, 12), (3, 13), (3, 14))
NEWEST_GLIBC_MINOR = 34
"""glibc 2.34 is the version of the oldest distributions with a recent enough Python (RHEL 9); Debian 12 has 2.36."""
OLDEST_GLIBC_MINOR = 5
MACOS = (14, 0)


@dataclass(frozen=True)
class System:
    """One operating system on one kind of processor. ``markers`` are its values of the markers in requirements."""

    name: str
    platforms: tuple[str, ...]
    markers: Mapping[str, str]


def _linux(machine: str) -> System:
    minors = range(NEWEST_GLIBC_MINOR, OLDEST_GLIBC_MINOR - 1, -1)
    old = [f"manylinux{year}_{machine}" for year in ("2014", "2010", "1")]
    platforms = (*(f"manylinux_2_{minor}_{machine}" for minor in minors), *old, f"linux_{machine}")
    markers = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": machine}
    return System(f"Linux {machine}", platforms, markers)


SYSTEMS = (
    _linux("x86_64"),
    _linux("aarch64"),
    System(
        "macOS arm64",
        tuple(mac_platforms(MACOS, "arm64")),
        {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix", "platform_machine": "arm64"},
    ),
    System(
        "Windows",
        ("win_amd64",),
        {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt", "platform_machine": "AMD64"},
    ),
)


def tags(python: tuple[int, int], system: System) -> frozenset[Tag]:
    """Return the tags of all wheels that this Python can install on this system."""
    interpreter = f"cp{python[0]}{python[1]}"
    return frozenset(
        [
            *cpython_tags(python, platforms=system.platforms, abis=[interpreter]),
            *compatible_tags(python, interpreter, system.platforms),
        ]
    )


def is_needed(package: Mapping[str, Any], python: tuple[int, int], system: System) -> bool:
    """Whether a locked package is needed there: it has no marker, or its marker holds."""
    if "marker" not in package:
        return True
    version = ".".join(map(str, python))
    environment = {
        **system.markers,
        "python_version": version,
        "python_full_version": f"{version}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    return Marker(package["marker"]).evaluate(environment)


def missing(packages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line for each package that has no wheel on some systems."""
    places = {(python, system.name): (tags(python, system), system) for python in PYTHONS for system in SYSTEMS}
    for package in packages:
        files = [_tags_of(wheel) for wheel in package.get("wheels", ())]
        lacking = [
            f"{name} with Python {python[0]}.{python[1]}"
            for (python, name), (accepted, system) in places.items()
            if is_needed(package, python, system) and not any(accepted & one for one in files)
        ]
        if lacking:
            yield f"{package['name']} {package['version']} has no wheel for {', '.join(lacking)}"


def _tags_of(wheel: Mapping[str, Any]) -> frozenset[Tag]:
    name = wheel.get("name") or str(wheel["url"]).rsplit("/", 1)[-1]
    return parse_wheel_filename(name)[3]


def locked(lock: Path, uv: str) -> list[Mapping[str, Any]]:
    """Return the packages of a hash-locked requirements file, each with its files in the index.

    Raises:
        subprocess.CalledProcessError: uv could not query the index; its ``stderr`` gives the reason.
    """
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "pylock.toml"
        command = [uv, "pip", "compile", str(lock), "--no-deps", "--universal", "--python-version", "3.11", "--quiet"]
        subprocess.run(
            [*command, "--format", "pylock.toml", "-o", str(found)], check=True, capture_output=True, text=True
        )
        packages: list[Mapping[str, Any]] = tomllib.loads(found.read_text(encoding="utf-8"))["packages"]
        return packages


def main(arguments: Sequence[str]) -> int:
    uv = shutil.which(os.environ.get("UV", "uv"))
    if uv is None:
        print("check_wheels: uv was not found; install it, or name it in UV", file=sys.stderr)
        return 2
    locks = [Path(name) for name in arguments] or sorted((ROOT / "requirements").glob("*.txt"))
    found: list[str] = []
    for lock in locks:
        if not lock.is_file():
            print(f"check_wheels: there is no lock {lock}", file=sys.stderr)
            return 2
        try:
            packages = locked(lock, uv)
        except subprocess.CalledProcessError as error:
            print(f"check_wheels: uv could not read {lock} with the index:\n{error.stderr.strip()}", file=sys.stderr)
            return 2
        lacking = [f"{lock.name}: {one}" for one in missing(packages)]
        print(f"{lock.name}: {len(packages)} packages, {len(lacking)} without a wheel somewhere")
        found += lacking
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

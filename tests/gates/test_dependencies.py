"""Imported distributions are declared in pyproject.toml, in the group of the part that imports them.

A distribution that is installed only as a dependency of another may disappear with an update of that other one.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

from tests.gates.sources import imports_only

ROOT = Path(__file__).resolve().parents[2]
OWN = {"support", "steps", "environments", "tests", "tools"}
EXTRAS_OF = {
    "support": ("amqp", "grpc"),
    "steps": (),
    "environment.py": (),
    "environments": ("sandbox",),
    "tests": ("sandbox", "amqp", "dev"),
    "tools": ("sandbox",),  # the command line is part of them
    "tools/check_wheels.py": ("dev",),
    "tools/licences.py": ("dev",),
    "load": ("load",),
    "scripts": ("sandbox", "dev"),
}
"""Optional dependencies that each part may import, in addition to the project's own."""
NOT_ALWAYS_INSTALLED = {"gevent": "gevent", "grpc": "grpcio", "locust": "locust", "pika": "pika"}
NAMED_AT_RUN_TIME = {
    "allure-behave": "behave is given the name of its formatter",
    "tzdata": "zoneinfo reads it where the system has no time zones, as Windows",
}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(project: Mapping[str, Any], *extras: str) -> set[str]:
    """Normalised names of the dependencies of the project and of these extras."""
    lists = [project["dependencies"], *(project["optional-dependencies"][extra] for extra in extras)]
    return {normal(re.split(r"[^\w.-]", text, maxsplit=1)[0]) for one in lists for text in one}


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and top-level name of each absolute import at any level of the file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.partition(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.lineno, node.module.partition(".")[0]


def foreign(tree: ast.AST, siblings: set[str]) -> Iterator[tuple[int, str]]:
    for line, name in imported(tree):
        if name not in sys.stdlib_module_names and name not in OWN | siblings:
            yield line, name


installed = cache(packages_distributions)


def distributions(name: str) -> set[str]:
    found = {normal(one) for one in installed().get(name, ())}
    return found or {NOT_ALWAYS_INSTALLED.get(name, normal(name))}


def undeclared(path: str, tree: ast.AST, allowed: set[str], siblings: set[str]) -> Iterator[str]:
    for line, name in foreign(tree, siblings):
        if not distributions(name) & allowed:
            yield f"{path}:{line}: {name} is imported, and {' or '.join(sorted(distributions(name)))} is not declared"


def python_files(part: str) -> list[Path]:
    path = ROOT / part
    return [path] if path.is_file() else sorted({*path.rglob("*.py")} - {ROOT / other for other in EXTRAS_OF})


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
HELPERS = {path.stem for path in (ROOT / "tests").rglob("*.py")}
"""Names of helper modules, which tests import from their own folder."""


@pytest.mark.parametrize("part", EXTRAS_OF)
def test_what_is_imported_is_declared(part: str) -> None:
    allowed = declared(PROJECT, *EXTRAS_OF[part])
    siblings = HELPERS if part == "tests" else set()
    found = [
        trouble
        for path in python_files(part)
        for trouble in undeclared(path.relative_to(ROOT).as_posix(), imports_only(path), allowed, siblings)
    ]
    assert found == []


def test_every_part_is_looked_at() -> None:
    with_python = {path.parent.name for path in ROOT.glob("*/*.py")} | {path.name for path in ROOT.glob("*.py")}
    assert with_python - {"reports", "build"} <= set(EXTRAS_OF)


def test_what_is_declared_is_imported() -> None:
    parts = ("support", "steps", "environments", "tools", "environment.py")
    trees = [imports_only(path) for part in parts for path in python_files(part)]
    used = {one for tree in trees for _, name in foreign(tree, set()) for one in distributions(name)}
    assert declared(PROJECT, "sandbox") - used == set(NAMED_AT_RUN_TIME)


def test_what_is_declared_is_locked() -> None:
    for lock, extras in {
        "run": ("sandbox", "amqp"),
        "test": ("sandbox", "amqp", "dev"),
        "extras": ("sandbox", "amqp", "grpc", "load"),
    }.items():
        text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
        locked = {normal(name) for name in re.findall(r"^([\w.-]+)==", text, re.MULTILINE)}
        assert declared(PROJECT, *extras) <= locked, lock


def test_locks_agree_and_name_no_index() -> None:
    pins: dict[str, set[str]] = {}
    for name in ("run", "test", "extras"):
        text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
        assert "://" not in text and "--index" not in text and "--find-links" not in text
        for package, version in re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE):
            pins.setdefault(normal(package), set()).add(version)
        blocks = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]
        assert all("--hash=sha256:" in block for block in blocks), name
    several = {package: versions for package, versions in pins.items() if len(versions) > 1}
    assert set(several) <= {"numpy", "scipy"}, several  # one version for 3.11, a newer one for newer Pythons


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import rich", "rich is imported, and rich is not declared"),
        ("def f():\n    from yaml import safe_load", "yaml is imported, and pyyaml is not declared"),
        ("import markupsafe.whatever", "markupsafe is imported, and markupsafe is not declared"),
        ("import grpc", "grpc is imported, and grpcio is not declared"),
        ("import not_a_distribution", "not_a_distribution is imported, and not-a-distribution is not declared"),
    ],
)
def test_an_import_that_nobody_declared_is_found(code: str, words: str) -> None:
    (found,) = undeclared("support/a.py", ast.parse(code), {"requests"}, set())
    assert words in found


@pytest.mark.parametrize(
    "code",
    ["import requests", "import os.path", "from support.waits import until", "from . import rich", "import bson"],
)
def test_the_rest_is_left_alone(code: str) -> None:
    assert list(undeclared("support/a.py", ast.parse(code), {"requests", "pymongo"}, set())) == []

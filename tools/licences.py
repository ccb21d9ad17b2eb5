"""Writes docs/licences.md: the licences of all packages of the locks, according to their metadata.

Run ``python tools/licences.py`` in .venv. A package that is not installed here (``make extras`` installs the rest)
keeps its licence from the page. Exit code 0: the page is complete; 2: a licence is unknown, and nothing was written.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "licences.md"
LOCKS = ("run", "test", "extras")
OF_OTHER_SYSTEMS = {"pywin32": "PSF-2.0"}
"""Packages that are never installed on Linux, where this runs; their licences are from the metadata of their wheels."""
CLASSIFIER = "License :: OSI Approved :: "
ROW = re.compile(r"^\| (?P<package>[\w.-]+) \| (?P<licence>[^|]+) \| (?P<part>[^|]+) \|$", re.MULTILINE)
HEAD = """# Licences

The project itself: [LICENSE](../LICENSE) holds the MIT licence. It is a proposal; the choice is the owner's, and open.

The packages that are installed with it, as their own metadata tell. Nothing of them is part of this repository.
`tools/licences.py` writes this page from the locks, and a test compares the two.

- *suite*: what the features, steps and `support` need. *sandbox*: what only the embedded sandbox needs.
  *amqp*, *grpc*, *load*: optional parts. *tests*: what only `make test` needs.
- asyncssh (EPL or GPL) belongs to the sandbox alone: nothing else imports it, and an installation without the extra
  `sandbox` does not bring it.
- paramiko (LGPL) and certifi (MPL) are used as they are.

| package | licence | part |
|---|---|---|
"""


def locked(*locks: str) -> list[str]:
    """Return the names of all packages of these locks."""
    texts = [(ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8") for lock in locks]
    names = {name for text in texts for name in re.findall(r"^([\w.-]+)==", text, re.MULTILINE)}
    return sorted(canonicalize_name(name) for name in names)


def listed(page: str) -> dict[str, tuple[str, str]]:
    """Return licence and part by package, from the text of the page."""
    return {row["package"]: (row["licence"], row["part"]) for row in ROW.finditer(page) if row["package"] != "package"}


def licence(package: Distribution) -> str | None:
    """Return the licence of a package: its expression, else its classifiers, else a text of one line, else None."""
    expression = package.metadata.get_all("License-Expression")
    if expression:
        return str(expression[0])
    classifiers = package.metadata.get_all("Classifier") or []
    named = [str(one).removeprefix(CLASSIFIER) for one in classifiers if str(one).startswith(CLASSIFIER)]
    if named:
        return " or ".join(named)
    text = "".join(package.metadata.get_all("License") or []).strip()
    return text if text and "\n" not in text else None


def needed_by(requirements: Iterable[str], extra: str = "") -> set[str]:
    """Return the required packages and those that they bring along, as far as these are installed here."""
    found: set[str] = set()
    waiting = [Requirement(text) for text in requirements]
    while waiting:
        one = waiting.pop()
        name = canonicalize_name(one.name)
        if name in found or (one.marker is not None and not one.marker.evaluate({"extra": extra})):
            continue
        found.add(name)
        try:
            texts = distribution(name).requires or []
        except PackageNotFoundError:
            continue
        for extra_name in ("", *one.extras):
            below = [Requirement(text) for text in texts]
            waiting += [two for two in below if two.marker is None or two.marker.evaluate({"extra": extra_name})]
    return found


def parts() -> dict[str, set[str]]:
    """Return the packages of each part of the project. A package belongs to the first part that has it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    built = (ROOT / "requirements" / "build.in").read_text(encoding="utf-8").split()
    return {
        "suite": needed_by([*project["dependencies"], *built]),
        "sandbox": needed_by(optional["sandbox"]),
        "amqp": needed_by(optional["amqp"]),
        "tests": set(locked("test")),
        "grpc": needed_by(optional["grpc"]),
        "load": set(locked("extras")),
    }


def rows(known: Mapping[str, tuple[str, str]]) -> dict[str, tuple[str | None, str]]:
    """Return licence (None: not known) and part of each package of the locks."""
    of_parts = parts()
    found: dict[str, tuple[str | None, str]] = {}
    for name in locked(*LOCKS):
        part = next(part for part, packages in of_parts.items() if name in packages)
        try:
            found[name] = (licence(distribution(name)), part)
        except PackageNotFoundError:
            found[name] = (known[name][0] if name in known else OF_OTHER_SYSTEMS.get(name), part)
    return found


def page(found: Mapping[str, tuple[str | None, str]]) -> str:
    return HEAD + "".join(f"| {name} | {text} | {part} |\n" for name, (text, part) in found.items())


def main() -> int:
    found = rows(listed(PAGE.read_text(encoding="utf-8")) if PAGE.exists() else {})
    unknown = [name for name, (text, _) in found.items() if text is None]
    if unknown:
        print(f"licences: not known of {', '.join(unknown)}; `make extras` installs what is missing", file=sys.stderr)
        return 2
    PAGE.write_text(page(found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

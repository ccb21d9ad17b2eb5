"""docs/licences.md names each locked package, and share-alike (copyleft) packages stay out of the suite."""

from __future__ import annotations

import re
from importlib.metadata import Distribution
from pathlib import Path

import pytest

from tools.licences import LOCKS, OF_OTHER_SYSTEMS, PAGE, licence, listed, locked, page, rows

STRONG = re.compile(r"\b(A?GPL|EPL|EUPL|SSPL|OSL)\b|\bGeneral Public License\b(?!.*Lesser)|\bEclipse\b", re.IGNORECASE)
LISTED = listed(PAGE.read_text(encoding="utf-8"))


def test_the_page_names_the_packages_of_the_locks() -> None:
    assert list(LISTED) == locked(*LOCKS), "run tools/licences.py"


def test_the_page_says_what_is_installed() -> None:
    """A package may have another licence in its version for newer Pythons."""
    one_version = {package for package in LISTED if package not in ("numpy", "scipy")}
    written = listed(page(rows(LISTED)))
    found = {name: (LISTED[name], written[name]) for name in one_version if LISTED[name] != written[name]}
    assert found == {}, "run tools/licences.py"


def test_only_the_sandbox_uses_what_must_be_shared_alike() -> None:
    strong = {package: part for package, (text, part) in LISTED.items() if STRONG.search(text)}
    assert strong == {"asyncssh": "sandbox"}


@pytest.mark.parametrize(
    "text", ["GPL-3.0-only", "EPL-2.0 OR GPL-2.0-or-later", "AGPL-3.0", "GNU General Public License v3"]
)
def test_a_strong_licence_is_recognised(text: str) -> None:
    assert STRONG.search(text)


@pytest.mark.parametrize("text", ["LGPL-2.1", "MIT", "MPL-2.0", "Apache-2.0 OR BSD-3-Clause", "PSF-2.0"])
def test_other_licences_are_not(text: str) -> None:
    assert not STRONG.search(text)


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ("License-Expression: MIT\nClassifier: License :: OSI Approved :: BSD License", "MIT"),
        ("Classifier: License :: OSI Approved :: BSD License\nLicense: see the file", "BSD License"),
        ("License: ISC", "ISC"),
        ("License: Permission is granted\n        to everybody", None),
        ("Summary: nothing", None),
    ],
)
def test_the_licence_of_metadata(tmp_path: Path, metadata: str, expected: str | None) -> None:
    folder = tmp_path / "a-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.4\nName: a\nVersion: 1\n{metadata}\n", encoding="utf-8")
    assert licence(Distribution.at(folder)) == expected


def test_a_package_without_licence_is_not_listed() -> None:
    assert set(OF_OTHER_SYSTEMS) <= set(LISTED)
    assert all(text.strip() for text, _ in LISTED.values())

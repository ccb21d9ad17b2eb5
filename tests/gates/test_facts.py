"""Citations of facts name an existing page and section of docs/facts, in one of three forms.

One section: ``docs/facts/capacity.md 4.3``. Several: ``docs/facts/capacity.md 2.2, 2.3 and 2.6``. A row of a table:
``docs/facts/capacity.md 5, row 11``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FACTS = ROOT / "docs" / "facts"
SUFFIXES = {".py", ".feature", ".yaml", ".yml", ".toml", ".md", ".sh"}
NUMBER = r"\d+(?:\.\d+)*(?![\w.]\d)"
CITATION = re.compile(
    r"docs/facts/(?P<page>[\w-]+)\.md"
    rf"(?P<sections> {NUMBER}(?:(?:, | and | to ){NUMBER})*)?"
    r"(?P<rows>,? rows? \d+(?:(?:, | and | to )\d+)*)?"
)
OTHER_FORMS = re.compile(
    r"\b(?:API|MongoDB|Kubernetes|cluster|capacity|behave|Focus Server) facts\b"
    r"|\b[Ff]acts?,? (?:section|row|finding|page)s?\b"
    r"|\bfacts? \d"
    r"|\b(?:in|of|from) the facts\b"
    r"|\bFacts:"
)
HEADING = re.compile(r"^#{2,3} (\d+(?:\.\d+)*)\.? ", re.MULTILINE)


def cited_files() -> Iterator[Path]:
    tops = [top for top in ROOT.iterdir() if not (top.is_dir() and top.name.startswith("."))]
    for path in sorted(path for top in tops for path in (top, *top.rglob("*"))):
        inside = path.relative_to(ROOT).parts
        if any(part.startswith(".") for part in inside[:-1]) or inside[0] in {"reports", "build"}:
            continue
        if path.suffix in SUFFIXES and path.is_file() and path != Path(__file__).resolve():
            yield path


def in_one_line(text: str) -> str:
    """Join lines: a citation may be broken at the end of a line, also in a comment."""
    return re.sub(r"\s*\n[ \t]*(?:#[ \t]*)?", " ", text)


def sections(page: Path) -> dict[str, str]:
    """The text of each section by number. A section includes its subsections."""
    text = page.read_text(encoding="utf-8")
    starts = [(match[1], match.start()) for match in HEADING.finditer(text)]
    ends = [start for _, start in starts[1:]] + [len(text)]
    return {number: text[start:end] for (number, start), end in zip(starts, ends, strict=True)}


def troubles(text: str, facts: Path = FACTS) -> Iterator[str]:
    """Errors in the citations of a text."""
    line = in_one_line(text)
    for match in CITATION.finditer(line):
        page = facts / f"{match['page']}.md"
        if not page.exists():
            yield f"{match[0]}: there is no such page"
        elif match["page"] != "README":
            yield from _missing(match, sections(page))
    for match in OTHER_FORMS.finditer(line):
        yield f"{line[max(0, match.start() - 30) : match.end() + 30]!r}: cite docs/facts/<page>.md <section>"


def _missing(match: re.Match[str], there: dict[str, str]) -> Iterator[str]:
    if match["sections"] is None:
        yield f"{match[0]}: name a section"
        return
    cited = re.findall(NUMBER, match["sections"])
    yield from (f"{match[0]}: there is no section {number}" for number in cited if number not in there)
    for row in re.findall(r"\d+", match["rows"] or ""):
        if not any(f"\n| {row} |" in there.get(number, "") for number in cited):
            yield f"{match[0]}: there is no row {row}"


def test_what_is_cited_is_there() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {trouble}"
        for path in cited_files()
        for trouble in troubles(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_the_citations_were_really_read() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in cited_files()}
    citing = [path for path, text in texts.items() if CITATION.search(text)]
    assert len(citing) >= 30
    assert {path.suffix for path in citing} >= {".py", ".toml", ".yaml", ".md"}


@pytest.mark.parametrize("page", [page for page in sorted(FACTS.glob("*.md")) if page.stem != "README"])
def test_the_sections_of_a_page_are_numbered_once_and_in_order(page: Path) -> None:
    numbers = HEADING.findall(page.read_text(encoding="utf-8"))
    assert numbers == sorted(set(numbers), key=lambda number: [int(part) for part in number.split(".")])
    assert f"]({page.name})" in (FACTS / "README.md").read_text(encoding="utf-8")


def test_every_defect_of_a_profile_names_its_source() -> None:
    for profile in (ROOT / "environments" / "sandbox" / "profiles").glob("*.toml"):
        for source in re.findall(r'^source = "(.*)"', profile.read_text(encoding="utf-8"), re.MULTILINE):
            assert CITATION.match(source), f"{profile.name}: {source}"


@pytest.mark.parametrize(
    "text",
    [
        '"""72 are the fewest (capacity facts, section 4.1)."""',
        '"""False alarms (facts 4.4)."""',
        '"""In this order (facts, section 5)."""',
        "# (MongoDB\n# facts, section 1.4)",
        '"""As in the facts, row 11."""',
        "# Facts: 50 were allowed",
        "docs/facts/weather.md 4.1",
        "docs/facts/capacity.md 4.9",
        "docs/facts/capacity.md 4.1, 4.2 and 9.4",
        "docs/facts/capacity.md 4.3.1",
        "see docs/facts/capacity.md for more",
        "docs/facts/capacity.md 5, row 23",
        "docs/facts/capacity.md 5, rows 16 and 99",
    ],
)
def test_a_wrong_citation_is_found(text: str) -> None:
    assert list(troubles(text))


@pytest.mark.parametrize(
    "text",
    [
        '"""Leaks (docs/facts/capacity.md 4.3)."""',
        "docs/facts/capacity.md 2.2, 2.3 and 2.6: with the default",
        "# taken from\n    # docs/facts/capacity.md\n    # 4.3.",
        "docs/facts/capacity.md 5, rows 16 and 19, and docs/facts/capacity.md 4.5.",
        "facts = index.connect()",
        "Facts about now, for GET /state",
    ],
)
def test_a_right_citation_is_left_alone(text: str) -> None:
    assert list(troubles(text)) == []

"""``python -m tools.readme``: write the sample of the README, as the console shows the run of docs/examples.

That run is real, against a sandbox that was broken on purpose; ``scripts/examples.sh`` repeats it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from support.files import PROJECT
from support.reporting.facts import area_title
from support.reporting.record.model import Record
from support.reporting.record.reading import read_record
from support.reporting.text import Painter, scenario_lines, summary_lines
from support.reporting.writers.junit import area_of

README = PROJECT / "README.md"
RECORD = PROJECT / "docs" / "examples" / "run.json"
START, END = "<!-- sample: python -m tools.readme makes it -->\n```\n", "```\n<!-- end of the sample -->"
_WIDTH = 120


def sample(record: Record) -> str:
    """Return the console output of a run, without a terminal."""
    return "".join(f"{line}\n" for line in _lines(record, Painter(colour=False, width=_WIDTH)))


def _lines(record: Record, painter: Painter) -> Iterator[str]:
    area = feature = ""
    for scenario in record.scenarios:
        if area_of(scenario) != area:
            area = area_of(scenario)
            yield area_title(area)
        if scenario.feature != feature:
            feature = scenario.feature
            yield f" {scenario.feature_name}"
        yield from scenario_lines(scenario, painter)
    yield ""
    yield from summary_lines(record, painter, "reports")


def with_sample(page: str, text: str) -> str:
    """Return the page with this sample between its two marks."""
    before, start, rest = page.partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise ValueError("the page has no place for the sample")
    return f"{before}{start}{text}{end}{after}"


def made(readme: Path = README, record: Path = RECORD) -> str:
    """Return the README as it must be."""
    return with_sample(readme.read_text(encoding="utf-8"), sample(read_record(record)))


if __name__ == "__main__":
    README.write_text(made(), encoding="utf-8")

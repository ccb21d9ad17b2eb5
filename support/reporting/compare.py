"""Comparison of two runs: newly failing, newly passing, added, removed and slower scenarios."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support.reporting.record.model import Record, ScenarioResult
from support.reporting.record.places import RECORD
from support.reporting.record.reading import parse_record, read_record
from support.reporting.writers.bundle import BundleError, text_in

SLOWER_TIMES = 2.0
SLOWER_S = 0.5
"""A scenario is slower if it takes at least twice as long and half a second more. Smaller differences are noise."""


@dataclass(frozen=True)
class Comparison:
    """Scenarios of `after` compared with `before`, in the order of `after` (removed ones in the order of `before`).

    A failing scenario that did not exist before is newly failing too. A skipped one counts as neither good nor bad.
    """

    before: Record
    after: Record
    newly_failing: tuple[ScenarioResult, ...]
    newly_passing: tuple[ScenarioResult, ...]
    still_failing: tuple[ScenarioResult, ...]
    added: tuple[ScenarioResult, ...]
    removed: tuple[ScenarioResult, ...]
    slower: tuple[tuple[ScenarioResult, ScenarioResult], ...]

    @property
    def is_worse(self) -> bool:
        """Whether a scenario, or the run as a whole, fails that did not fail before."""
        return bool(self.newly_failing) or (self.before.verdict == "passed" and self.after.verdict == "failed")


def compare(before: Record, after: Record) -> Comparison:
    """Compare two runs. Scenarios are matched by id."""
    old = {scenario.id: scenario for scenario in before.scenarios}
    new = {scenario.id: scenario for scenario in after.scenarios}
    pairs = [(old[name], scenario) for name, scenario in new.items() if name in old]
    added = [scenario for name, scenario in new.items() if name not in old]
    return Comparison(
        before=before,
        after=after,
        newly_failing=tuple(
            scenario for name, scenario in new.items() if scenario.is_bad and not (name in old and old[name].is_bad)
        ),
        newly_passing=tuple(b for a, b in pairs if a.is_bad and b.status == "passed"),
        still_failing=tuple(b for a, b in pairs if a.is_bad and b.is_bad),
        added=tuple(added),
        removed=tuple(scenario for name, scenario in old.items() if name not in new),
        slower=tuple((a, b) for a, b in pairs if _is_slower(a, b)),
    )


def comparison_lines(found: Comparison) -> Iterator[str]:
    """Yield the comparison as text, its summary line first."""
    before, after = found.before, found.after
    worse = "WORSE" if found.is_worse else "NOT WORSE"
    yield f"{worse}: {len(found.newly_failing)} newly failing, {len(found.newly_passing)} newly passing."
    yield f"  before  {_told(before)}"
    yield f"  after   {_told(after)}"
    if before.environment != after.environment:
        yield "  These are runs on different environments."
    yield from _section("Newly failing", (f"{_named(one)}: {_reason(one)}" for one in found.newly_failing))
    yield from _section("Newly passing", map(_named, found.newly_passing))
    yield from _section("Still failing", (f"{_named(one)}: {_reason(one)}" for one in found.still_failing))
    if after.verdict == "failed" and before.verdict == "passed" and not found.newly_failing:
        yield from _section("Failed without a failing scenario", after.why_failed())
    yield from _section("Added", (f"{_named(one)}: {one.status}" for one in found.added))
    yield from _section("Removed", (f"{_named(one)}: was {one.status}" for one in found.removed))
    slower = (f"{_named(b)}: {a.duration_s:.2f} s, now {b.duration_s:.2f} s" for a, b in found.slower)
    yield from _section(f"Slower ({SLOWER_TIMES:g} times as long or more, and {SLOWER_S:g} s or more)", slower)


def run_at(path: Path) -> Record:
    """Read the record at a path: a `run.json`, a folder with one, or a bundle. Raises ReadingError or BundleError."""
    if path.is_dir():
        return read_record(path / RECORD)
    if path.is_file() and zipfile.is_zipfile(path):
        return parse_record(text_in(path, RECORD), path.name)
    if path.suffix == ".zip" and path.exists():
        raise BundleError(f"{path.name}: not a zip archive")
    return read_record(path)


def _is_slower(before: ScenarioResult, after: ScenarioResult) -> bool:
    more_s = after.duration_s - before.duration_s
    return (
        before.status == after.status == "passed"
        and more_s >= SLOWER_S
        and after.duration_s >= SLOWER_TIMES * before.duration_s
    )


def _told(record: Record) -> str:
    counts = record.counts()
    numbers = ", ".join(f"{counts[status]} {status}" for status in sorted(counts))
    return f"{record.environment}, {record.started:%Y-%m-%d %H:%M} UTC: {record.verdict} ({numbers or 'nothing ran'})"


def _named(scenario: ScenarioResult) -> str:
    return f"{scenario.id}  {scenario.name}"


def _reason(scenario: ScenarioResult) -> str:
    return (scenario.reason or "no reason given").splitlines()[0]


def _section(title: str, lines: Iterator[str] | map[str] | list[str]) -> Iterator[str]:
    listed = list(lines)
    if listed:
        yield ""
        yield f"{title}: {len(listed)}"
        yield from (f"  {line}" for line in listed)

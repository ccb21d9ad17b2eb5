"""`python -m tools.gherkin_lint.phrases [--steps FOLDER] [PATH ...]`: compare features and step definitions.

P01: a step no definition matches. P02: a definition no step uses. P03: a step that several definitions match, of which
behave silently takes the first it loaded. Loads the step modules as behave does, and runs nothing.
Exit codes: 0 clean, 1 findings, 2 wrong use.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from behave import step_registry
from behave.parser import ParserError, parse_file
from behave.runner_util import load_step_modules

from support.gherkin.documents import feature_files
from support.gherkin.model import Finding


def compare(features: Iterable[Path], steps_folder: Path) -> list[Finding]:
    """All findings, sorted by place. Raises ParserError for a feature that behave cannot parse."""
    step_registry.registry.clear()
    load_step_modules([str(steps_folder)])
    definitions = step_registry.registry.steps
    used: set[int] = set()
    findings: set[Finding] = set()
    for path in features:
        for step in _steps(parse_file(str(path))):
            candidates = [*definitions[step.step_type], *definitions["step"]]
            matching = [candidate for candidate in candidates if candidate.match(step.name)]
            used.update(id(candidate) for candidate in matching[:1])
            findings.update(_about(path, step, matching))
    for definition in {id(one): one for many in definitions.values() for one in many}.values():
        if id(definition) not in used:
            place = definition.location
            message = f'no feature uses "{definition.pattern}"'
            findings.add(Finding(place.filename, place.line, "P02", message))
    return sorted(findings)


class Outcomes:
    """The Then phrases of a steps folder, and which of them a step text stands for."""

    def __init__(self, steps_folder: Path = Path("steps")) -> None:
        step_registry.registry.clear()
        load_step_modules([str(steps_folder)])
        self._definitions = list(step_registry.registry.steps["then"])

    @property
    def phrases(self) -> frozenset[str]:
        return frozenset(definition.pattern for definition in self._definitions)

    def phrases_of(self, texts: Iterable[str]) -> frozenset[str]:
        """The phrases that match any of these step texts."""
        given = list(texts)
        return frozenset(
            definition.pattern for definition in self._definitions if any(definition.match(text) for text in given)
        )


def _steps(feature: Any) -> Iterator[Any]:
    """Every step of every scenario and row, with its backgrounds."""
    for scenario in feature.walk_scenarios() if feature is not None else ():
        yield from scenario.all_steps


def _about(path: Path, step: Any, matching: Sequence[Any]) -> Iterator[Finding]:
    if not matching:
        yield Finding(str(path), step.line, "P01", f'no step definition matches "{step.keyword} {step.name}"')
    if len(matching) > 1:
        places = ", ".join(str(one.location) for one in matching)
        yield Finding(str(path), step.line, "P03", f'"{step.name}" is matched by {places}')


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.gherkin_lint.phrases", description="Compare features and steps."
    )
    parser.add_argument("paths", nargs="*", type=Path, default=[Path("features")])
    parser.add_argument("--steps", type=Path, default=Path("steps"))
    given = parser.parse_args(arguments)
    if not given.steps.is_dir():
        print(f"no such folder: {given.steps}", file=sys.stderr)
        return 2
    try:
        findings = compare(feature_files(given.paths), given.steps)
    except (FileNotFoundError, ParserError) as error:
        print(error, file=sys.stderr)
        return 2
    for finding in findings:
        print(finding)
    print(f"{len(findings)} findings", file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())

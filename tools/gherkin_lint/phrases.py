"""`python -m tools.gherkin_lint.phrases [--steps FOLDER] [PATH ...]`: compare features and step definitions.

P01: a step that no definition matches. P02: a definition that no step uses. P03: a step that several definitions match;
behave silently takes the first that it loaded. P04: a word that a definition accepts and no step uses. Loads the step
modules as behave does, and runs nothing. Exit codes: 0 clean, 1 findings, 2 wrong use.
"""

from __future__ import annotations

import argparse
import itertools
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from behave import step_registry
from behave.parser import ParserError, parse_file
from behave.runner_util import load_step_modules

from support.gherkin.documents import feature_files
from support.gherkin.model import LintFinding
from support.gherkin.words import words_of

_TYPED_FIELD = re.compile(r"\{(\w+):(\w+)\}")


def compare(features: Iterable[Path], steps_folder: Path) -> list[LintFinding]:
    """Return all findings, sorted by place. Raises ParserError for a feature that behave cannot parse."""
    step_registry.registry.clear()
    load_step_modules([str(steps_folder)])
    definitions = step_registry.registry.steps
    used: set[int] = set()
    said: set[tuple[str, str]] = set()
    findings: set[LintFinding] = set()
    for path in features:
        for step in _steps(parse_file(str(path))):
            candidates = [*definitions[step.step_type], *definitions["step"]]
            matching = [candidate for candidate in candidates if candidate.match(step.name)]
            used.update(id(candidate) for candidate in matching[:1])
            said.update(word for candidate in matching[:1] for word in _words_said(candidate, step.name))
            findings.update(_about(path, step, matching))
    for definition in {id(one): one for many in definitions.values() for one in many}.values():
        findings.update(_unused(definition, used, said))
    return sorted(findings)


def _unused(definition: Any, used: set[int], said: set[tuple[str, str]]) -> Iterator[LintFinding]:
    """Yield a finding for an unused definition, or for each word of its choices that no step ever uses."""
    place = definition.location
    if id(definition) not in used:
        yield LintFinding(place.filename, place.line, "P02", f'no feature uses "{definition.pattern}"')
        return
    for field, name in _choices(definition.pattern):
        for word in words_of(name):
            if (name, word) not in said:
                message = f'no feature says "{word}" as {{{field}:{name}}} of "{definition.pattern}"'
                yield LintFinding(place.filename, place.line, "P04", message)


def _choices(pattern: str) -> list[tuple[str, str]]:
    """Return field and type of each placeholder of a phrase that takes words of a closed list."""
    return [(field, name) for field, name in _TYPED_FIELD.findall(pattern) if words_of(name)]


def _words_said(definition: Any, text: str) -> list[tuple[str, str]]:
    """Return the name of each closed list of the phrase, and the word of it in ``text``."""
    found = {argument.name: argument.original for argument in definition.match(text).arguments}
    return [(name, found[field]) for field, name in _choices(definition.pattern)]


class Outcomes:
    """The Then phrases of a steps folder, and the lookup of the phrase that a step text stands for.

    A phrase that takes words of a closed list counts as one phrase for each word, because each makes another statement
    about the system.
    """

    def __init__(self, steps_folder: Path = Path("steps")) -> None:
        step_registry.registry.clear()
        load_step_modules([str(steps_folder)])
        self._definitions = list(step_registry.registry.steps["then"])

    @property
    def phrases(self) -> frozenset[str]:
        return frozenset(phrase for definition in self._definitions for phrase in _expanded(definition.pattern))

    def phrases_of(self, texts: Iterable[str]) -> frozenset[str]:
        """Return the phrases that match any of these step texts."""
        return frozenset(
            _said(definition, text) for text in texts for definition in self._definitions if definition.match(text)
        )


def _expanded(pattern: str) -> Iterator[str]:
    """Yield the phrase once for each combination of the words it takes."""
    choices = _choices(pattern)
    for words in itertools.product(*(words_of(name) for _, name in choices)):
        phrase = pattern
        for (field, name), word in zip(choices, words, strict=True):
            phrase = phrase.replace(f"{{{field}:{name}}}", word)
        yield phrase


def _said(definition: Any, text: str) -> str:
    """Return the expanded phrase that ``text`` stands for."""
    phrase: str = definition.pattern
    for (field, name), (_, word) in zip(_choices(definition.pattern), _words_said(definition, text), strict=True):
        phrase = phrase.replace(f"{{{field}:{name}}}", word)
    return phrase


def _steps(feature: Any) -> Iterator[Any]:
    """Yield the steps of all scenarios and rows, with their backgrounds."""
    for scenario in feature.walk_scenarios() if feature is not None else ():
        yield from scenario.all_steps


def _about(path: Path, step: Any, matching: Sequence[Any]) -> Iterator[LintFinding]:
    if not matching:
        yield LintFinding(str(path), step.line, "P01", f'no step definition matches "{step.keyword} {step.name}"')
    if len(matching) > 1:
        places = ", ".join(str(one.location) for one in matching)
        yield LintFinding(str(path), step.line, "P03", f'"{step.name}" is matched by {places}')


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.gherkin_lint.phrases", description="Compare features and steps."
    )
    parser.add_argument("paths", nargs="*", type=Path, default=[Path("features"), Path("load")])
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

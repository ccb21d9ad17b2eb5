"""Joins the features with the results of a run, in reading order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from support.gherkin.dictionary import AREAS
from support.gherkin.documents import Block, Document, Example, OutlineRow, Rule, Step
from support.gherkin.requirements import place_of
from support.reporting.explanations import explain
from support.reporting.facts import inside_reports
from support.reporting.record.model import Record, ScenarioResult
from support.reporting.site.verdicts import BACKLOG, NOT_RUN
from support.reporting.site.views import (
    AreaView,
    BlockView,
    Evidence,
    ExampleView,
    FeatureView,
    RequirementView,
    RuleView,
    ScenarioOutcome,
)
from support.reporting.writers.junit import area_of


class Binder:
    """Joins documents and results, and keeps page names and anchors unique."""

    def __init__(self, record: Record, reports: Path, site: str) -> None:
        self._reports = reports
        self._site = site
        self._by_id = {result.id: result for result in record.scenarios}
        self._by_place = {(_tail(result.feature), result.line): result for result in record.scenarios}
        self._used: set[int] = set()
        self._anchors: set[str] = set()
        self._all = record.scenarios

    def areas(self, documents: Sequence[Document]) -> list[AreaView]:
        """Return the areas that have a feature or a result, in the order of the requirements."""
        found: dict[str, AreaView] = {}
        for document in documents:
            area = found.setdefault(document.area, self._area(document.area))
            area.features.append(self._feature(document, area.page))
        for result in self._all:
            if id(result) not in self._used:
                area = found.setdefault(area_of(result), self._area(area_of(result)))
                area.orphans.append(self._outcome(result.id, result.name, result, (), ()))
        for area in found.values():
            # In the order of the requirement numbers, not of the file names.
            area.features.sort(
                key=lambda feature: min((example.requirement for example in feature.examples), default="~")
            )
        known = list(AREAS.values())
        return sorted(
            found.values(), key=lambda area: (known.index(area.name) if area.name in known else len(known), area.name)
        )

    def _area(self, name: str) -> AreaView:
        return AreaView(name, self._unique(f"area-{_slug(name)}") + ".html")

    def _feature(self, document: Document, page: str) -> FeatureView:
        anchor = self._unique(f"feature-{_slug(PurePosixPath(document.place).stem)}")
        rules = tuple(self._rule(rule, document, page) for rule in document.rules)
        return FeatureView(document, anchor, rules)

    def _rule(self, rule: Rule, document: Document, page: str) -> RuleView:
        before = (*document.background, *rule.background)
        return RuleView(rule, tuple(self._example(example, before, document, page) for example in rule.examples))

    def _example(self, example: Example, before: tuple[Step, ...], document: Document, page: str) -> ExampleView:
        if not example.blocks:
            result = self._result(example.id, document, example.line)
            steps = (*before, *example.steps)
            outcome = self._outcome(example.id or "", example.name, result, steps, example.tags, len(before))
            return ExampleView(example, page, outcome.anchor, (outcome,))
        anchor = self._unique(_slug(example.id or "example"))
        blocks = tuple(self._block(block, example, before, document) for block in example.blocks)
        return ExampleView(example, page, anchor, tuple(o for block in blocks for o in block.outcomes), blocks)

    def _block(self, block: Block, example: Example, before: tuple[Step, ...], document: Document) -> BlockView:
        return BlockView(block, tuple(self._row(row, block, example, before, document) for row in block.rows))

    def _row(
        self, row: OutlineRow, block: Block, example: Example, before: tuple[Step, ...], document: Document
    ) -> ScenarioOutcome:
        row_id = f"{example.id}.{row.number}" if example.id else None
        result = self._result(row_id, document, row.line)
        name = example.name
        for heading, cell in zip(block.headings, row.cells, strict=False):
            name = name.replace(f"<{heading}>", cell)
        shown = row_id or f"row {row.number}"
        return self._outcome(shown, name, result, (*before, *row.steps), example.tags, len(before))

    def _result(self, scenario_id: str | None, document: Document, line: int) -> ScenarioResult | None:
        by_place = (_tail(document.place), line)
        result = self._by_id.get(scenario_id) if scenario_id else self._by_place.get(by_place)
        if result is not None:
            self._used.add(id(result))
        return result

    def _outcome(
        self,
        outcome_id: str,
        name: str,
        result: ScenarioResult | None,
        steps: Sequence[Step],
        tags: Sequence[str],
        before: int = 0,
    ) -> ScenarioOutcome:
        anchor = self._unique(_slug(outcome_id or "example"))
        if result is None or result.status == "skipped":
            status = BACKLOG if BACKLOG in tags else NOT_RUN if result is None else "skipped"
            return ScenarioOutcome(outcome_id, anchor, name, status, None if result is None else explain(result))
        failed = next((number for number, step in enumerate(result.steps) if step.error), None)
        recorded = [(step.keyword, step.name) for step in result.steps]
        return ScenarioOutcome(
            id=outcome_id,
            anchor=anchor,
            name=name,
            status=result.status,
            explanation=explain(result),
            evidence=tuple(self._evidence(path) for path in result.evidence),
            failed_step=None if failed is None or failed < before else failed - before,
            rewritten=bool(recorded and steps) and recorded != [(step.keyword, step.name) for step in steps],
        )

    def _evidence(self, path: str) -> Evidence:
        """Return the evidence, without an address if the file is missing. The file is looked for beside the record, as
        the folder may have been moved since the run."""
        inside = inside_reports(path)
        kept = ".." not in inside.parts and (self._reports / inside).is_file()
        return Evidence(inside.name, f"{self._site}{quote(inside.as_posix())}" if kept else "")

    def _unique(self, wanted: str) -> str:
        anchor, number = wanted, 1
        while anchor in self._anchors:
            number += 1
            anchor = f"{wanted}-{number}"
        self._anchors.add(anchor)
        return anchor


def requirements_of(areas: Iterable[AreaView], titles: Mapping[str, str]) -> list[RequirementView]:
    """Return all requirements in reading order, with or without an example, and an entry for examples without one."""
    rules: dict[str, dict[str, None]] = {requirement: {} for requirement in titles}
    examples: dict[str, list[ExampleView]] = {requirement: [] for requirement in titles}
    for rule, example in _with_rules(areas):
        rules.setdefault(example.requirement, {})
        examples.setdefault(example.requirement, []).append(example)
        if rule.text.name is not None:
            rules[example.requirement][rule.text.name] = None
    order = sorted(rules, key=place_of)
    return [RequirementView(key, titles.get(key, ""), tuple(rules[key]), tuple(examples[key])) for key in order]


def _with_rules(areas: Iterable[AreaView]) -> Iterator[tuple[RuleView, ExampleView]]:
    for area in areas:
        for feature in area.features:
            for rule in feature.rules:
                yield from ((rule, example) for example in rule.examples)


def _tail(place: str) -> tuple[str, ...]:
    return PurePosixPath(place.replace("\\", "/")).parts[-2:]


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-") or "x"

"""The rules of the feature lint. Each takes a parsed file, or all of them, and yields findings.

A G number is never reused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from support.gherkin.dictionary import AREAS, FILLERS, ID_TAG, SYNONYMS, TECHNICAL, VERB, is_known_tag
from support.gherkin.model import FeatureFile, LintFinding, examples_of

MAX_STEPS = 7
MAX_ROWS = 8
MAX_BACKGROUND = 4
DESCRIPTION_LINES = range(3, 7)
NO_EFFECT = "nothing is started"
_PLACEHOLDER = re.compile(r"<([^<>\n]+)>")
_WORD = re.compile(r"<[^<>]+>|[\w'-]+")
_ORDER = ("given", "when", "then")


def ids_of(scenario: Any) -> list[str]:
    return [str(tag) for tag in scenario.tags if ID_TAG.fullmatch(tag)]


def g01_id_present(source: FeatureFile) -> Iterator[LintFinding]:
    """A scenario has exactly one id tag."""
    for scenario in source.scenarios():
        ids = ids_of(scenario)
        if len(ids) != 1:
            what = f"{len(ids)} id tags ({', '.join(ids)})" if ids else "no id tag such as @JL-01a"
            yield source.finding(scenario.line, "G01", f"the scenario has {what}; it needs exactly one")


def g02_id_unique(sources: Sequence[FeatureFile]) -> Iterator[LintFinding]:
    """An id occurs only once in the whole suite."""
    first: dict[str, str] = {}
    for source in sources:
        for scenario in source.scenarios():
            for name in ids_of(scenario):
                place = f"{source.path}:{scenario.line}"
                if first.setdefault(name, place) != place:
                    yield source.finding(scenario.line, "G02", f"@{name} is already the id of {first[name]}")


def g03_area(source: FeatureFile) -> Iterator[LintFinding]:
    """The folder, the feature's area tag and the ids agree."""
    folder = source.path.parent.name
    area = next((tag for tag, name in AREAS.items() if name == folder), None)
    if area is None:
        known = ", ".join(AREAS.values())
        yield source.finding(source.feature.line, "G03", f"folder {folder} is no area; known: {known}")
        return
    tags = [str(tag) for tag in source.feature.tags if tag in AREAS]
    if tags != [area]:
        yield source.finding(source.feature.line, "G03", f"a feature in {folder} has the area tag @{area} only")
    for scenario in source.scenarios():
        for name in ids_of(scenario):
            if not name.startswith(f"{area}-"):
                yield source.finding(scenario.line, "G03", f"@{name} is not an id of {folder} (@{area}-..)")


def g04_tags(source: FeatureFile) -> Iterator[LintFinding]:
    """Only tags of the dictionary are used, and ids and areas only where they belong."""
    scenarios = source.scenarios()
    for item in (source.feature, *source.rules(), *scenarios, *(e for s in scenarios for e in examples_of(s))):
        for tag in item.tags:
            if not is_known_tag(str(tag)):
                yield source.finding(tag.line, "G04", f"@{tag} is not in support/gherkin/dictionary.py")
            elif ID_TAG.fullmatch(tag) and item not in scenarios:
                yield source.finding(tag.line, "G04", f"@{tag} is an id and belongs to a scenario")


def g05_technical(source: FeatureFile) -> Iterator[LintFinding]:
    """No line names a detail of the implementation."""
    for line, text in source.texts():
        for pattern, what in TECHNICAL:
            match = pattern.search(text)
            if match:
                found = match.group().strip()
                yield source.finding(line, "G05", f'"{found}" is {what}; say it in words of the domain')


def g06_synonyms(source: FeatureFile) -> Iterator[LintFinding]:
    """A concept has exactly one word."""
    for line, text in source.texts():
        for pattern, word in SYNONYMS:
            match = pattern.search(text)
            if match:
                yield source.finding(line, "G06", f'say "{word}" instead of "{match.group()}"')


def g07_one_when(source: FeatureFile) -> Iterator[LintFinding]:
    """A scenario has one event; journeys are exempt."""
    for scenario in _not_journeys(source):
        whens = [step for step in scenario.steps if step.step_type == "when"]
        if len(whens) != 1:
            line = whens[1].line if whens else scenario.line
            yield source.finding(line, "G07", f"the scenario has {len(whens)} When steps; it needs exactly one")


def g08_short(source: FeatureFile) -> Iterator[LintFinding]:
    """A scenario has at most seven steps; journeys are exempt."""
    for scenario in _not_journeys(source):
        count = len(scenario.steps)
        if count > MAX_STEPS:
            yield source.finding(scenario.line, "G08", f"the scenario has {count} steps; at most {MAX_STEPS}")


def g09_order(source: FeatureFile) -> Iterator[LintFinding]:
    """Given, When, Then, in this order, and at least one Then; journeys are exempt from the order."""
    for scenario in source.scenarios():
        kinds = [step.step_type for step in scenario.steps]
        if "then" not in kinds:
            yield source.finding(scenario.line, "G09", "the scenario has no Then, so it checks nothing")
        if "journey" in scenario.effective_tags:
            continue
        for before, step in zip(scenario.steps, scenario.steps[1:], strict=False):
            if _ORDER.index(step.step_type) < _ORDER.index(before.step_type):
                yield source.finding(
                    step.line,
                    "G09",
                    f"{step.keyword} after {before.step_type.capitalize()}; the order is Given, When, Then",
                )


def g10_refusal(source: FeatureFile) -> Iterator[LintFinding]:
    """A scenario with a refusal ends with the step that nothing is started."""
    for scenario in source.scenarios():
        refused = any("refused" in step.name for step in scenario.steps if step.step_type == "then")
        last = scenario.steps[-1] if scenario.steps else None
        if refused and "negative" in scenario.effective_tags and (last is None or last.name != NO_EFFECT):
            line = last.line if last else scenario.line
            yield source.finding(line, "G10", f'a refusal ends with "And {NO_EFFECT}"')


def g11_rows(source: FeatureFile) -> Iterator[LintFinding]:
    """An Examples table has one to eight rows."""
    for examples in _all_examples(source):
        rows = len(examples.table.rows) if examples.table is not None else 0
        if not 1 <= rows <= MAX_ROWS:
            yield source.finding(examples.line, "G11", f"the Examples have {rows} rows; one to {MAX_ROWS}")


def g12_reason(source: FeatureFile) -> Iterator[LintFinding]:
    """An Examples table gives a reason for each row."""
    for examples in _all_examples(source):
        if examples.table is None or "reason" not in examples.table.headings:
            yield source.finding(examples.line, "G12", 'the Examples have no column "reason"')
        elif any(not row["reason"].strip() for row in examples.table.rows):
            yield source.finding(examples.line, "G12", "a row of the Examples has an empty reason")


def g13_named_examples(source: FeatureFile) -> Iterator[LintFinding]:
    """An Examples table has a name: the class of its values."""
    for examples in _all_examples(source):
        if not examples.name.strip():
            yield source.finding(examples.line, "G13", "the Examples have no name")


def g14_description(source: FeatureFile) -> Iterator[LintFinding]:
    """A feature describes its purpose and its audience in three to six lines."""
    count = len([line for line in source.feature.description if line.strip()])
    if count not in DESCRIPTION_LINES:
        yield source.finding(source.feature.line, "G14", f"the feature is described in {count} lines; three to six")


def g15_in_a_rule(source: FeatureFile) -> Iterator[LintFinding]:
    """A scenario belongs to a Rule."""
    for scenario in source.scenarios():
        if scenario.parent.type != "rule":
            yield source.finding(scenario.line, "G15", "the scenario stands outside of any Rule")


def g16_titles(sources: Sequence[FeatureFile]) -> Iterator[LintFinding]:
    """No title is used twice in the suite, and none repeats its rule."""
    first: dict[str, str] = {}
    for source in sources:
        for scenario in source.scenarios():
            title, place = _plain(scenario.name), f"{source.path}:{scenario.line}"
            if not title:
                yield source.finding(scenario.line, "G16", "the scenario has no title")
            elif title == _plain(scenario.parent.name):
                yield source.finding(scenario.line, "G16", "the title repeats the rule; say what this example adds")
            elif first.setdefault(title, place) != place:
                yield source.finding(scenario.line, "G16", f"the title is already that of {first[title]}")


def g17_background(source: FeatureFile) -> Iterator[LintFinding]:
    """A Background describes a state: Given steps only, at most four."""
    for background in source.backgrounds():
        count = len(background.steps)
        if count > MAX_BACKGROUND:
            yield source.finding(background.line, "G17", f"the Background has {count} steps; at most {MAX_BACKGROUND}")
        for step in background.steps:
            if step.step_type != "given":
                yield source.finding(step.line, "G17", f"{step.keyword} in a Background; it may hold Given only")


def g18_only_steps(source: FeatureFile) -> Iterator[LintFinding]:
    """Nothing stands between a scenario's title and its steps: a misspelt keyword would silently become prose."""
    for scenario in source.scenarios():
        if scenario.description:
            text = scenario.description[0]
            yield source.finding(scenario.line + 1, "G18", f'"{text}" is not a step; is its keyword misspelt?')


def g19_columns_used(source: FeatureFile) -> Iterator[LintFinding]:
    """Each column of an Examples table, except the reason, is used by the scenario."""
    for scenario in source.scenarios():
        used = "\n".join([scenario.name, *(f"{step.name}{step.text}{step.table}" for step in scenario.steps)])
        for examples in examples_of(scenario):
            for heading in examples.table.headings if examples.table is not None else ():
                if heading != "reason" and f"<{heading}>" not in used:
                    yield source.finding(examples.line, "G19", f'no step uses the column "{heading}"')


def g20_test_key(sources: Sequence[FeatureFile]) -> Iterator[LintFinding]:
    """A scenario has at most one test key, and no two share one: results are filed under it."""
    first: dict[str, str] = {}
    for source in sources:
        for item in (source.feature, *source.rules()):
            for tag in item.tags:
                if tag.startswith("TEST_"):
                    yield source.finding(tag.line, "G20", f"@{tag} is the key of one test and belongs to a scenario")
        for scenario in source.scenarios():
            keys = [str(tag) for tag in scenario.tags if tag.startswith("TEST_")]
            if len(keys) > 1:
                yield source.finding(scenario.line, "G20", f"the scenario has {len(keys)} test keys; at most one")
            for key in keys:
                place = f"{source.path}:{scenario.line}"
                if first.setdefault(key, place) != place:
                    yield source.finding(scenario.line, "G20", f"@{key} is already the key of {first[key]}")


def g21_outline_has_rows(source: FeatureFile) -> Iterator[LintFinding]:
    """An outline has Examples, and a rule has scenarios: behave silently skips those without."""
    for scenario in source.scenarios():
        if scenario.type == "scenario_outline" and not scenario.examples:
            yield source.finding(scenario.line, "G21", "the outline has no Examples, so nothing of it runs")
    for rule in source.rules():
        if not rule.run_items:
            yield source.finding(rule.line, "G21", "the rule has no example")


def g22_placeholders_have_columns(source: FeatureFile) -> Iterator[LintFinding]:
    """A placeholder between < and > is a column of every Examples table of its outline."""
    for scenario in source.scenarios():
        used = set(_PLACEHOLDER.findall("\n".join([scenario.name, *(f"{step.name}" for step in scenario.steps)])))
        tables = [set(examples.table.headings) for examples in examples_of(scenario) if examples.table is not None]
        for name in sorted(used):
            if not tables or any(name not in table for table in tables):
                yield source.finding(scenario.line, "G22", f"<{name}> is no column of its Examples")


def g23_outcome_in_title(source: FeatureFile) -> Iterator[LintFinding]:
    """A title states the outcome, so that "TITLE - passed" is true: no name of a thing, no condition, no event."""
    for scenario in source.scenarios():
        words = _WORD.findall(_plain(scenario.name))
        if words and not VERB.search(scenario.name):
            message = "the title has no verb of support/gherkin/dictionary.py; say what is so when it passes"
            yield source.finding(scenario.line, "G23", message)
        if words[:2] == ["there", "is"] and words[2:3] == ["no"]:
            yield source.finding(scenario.line, "G23", "the title states what is missing; say what follows from it")
        for step in scenario.steps:
            told = set(words) - FILLERS
            if step.step_type != "then" and told and told <= set(_WORD.findall(_plain(step.name))):
                message = f'the title repeats "{step.keyword} {step.name}"; say what comes of it'
                yield source.finding(scenario.line, "G23", message)


def g24_no_backslash(source: FeatureFile) -> Iterator[LintFinding]:
    """No line has a backslash. In a table, behave and Gherkin's own parser read it as different data
    (findings/behave_step_data.sh); elsewhere it cannot be read aloud."""
    for line, text in source.texts():
        if "\\" in text:
            yield source.finding(line, "G24", f"{text!r} has a backslash, which not all readers of Gherkin read alike")


FILE_RULES: tuple[Callable[[FeatureFile], Iterator[LintFinding]], ...] = (
    g01_id_present,
    g03_area,
    g04_tags,
    g05_technical,
    g06_synonyms,
    g07_one_when,
    g08_short,
    g09_order,
    g10_refusal,
    g11_rows,
    g12_reason,
    g13_named_examples,
    g14_description,
    g15_in_a_rule,
    g17_background,
    g18_only_steps,
    g19_columns_used,
    g21_outline_has_rows,
    g22_placeholders_have_columns,
    g23_outcome_in_title,
    g24_no_backslash,
)
SUITE_RULES: tuple[Callable[[Sequence[FeatureFile]], Iterator[LintFinding]], ...] = (
    g02_id_unique,
    g16_titles,
    g20_test_key,
)


def _not_journeys(source: FeatureFile) -> list[Any]:
    return [scenario for scenario in source.scenarios() if "journey" not in scenario.effective_tags]


def _all_examples(source: FeatureFile) -> list[Any]:
    return [examples for scenario in source.scenarios() for examples in examples_of(scenario)]


def _plain(title: str) -> str:
    return " ".join(title.lower().split())

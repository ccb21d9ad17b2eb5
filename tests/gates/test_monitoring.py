"""The dashboard and the alert rules use only metric names, labels and label values that a run writes."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from support.reporting.capacity_report import CapacityReport
from support.reporting.writers.metrics import metrics_text

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "reports"))
from a_record import everything  # noqa: E402

MONITORING = ROOT / "docs" / "monitoring"
DASHBOARD = json.loads((MONITORING / "grafana-dashboard.json").read_text(encoding="utf-8"))
ALERTS = yaml.safe_load((MONITORING / "alerts.yaml").read_text(encoding="utf-8"))
RULES: list[dict[str, Any]] = [rule for group in ALERTS["groups"] for rule in group["rules"]]
SELECTOR = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<matchers>[^}]*)\})?")
MATCHER = re.compile(r'\s*(?P<label>\w+)\s*(?P<operator>=~|!~|!=|=)\s*"(?P<value>[^"]*)"\s*')
FUNCTIONS = frozenset({"time", "label_values"})
VARIABLES = frozenset({"$environment"})


def written() -> dict[str, list[dict[str, str]]]:
    """The labels of the samples by metric name, from a run that contains everything."""
    text = metrics_text(everything(), CapacityReport(Path("x"), 200, 150, 50, "fail", ""))
    found: dict[str, list[dict[str, str]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(dict(sample.labels))
    return found


WRITTEN = written()


def troubles(expression: str) -> Iterator[str]:
    """Errors in a PromQL expression made of selectors, numbers, comparisons and functions."""
    if expression.count("(") != expression.count(")") or expression.count("{") != expression.count("}"):
        yield "unbalanced brackets"
    inside = re.sub(r"label_values\((.*), \w+\)", r"\1", expression)
    for selector in SELECTOR.finditer(inside):
        name = selector["name"]
        if name in FUNCTIONS:
            continue
        if name not in WRITTEN:
            yield f"no run writes {name}"
            continue
        for part in filter(None, (selector["matchers"] or "").split(",")):
            yield from _matcher_troubles(name, part)


def _matcher_troubles(name: str, part: str) -> Iterator[str]:
    matcher = MATCHER.fullmatch(part)
    if matcher is None:
        yield f"{part} is no matcher"
        return
    values = {labels[matcher["label"]] for labels in WRITTEN[name] if matcher["label"] in labels}
    if not values:
        yield f"{name} has no label {matcher['label']}"
    elif matcher["value"] not in values | VARIABLES:
        yield f"{name} never has {matcher['label']}={matcher['value']}"


def labels_of(expression: str) -> set[str]:
    names = [match["name"] for match in SELECTOR.finditer(expression) if match["name"] in WRITTEN]
    return {label for name in names for labels in WRITTEN[name] for label in labels}


TARGETS = [(panel["title"], target) for panel in DASHBOARD["panels"] for target in panel["targets"]]


@pytest.mark.parametrize(("title", "target"), TARGETS, ids=lambda value: value if isinstance(value, str) else "")
def test_a_panel_asks_for_what_is_written(title: str, target: dict[str, Any]) -> None:
    assert list(troubles(target["expr"])) == []
    assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= labels_of(target["expr"])


def test_the_variable_of_the_dashboard_lists_environments() -> None:
    (variable,) = [one for one in DASHBOARD["templating"]["list"] if one["name"] == "environment"]
    assert list(troubles(variable["query"]["query"])) == []


def test_panels_stand_beside_each_other_and_have_ids_of_their_own() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_what_is_written_and_says_what_it_means(rule: dict[str, Any]) -> None:
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert list(troubles(rule["expr"])) == []
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert set(rule["annotations"]) == {"summary", "description"}
    texts = " ".join(rule["annotations"].values())
    assert set(re.findall(r"\$labels\.(\w+)", texts)) <= labels_of(rule["expr"])
    assert re.fullmatch(r"\d+[smh]", rule.get("for", "0s"))


def test_alerts_have_names_of_their_own() -> None:
    names = [rule["alert"] for rule in RULES]
    assert len(names) == len(set(names))
    assert set(ALERTS) == {"groups"} and {"name", "rules"} == {key for group in ALERTS["groups"] for key in group}


def test_every_metric_of_a_run_is_shown_or_watched() -> None:
    asked = " ".join([*(target["expr"] for _, target in TARGETS), *(rule["expr"] for rule in RULES)])
    unused = {name for name in WRITTEN if name not in asked and not name.endswith(("_sum", "_count"))}
    assert unused == {
        "focus_acceptance_run_started_timestamp_seconds",
        "focus_acceptance_run_suite_errors",
        "focus_acceptance_request_duration_max_seconds",
        "focus_acceptance_capacity_verdict",
    }


@pytest.mark.parametrize(
    ("expression", "trouble"),
    [
        ("focus_acceptance_run_pased == 0", "no run writes focus_acceptance_run_pased"),
        ('focus_acceptance_scenarios{state="failed"}', "focus_acceptance_scenarios has no label state"),
        ('focus_acceptance_scenarios{status="broken"}', "focus_acceptance_scenarios never has status=broken"),
        ("focus_acceptance_scenarios{status=failed}", "status=failed is no matcher"),
        ("(focus_acceptance_run_passed", "unbalanced brackets"),
    ],
)
def test_a_wrong_expression_is_found(expression: str, trouble: str) -> None:
    assert list(troubles(expression)) == [trouble]

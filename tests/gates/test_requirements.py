"""Features and faults name only requirements of the one list, and the scope page is generated from that list."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from support.fault_catalogue import load_catalogue
from support.files import PROJECT
from support.gherkin.dictionary import AREAS
from support.gherkin.documents import read_documents
from support.gherkin.requirements import RequirementsError, place_of, read_requirements, scope_page

KNOWN = read_requirements()
TOTAL = 80
"""The number of Focus Server requirements. Adding or dropping one changes this number and the page that states it."""


def test_every_requirement_is_in_the_list() -> None:
    assert len(KNOWN.titles) == TOTAL
    assert {requirement[:2] for requirement in KNOWN.titles} == set(AREAS)


def test_the_numbers_of_an_area_leave_none_out() -> None:
    for area in AREAS:
        numbers = [int(requirement[3:]) for requirement in KNOWN.of_area(area)]
        assert numbers == list(range(1, len(numbers) + 1)), area


def test_features_and_faults_name_only_requirements_of_the_list() -> None:
    examples = [
        example
        for document in read_documents(PROJECT / "features")
        for rule in document.rules
        for example in rule.examples
    ]
    assert {example.id[:5] for example in examples if example.id} <= set(KNOWN.titles)
    assert {fault.requirement for fault in load_catalogue().values()} <= set(KNOWN.titles)


def test_a_title_is_one_sentence_about_the_outcome() -> None:
    assert len(set(KNOWN.titles.values())) == TOTAL
    for requirement, title in KNOWN.titles.items():
        assert re.fullmatch(r"[A-Z0-9][^.]{8,120}", title), requirement


def test_the_scope_page_is_made_of_the_list() -> None:
    made = scope_page(KNOWN)
    assert (PROJECT / "docs" / "scope.md").read_text(encoding="utf-8") == made, "python -m tools.scope_page makes it"


def test_infrastructure_comes_first_and_latency_and_capacity_last() -> None:
    order = list(KNOWN.titles)
    assert order[0] == "IN-01" and order[-1] == "CA-10"
    assert all(place_of(one) < place_of(other) for one, other in pairwise(order))
    assert order.index("PF-01") > order.index("RS-08")


GOOD = """
[scope]
outside = ["x"]
[[scope.inside]]
areas = ["JL"]
sentence = "All."
[requirements]
JL-01 = "One"
"""


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('areas = ["JL"]', 'areas = ["QQ"]', "requirements.toml: scope.inside.0.areas.0: .* areas are IN, JL"),
        ('JL-01 = "One"', 'QQ-01 = "One"', "requirements.toml: requirements.QQ-01: areas are IN"),
        ('JL-01 = "One"', 'JL-1 = "One"', "requirements.toml: requirements.JL-1"),
        ('JL-01 = "One"', 'JL-01 = ""', "requirements.toml: requirements.JL-01: "),
        ('outside = ["x"]', "outside = []", "requirements.toml: scope.outside: "),
        ("[scope]", "[scope", "requirements.toml: "),
        ('sentence = "All."', 'sentence = "All."\nmore = 1', "requirements.toml: scope.inside.0.more: "),
    ],
)
def test_a_list_that_cannot_be_used_is_one_sentence(tmp_path: Path, old: str, new: str, says: str) -> None:
    file = tmp_path / "requirements.toml"
    file.write_text(GOOD.replace(old, new), encoding="utf-8")
    with pytest.raises(RequirementsError, match=says):
        read_requirements(file)


def test_a_list_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RequirementsError, match="nothing.toml: cannot be read: No such file"):
        read_requirements(tmp_path / "nothing.toml")

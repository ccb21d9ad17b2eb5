"""The scope and glossary pages agree with the features and with the lint rules."""

from __future__ import annotations

import re

from behave_project import ROOT

from support.gherkin.dictionary import AREAS, KINDS, ORDER, SAFETY, STATES, SYNONYMS
from support.gherkin.glossary import CHECKS, PRODUCT, TAGS
from support.gherkin.requirements import read_requirements

SCOPE = read_requirements().scope
# Out of scope: words that a feature about each excluded subject would need. The page contains all of them.
OUTSIDE = ("spectrogram", "sensor", "computed result", "alert", "user interface", "grpc", "inside of a job")


def test_every_area_is_part_of_what_is_in_scope() -> None:
    assert {area for line in SCOPE.inside for area in line.areas} == set(AREAS)


def test_no_feature_is_about_what_is_out_of_scope() -> None:
    outside = " ".join(SCOPE.outside).lower()
    assert [word for word in OUTSIDE if word not in outside] == []
    for path in (ROOT / "features").rglob("*.feature"):
        steps = [
            line.lower()
            for line in path.read_text(encoding="utf-8").splitlines()
            if re.match(r"\s*(Given|When|Then|And|But|Rule:|Example:|Scenario)", line)
        ]
        assert [(word, line) for word in OUTSIDE for line in steps if word in line] == [], path


def test_the_glossary_has_the_word_that_the_lint_demands_and_the_ones_it_refuses() -> None:
    terms = {term.word.lower(): term for term in PRODUCT}
    for pattern, word in SYNONYMS:
        assert word in terms, f"the lint demands {word}, and the glossary does not say what it is"
        assert any(pattern.fullmatch(never) for never in terms[word].never), (word, pattern.pattern)


def test_what_the_glossary_says_is_never_said_is_refused_by_the_lint() -> None:
    for term in (*PRODUCT, *CHECKS):
        for never in term.never:
            assert any(pattern.search(never) and word == term.word.lower() for pattern, word in SYNONYMS), never


def test_every_tag_of_the_dictionary_is_explained_and_no_other() -> None:
    assert set(TAGS) == {*KINDS, *SAFETY, *ORDER, *STATES}

"""The other static checks of the features: tag expressions, and steps against step definitions."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.hooks import launch
from tools.gherkin_lint import phrases

FEATURE = """Feature: F
  Background:
    Given a cluster
  Rule: R
    Example: E
      When it works twice
      Then it is done
    Scenario Outline: O
      When it <does>
      Examples: some
        | does    |
        | works   |
        | dances  |
"""
STEPS = """
from behave import given, when, then, step
@given("a cluster")
def a(context): pass
@when("it works")
def b(context): pass
@when("it works {often}")
def c(context, often): pass
@then("it is {state}")
def d(context, state): pass
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps" / "some_steps.py").write_text(STEPS, encoding="utf-8")
    (tmp_path / "f.feature").write_text(FEATURE, encoding="utf-8")
    return tmp_path


def findings(project: Path) -> list[tuple[str, str]]:
    found = phrases.compare([project / "f.feature"], project / "steps")
    return [(finding.rule, finding.message) for finding in found]


def test_undefined_steps_are_found_in_rows(project: Path) -> None:
    assert findings(project) == [("P01", 'no step definition matches "When it dances"')]


def test_unused_definitions_are_found(project: Path) -> None:
    with (project / "steps" / "some_steps.py").open("a", encoding="utf-8") as stream:
        stream.write('@then("nobody says this")\ndef e(context): pass\n')
    assert ("P02", 'no feature uses "nobody says this"') in findings(project)


def test_steps_that_match_twice_are_found(project: Path) -> None:
    (project / "steps" / "z_steps.py").write_text(
        'from behave import then\n@then("it {verb} done")\ndef f(context, verb): pass\n', encoding="utf-8"
    )
    rules = [rule for rule, _ in findings(project)]
    assert sorted(rules) == ["P01", "P02", "P03"]


CHOICE = """
from behave import then
from support.gherkin.words import register_choice
register_choice(StateOfATest={"done": 1, "well done": 2, "left undone": 3})
@then("it was {state:StateOfATest}")
def d(context, state): pass
@then("it was {state:StateOfATest} by {whom}")
def e(context, state, whom): pass
"""


def test_words_that_nobody_says_are_found(project: Path) -> None:
    (project / "steps" / "choice_steps.py").write_text(CHOICE, encoding="utf-8")
    said = "      Then it was done\n      And it was well done by somebody\n"
    (project / "f.feature").write_text(FEATURE.replace("      Then it is done\n", said), encoding="utf-8")
    unsaid = [message for rule, message in findings(project) if rule == "P04"]
    assert unsaid == [
        'no feature says "left undone" as {state:StateOfATest} of "it was {state:StateOfATest}"',
        'no feature says "left undone" as {state:StateOfATest} of "it was {state:StateOfATest} by {whom}"',
    ]


def test_a_phrase_is_an_outcome_for_each_of_its_words(project: Path) -> None:
    (project / "steps" / "choice_steps.py").write_text(CHOICE, encoding="utf-8")
    outcomes = phrases.Outcomes(project / "steps")
    states = ("done", "well done", "left undone")
    merged = {f"it was {state}{by}" for state in states for by in ("", " by {whom}")}
    assert outcomes.phrases == {"it is {state}"} | merged
    texts = ["it was well done", "it was done by nobody", "it is fine", "it was eaten"]
    assert outcomes.phrases_of(texts) == {"it was well done", "it was done by {whom}", "it is {state}"}


def test_the_command_tells_findings_from_wrong_use(project: Path) -> None:
    assert phrases.main(["--steps", str(project / "steps"), str(project)]) == 1
    assert phrases.main(["--steps", str(project / "no_steps"), str(project)]) == 2
    (project / "f.feature").write_text(FEATURE.replace("        | dances  |\n", ""), encoding="utf-8")
    assert phrases.main(["--steps", str(project / "steps"), str(project)]) == 0


@pytest.mark.parametrize(
    "expression",
    [
        "@smoke",
        "@JL and not @slow",
        "@needs_* or @REQ_PZ-1",
        "not (@wip or @backlog)",
        "",
        "{config.tags} and @JL",
        "@CF-01b",
    ],
)
def test_a_usable_expression_passes(expression: str) -> None:
    assert launch.refusal_of(expression) is None


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("@JL and", "--tags=@JL and cannot be understood: Syntax error. Expected operand after and"),
        ("(@JL", "--tags=(@JL cannot be understood: "),
        ("@JL @PV", "--tags=@JL @PV cannot be understood: Syntax error. Expected operator after"),
        ("~@wip", "--tags=~@wip uses the old style ~@wip; write it with and, or, not"),
        ("@JL,@PV", "uses the old style @JL,@PV"),
        ("@smok", "--tags=@smok names @smok, which is not in the tag dictionary; did you mean @smoke?"),
    ],
)
def test_an_unusable_expression_is_refused_in_one_sentence(
    expression: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        launch.main([expression, "--no-such-option-of-behave"])
    err = capsys.readouterr().err
    assert ended.value.code == 2 and told in err and err.count("\n") == 1

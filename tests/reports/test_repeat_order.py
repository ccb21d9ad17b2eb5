"""Shuffled runs: another order for another seed, the same for the same seed, backgrounds kept with scenarios."""

from __future__ import annotations

from pathlib import Path

import pytest
from behave_project import STEPS, BehaveProject

FEATURE = """
    Feature: {name}
      Background:
        Given the background of {name}

      @{area}-01a
      Scenario: Outside of any rule
        Then the background is that of {name}

      Rule: The first
        Background:
          Given the background of {name} first

        @{area}-02a
        Example: One
          Then the background is that of {name} first

        @{area}-02b
        Scenario Outline: Rows <x>
          Then the background is that of {name} first

          Examples:
            | x |
            | 1 |
            | 2 |

      Rule: The second
        @{area}-03a
        Example: One
          Then the background is that of {name}

        @{area}-03b
        Example: Two
          Then the background is that of {name}
    """
OWN_STEPS = """
@given("the background of {name}")
def the_background(context, name): context.background = name

@then("the background is that of {name}")
def is_that_of(context, name): assert context.background == name, context.background
"""
AREAS = ("AA", "BB", "CC")


@pytest.fixture
def project(tmp_path: Path) -> BehaveProject:
    features = {f"{area.lower()}/x.feature": FEATURE.format(name=f"area {area}", area=area) for area in AREAS}
    return BehaveProject(tmp_path).write(features, steps=STEPS + OWN_STEPS)


def order(project: BehaveProject, *arguments: str) -> list[str]:
    outcome = project.run(*arguments)
    assert outcome.code == 0, outcome.out
    return [entry["id"] for entry in outcome.checked["scenarios"]]


def test_a_seed_gives_another_order_of_the_same_scenarios_and_always_the_same_one(project: BehaveProject) -> None:
    plain, first, again, second = (order(project, *x) for x in ((), *(("-D", f"shuffle={n}") for n in (1, 1, 2))))
    assert first == again
    assert len({tuple(plain), tuple(first), tuple(second)}) == 3
    assert sorted(plain) == sorted(first) == sorted(second)


def test_nothing_leaves_its_feature_or_its_rule_and_rows_stay_in_order(project: BehaveProject) -> None:
    seen = set()
    for seed in range(6):
        ids = order(project, "-D", f"shuffle={seed}")
        features = [ids[start : start + 6] for start in (0, 6, 12)]
        assert sorted(feature[0][:2] for feature in features) == list(AREAS)
        for feature in features:
            assert len({name[:2] for name in feature}) == 1
            rules = [name[3:5] for name in feature]
            assert len([1 for one, two in zip(rules, rules[1:], strict=False) if one != two]) == 2
            row = next(index for index, name in enumerate(feature) if name.endswith("02b.1"))
            assert feature[row + 1].endswith("02b.2")
            seen.add(tuple(rules))
    assert len(seen) > 1


def test_the_seed_is_printed_and_recorded(project: BehaveProject) -> None:
    outcome = project.run("-D", "shuffle=7", "-D", "series=s", "-D", "under_load=yes")
    assert "shuffled: -D shuffle=7 gives the same order again" in outcome.out
    assert outcome.checked["repeat"] == {"shuffle": 7, "series": "s", "under_load": True}


def test_a_selection_is_shuffled_too(project: BehaveProject) -> None:
    ids = order(project, "-D", "shuffle=3", "--tags=@AA-03a or @BB-03b or @CC-01a")
    assert sorted(ids) == ["AA-03a", "BB-03b", "CC-01a"]


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ("shuffle=soon", "shuffle=soon: the seed of the order is a whole number\n"),
        ("shuffle=", "-D shuffle=: it is empty; leave it out, or say what it is\n"),
        ("under_load=perhaps", "under_load=perhaps: yes or no\n"),
    ],
)
def test_wrong_use_is_one_sentence(project: BehaveProject, argument: str, says: str) -> None:
    outcome = project.run("-D", argument)
    assert (outcome.code, outcome.err) == (2, says)
    assert outcome.record is None

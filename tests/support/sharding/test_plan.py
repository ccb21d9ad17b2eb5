"""The plan of shards: each scenario once, shares of equal time, and a plan file that cannot be misread."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.cli.shard import _matching, _took_s
from support.config import load_environment
from support.gherkin.sharing import FULL_LOAD
from support.hooks.sharding import shard_of
from support.sharding.dealing import Planned, make_plan
from support.sharding.plan import Plan, PlanError, read_plan


def planned(*names: str, tags: str = "", shared: str | None = None) -> list[Planned]:
    return [Planned(name, frozenset(tags.split()), shared) for name in names]


def plan(
    scenarios: list[Planned], amount: int, seconds: dict[str, float] | None = None, **more: frozenset[str]
) -> Plan:
    return make_plan("sandbox", "@JL", False, scenarios, amount, seconds or {}, **more)


def test_shares_take_about_as_long_as_each_other() -> None:
    names = [f"JL-{number:02}a" for number in range(1, 10)]
    made = plan(planned(*names), 3, {name: float(number) for number, name in enumerate(names, 1)})
    assert [share.seconds for share in made.shares] == [16.0, 15.0, 14.0]
    assert made.scenarios == set(names)


def test_what_looks_at_one_load_is_never_torn_apart() -> None:
    load = planned("CA-01a", "CA-03a", "CA-05a", tags="CA load", shared=FULL_LOAD)
    made = plan([*load, *planned("JL-01a", "JL-02a")], 2, {"CA-01a": 9.0, "CA-03a": 9.0, "CA-05a": 9.0})
    assert {"CA-01a", "CA-03a", "CA-05a"} in [set(share.scenarios) for share in made.shares]


def test_loads_of_their_own_go_to_whoever_has_least() -> None:
    """Regression: ten of them in one share made that share two thirds of the time."""
    loads = planned(*(f"CA-{number:02}a" for number in range(1, 11)), tags="CA load")
    made = plan(loads, 2, {one.id: 5.0 for one in loads})
    assert [share.seconds for share in made.shares] == [25.0, 25.0]


def test_loads_are_made_by_one_tester_while_another_waits() -> None:
    """Simultaneous loads on two sandboxes of one machine would affect each other's measurements."""
    names = {kind: [f"{kind}-{number:02}a" for number in range(1, 6)] for kind in ("CA", "RS", "JL")}
    scenarios = [
        *planned(*names["CA"], tags="CA load"),
        *planned(*names["RS"], tags="RS disruptive"),
        *planned(*names["JL"]),
    ]
    took = dict.fromkeys(names["CA"], 6.0) | dict.fromkeys(names["RS"], 5.0) | dict.fromkeys(names["JL"], 1.0)
    made = plan(scenarios, 2, took)
    assert [share.seconds for share in made.shares] == [30.0, 30.0]
    assert set(made.shares[0].scenarios) == set(names["CA"])
    assert set(made.shares[1].scenarios) == {*names["RS"], *names["JL"]}


@pytest.mark.parametrize("tags", ["", "CA load"])
@pytest.mark.parametrize("seconds", [(10.0, 1.0, 1.0), (0.0, 0.0, 0.0), (3.0, 0.0, 0.0)])
def test_no_share_is_empty(tags: str, seconds: tuple[float, ...]) -> None:
    scenarios = planned("CA-01a", "CA-02a", "CA-03a", tags=tags)
    made = plan(scenarios, 3, {one.id: taken_s for one, taken_s in zip(scenarios, seconds, strict=True)})
    assert [len(share.scenarios) for share in made.shares] == [1, 1, 1]


def test_what_is_shared_is_paid_for_once_while_nothing_is_known_of_it() -> None:
    load = planned("CA-01a", "CA-03a", "CA-05a", tags="CA load", shared=FULL_LOAD)
    made = plan([*load, *planned("RS-01a", "RS-02a", tags="RS disruptive")], 2)
    assert [share.seconds for share in made.shares] == [pytest.approx(35.0), pytest.approx(2.8)]


def test_what_a_run_makes_once_is_shared_by_those_who_look_at_it_and_nobody_else() -> None:
    sharing: dict[str, set[str]] = {}
    for one in _matching("@CA or @PF or @JL"):
        if one.shared is not None:
            sharing.setdefault(one.shared, set()).add(one.id)
    assert sharing == {
        FULL_LOAD: {"CA-01a", "CA-03a", "CA-05a", "CA-05b", "CA-05c", "CA-06b", "CA-06c", "CA-07a"},
        "the openings of one client": {"PF-01a", "PF-03a"},
    }


def test_no_plan_of_the_suite_makes_twice_what_a_run_makes_once() -> None:
    scenarios = list(_matching("not (@wip or @quarantine)"))
    for amount in (2, 3, 8):
        shares = [set(share.scenarios) for share in plan(scenarios, amount).shares]
        for what in {one.shared for one in scenarios} - {None}:
            looking = {one.id for one in scenarios if one.shared == what}
            assert sum(bool(share & looking) for share in shares) == 1, (amount, what)


@pytest.mark.parametrize(("asked", "taken_s"), [("", 0.0), ("yes", None)])
def test_what_is_skipped_takes_no_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str, taken_s: float | None
) -> None:
    monkeypatch.setenv("FOCUS_SLOW", asked)
    assert _took_s(load_environment("sandbox"), tmp_path).get("SB-02a") == taken_s


def test_what_bears_no_neighbour_runs_after_the_others_on_a_shared_site() -> None:
    made = plan([*planned("CA-01a", tags="CA load"), *planned("JL-01a", "JL-02a")], 2, excluding=frozenset({"load"}))
    assert made.alone is not None and made.alone.scenarios == ("CA-01a",)
    assert made.name_of(2) == "the shard that runs alone" and made.name_of(1) == "shard 1 of 2"


def test_the_same_scenarios_and_times_give_the_same_plan() -> None:
    scenarios, took = planned("JL-01a", "JL-02a", "JL-03a"), {"JL-02a": 3.0}
    assert plan(scenarios, 2, took).digest == plan(list(reversed(scenarios)), 2, took).digest
    assert plan(scenarios, 2, took).digest != plan(scenarios, 2, {"JL-02a": 0.1}).digest


@pytest.mark.parametrize(
    ("scenarios", "amount", "sentence"),
    [
        (planned("JL-01a"), 0, "--shards 0: allowed are 1 to 64"),
        (planned("JL-01a"), 65, "--shards 65: allowed are 1 to 64"),
        (planned("JL-01a"), 2, "--shards 2: only 1 of what matches '@JL' can run side by side"),
        ([], 1, "no scenario matches '@JL': there is nothing to split"),
    ],
)
def test_what_cannot_be_split(scenarios: list[Planned], amount: int, sentence: str) -> None:
    with pytest.raises(PlanError) as caught:
        plan(scenarios, amount)
    assert str(caught.value) == sentence


def written(folder: Path, **changes: object) -> Path:
    file = folder / "plan.json"
    content = json.loads(plan(planned("JL-01a", "JL-02a"), 2).text()) | changes
    file.write_text(json.dumps(content))
    return file


def test_a_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read_plan(written(tmp_path)).digest == plan(planned("JL-01a", "JL-02a"), 2).digest


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"shares": []}, "shares: "),
        ({"shares": [{"seconds": 1, "scenarios": ["JL-01a"]}] * 2}, "JL-01a is in more than one share"),
        ({"schema": "focus-acceptance/shards/2"}, "schema: "),
        ({"more": 1}, "more: "),
    ],
)
def test_a_file_that_is_no_plan(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    with pytest.raises(PlanError) as caught:
        read_plan(written(tmp_path, **changes))
    assert words in str(caught.value) and str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("content", ["", "{", "[]", "null"])
def test_a_file_that_is_no_json_of_a_plan(tmp_path: Path, content: str) -> None:
    file = tmp_path / "plan.json"
    file.write_text(content)
    with pytest.raises(PlanError, match="no plan of shards"):
        read_plan(file)


@pytest.mark.parametrize(
    ("userdata", "sentence"),
    [
        ({"shard": "0"}, "-D shard=INDEX and -D shard_plan=FILE go together"),
        ({"shard_plan": "x"}, "-D shard=INDEX and -D shard_plan=FILE go together"),
        ({"shard": "-1", "shard_plan": "x"}, "-D shard=-1: a whole number, from 0"),
        ({"shard": "2", "shard_plan": "FILE"}, "--index 2: allowed are 0 to 1"),
    ],
)
def test_a_share_that_cannot_be_run(tmp_path: Path, userdata: dict[str, str], sentence: str) -> None:
    given = {name: str(written(tmp_path)) if value == "FILE" else value for name, value in userdata.items()}
    with pytest.raises(PlanError) as caught:
        shard_of(given)
    assert str(caught.value) == sentence

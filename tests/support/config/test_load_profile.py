"""Load profiles: the examples are valid, and an invalid one gives one sentence for each error."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.config.errors import ConfigurationError
from support.config.load_profile import SHAPES, LoadTurn, read_load_profile, require_within

EXAMPLES = sorted((Path(__file__).resolve().parents[3] / "load" / "profiles").glob("*.yaml"))
GOOD = "title: Ten\nshape: constant\njobs: 10\n"


def read(folder: Path, text: str):  # type: ignore[no-untyped-def]
    file = folder / "profile.yaml"
    file.write_text(text)
    return read_load_profile(file)


def test_there_is_an_example_of_every_shape() -> None:
    assert {read_load_profile(file).model_dump()["shape"] for file in EXAMPLES} == set(SHAPES)


@pytest.mark.parametrize(
    ("text", "turns"),
    [
        (GOOD, [LoadTurn(10)]),
        (GOOD + "hold_s: 30\n", [LoadTurn(10, hold_s=3.0)]),
        ("title: a\nshape: ramp\njobs: 10\nover_s: 500\nhold_s: 10\n", [LoadTurn(10, 5.0, 1.0)]),
        ("title: a\nshape: ramp\njobs: 10\nover_s: 0.001\n", [LoadTurn(10, 0.001)]),
        ("title: a\nshape: spike\njobs: 9\nsingles: 2\n", [LoadTurn(1)] * 2 + [LoadTurn(9)] + [LoadTurn(1)] * 2),
        ("title: a\nshape: cycles\njobs: 3\ntimes: 4\n", [LoadTurn(3)] * 4),
    ],
)
def test_a_shape_is_turns_in_seconds_of_the_site(tmp_path: Path, text: str, turns: list[LoadTurn]) -> None:
    profile = read(tmp_path, text)
    assert list(profile.turns(0.1)) == turns
    assert profile.in_all == sum(turn.jobs for turn in turns) and profile.most == max(turn.jobs for turn in turns)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "profile.yaml: a profile of load is a mapping of fields, this one is empty"),
        ("- 1\n", "profile.yaml: a profile of load is a mapping of fields, this one is a list"),
        ("title: [\n", "malformed YAML"),
        ("title: a\njobs: 3\n", "shape: missing; allowed: one of constant, ramp, spike, cycles"),
        ("title: a\nshape: spikes\njobs: 3\n", "line 2: shape: 'spikes' is not allowed; did you mean spike? allowed:"),
        (
            "title: a\nshape: [ramp]\njobs: 3\n",
            "shape: ['ramp'] is not allowed; did you mean ramp?",
        ),
        (GOOD + "job: 3\n", "line 4: job: unknown key job; did you mean jobs? allowed: hold_s"),
        (GOOD + "over_s: 3\n", "over_s: unknown key over_s"),
        ("title: a\nshape: constant\n", "jobs: missing; allowed: a whole number, at least 1, at most 20000"),
        ("title: a\nshape: constant\njobs: 0\n", "line 3: jobs: 0 is not allowed; allowed: a whole number, at least 1"),
        ("title: a\nshape: constant\njobs: 20001\n", "jobs: 20001 is not allowed"),
        ("title: a\nshape: constant\njobs: many\n", "jobs: 'many' is not allowed"),
        ("title: a\nshape: constant\njobs: yes\n", "jobs: True is not allowed"),
        ("title: a\nshape: constant\njobs: 1.5\n", "jobs: 1.5 is not allowed"),
        ("title: a\nshape: constant\njobs: {a: 1}\n", "jobs: a section is not allowed"),
        ("title: ''\nshape: constant\njobs: 1\n", "title: '' is not allowed; allowed: a text, not empty"),
        (GOOD + "hold_s: -1\n", "hold_s: -1 is not allowed; allowed: a number, at least 0"),
        (GOOD + "hold_s: .inf\n", "hold_s: .inf is not allowed"),
        (GOOD + "hold_s: 1e9\n", "hold_s: '1e9' is not allowed"),
        (GOOD + "jobs: 3\n", "jobs: duplicate key; already given in line 3"),
        (GOOD + "investigations: life\n", "investigations: 'life' is not allowed; did you mean live? allowed: one of"),
        ("title: a\nshape: ramp\njobs: 2\nover_s: 0\n", "over_s: 0 is not allowed; allowed: a number, above 0"),
        ("title: a\nshape: cycles\njobs: 2\ntimes: 0\n", "times: 0 is not allowed"),
    ],
)
def test_what_is_no_profile_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read(tmp_path, text)
    assert sentence in str(refused.value) and len(str(refused.value).splitlines()) == 1


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="none.yaml: cannot be read: No such file or directory"):
        read_load_profile(tmp_path / "none.yaml")


def test_more_than_the_caps_allow_is_refused_by_both_of_them(tmp_path: Path) -> None:
    profile = read(tmp_path, "title: a\nshape: cycles\njobs: 30\ntimes: 10\n")
    require_within(profile, "p", {"requests_at_once": 30, "openings_in_all": 300})
    with pytest.raises(ConfigurationError) as refused:
        require_within(profile, "p", {"requests_at_once": 29, "openings_in_all": 299})
    assert str(refused.value).splitlines() == [
        "p: 30 investigations at once are refused: safety.requests_at_once is 29",
        "p: 300 investigations in all are refused: safety.openings_in_all is 299",
    ]

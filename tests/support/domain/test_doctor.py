"""The rules of the diagnosis: the layer it names when several are broken."""

from __future__ import annotations

import pytest

from support.clients.mongodb.client import DatabaseError
from support.infrastructure.doctor import Doctor, Layer, finds_every_layer_in_order
from tests.support.domain.test_job_checks import trouble

NAMES = ("foundation", "health", "speed", "configuration", "access", "orchestration")


def doctor(*broken: int) -> Doctor:
    """A doctor that finds the layers with these numbers broken."""

    def layer(number: int) -> Layer:
        def examine() -> None:
            if number in broken:
                raise AssertionError(f"trouble\n  of {number}")

        return Layer(number, NAMES[number - 1], f"look at {number}", examine)

    return Doctor(layer(number) for number in range(1, 7))


@pytest.mark.parametrize(
    ("broken", "conclusion"),
    [
        ((), "every layer is in order"),
        ((1,), "layer 1, foundation, is broken: look at 1"),
        ((1, 2, 3, 4), "layer 1, foundation, is broken: look at 1"),
        ((2, 3), "layer 2, health, is broken: look at 2"),
        ((3,), "layer 3, speed, is broken: look at 3"),
        ((4,), "layer 4, configuration, is broken: look at 4"),
        ((5,), "layer 5, access, is broken: look at 5"),
        ((6,), "layer 6, orchestration, is broken: look at 6"),
    ],
)
def test_first_broken_layer_is_the_diagnosis(broken: tuple[int, ...], conclusion: str) -> None:
    assert doctor(*broken).examine().conclusion == conclusion


@pytest.mark.parametrize("broken", [(5, 6), (1, 5, 6)])
def test_neither_hosts_nor_cluster_means_that_the_infrastructure_is_down(broken: tuple[int, ...]) -> None:
    assert "the infrastructure is down" in doctor(*broken).examine().conclusion


def test_every_layer_is_examined_and_each_trouble_is_one_line() -> None:
    diagnosis = doctor(2, 5).examine()
    assert [str(finding) for finding in diagnosis.broken] == [
        "layer 2, health: trouble of 2",
        "layer 5, access: trouble of 5",
    ]
    assert str(diagnosis.findings[0]) == "layer 1, foundation: in order"


def test_mismatch_names_conclusion_and_layers() -> None:
    assert trouble(finds_every_layer_in_order(), doctor().examine()) is None
    text = trouble(finds_every_layer_in_order(), doctor(4).examine())
    assert text == "layer 4, configuration, is broken: look at 4; layer 4, configuration: trouble of 4"


def test_client_that_gets_no_answer_is_a_finding() -> None:
    def examine() -> None:
        raise DatabaseError("unreachable", "nobody answers")

    diagnosis = Doctor([Layer(1, "foundation", "look", examine)]).examine()
    assert diagnosis.findings[0].trouble == "nobody answers"


def test_defect_of_the_suite_is_not_a_finding() -> None:
    def examine() -> None:
        raise TypeError("a mistake of ours")

    with pytest.raises(TypeError):
        Doctor([Layer(1, "foundation", "look", examine)]).examine()

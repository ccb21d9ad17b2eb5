"""The p95 response time of the required simultaneous openings is a figure of the run, for metrics and trends."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from support.capacity.load.once_more import OnceMore
from support.capacity.making import LoadMaker
from support.capacity.measured import Measured
from support.capacity.measuring import LoadMeasurements
from support.config.models import Capacity
from support.reporting.record import context as reporting
from tests.support.capacity.test_capacity_verdicts import measured, record


class MadeBefore(LoadMaker):
    """A load maker that returns a prepared full load, without a site."""

    def __init__(self, made: Measured) -> None:
        environment: Any = SimpleNamespace(limits=None, capacity=Capacity(), is_embedded=False)
        reports: Any = SimpleNamespace(use=lambda reports: None)
        nobody: Any = None
        super().__init__(nobody, nobody, nobody, OnceMore(environment, nobody), reports, environment)
        self._made_before = made

    def full_load(self, ramp: Any = ()) -> Measured:
        return self._made_before


def full_load_of(made: Measured) -> Measured:
    environment: Any = SimpleNamespace(capacity=Capacity())
    return LoadMeasurements(MadeBefore(made), environment).full_load()


def loaded(answered_s: list[float]) -> Measured:
    one = measured(len(answered_s), len(answered_s))
    records = tuple(record(number, answered_s=seconds) for number, seconds in enumerate(answered_s))
    return replace(one, run=replace(one.run, step=replace(one.step, records=records)))


def test_the_figure_is_the_p95_of_all_that_were_asked_for_at_once() -> None:
    reporting.begin("sandbox")
    full_load_of(loaded([number / 1000 for number in range(1, 201)]))
    assert reporting.current().figures == {"openings_at_once_p95_ms": pytest.approx(190, abs=1)}


def test_a_load_that_was_not_made_has_no_figure() -> None:
    reporting.begin("sandbox")
    one = loaded([0.1])
    with pytest.raises(AssertionError, match="no load was made"):
        full_load_of(replace(one, run=replace(one.run, step=None)))
    assert reporting.current().figures == {}

"""Measurements spoilt by the tester's own machine are repeated once, if that machine also runs the estate.

Both measurements are reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from support.capacity.load import once_more
from support.capacity.load.once_more import MachineBusy, OnceMore

CALM_AFTER_S = 2.0


class Generator:
    forgotten = 0

    def forget(self) -> None:
        self.forgotten += 1


class Runs:
    """Scripted measurements: a text that begins with "spoilt" decides nothing, and an error is raised."""

    def __init__(self, *outcomes: str | MachineBusy) -> None:
        self._outcomes: Iterator[str | MachineBusy] = iter(outcomes)
        self.made = 0

    def __call__(self) -> str:
        self.made += 1
        outcome = next(self._outcomes)
        if isinstance(outcome, MachineBusy):
            raise outcome
        return outcome


def spoilt(outcome: str) -> str | None:
    return outcome if outcome.startswith("spoilt") else None


def tell(outcome: str, told: str) -> str:
    return f"{outcome} ({told})"


def asked(is_embedded: bool = True, generator: Generator | None = None) -> OnceMore:
    return OnceMore(cast(Any, SimpleNamespace(is_embedded=is_embedded)), cast(Any, generator or Generator()))


@pytest.fixture(autouse=True)
def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(once_more, "wait_until_calm", lambda within_s: CALM_AFTER_S if within_s >= 1 else None)


def test_what_decides_is_measured_once() -> None:
    runs = Runs("good")
    assert asked().decided(runs, spoilt, tell) == "good" and runs.made == 1


@pytest.mark.parametrize("first", ["spoilt by another", MachineBusy("spoilt by another")])
def test_what_is_spoilt_is_measured_again_and_both_are_told(first: str | MachineBusy) -> None:
    generator = Generator()
    told = asked(generator=generator).decided(Runs(first, "good"), spoilt, tell)
    assert told == (
        "good (measured again, when this machine had been calm after 2.0 s; before that: spoilt by another)"
    )
    assert generator.forgotten == 1


def test_it_is_measured_again_only_once() -> None:
    runs = Runs("spoilt", "spoilt again", "good")
    assert asked().decided(runs, spoilt, tell).startswith("spoilt again (measured again") and runs.made == 2
    with pytest.raises(MachineBusy, match=r"second\nmeasured again, .*: first"):
        asked().decided(Runs(MachineBusy("first"), MachineBusy("second")), spoilt, tell)


def test_a_site_elsewhere_is_asked_once() -> None:
    assert asked(is_embedded=False).decided(Runs("spoilt", "good"), spoilt, tell) == "spoilt"
    with pytest.raises(MachineBusy, match="^first$"):
        asked(is_embedded=False).decided(Runs(MachineBusy("first"), "good"), spoilt, tell)


def test_a_machine_that_stays_busy_is_waited_for_once_in_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(once_more, "wait_until_calm", waited.append)
    again = asked()
    runs = Runs("spoilt", "spoilt", "good")
    assert again.decided(runs, spoilt, tell) == "spoilt (not repeated: the machine stayed busy for 60 s)"
    again.decided(runs, spoilt, tell)
    assert waited == [60.0, 0.0] and runs.made == 2


def test_the_patience_is_that_of_the_whole_run(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    def calm_after(within_s: float) -> float:
        waited.append(within_s)
        return 25.0

    monkeypatch.setattr(once_more, "wait_until_calm", calm_after)
    again = asked()
    for _ in range(2):
        again.decided(Runs("spoilt", "good"), spoilt, tell)
    assert waited == [60.0, 35.0]

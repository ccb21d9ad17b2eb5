"""The suite's one function for waiting, and its message after waiting in vain."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest
from hamcrest import equal_to, greater_than

from support import processor, waits


class NothingLost:
    """A heartbeat of a machine that never lost time."""

    def lost_s(self) -> float:
        return 0.0

    def given_since(self, began_s: float, lost_before_s: float) -> float:
        return time.monotonic() - began_s


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "heartbeat", NothingLost())


class Changes:
    """A source of change driven by the test."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._mark = 0
        self.waited_s: list[float] = []

    def mark(self) -> int:
        return self._mark

    def happen(self) -> None:
        with self._condition:
            self._mark += 1
            self._condition.notify_all()

    def wait_for_change(self, after: int, timeout_s: float) -> int:
        self.waited_s.append(timeout_s)
        with self._condition:
            self._condition.wait_for(lambda: self._mark > after, timeout_s)
            return self._mark


def test_value_that_satisfies_at_once_is_answered_without_waiting() -> None:
    changes = Changes()
    assert waits.until(lambda: 3, equal_to(3), within_s=5, what="three", changes=changes) == 3
    assert changes.waited_s == []


def test_looks_again_when_something_changed() -> None:
    changes = Changes()
    values = iter([1, 2])
    timer = threading.Timer(0.05, changes.happen)
    timer.start()
    watch = waits.Stopwatch()
    assert waits.until(lambda: next(values), equal_to(2), within_s=10, what="two", changes=changes) == 2
    assert watch.given_s() < 5


def test_change_between_look_and_wait_is_not_lost() -> None:
    changes = Changes()
    values = iter([1, 2])

    def probe() -> int:
        value = next(values)
        if value == 1:
            changes.happen()
        return value

    assert waits.until(probe, equal_to(2), within_s=10, what="two", changes=changes) == 2


def test_failure_says_what_was_wanted_and_last_seen_for_how_long_and_how_often() -> None:
    with pytest.raises(AssertionError) as caught:
        waits.until(lambda: 1, greater_than(2), within_s=0.12, what="the number to grow")
    text = str(caught.value)
    assert "the number to grow" in text
    assert "wanted: a value greater than <2>" in text
    assert "last seen: was <1>" in text
    assert "of 0.12 s" in text
    assert "looked" in text


def test_hopeless_state_ends_the_waiting_early() -> None:
    watch = waits.Stopwatch()
    with pytest.raises(AssertionError, match="gave up early"):
        waits.until(lambda: "dead", equal_to("alive"), within_s=30, what="life", abort_if=equal_to("dead"))
    assert watch.given_s() < 5


def test_value_that_comes_with_the_last_look_counts() -> None:
    values = iter([1, 2])
    assert waits.until(lambda: next(values), equal_to(2), within_s=0.01, what="two") == 2


def test_holds_answers_the_last_value() -> None:
    assert waits.holds(lambda: 7, equal_to(7), for_s=0.02, what="seven") == 7


def test_holds_looks_at_least_twice() -> None:
    looks = []
    waits.holds(lambda: looks.append(1), equal_to(None), for_s=0.02, what="nothing")
    assert len(looks) >= 2


def test_holds_fails_as_soon_as_it_is_broken() -> None:
    values = iter([1, 1, 2])
    with pytest.raises(AssertionError, match="last seen: was <2>"):
        waits.holds(lambda: next(values), equal_to(1), for_s=30, what="one")


def test_settle_answers_what_is_left() -> None:
    remaining = [["a", "b"], ["a"], []]
    assert waits.settle(lambda: remaining.pop(0), within_s=5) == []
    assert waits.settle(lambda: ["a"], within_s=0.01) == ["a"]


def test_error_of_the_probe_is_not_swallowed() -> None:
    def probe() -> int:
        raise OSError("the cluster is away")

    with pytest.raises(OSError, match="away"):
        waits.until(probe, equal_to(1), within_s=1, what="one")


@pytest.mark.parametrize(("values", "least", "most"), [([1, 1, 2], 0.05, 0.5), ([2], 0.0, 0.05), ([1, 3], 0.0, 0.5)])
@pytest.mark.usefixtures("unhurried")
def test_how_much_of_a_deadline_was_used_is_kept(values: list[int], least: float, most: float) -> None:
    looks = iter(values)
    waits.deadline_use.forget()
    with contextlib.suppress(AssertionError):
        waits.until(lambda: next(looks), equal_to(2), within_s=1, what="two", abort_if=equal_to(3))
    assert waits.deadline_use.closest is not None
    assert least <= waits.deadline_use.closest <= most


def test_the_closest_of_several_deadlines_counts_and_a_missed_one_is_used_up() -> None:
    waits.deadline_use.forget()
    assert waits.deadline_use.closest is None
    with pytest.raises(AssertionError):
        waits.until(lambda: 1, equal_to(2), within_s=0.06, what="two")
    waits.until(lambda: 2, equal_to(2), within_s=60, what="two")
    assert waits.deadline_use.closest == 1


def test_what_has_no_deadline_to_miss_is_not_counted() -> None:
    waits.deadline_use.forget()
    waits.holds(lambda: 1, equal_to(1), for_s=0.01, what="one")
    waits.settle(lambda: ["left"], within_s=0.01)
    assert waits.deadline_use.closest is None

"""Recovery after a stress: ten fast openings in a row, no matter what the server did before them."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from support.capacity.load.recovery import IN_A_ROW, Probes, Quiet
from support.clients.focus_server.client import ConnectionFailed
from support.clients.safety import Budget, SafetyPolicy

ANYTHING = Budget(SafetyPolicy("sandbox", load=True))


class Site:
    """A site with scripted consecutive answers, each a status and a duration in s."""

    def __init__(self, *answers: tuple[int, float] | None) -> None:
        self._answers: Iterator[tuple[int, float] | None] = iter(answers)

    def open_briefly(self) -> Any:
        answer = next(self._answers)
        if answer is None:
            raise ConnectionFailed("nobody there", "refused", 0.0)
        return SimpleNamespace(status=answer[0], duration_s=answer[1])


def probes(*answers: tuple[int, float] | None, within_s: float = 20.0) -> Probes:
    limits = SimpleNamespace(deadline=lambda name: within_s)
    environment = SimpleNamespace(capacity=SimpleNamespace(recovery_factor=1.2), limits=limits)
    return Probes(Site(*answers), environment, ANYTHING)  # type: ignore[arg-type]


QUIET = Quiet((100.0,) * 30)


def test_a_server_that_was_away_and_slow_has_recovered_when_ten_in_a_row_are_fast() -> None:
    found = probes(None, (503, 0.01), (200, 0.5), *[(200, 0.11)] * IN_A_ROW).recover(QUIET)
    assert found.seconds is not None and found.seconds >= 0.05
    assert found.last_p95_ms == 110.0


def test_a_server_that_stays_away_has_not_recovered() -> None:
    found = probes(*[None] * 50, within_s=0.3).recover(QUIET)
    assert found.seconds is None
    assert found.last_p95_ms == float("inf")

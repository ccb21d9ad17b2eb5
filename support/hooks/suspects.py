"""Problems that arose while several scenarios ran on one site, and the scenarios that may have caused them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from support.hooks.strangers import Strangers, told_by_scenario
from support.hooks.units import Unit
from support.hooks.worker import WorkerOutcome, outcome_of
from support.investigations.register import NOTHING
from support.reporting.record.context import RunContext
from support.reporting.record.identity import identify
from support.world.world import World

AMBIENT = "while the scenario ran, "


class Suspects:
    """The scenarios during which the server had problems or an unrequested job was started."""

    def __init__(self, report: RunContext) -> None:
        self._report = report
        self._shared: dict[str, tuple[str, ...]] = {}
        self._strange: dict[str, tuple[str, ...]] = {}
        self._asked = NOTHING
        self._strangers: Strangers | None = None
        self._known: frozenset[str] = frozenset()

    def watch(self, world: World) -> None:
        """Begin. From now on, several scenarios run on the site."""
        world.neighbours.side_by_side = True
        self._known = world.releases.there_now()
        self._strangers = Strangers(world.cluster.watch)

    def note(self, outcome: WorkerOutcome) -> None:
        """Take in what a scenario and its process said."""
        self._asked |= outcome.asked
        if outcome.shared:
            self._shared[outcome.result.id] = outcome.shared

    def includes(self, scenario_id: str) -> bool:
        """Whether the server had problems while this scenario ran, so that its result is not decided."""
        return scenario_id in self._shared

    def conclude(self, world: World, scenarios: Sequence[Any]) -> None:
        """Look at what the ``scenarios`` left. From now on, one scenario at a time runs on the site.

        If the site is exclusive, leftovers are recorded, and jobs that no process has requested.
        """
        world.neighbours.side_by_side = False
        if self._strangers is None or not world.environment.exclusive:
            return
        self._report.leftovers += world.releases.unannounced(self._known)
        strangers = self._strangers.besides(self._asked | world.register.asked())
        self._strange = told_by_scenario(strangers, [self._report.elsewhere[id(one)] for one in scenarios])
        attributed = {text for texts in self._strange.values() for text in texts}
        for text in sorted({str(one) for one in strangers} - attributed):
            self._report.suite_error("side by side", text)

    def run_again(self, scenarios: Sequence[Any]) -> Iterator[Unit]:
        """Yield those of the ``scenarios`` that run once more, alone. The result of running alone decides.

        These are the suspects. If the server had problems, failed scenarios run again as well.
        """
        again = [
            one
            for one in scenarios
            if identify(one).id in self._shared.keys() | self._strange.keys()
            or (self._shared and self._report.elsewhere[id(one)].is_bad)
        ]
        for scenario in again:
            del self._report.elsewhere[id(scenario)]
            yield Unit([scenario])
            self._report.elsewhere[id(scenario)] = outcome_of(scenario).result
        results = [self._report.elsewhere[id(one)] for one in again]
        self._explained(self._shared, any(AMBIENT in (one.reason or "") for one in results))
        self._explained(self._strange, any(one.is_bad for one in results if one.id in self._strange))

    def _explained(self, troubles: dict[str, tuple[str, ...]], by_one_alone: bool) -> None:
        """Record problems that no scenario causes alone as an error of the run."""
        if troubles and not by_one_alone:
            description = "; ".join(dict.fromkeys(text for texts in troubles.values() for text in texts))
            ids = ", ".join(troubles)
            self._report.suite_error("side by side", f"while {ids} ran, {description}; none of them alone does this")

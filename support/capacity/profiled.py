"""Loads by a profile: turns one after the other, from many testers, judged together from all raw samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import cycle, islice
from typing import Any

from support.capacity.load.load_run import Load, LoadRuns
from support.capacity.load.recovery import Probes
from support.capacity.load.results import PHASES, LoadStep, SelfCheck
from support.capacity.load.run import CapacityRun, Target
from support.capacity.load.self_check import GeneratorCheck
from support.capacity.measured import Measured
from support.capacity.report.store import Reports
from support.clients.distributed.testers import LoadTesters
from support.config import Environment
from support.config.load_profile import LoadProfile, LoadTurn
from support.model import requests
from support.statistics.percentiles import minimum_samples


@dataclass(frozen=True)
class AskedLoad:
    """The profile of load a run was given, and the testers that make it."""

    profile: LoadProfile
    testers: LoadTesters


class ProfiledLoads:
    """Makes the load of a profile with the same requests, ledger, proof and release as any other load.

    ``times`` returns the window of recordings for historic investigations.
    """

    def __init__(
        self,
        loads: LoadRuns,
        probes: Probes,
        generator: GeneratorCheck,
        reports: Reports,
        environment: Environment,
        times: Callable[[], requests.Times],
        asked: AskedLoad | None,
    ) -> None:
        self._loads, self._probes, self._generator, self._reports = loads, probes, generator, reports
        self._environment, self._times, self._asked = environment, times, asked

    def measure(self) -> Measured:
        """Run the turns of this run's profile and write one report. Raises AssertionError without a profile.

        With fewer answers than a finite bound of P95 needs, P95 is only shown.
        """
        if self._asked is None:
            raise AssertionError("this run was given no profile of load: focus-acceptance load gives it one")
        profile, testers = self._asked.profile, self._asked.testers
        quiet, check = self._probes.quiet(), self._generator.result()
        started, before = datetime.now(UTC), self._loads.evidence_before()
        made = self._made(profile, profile.turns(self._environment.limits.time_scale))
        recovery = self._probes.recover(quiet)
        left, _ = self._loads.afterwards(frozenset(job_id for one in made for job_id in one.job_ids))
        step = in_one([one.step for one in made])
        worst = max(made, key=lambda one: len(one.step.failed))
        limits_s = dict.fromkeys(PHASES, self._environment.limits.deadline("all_open_s"))
        limits_s["answered"] = self._environment.focus_server.read_timeout_s
        run = CapacityRun(
            environment=self._environment.name,
            started=started,
            finished=datetime.now(UTC),
            target=Target(
                profile.in_all,
                self._environment.capacity.success_rate,
                self._environment.limits.answer_under_load_p95_ms,
                limits_s,
            ),
            step=step,
            during=worst.evidence,
            before=before,
            self_check=without_lost(check, testers.lost),
            fingerprint=self._reports.fingerprint,
            recovery=replace(recovery, leftovers=tuple(one for one in left if one not in step.leftovers)),
            generator={**self._generator.description(), "profile": profile.model_dump(mode="json")},
            git_revision=self._reports.git_revision,
            stopped_because=step.stopped_because,
            judges_answers=profile.in_all >= minimum_samples(0.95),
            turns=len(made),
        )
        return Measured(run, self._reports.write(run, None))

    def _made(self, profile: LoadProfile, turns: Sequence[LoadTurn]) -> list[Load]:
        """Make the turns in order. Stop after one that was cut short: the rest would not be the requested load."""
        made: list[Load] = []
        kinds = self._kinds(profile)
        for number, turn in enumerate(turns, start=1):
            title = f"{profile.title}, turn {number} of {len(turns)}"
            bodies = list(islice(kinds, turn.jobs))
            made.append(self._loads.make(title, bodies, apart_s=turn.apart_s, hold_s=turn.hold_s))
            if made[-1].step.stopped_because:
                break
        return made

    def _kinds(self, profile: LoadProfile) -> Iterable[Mapping[str, Any]]:
        """Repeat the requests of the profile without end."""
        wanted, kind = self._environment.capacity, profile.investigations
        if kind == "heavy":
            return cycle([requests.heavy(wanted.heavy_channels, wanted.heavy_nfft)])
        if kind == "live":
            return cycle([requests.live()])
        historic = requests.historic(self._times())
        return cycle([historic] if kind == "historic" else [requests.live(), historic])


def without_lost(check: SelfCheck, lost: Sequence[str]) -> SelfCheck:
    """Mark the generator as not trusted if a part of it was lost: requests that part saw unanswered prove nothing."""
    return replace(check, trusted=False, reason=f"{', '.join(lost)} was lost during the load") if lost else check


def in_one(steps: Sequence[LoadStep]) -> LoadStep:
    """Merge the records of several steps, renumbered, so that percentiles cover all samples instead of averaging.

    A value that cannot be summed is the largest of any step.
    """
    records = [record for step in steps for record in step.records]
    machines = [step.machine for step in steps if step.machine is not None]
    return LoadStep(
        asked=sum(step.asked for step in steps),
        records=tuple(replace(record, number=number) for number, record in enumerate(records)),
        seconds=sum(step.seconds for step in steps),
        peak_in_flight=max(step.peak_in_flight for step in steps),
        arrival_spread_ms=max(step.arrival_spread_ms for step in steps),
        running_together=max(step.running_together for step in steps),
        distinct_ports=max(step.distinct_ports for step in steps),
        leftovers=tuple(dict.fromkeys(one for step in steps for one in step.leftovers)),
        stopped_because=next((step.stopped_because for step in steps if step.stopped_because), ""),
        of_earlier=tuple(dict.fromkeys(one for step in steps for one in step.of_earlier)),
        machine=max(machines, key=lambda one: one.lost_share) if machines else None,
    )

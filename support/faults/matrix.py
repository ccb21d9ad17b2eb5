"""Runs the suite against the healthy sandbox and against each fault, and judges what the suite noticed."""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.clients.sandbox_control import SandboxControl
from support.faults.catalogue import Fault
from support.sandbox import PROJECT, EmbeddedSandbox

_BAD = ("failed", "error", "unexpected_pass")


class MatrixError(Exception):
    """The matrix could not be run at all; one sentence."""


@dataclass(frozen=True)
class Judgement:
    """What came of one fault. All lists are empty when the suite caught it for its reason and nothing else failed."""

    fault: Fault
    failed: tuple[str, ...]
    missed: tuple[str, ...]
    wrong_reason: Mapping[str, str]
    unrelated: Mapping[str, str]
    failed_steps: frozenset[str]
    duration_s: float

    @property
    def caught(self) -> bool:
        return not (self.missed or self.wrong_reason or self.unrelated)


@dataclass(frozen=True)
class Run:
    """The record of one run of the suite."""

    scenarios: Mapping[str, Mapping[str, Any]]
    duration_s: float

    def bad(self) -> dict[str, str]:
        """Scenario id and reason of everything that did not pass."""
        return {
            scenario_id: str(entry["reason"])
            for scenario_id, entry in self.scenarios.items()
            if entry["status"] in _BAD
        }

    def failed_steps(self) -> frozenset[str]:
        """The texts of the steps that failed."""
        return frozenset(
            step["name"]
            for entry in self.scenarios.values()
            for step in entry.get("steps", ())
            if step["status"] in _BAD
        )

    def requirements(self) -> frozenset[str]:
        """Those of which a scenario ran."""
        return frozenset(str(entry["requirement"]) for entry in self.scenarios.values() if entry["status"] != "skipped")


def sentinels(healthy: Run) -> list[str]:
    """One scenario id of every requirement: enough to notice that a fault breaks something it has nothing to do with.

    A plain scenario where there is one, else the outline with the fewest rows.
    """
    rows: dict[str, dict[str, int]] = {}
    for name, entry in healthy.scenarios.items():
        if entry["status"] != "skipped":
            ids = rows.setdefault(str(entry["requirement"]), {})
            ids[name.split(".")[0]] = ids.get(name.split(".")[0], 0) + 1
    return sorted(min(ids, key=lambda name: (ids[name], name)) for ids in rows.values())


def selection(fault: Fault, watched: Iterable[str]) -> str:
    """A tag expression: what must fail, everything it is related to, and the ``watched`` scenarios."""
    ids = {name.split(".")[0] for name in fault.scenarios} | set(watched)
    requirements = {f"{requirement}?" for requirement in (fault.requirement, *fault.related)}
    return " or ".join(f"@{name}" for name in sorted(ids | requirements))


def judge(fault: Fault, run: Run) -> Judgement:
    """Compare what failed with what must fail. An id without a row number stands for every row of its outline."""
    bad = run.bad()
    expected = {name: text for name, text in _expected(fault, run)}
    allowed = {fault.requirement, *fault.related}
    return Judgement(
        fault=fault,
        failed=tuple(sorted(bad)),
        missed=tuple(sorted(name for name in expected if name not in bad)),
        wrong_reason={name: bad[name] for name, text in expected.items() if name in bad and text not in bad[name]},
        unrelated={
            name: reason
            for name, reason in bad.items()
            if name not in expected and run.scenarios[name]["requirement"] not in allowed
        },
        failed_steps=run.failed_steps(),
        duration_s=run.duration_s,
    )


def _expected(fault: Fault, run: Run) -> Iterable[tuple[str, str]]:
    for wanted, text in fault.scenarios.items():
        rows = [name for name in run.scenarios if name == wanted or name.startswith(f"{wanted}.")]
        yield from ((name, text) for name in rows or [wanted])


class Bench:
    """One sandbox of its own, and runs of the suite against it, each with one fault switched on."""

    def __init__(self, settings: Mapping[str, int | float | str], reports: Path) -> None:
        self._reports = reports
        self._sandbox = EmbeddedSandbox(settings)
        self._run_file = self._sandbox.start().run_file
        self._control = SandboxControl(json.loads(self._run_file.read_text(encoding="utf-8"))["control"]["url"])

    def close(self) -> None:
        self._control.close()
        self._sandbox.stop()

    def healthy(self, tags: str) -> Run:
        """The suite against the sandbox without any fault; :class:`MatrixError` unless everything passes."""
        run = self._run("healthy", tags, {})
        bad = run.bad()
        if bad:
            first, reason = next(iter(bad.items()))
            raise MatrixError(f"the healthy sandbox fails {len(bad)} scenarios, the first is {first}: {reason}")
        return run

    def with_fault(self, fault: Fault, tags: str) -> Judgement:
        if fault.is_switch:
            self._control.switch_on(fault.id)
        try:
            return judge(fault, self._run(fault.id, tags, fault.environment))
        finally:
            self._control.reset()

    def _run(self, name: str, tags: str, variables: Mapping[str, str]) -> Run:
        folder = self._reports / name
        folder.mkdir(parents=True)
        command = [sys.executable, "-m", "behave", "-D", "env=sandbox", "-D", f"sandbox_run_file={self._run_file}"]
        command += ["-D", f"reports={folder}", "-D", "history=", "-D", "publish=record", f"--tags={tags}"]
        with (folder / "console.txt").open("w", encoding="utf-8") as console:
            subprocess.run(
                command,
                cwd=PROJECT,
                env={**os.environ, **variables},
                stdout=console,
                stderr=subprocess.STDOUT,
                check=False,
            )
        record = folder / "run.json"
        if not record.is_file():
            raise MatrixError(f"the run with {name} left no record; see {folder / 'console.txt'}")
        content = json.loads(record.read_text(encoding="utf-8"))
        scenarios = {entry["id"]: entry for entry in content["scenarios"]}
        return Run(scenarios, sum(entry["duration_s"] for entry in content["scenarios"]))


def run_matrix(
    settings: Mapping[str, int | float | str],
    faults: Sequence[Fault],
    tags: str,
    reports: Path,
    workers: int,
    everything: bool,
    report: Callable[[Run | Judgement], None],
) -> tuple[Run, list[Judgement]]:
    """The healthy run, then every fault, on as many sandboxes as there are workers.

    With a fault runs what it concerns and one scenario of every other requirement, or ``everything``.

    ``report`` is told each result as it is there. Raises :class:`MatrixError` when the healthy sandbox fails anything.
    """
    shutil.rmtree(reports, ignore_errors=True)
    benches: queue.SimpleQueue[Bench] = queue.SimpleQueue()
    with ExitStack() as closing:
        for _ in range(min(workers, len(faults))):
            bench = Bench(settings, reports)
            closing.callback(bench.close)
            benches.put(bench)

        def judged(fault: Fault) -> Judgement:
            bench = benches.get()
            try:
                judgement = bench.with_fault(
                    fault, tags if everything else f"({tags}) and ({selection(fault, watched)})"
                )
            finally:
                benches.put(bench)
            report(judgement)
            return judgement

        healthy = bench.healthy(tags)
        watched = sentinels(healthy)
        report(healthy)
        with ThreadPoolExecutor(workers) as pool:
            return healthy, list(pool.map(judged, faults))

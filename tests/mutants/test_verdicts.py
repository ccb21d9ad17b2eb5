"""The verdicts on mutants, with scripted sandboxes instead of real ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from support.clients.sandbox.embedded import SandboxError
from tools.fault_matrix.bench import MatrixError
from tools.fault_matrix.judgement import Run
from tools.fault_matrix.rows import Row
from tools.mutants import trial
from tools.mutants.mutant import Mutant
from tools.mutants.places import Place
from tools.mutants.trial import KILLED, SURVIVED, UNTRIED, Laboratory

MUTANT = Mutant("node", "node.watchdog", Place(7, "f", 3, "number", "1 -> 2"))
ROWS = [Row(f"JL-01{letter}", f"features/x.feature:{ord(letter)}", frozenset(), 3) for letter in "abcdefghijkl"]
Answers = Callable[[str, bool], str]
"""A function (scenario, with the mutant?) -> status."""


class ScriptedBench:
    """Stands for a bench of sandboxes: it answers by the switch it was started with."""

    answers: Answers
    runs: list[list[str]]
    reason = "says so"
    does_not_start = False
    ends_by_itself = False
    pid: int | None = 1

    def __init__(self, *_: object, variables: Mapping[str, str]) -> None:
        self._has_mutant = "module" in json.loads(Path(variables[trial.SWITCH]).read_text(encoding="utf-8"))
        if self.does_not_start and self._has_mutant:
            raise SandboxError("the sandbox did not start: NameError")

    @property
    def sandbox(self) -> ScriptedBench:
        return self

    def close(self) -> None: ...

    def run(self, name: str, rows: Iterable[Row], *_: object) -> Run:
        self.runs.append([row.id for row in rows])
        entries: dict[str, dict[str, Any]] = {}
        is_over = False
        for row in rows:
            status = "skipped" if is_over else type(self).answers(row.id, self._has_mutant)
            is_over = is_over or status in ("failed", "error", "unexpected_pass")
            if status == "hangs":
                self.pid = None if self.ends_by_itself else 1
                raise MatrixError(f"the run {name} did not end")
            entries[row.id] = {"status": status, "reason": f"{row.id} {self.reason}", "requirement": row.requirement}
        return Run(entries, 1.0)


@pytest.fixture
def laboratory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Laboratory:
    monkeypatch.setattr(trial, "Bench", ScriptedBench)
    monkeypatch.setattr(trial, "_GONE_WITHIN_S", 0.0)
    ScriptedBench.runs, ScriptedBench.does_not_start, ScriptedBench.reason = [], False, "says so"
    ScriptedBench.ends_by_itself = False
    return Laboratory({}, tmp_path, None)  # type: ignore[arg-type]  # nothing is run by behave here


def one_bad(name: str, with_mutant: str, without: str = "passed") -> Answers:
    return lambda scenario, has_mutant: (with_mutant if has_mutant else without) if scenario == name else "passed"


@pytest.mark.parametrize(
    ("answers", "verdict", "by"),
    [
        (one_bad("JL-01b", "failed"), KILLED, "JL-01b"),
        (one_bad("JL-01b", "unexpected_pass"), KILLED, "JL-01b"),
        (one_bad("JL-01b", "error"), KILLED, "JL-01b"),
        (one_bad("JL-01b", "error", without="error"), UNTRIED, "JL-01b"),
        (one_bad("JL-01b", "error", without="failed"), UNTRIED, "JL-01b"),
        (one_bad("JL-01b", "skipped"), SURVIVED, ""),
        (one_bad("JL-01b", "hangs"), UNTRIED, ""),
        (lambda scenario, has_mutant: "passed", SURVIVED, ""),
    ],
)
def test_verdict(laboratory: Laboratory, answers: Answers, verdict: str, by: str) -> None:
    ScriptedBench.answers = staticmethod(answers)  # type: ignore[assignment]
    result = laboratory.try_mutant(MUTANT, ROWS)
    assert (result.verdict, result.by) == (verdict, by)


@pytest.mark.parametrize(
    ("reason", "without", "verdict", "runs"),
    [
        ("the job is Pending: waited 1.60 s of 1.60 s", "passed", KILLED, 3),
        ("the job is Pending: waited 1.60 s of 1.60 s", "failed", UNTRIED, 5),
        ("got no answer: connection refused", "failed", UNTRIED, 5),
        ("the job id is ''", "failed", KILLED, 1),
    ],
)
def test_what_a_busy_machine_may_cause_counts_only_beside_a_healthy_sandbox(
    laboratory: Laboratory, reason: str, without: str, verdict: str, runs: int
) -> None:
    ScriptedBench.answers = staticmethod(one_bad("JL-01b", "failed", without))  # type: ignore[assignment]
    ScriptedBench.reason = reason
    assert laboratory.try_mutant(MUTANT, ROWS).verdict == verdict
    assert len(ScriptedBench.runs) == runs


def test_a_failure_in_doubt_leaves_the_verdict_to_the_scenarios_after_it(laboratory: Laboratory) -> None:
    """CA-08b failed of a mutant and passed when it ran again on a busy machine. No other scenario was asked."""
    statuses = {"JL-01b": ("error", "error"), "JL-01c": ("failed", "passed")}
    ScriptedBench.answers = staticmethod(  # type: ignore[assignment]
        lambda scenario, has_mutant: statuses.get(scenario, ("passed", "passed"))[not has_mutant]
    )
    result = laboratory.try_mutant(MUTANT, ROWS)
    assert (result.verdict, result.by, result.scenarios_run) == (KILLED, "JL-01c", 4)


def test_a_process_that_does_not_come_up_is_noticed_by_all(laboratory: Laboratory) -> None:
    ScriptedBench.does_not_start = True
    result = laboratory.try_mutant(MUTANT, ROWS)
    assert (result.verdict, result.by) == (KILLED, trial.AT_START) and "NameError" in result.reason


def test_a_sandbox_that_ends_by_itself_is_noticed_by_all(laboratory: Laboratory) -> None:
    ScriptedBench.answers = staticmethod(one_bad("JL-01b", "hangs"))  # type: ignore[assignment]
    ScriptedBench.ends_by_itself = True
    result = laboratory.try_mutant(MUTANT, ROWS)
    assert (result.verdict, result.by) == (KILLED, trial.AT_START) and "did not end" in result.reason


def test_the_first_scenarios_run_first_and_none_after_a_failure(laboratory: Laboratory) -> None:
    ScriptedBench.answers = staticmethod(one_bad("JL-01a", "failed"))  # type: ignore[assignment]
    assert laboratory.try_mutant(MUTANT, ROWS).scenarios_run == 2
    assert list(map(set, ScriptedBench.runs)) == [{row.id for row in ROWS[:4]}]


def test_a_line_that_no_scenario_enters_is_a_survivor_without_a_run(laboratory: Laboratory) -> None:
    assert laboratory.try_mutant(MUTANT, []).verdict == SURVIVED and ScriptedBench.runs == []

"""``focus-acceptance faults``: run the matrix, print it as a table and return its verdict."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from support.clients.sandbox.control import ControlError
from support.clients.sandbox.embedded import SandboxError
from support.config import ConfigurationError, load_environment
from support.config.models import MOST_PARALLEL
from support.fault_catalogue import CatalogueError, Fault, chosen, load_catalogue
from support.files import PROJECT
from support.gherkin.documents import DocumentError, read_documents
from support.gherkin.tags import problem_with
from tools.fault_matrix.bench import MatrixError
from tools.fault_matrix.judgement import Judgement, Run
from tools.fault_matrix.matrix import run_matrix, run_once
from tools.fault_matrix.plan import Plan
from tools.fault_matrix.profile import compare, load_profile
from tools.fault_matrix.profile_command import print_comparison
from tools.fault_matrix.rows import Row, rows_of, rows_to_prove, said_in_backlog_only
from tools.fault_matrix.stored import write_verdicts
from tools.gherkin_lint.phrases import Outcomes

DEFAULT_TAGS = "not (@wip or @quarantine)"
# One fault for each kind of process and check: enough to detect that the matrix itself is broken.
SUBSET = (
    "two-jobs-for-one-request",
    "refusals-start-a-job",
    "idle-jobs-are-kept",
    "base-paths-missing",
    "ssh-target-host-key-changed",
)
REPORTS = Path("reports") / "faults"


def run(wanted: list[str], subset: bool, tags: str, workers: int, parallel: int, everything: bool) -> int:
    """Run the matrix and print it. Returns the exit code."""
    with _ends_in_a_sentence():
        _require_usable(tags, parallel)
        faults = chosen(load_catalogue(), list(SUBSET) if subset else wanted)
        complete = not (wanted or subset or tags != DEFAULT_TAGS)
        return _matrix(faults, tags, workers, parallel, everything, complete)


def run_profile(name: str, tags: str, workers: int, parallel: int) -> int:
    """Run every scenario on a sandbox with a profile, and print where the results differ from the profile."""
    with _ends_in_a_sentence():
        _require_usable(tags, parallel)
        profile = load_profile(name)
        settings, rows = _sandbox()
        settings = {key: value for key, value in settings.items() if key not in profile.settings}
        plan = Plan(settings, [], rows, tags, True, workers, parallel, REPORTS, ["--profile", name])
        comparison = compare(profile, run_once(name, plan))
    print_comparison(profile, comparison)
    return 0 if comparison.agrees else 1


class OptionError(Exception):
    """An option cannot be used; the message is one sentence. Nothing was started, and earlier results are unchanged."""


def _require_usable(tags: str, parallel: int) -> None:
    if problem := problem_with(tags):
        raise OptionError(problem)
    if parallel > MOST_PARALLEL:
        raise OptionError(f"--parallel={parallel}: a whole number from 1 to {MOST_PARALLEL}")


@contextmanager
def _ends_in_a_sentence() -> Iterator[None]:
    """Print errors as one sentence. Exit code 2 for what cannot be used, 1 for what could not be run to its end."""
    try:
        yield
    except (
        OptionError,
        CatalogueError,
        ConfigurationError,
        DocumentError,
        SandboxError,
        MatrixError,
        ControlError,
    ) as error:
        print(f"faults: {error}", file=sys.stderr)
        raise SystemExit(1 if isinstance(error, MatrixError | ControlError) else 2) from None


def _sandbox() -> tuple[Mapping[str, int | float | str], list[Row]]:
    """Return the settings of the environment, and the rows that run there."""
    environment = load_environment("sandbox")
    return environment.sandbox.settings, rows_to_prove(rows_of(read_documents(PROJECT / "features")), environment)


def _matrix(faults: list[Fault], tags: str, workers: int, parallel: int, everything: bool, complete: bool) -> int:
    started = time.monotonic()
    settings, rows = _sandbox()
    plan = Plan(settings, faults, rows, tags, everything, min(workers, len(faults)), parallel, REPORTS)
    judgements = run_matrix(plan, _report)
    write_verdicts(judgements, REPORTS, complete)
    caught = _summary(judgements, time.monotonic() - started)
    everything_proven = not complete or _nothing_unproven(rows, judgements)
    return 0 if caught and everything_proven else 1


def _nothing_unproven(rows: Sequence[Row], judgements: Sequence[Judgement]) -> bool:
    """Whether every scenario and every Then phrase has been seen failing. Prints those that have not."""
    proven = {name for judgement in judgements for name in judgement.proven}
    outcomes = Outcomes()
    failed = outcomes.phrases_of(text for judgement in judgements for text in judgement.failed_steps)
    unproven = [f"scenario {row.id}" for row in rows if row.id not in proven]
    every = rows_of(read_documents(PROJECT / "features"))
    phrases = outcomes.phrases - said_in_backlog_only(every, outcomes.phrases_of)
    unproven += [f"Then {phrase}" for phrase in sorted(phrases - failed)]
    for what in unproven:
        print(f"  never seen failing: {what}")
    print(
        f"seen failing: {len({row.id for row in rows} & proven)} of {len(rows)} scenarios, "
        f"{len(phrases & failed)} of {len(phrases)} Then phrases"
    )
    return not unproven


def _report(result: Run | Judgement) -> None:
    if isinstance(result, Run):
        passed = sorted(result.passed())
        which = passed[0] if len(passed) == 1 else f"{len(passed)} of {len(result.scenarios)} scenarios"
        print(f"healthy sandbox: {which} passed, none failed", flush=True)
    else:
        print(_lines(result), flush=True)


def _lines(judgement: Judgement) -> str:
    fault = judgement.fault
    verdict = "caught" if judgement.caught else "NOT CAUGHT"
    expected = ", ".join(fault.scenarios)
    lines = [
        f"  {fault.requirement}  {fault.id:45} {len(judgement.proven):3} of {judgement.expected:3} failed  "
        f"{verdict:10} {judgement.duration_s:5.1f} s  {expected}"
    ]
    lines += [f"      {name} passed although it must fail" for name in judgement.missed]
    lines += [f"      {name} failed for another reason: {reason}" for name, reason in judgement.wrong_reason.items()]
    lines += [f"      {name} is unrelated but failed: {reason}" for name, reason in judgement.unrelated.items()]
    return "\n".join(lines)


def _summary(judgements: list[Judgement], duration_s: float) -> bool:
    requirements = Counter(judgement.fault.requirement for judgement in judgements if judgement.caught)
    caught = sum(judgement.caught for judgement in judgements)
    missed = sum(len(judgement.missed) + len(judgement.wrong_reason) for judgement in judgements)
    unrelated = sum(len(judgement.unrelated) for judgement in judgements)
    print(
        f"{caught} of {len(judgements)} faults of {len(requirements)} requirements caught for their reason; "
        f"expected failures that did not come: {missed}; unrelated failures: {unrelated}; {duration_s:.0f} s"
    )
    return caught == len(judgements)

"""The next steps in order. Each line is based on an observation of the run."""

from __future__ import annotations

from collections.abc import Sequence

from support.capacity.diagnosis import Diagnosis
from support.capacity.diagnosis.pace import placing_pace
from support.capacity.load.run import CapacityRun
from support.capacity.report.gap_arithmetic import Supply
from support.capacity.report.recommendations import Recommendation
from support.statistics.verdict import Outcome


def next_steps(
    run: CapacityRun,
    diagnosis: Diagnosis,
    wanted: Sequence[Recommendation],
    supplies: Sequence[Supply],
    verdict: Outcome,
) -> list[str]:
    """Return the steps in order. Each line is based on an observation."""
    steps = []
    if run.stopped_because:
        steps.append(f"Repeat the run: it ended early ({run.stopped_because}).")
    weak = run.self_check is not None and not run.self_check.trusted
    if run.self_check is not None and weak:
        steps.append(
            f"Repeat from a stronger or quieter machine: {run.self_check.reason or 'the generator adds too much'}."
        )
    advice = [each for each in wanted if not (weak and each.cause == "generator")]
    for index, each in enumerate(advice):
        change = f" (from {each.before} to {each.after})" if each.after is not None else ""
        steps.append(f"{'First' if index == 0 else 'Then'}: {each.action}{change}; check with {each.verify_with}.")
    if diagnosis.unattributed or diagnosis.unattributed_slow:
        count = len(diagnosis.unattributed) + len(diagnosis.unattributed_slow)
        known = (
            "; start with the texts no rule knows" if diagnosis.unmatched else "; nothing in the cluster names a cause"
        )
        steps.append(f"Look into {count} investigation{'s' * (count != 1)} without a known cause{known}.")
    if verdict is Outcome.INCONCLUSIVE and not run.partial and not weak:
        steps.append("Repeat the run and pool the samples: these are too few for a verdict.")
    if verdict is Outcome.PASS and supplies:
        steps.append(
            f"Nothing has to be changed: there is room for {supplies[0].slots - run.target.jobs} more jobs, "
            f"then {supplies[0].resource} runs out first."
        )
    if verdict is Outcome.PASS and run.step and (pace := placing_pace(run.step.records)):
        steps.append(
            f"Expect the control plane's own pace: it starts {pace.per_s:.1f} pods a second, the last of "
            f"{pace.count} after {pace.last_s:.0f} s."
        )
    if leftovers := _leftovers(run):
        steps.append(f"Remove what was left over ({len(leftovers)} objects): focus-acceptance sweep.")
    return steps


def _leftovers(run: CapacityRun) -> tuple[str, ...]:
    after = run.recovery.leftovers if run.recovery else ()
    return (*(run.step.leftovers if run.step else ()), *after)

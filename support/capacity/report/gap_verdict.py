"""The verdict over one capacity run, and the sentence that states it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from support.capacity.diagnosis import Confidence, Diagnosis
from support.capacity.diagnosis.direct import direct_match
from support.capacity.diagnosis.evidence import ClusterIndex
from support.capacity.load.phases import latencies_ms
from support.capacity.load.results import ClusterEvidence, LoadStep, SelfCheck
from support.capacity.load.run import CapacityRun
from support.statistics.gates import (
    BaselineGate,
    PercentileGate,
    RateGate,
    baseline_gate,
    percentile_gate,
    success_gate,
)
from support.statistics.verdict import Outcome, worst

THIS_MACHINE, GENERATOR, ANSWERS = "this machine", "load generator", "P95 of the answers"
_HEADLINES = (THIS_MACHINE, "success", ANSWERS)
"""Gates whose reason appears in the sentence if they did not pass."""
_WORDS = {Outcome.PASS: "Target reached", Outcome.FAIL: "Target missed", Outcome.INCONCLUSIVE: "Not decided"}


@dataclass(frozen=True)
class NamedGate:
    """One gate of the verdict. ``verdict`` is None for a number that is shown and not judged."""

    name: str
    verdict: Outcome | None
    reason: str


@dataclass(frozen=True)
class GapVerdict:
    """The verdict with its gates. ``latency_verdict`` judges P95 of the answers; None if nothing was judged."""

    verdict: Outcome
    gates: tuple[NamedGate, ...]
    latency_verdict: Outcome | None = None
    is_close: bool = False
    """Whether the limit of the answers lies within the bounds of the measurement."""
    baseline: BaselineGate | None = None


def judge(run: CapacityRun) -> GapVerdict:
    """Judge success and P95 of all requested investigations. An untrusted generator or an early end is inconclusive.

    A shortage that is already shown when a run ends early remains one, because the missing jobs cannot pass later.
    """
    if run.step is None or not run.step.records:
        why = NamedGate("measured", Outcome.INCONCLUSIVE, run.stopped_because or "the load never ran")
        return GapVerdict(Outcome.INCONCLUSIVE, (why,))
    step, target = run.step, run.target
    success = success_gate(step.succeeded, len(step.records), target.success_rate)
    answers = latencies_ms(step.records, "answered", target.limit_s("answered"))
    p95 = percentile_gate(answers, 0.95, target.p95_ms)
    p99 = percentile_gate(answers, 0.99, target.p95_ms)
    shown, answered = success.verdict, p95.verdict if run.judges_answers else None
    doubt = _machine_doubt(run, step, success, p95 if run.judges_answers else None)
    if doubt:
        shown = Outcome.INCONCLUSIVE if shown is Outcome.FAIL else shown
        answered = Outcome.INCONCLUSIVE if answered is Outcome.FAIL else answered
    gates = [
        *([NamedGate(THIS_MACHINE, Outcome.INCONCLUSIVE, doubt)] if doubt else []),
        NamedGate("success", shown, success.reason),
        NamedGate(ANSWERS, answered, p95.reason),
        # The target has no limit for P99, so it is only shown.
        NamedGate("P99 of the answers", None, f"{p99.percentile.value:.4g} ms of {len(answers)} samples: indicative"),
    ]
    verdicts = [shown, answered]
    if run.partial or len(step.records) < target.jobs:
        reason = run.stopped_because or f"{len(step.records)} of {target.jobs} jobs were asked for"
        gates.append(NamedGate("complete", Outcome.INCONCLUSIVE, reason))
        verdicts.append(Outcome.INCONCLUSIVE)
    if run.self_check is not None and not run.self_check.trusted:
        gates.append(NamedGate(GENERATOR, Outcome.INCONCLUSIVE, run.self_check.reason or "not trusted"))
    baseline = baseline_gate(p95.percentile.value, run.baseline_p95_ms) if run.baseline_p95_ms else None
    is_close = answered is Outcome.INCONCLUSIVE and p95.percentile.upper is not None
    return GapVerdict(trusted_outcome(verdicts, run.self_check), tuple(gates), answered, is_close, baseline)


def spoilt_by(judged: GapVerdict) -> str | None:
    """Return why a measurement is inconclusive, if a repetition might decide, else None.

    A repetition might decide if the tester's own machine was the reason, or if the limit lies within the bounds of the
    answers. It does not help if too few investigations were requested.
    """
    if judged.verdict is not Outcome.INCONCLUSIVE:
        return None
    names = (THIS_MACHINE, GENERATOR, ANSWERS) if judged.is_close else (THIS_MACHINE, GENERATOR)
    own = (gate for gate in judged.gates if gate.name in names and gate.verdict is Outcome.INCONCLUSIVE)
    return next((f"{gate.name}: {gate.reason}" for gate in own), None)


def _machine_doubt(run: CapacityRun, step: LoadStep, success: RateGate, p95: PercentileGate | None) -> str:
    """Return in one sentence why the tester's machine may have caused a failure; empty without such a doubt.

    Investigations that were refused, never placed on a node, or failed for a cause the cluster itself names did not
    fail for want of a processor.
    """
    machine = step.machine
    if machine is None or not machine.is_busy:
        return ""
    excused = []
    if p95 is not None and p95.verdict is Outcome.FAIL:
        excused.append(machine.explains(p95.percentile.lower or p95.percentile.value, run.target.p95_ms))
    if success.verdict is Outcome.FAIL:
        rest = success_gate(step.succeeded + _late(step, run.during), len(step.records), run.target.success_rate)
        excused.append(rest.verdict is not Outcome.FAIL)
    return f"this machine was busy: {machine}" if excused and all(excused) else ""


def late_for_the_machine(run: CapacityRun, wanted: float) -> str:
    """State in one sentence that enough would have opened on a machine that was not busy; empty if not."""
    step = run.step
    if step is None or step.machine is None or not step.machine.is_busy:
        return ""
    if (step.succeeded + _late(step, run.during)) / step.asked < wanted:
        return ""
    return f"this machine was busy: {step.machine}"


def _late(step: LoadStep, evidence: ClusterEvidence) -> int:
    """Return the number that were placed on a node and then failed a phase without a cause in the cluster. Those that
    reached the last phase are not late."""
    index = ClusterIndex(evidence)
    placed = [one for one in step.failed if one.status == 200 and "scheduled" in one.reached and one.failed_phase]
    causes = (direct_match(one, index) for one in placed)
    return sum(cause is None or cause.confidence is not Confidence.HIGH for cause in causes)


def trusted_outcome(outcomes: Iterable[Outcome | None], self_check: SelfCheck | None) -> Outcome:
    """Return the worst outcome, or INCONCLUSIVE if the generator is not trusted, because then nothing is proven."""
    if self_check is not None and not self_check.trusted:
        return Outcome.INCONCLUSIVE
    return worst(outcomes)


def verdict_sentence(run: CapacityRun, judged: GapVerdict, diagnosis: Diagnosis) -> str:
    """Summarize the report in one sentence."""
    target, step = run.target.jobs, run.step
    if step is None:
        return f"Not decided: the load of {target} jobs never ran ({run.stopped_because or 'no reason given'})."
    together = "open at the same time" if run.turns == 1 else f"open, in {run.turns} turns, with those of their turn"
    held = f"{step.succeeded} of {target} jobs were {together}, each with its own port"
    return f"{_WORDS[judged.verdict]}: {held}{_because(run, judged, diagnosis)}."


def _because(run: CapacityRun, judged: GapVerdict, diagnosis: Diagnosis) -> str:
    if judged.verdict is Outcome.PASS:
        return f", and the answers stayed within {run.target.p95_ms:g} ms" if run.judges_answers else ""
    reasons = [gate.reason for gate in judged.gates if gate.verdict is judged.verdict and gate.name in _HEADLINES]
    if run.self_check is not None and not run.self_check.trusted:
        reasons.append("the load generator is not trusted")
    if run.partial:
        reasons.append(f"the run ended early ({run.stopped_because})")
    if diagnosis.findings:
        first = diagnosis.findings[0]
        count, of = (len(first.jobs), "failed") if first.jobs else (len(first.slow_jobs), "were answered late")
        reasons.append(f"{count} {of} because {first.cause.title}" if count != 1 else f"one {of}: {first.cause.title}")
    unknown = len(diagnosis.unattributed) or len(diagnosis.unattributed_slow)
    if unknown:
        reasons.append(f"of {unknown} the cause is unknown")
    return "".join(f"; {each}" for each in reasons)

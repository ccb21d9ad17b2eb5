"""The verdict over one capacity run, and the sentence that says it."""

from __future__ import annotations

from dataclasses import dataclass

from support.capacity.bottlenecks import Diagnosis
from support.capacity.gates import BaselineGate, baseline_gate, overall, percentile_gate, success_gate
from support.capacity.phases import latencies_ms
from support.capacity.results import Verdict
from support.capacity.run import CapacityRun

_WORDS = {Verdict.PASS: "Target reached", Verdict.FAIL: "Target missed", Verdict.INCONCLUSIVE: "Not decided"}


@dataclass(frozen=True)
class NamedGate:
    """``verdict`` is None for a number that is shown and not judged."""

    name: str
    verdict: Verdict | None
    reason: str


@dataclass(frozen=True)
class Judgement:
    """``latency_verdict`` is that of P95 of the answers; None without any answer to judge."""

    verdict: Verdict
    gates: tuple[NamedGate, ...]
    latency_verdict: Verdict | None = None
    baseline: BaselineGate | None = None


def judge(run: CapacityRun) -> Judgement:
    """Success and P95 of all investigations asked for; a generator without trust, or an early end, decides nothing.

    A shortage that is already shown when a run is ended early stays one: what is missing cannot pass later.
    """
    if run.step is None or not run.step.records:
        why = NamedGate("measured", Verdict.INCONCLUSIVE, run.stopped_because or "the load never ran")
        return Judgement(Verdict.INCONCLUSIVE, (why,))
    step, target = run.step, run.target
    success = success_gate(step.succeeded, len(step.records), target.success_rate)
    answers = latencies_ms(step.records, "answered", target.limit_s("answered"))
    p95 = percentile_gate(answers, 0.95, target.p95_ms)
    p99 = percentile_gate(answers, 0.99, target.p95_ms)
    gates = [
        NamedGate("success", success.verdict, success.reason),
        NamedGate("P95 of the answers", p95.verdict, p95.reason),
        # The target knows no limit of P99: it is shown only.
        NamedGate("P99 of the answers", None, f"{p99.percentile.value:.4g} ms of {len(answers)} samples: indicative"),
    ]
    verdicts = [success.verdict, p95.verdict]
    if run.partial or len(step.records) < target.jobs:
        reason = run.stopped_because or f"{len(step.records)} of {target.jobs} jobs were asked for"
        gates.append(NamedGate("complete", Verdict.INCONCLUSIVE, reason))
        verdicts.append(Verdict.INCONCLUSIVE)
    if run.self_check is not None and not run.self_check.trusted:
        gates.append(NamedGate("load generator", Verdict.INCONCLUSIVE, run.self_check.reason or "not trusted"))
    baseline = baseline_gate(p95.percentile.value, run.baseline_p95_ms) if run.baseline_p95_ms else None
    return Judgement(overall(verdicts, run.self_check), tuple(gates), p95.verdict, baseline)


def verdict_sentence(run: CapacityRun, judgement: Judgement, diagnosis: Diagnosis) -> str:
    """One sentence that stands for the report."""
    target, step = run.target.jobs, run.step
    if step is None:
        return f"Not decided: the load of {target} jobs never ran ({run.stopped_because or 'no reason given'})."
    held = f"{step.succeeded} of {target} jobs were open at the same time, each with its own port"
    return f"{_WORDS[judgement.verdict]}: {held}{_because(run, judgement, diagnosis)}."


def _because(run: CapacityRun, judgement: Judgement, diagnosis: Diagnosis) -> str:
    if judgement.verdict is Verdict.PASS:
        return f", and the answers stayed within {run.target.p95_ms:g} ms"
    told = []
    if run.self_check is not None and not run.self_check.trusted:
        told.append("the load generator is not trusted")
    if run.partial:
        told.append(f"the run ended early ({run.stopped_because})")
    if diagnosis.findings:
        first = diagnosis.findings[0]
        count, of = (len(first.jobs), "failed") if first.jobs else (len(first.slow_jobs), "were answered late")
        told.append(f"{count} {of} because {first.cause.title}" if count != 1 else f"one {of}: {first.cause.title}")
    unknown = len(diagnosis.unattributed) or len(diagnosis.unattributed_slow)
    if unknown:
        told.append(f"of {unknown} the cause is unknown")
    if not told:
        told = [gate.reason for gate in judgement.gates if gate.verdict not in (None, Verdict.PASS)][:1]
    return "".join(f"; {each}" for each in told)

"""The verdict over one capacity run, and the sentence that says it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from support.capacity.diagnosis import Diagnosis
from support.capacity.load.phases import latencies_ms
from support.capacity.load.results import SelfCheck
from support.capacity.load.run import CapacityRun
from support.statistics.gates import BaselineGate, baseline_gate, percentile_gate, success_gate
from support.statistics.verdict import Outcome, worst

_WORDS = {Outcome.PASS: "Target reached", Outcome.FAIL: "Target missed", Outcome.INCONCLUSIVE: "Not decided"}


@dataclass(frozen=True)
class NamedGate:
    """``verdict`` is None for a number that is shown and not judged."""

    name: str
    verdict: Outcome | None
    reason: str


@dataclass(frozen=True)
class GapVerdict:
    """``latency_verdict`` is that of P95 of the answers; None without any answer to judge."""

    verdict: Outcome
    gates: tuple[NamedGate, ...]
    latency_verdict: Outcome | None = None
    baseline: BaselineGate | None = None


def judge(run: CapacityRun) -> GapVerdict:
    """Success and P95 of all investigations asked for; a generator without trust, or an early end, decides nothing.

    A shortage that is already shown when a run is ended early stays one: what is missing cannot pass later.
    """
    if run.step is None or not run.step.records:
        why = NamedGate("measured", Outcome.INCONCLUSIVE, run.stopped_because or "the load never ran")
        return GapVerdict(Outcome.INCONCLUSIVE, (why,))
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
        gates.append(NamedGate("complete", Outcome.INCONCLUSIVE, reason))
        verdicts.append(Outcome.INCONCLUSIVE)
    if run.self_check is not None and not run.self_check.trusted:
        gates.append(NamedGate("load generator", Outcome.INCONCLUSIVE, run.self_check.reason or "not trusted"))
    baseline = baseline_gate(p95.percentile.value, run.baseline_p95_ms) if run.baseline_p95_ms else None
    return GapVerdict(trusted_outcome(verdicts, run.self_check), tuple(gates), p95.verdict, baseline)


def trusted_outcome(outcomes: Iterable[Outcome | None], self_check: SelfCheck | None) -> Outcome:
    """The worst of them; INCONCLUSIVE whatever they say for a generator without trust: it proves nothing."""
    if self_check is not None and not self_check.trusted:
        return Outcome.INCONCLUSIVE
    return worst(outcomes)


def verdict_sentence(run: CapacityRun, judged: GapVerdict, diagnosis: Diagnosis) -> str:
    """One sentence that stands for the report."""
    target, step = run.target.jobs, run.step
    if step is None:
        return f"Not decided: the load of {target} jobs never ran ({run.stopped_because or 'no reason given'})."
    held = f"{step.succeeded} of {target} jobs were open at the same time, each with its own port"
    return f"{_WORDS[judged.verdict]}: {held}{_because(run, judged, diagnosis)}."


def _because(run: CapacityRun, judged: GapVerdict, diagnosis: Diagnosis) -> str:
    if judged.verdict is Outcome.PASS:
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
        told = [gate.reason for gate in judged.gates if gate.verdict not in (None, Outcome.PASS)][:1]
    return "".join(f"; {each}" for each in told)

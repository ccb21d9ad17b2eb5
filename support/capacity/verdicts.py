"""Conclusions of the capacity scenarios, each as one verdict with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import median

from support.capacity.diagnosis import Diagnosis
from support.capacity.load.run import CapacityRun
from support.capacity.measured import Growth, Measured
from support.capacity.report.gap_report import diagnosis_of
from support.capacity.report.gap_verdict import judge, late_for_the_machine, trusted_outcome
from support.config.models import Capacity
from support.statistics.percentiles import wilson_bounds
from support.statistics.verdict import Outcome, Verdict

_SHOWN_CAUSES = 4
_MISSED = {"answered": "refused or never answered"}
"""Descriptions of investigations that missed a phase, where "never <phase>" says too little."""


def meets_the_requirement(measured: Measured, capacity: Capacity) -> Verdict:
    """Judge the success rate, with confidence, and the response times. Few investigations cannot prove a rate, so their
    plain share counts."""
    run = measured.run
    if wilson_bounds(run.target.jobs, run.target.jobs).lower < capacity.success_rate:
        return _share(measured, capacity.success_rate)
    judged = judge(run)
    reasons = [f"{gate.name}: {gate.reason}" for gate in judged.gates if gate.verdict not in (None, Outcome.PASS)]
    if judged.verdict is Outcome.PASS:
        return Verdict(Outcome.PASS, judged.gates[0].reason)
    return Verdict(judged.verdict, "\n".join([*reasons, *measured.told_before, *causes(run)]))


def all_succeed(measured: Sequence[Measured]) -> Verdict:
    """Each investigation of each load must succeed."""
    if not measured:
        return Verdict(Outcome.INCONCLUSIVE, "nothing was measured")
    verdicts = [_share(one, 1.0) for one in measured]
    bad = next((verdict for verdict in verdicts if verdict.outcome is not Outcome.PASS), None)
    return bad or Verdict(Outcome.PASS, f"all of {len(measured)} opened")


def is_answered_within(measured: Sequence[Measured], limit_ms: float) -> Verdict:
    """Judge the median of a few single openings, so that one at a busy moment of the machine decides nothing."""
    if not measured:
        return Verdict(Outcome.INCONCLUSIVE, "nothing was measured")
    answered = sorted(one.step.records[0].reached.get("answered", float("inf")) * 1000 for one in measured)
    middle_ms = answered[len(answered) // 2]
    sentence = f"a single investigation is answered in {middle_ms:.0f} ms, the limit is {limit_ms:g} ms"
    busy = [one.step.machine for one in measured if one.step.machine and one.step.machine.explains(middle_ms, limit_ms)]
    if middle_ms > limit_ms and len(busy) > len(measured) // 2:
        return Verdict(Outcome.INCONCLUSIVE, f"{sentence}\nthis machine was busy: {busy[0]}")
    return Verdict(Outcome.PASS if middle_ms <= limit_ms else Outcome.FAIL, sentence)


def holds_every_step(growth: Growth, capacity: Capacity) -> Verdict:
    """Each step must reach its share of success, and the growth must not be stopped."""
    if not growth.measured:
        return Verdict(Outcome.INCONCLUSIVE, "nothing was measured")
    for measured in growth.measured:
        share = _share(measured, capacity.success_rate)
        if share.outcome is not Outcome.PASS:
            why = f"\nthe growth {growth.stopped_because}" if growth.stopped_because else ""
            return Verdict(share.outcome, f"step of {measured.step.asked}: {share.reason}{why}")
    return Verdict(Outcome.PASS, f"{len(growth.measured)} steps held")


def began_clean(growth: Growth) -> Verdict:
    """Nothing may be left after a step, or reappear while the next one stands."""
    if not any(measured.step.succeeded for measured in growth.measured):
        return Verdict(Outcome.INCONCLUSIVE, "no investigation was opened, so nothing could be left")
    for measured in growth.measured:
        if measured.step.leftovers:
            left = ", ".join(measured.step.leftovers)
            return Verdict(Outcome.FAIL, f"after the step of {measured.step.asked} there was still: {left}")
        if measured.step.of_earlier:
            left = ", ".join(measured.step.of_earlier)
            return Verdict(Outcome.FAIL, f"before the step of {measured.step.asked} there was still: {left}")
    return Verdict(Outcome.PASS, "nothing was left after any step")


def causes(run: CapacityRun) -> list[str]:
    """Return the causes of failures and late answers, ordered as in the gap report, each with its first evidence."""
    diagnosis = diagnosis_of(run)
    lines = []
    for place, finding in enumerate(diagnosis.findings[:_SHOWN_CAUSES], start=1):
        count = f"{len(finding.jobs)} failed, {len(finding.slow_jobs)} late"
        shown = dict.fromkeys(f"{row.field}: {row.value}" for row in finding.evidence)
        named = f"bottleneck {place}, {finding.cause.id}"
        lines.append(f"{named}: {count}: {finding.cause.title}: " + " | ".join(list(shown)[:3]))
    if diagnosis.unattributed or diagnosis.unattributed_slow:
        counts = f"{len(diagnosis.unattributed)} failed, {len(diagnosis.unattributed_slow)} late"
        details = [*_figures(run, diagnosis), *diagnosis.unmatched[:3]]
        lines.append(f"{counts}: for an unknown cause: " + " | ".join(details))
    return lines


def _figures(run: CapacityRun, diagnosis: Diagnosis) -> Iterator[str]:
    """Describe the investigations whose cause is unknown, compared with the others and with the use of the machine."""
    records = run.step.records if run.step else ()
    missed = Counter(one.failed_phase or "alive together" for one in records if one.number in diagnosis.unattributed)
    yield from (f"{count} {_MISSED.get(phase, f'never {phase}').replace('_', ' ')}" for phase, count in missed.items())
    slow = set(diagnosis.unattributed_slow)
    answered = {one.number: one.reached["answered"] * 1000 for one in records if "answered" in one.reached}
    late_ms = [took_ms for number, took_ms in answered.items() if number in slow]
    rest_ms = [took_ms for number, took_ms in answered.items() if number not in slow]
    if late_ms:
        yield f"their answers took {min(late_ms):.0f} to {max(late_ms):.0f} ms, the middle {median(late_ms):.0f} ms"
    if late_ms and rest_ms:
        yield f"the other {len(rest_ms)} took {min(rest_ms):.0f} to {max(rest_ms):.0f} ms"
    if run.step and run.step.machine:
        yield f"on this machine {run.step.machine}"


def _share(measured: Measured, wanted: float) -> Verdict:
    step = measured.step
    verdict = Outcome.PASS if step.succeeded / step.asked >= wanted else Outcome.FAIL
    verdict = trusted_outcome([verdict], measured.run.self_check)
    reason = f"{step.succeeded} of {step.asked} opened completely, wanted {wanted:.0%}"
    check = measured.run.self_check
    doubt = [f"the load generator is not trusted: {check.reason}"] if check is not None and not check.trusted else []
    if verdict is Outcome.FAIL and (busy := late_for_the_machine(measured.run, wanted)):
        verdict, doubt = Outcome.INCONCLUSIVE, [busy]
    if verdict is Outcome.PASS:
        return Verdict(verdict, reason)
    return Verdict(verdict, "\n".join([*doubt, reason, *measured.told_before, *causes(measured.run)]))

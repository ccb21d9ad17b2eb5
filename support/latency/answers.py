"""Response times of the Focus Server, with enough samples to bound P95 and with the suite's own share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from support.capacity.load.machine import MachineMeter, MachineUse
from support.capacity.load.once_more import OnceMore
from support.capacity.load.self_check import GeneratorCheck
from support.clients.focus_server.client import Answer, ConnectionFailed, FocusServerClient
from support.clients.focus_server.load_client import LoadClient
from support.clients.load_engine import Caps, fire
from support.clients.safety import Budget
from support.config import Environment
from support.gherkin.sharing import made_once
from support.investigations.service import Investigations
from support.latency.baselines import OPENING_FIGURE, Baselines
from support.redaction import shortened
from support.reporting.record import context as reporting
from support.statistics.gates import PercentileGate, baseline_gate, percentile_gate
from support.statistics.percentiles import percentile
from support.statistics.verdict import Outcome, Verdict, worst

ENOUGH = 120
"""At least 72 answers are needed to bound P95 from above (docs/facts/capacity.md 4.1); with 72, the slowest is the
bound. From 110 on the bound is the second slowest, so one bad answer does not make the measurement void."""
SEVERAL = 5
SHARE_OF_LIMIT = 0.1


@dataclass(frozen=True)
class Answers:
    """Answers to the same request, the first error, and the conditions of the measurement.

    Latencies are in ms; a failed request counts with its time limit. ``own_share_ms`` is what the suite itself adds at
    P95, ``machine`` the load of its machine meanwhile. ``told_before`` holds the earlier result if this measurement
    repeats one that the machine had spoilt. ``not_asked`` is the number of requests that were not sent, because no
    answer to them could have changed the verdict.
    """

    asked: str
    latencies_ms: tuple[float, ...]
    trouble: str
    own_share_ms: float
    machine: MachineUse | None = None
    told_before: tuple[str, ...] = ()
    not_asked: int = 0

    @property
    def at_best_ms(self) -> list[float]:
        """The latencies if the requests that were not sent had been answered at once."""
        return [*self.latencies_ms, *[0.0] * self.not_asked]

    @property
    def remarks(self) -> list[str]:
        """Remarks on how the measurement was made, for the reason of a verdict."""
        asked = len(self.latencies_ms)
        stopped = f"stopped after {asked}: even if the other {self.not_asked} took no time, the limit is missed"
        return [*([stopped] if self.not_asked else []), *self.told_before]


Judge = Callable[[Answers], Verdict]


def recorded(figure: str, answers: Answers) -> Answers:
    """Return the answers, and record their P95 for the run. Metrics and trends take it from there."""
    reporting.current().figure(figure, percentile(answers.latencies_ms, 0.95).value)
    return answers


class Latency:
    """Repeats the same request and judges the response times. The openings are measured once in a run and kept."""

    def __init__(
        self,
        client: FocusServerClient,
        load: LoadClient,
        investigations: Investigations,
        generator: GeneratorCheck,
        once_more: OnceMore,
        baselines: Baselines,
        environment: Environment,
        budget: Budget,
    ) -> None:
        self._budget = budget
        self._client, self._load, self._investigations = client, load, investigations
        self._generator, self._once_more, self._baselines = generator, once_more, baselines
        self._environment = environment
        self._limits = environment.limits
        self._openings: Answers | None = None

    @made_once("the openings of one client")
    def openings(self) -> Answers:
        """Open live investigations one after the other and release each at once. Measured once in a run."""
        if self._openings is None:
            ask = self._investigations.open_briefly
            opened = self._one_after_the_other("opening", ask, self.openings_are_fast)
            self._openings = recorded(OPENING_FIGURE, opened)
        return self._openings

    def health_checks(self) -> Answers:
        answers = self._one_after_the_other("health check", self._client.ack, self.health_checks_are_fast)
        return recorded("health_check_p95_ms", answers)

    def channels(self) -> Answers:
        asked, judge = "question for the channels", self.channels_are_fast
        return self._one_after_the_other(asked, self._client.channels, judge, SEVERAL)

    def live_metadata(self) -> Answers:
        asked, judge = "question for the fibre", self.live_metadata_are_fast
        return self._one_after_the_other(asked, self._client.live_metadata, judge, SEVERAL)

    def health_checks_at_once(self) -> Answers:
        """Send as many health checks at once as the environment sets; latency counts from the planned start."""
        self._budget.require_at_once(self._limits.ack_concurrency)
        answers = self.decided(self._health_checks_at_once, self.health_checks_at_once_are_fast)
        return recorded("health_checks_at_once_p95_ms", answers)

    def decided(self, make: Callable[[], Answers], judge: Judge) -> Answers:
        """Measure with ``make``; repeat it once if the result is inconclusive and this machine runs the estate."""

        def spoilt(answers: Answers) -> str | None:
            verdict = judge(answers)
            return verdict.reason if verdict.outcome is Outcome.INCONCLUSIVE else None

        return self._once_more.decided(make, spoilt, lambda one, note: replace(one, told_before=(note,)))

    def _health_checks_at_once(self) -> Answers:
        check, meter = self._generator.result(), MachineMeter()
        connections = self._load.connections("GET", "/ack", [None] * self._limits.ack_concurrency, warm=True)
        try:
            burst = fire(connections, Caps(len(connections), 2 * self._environment.focus_server.read_timeout_s))
        finally:
            for connection in connections:
                connection.close()
        bad = [sample for sample in burst.samples if sample.status != 200]
        error = f"{len(bad)} were not answered 200, the first: {bad[0].status} {bad[0].error}" if bad else ""
        latencies_ms = tuple(sample.response_ms for sample in burst.samples)
        return Answers("health check", latencies_ms, error, check.added_p95_ms, meter.use())

    def openings_are_fast(self, answers: Answers) -> Verdict:
        return self.are_fast(answers, self._limits.configure_p95_ms, self._limits.configure_p99_ms)

    def health_checks_are_fast(self, answers: Answers) -> Verdict:
        return self.are_fast(answers, self._limits.ack_p95_ms)

    def health_checks_at_once_are_fast(self, answers: Answers) -> Verdict:
        return self.are_fast(answers, self._limits.ack_concurrent_p95_ms)

    def channels_are_fast(self, answers: Answers) -> Verdict:
        return self.are_each_fast(answers, self._limits.channels_ms)

    def live_metadata_are_fast(self, answers: Answers) -> Verdict:
        return self.are_each_fast(answers, self._limits.live_metadata_ms)

    def are_fast(self, answers: Answers, p95_ms: float, p99_ms: float | None = None) -> Verdict:
        """Judge P95, and P99 if there are enough answers; with fewer, P99 is only shown."""
        p95 = percentile_gate(answers.at_best_ms, 0.95, p95_ms)
        p99 = None if p99_ms is None else percentile_gate(answers.at_best_ms, 0.99, p99_ms)
        share = f"the suite itself adds {answers.own_share_ms:.1f} ms at P95"
        reasons = [f"{answers.asked}: {p95.reason}", *([p99.reason] if p99 else []), share, *answers.remarks]
        if answers.trouble:
            return Verdict(Outcome.FAIL, "\n".join([answers.trouble, *reasons]))
        verdict = worst(gate.verdict for gate in (p95, p99) if gate is not None)
        if verdict is Outcome.FAIL and _may_be_the_suites([p95, p99], answers.own_share_ms, p95_ms):
            return Verdict(Outcome.INCONCLUSIVE, "\n".join([f"{share}, too much to judge {p95_ms:g} ms", *reasons]))
        failed = [gate for gate in (p95, p99) if gate is not None and gate.verdict is Outcome.FAIL]
        if failed and all(_explained(answers, gate.percentile.lower or 0.0, gate.limit) for gate in failed):
            return Verdict(Outcome.INCONCLUSIVE, "\n".join([f"this machine was busy: {answers.machine}", *reasons]))
        return Verdict(verdict, "\n".join(reasons))

    def are_each_fast(self, answers: Answers, limit_ms: float) -> Verdict:
        """Judge the slowest answer, for a limit that holds for each answer."""
        slowest_ms = max(answers.latencies_ms)
        amount = len(answers.latencies_ms)
        slowest = f"{answers.asked}: the slowest of {amount} took {slowest_ms:.0f} ms, limit {limit_ms:g} ms"
        reason = "\n".join([slowest, *answers.remarks])
        if answers.trouble:
            return Verdict(Outcome.FAIL, f"{answers.trouble}\n{reason}")
        if slowest_ms > limit_ms and _explained(answers, slowest_ms, limit_ms):
            return Verdict(Outcome.INCONCLUSIVE, f"this machine was busy: {answers.machine}\n{reason}")
        return Verdict(Outcome.PASS if slowest_ms <= limit_ms else Outcome.FAIL, reason)

    def are_as_fast_as_before(self, answers: Answers) -> Verdict:
        """Compare the P95 with the earlier runs of this environment (PF-03)."""
        if answers.trouble:
            return Verdict(Outcome.FAIL, answers.trouble)
        gate = baseline_gate(percentile(answers.latencies_ms, 0.95).value, self._baselines.p95s_ms)
        if gate.verdict is Outcome.FAIL and _explained(answers, gate.value, gate.limit or 0.0):
            busy = f"this machine was busy: {answers.machine}"
            return Verdict(Outcome.INCONCLUSIVE, f"{busy}\n{answers.asked}: P95 in ms: {gate.reason}")
        return Verdict(gate.verdict, f"{answers.asked}: P95 in ms: {gate.reason}")

    def _one_after_the_other(
        self, asked: str, ask: Callable[[], Answer], judge: Judge, amount: int = ENOUGH
    ) -> Answers:
        self._budget.require_load(f"ask {amount} times in a row")
        return self.decided(lambda: self._row(asked, ask, judge, amount), judge)

    def _row(self, asked: str, ask: Callable[[], Answer], judge: Judge, amount: int) -> Answers:
        """Ask ``amount`` times, or until the answers are so late that the rest cannot change the verdict."""
        own_share_ms, meter = self._generator.single_ms(), MachineMeter()
        latencies_ms: list[float] = []
        troubles: list[str] = []

        def answers(machine: MachineUse | None = None) -> Answers:
            error = f"{len(troubles)} of {amount} failed, the first: {troubles[0]}" if troubles else ""
            not_asked = amount - len(latencies_ms)
            return Answers(asked, tuple(latencies_ms), error, own_share_ms, machine, not_asked=not_asked)

        def is_missed() -> bool:
            # The meter takes milliseconds, so it is read only if nothing but a busy machine can excuse the server.
            late = not troubles and judge(answers()).outcome is Outcome.FAIL
            return late and judge(answers(meter.use())).outcome is Outcome.FAIL

        for _ in range(amount):
            try:
                answer = ask()
            except ConnectionFailed as failure:
                latencies_ms.append(self._environment.focus_server.read_timeout_s * 1000)
                troubles.append(str(failure))
                continue
            latencies_ms.append(answer.duration_s * 1000)
            if answer.status != 200:
                troubles.append(f"{answer.status} {shortened(answer.message)}")
            if is_missed():
                break
        return answers(meter.use())


def _explained(answers: Answers, measured_ms: float, limit_ms: float) -> bool:
    """Whether late answers might have been in time on a machine that was not busy."""
    return answers.machine is not None and answers.machine.explains(measured_ms, limit_ms)


def _may_be_the_suites(gates: Sequence[PercentileGate | None], own_share_ms: float, limit_ms: float) -> bool:
    """Whether the suite adds too much to blame the server: without its share, all that failed might have been in time.

    The suite's share makes a server look slower, never faster, so a pass remains a pass.
    """
    lowest = [(gate.percentile.lower or 0.0, gate.limit) for gate in gates if gate and gate.verdict is Outcome.FAIL]
    return own_share_ms > SHARE_OF_LIMIT * limit_ms and all(low - own_share_ms <= limit for low, limit in lowest)

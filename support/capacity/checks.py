"""Checks of ports, reports and recovery after a load."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from support.capacity.load.results import sharers
from support.capacity.measured import Measured
from support.capacity.shortage import Shortage
from support.checks.jobs import WINDOW_OPTIONS, times_in_words, window_in
from support.checks.matcher import Judged
from support.checks.messages import named_in
from support.checks.resources import GPU_SLICE
from support.checks.verdict import failure
from support.clients.focus_server.client import Answer
from support.clients.kubernetes.objects import Pod
from support.statistics.verdict import Outcome, Verdict

_NO_ROOM = frozenset({429, 503})
_WORDS = {GPU_SLICE: "GPU slice", "pods": "pods on the nodes", "cpu": "cpu", "memory": "memory"}


def names_the_shortage(shortage: Shortage) -> Judged[Answer]:
    """The message names each used-up resource with its total and each lost node, and no other resource."""

    def mismatch(answer: Answer) -> str | None:
        said = answer.message
        mentioned = {resource for resource, words in _WORDS.items() if words.lower() in said.lower()}
        if missing := sorted(shortage.used_up.keys() - mentioned):
            return f"{said!r} does not name {', '.join(missing)}"
        if more := sorted(shortage.left & mentioned):
            return f"{said!r} names {', '.join(more)}, of which there is more"
        unsaid = [f"{offered:g}" for offered in shortage.used_up.values() if not _says_number(offered, said)]
        if unsaid:
            return f"{said!r} does not say that there are {', '.join(unsaid)}"
        if left := _slices_left(shortage, said):
            return f"{said!r} says that {left} GPU slices are left"
        named = named_in(said, {*shortage.ready, *shortage.lost})
        if named != list(shortage.lost):
            return f"{said!r}: not ready are {', '.join(shortage.lost) or 'no nodes'}"
        return None

    return Judged("a refusal that names all that is short, and every node that is not ready", mismatch)


def _slices_left(shortage: Shortage, said: str) -> int:
    """Return the number of GPU slices a message reports as left although none is; 0 if it reports none."""
    offered = shortage.used_up.get(GPU_SLICE)
    match = None if offered is None else re.search(rf"(?<![\w.])(\d+) of {offered:g}(?![\w.])", said)
    return int(match[1]) if match else 0


def _says_number(number: float, text: str) -> bool:
    return re.search(rf"(?<![\w.]){number:g}(?![\w.])", text) is not None


def has_so_many_free_ports(amount: int) -> Judged[int]:
    return Judged(
        f"at least {amount} free stream ports",
        lambda free: None if free >= amount else f"only {free} stream ports of the range are free",
    )


def opens_exactly(amount: int) -> Judged[Measured]:
    """Exactly ``amount`` were answered as opened, and each of the others was refused for want of room (429 or 503)."""

    def mismatch(measured: Measured) -> str | None:
        records = measured.step.records
        opened = [record for record in records if "answered" in record.reached]
        if len(opened) != amount:
            return f"{len(opened)} of {len(records)} were opened"
        unclear = [record for record in records if record not in opened and record.status not in _NO_ROOM]
        return f"{len(unclear)} were answered otherwise, the first {unclear[0].status}" if unclear else None

    return Judged(f"exactly {amount} that open, and a refusal for want of room for each of the others", mismatch)


def reaches_every_port() -> Judged[Measured]:
    """Each investigation that was answered as opened had its own port, which accepted its client."""

    def mismatch(measured: Measured) -> str | None:
        opened = [record for record in measured.step.records if "answered" in record.reached]
        closed = [
            f"{record.job_id} on port {record.stream_port}" for record in opened if "port_open" not in record.reached
        ]
        if not opened:
            return "not one investigation was opened"
        if closed:
            return f"{len(closed)} of {len(opened)} ports did not accept a client, the first: {closed[0]}"
        shared = sharers(opened)
        if shared:
            address = next(f"{one.stream_host}:{one.stream_port}" for one in opened if one.number in shared)
            return f"{len(shared)} of {len(opened)} investigations share a port at the same time, the first {address}"
        return None

    return Judged("a port of its own that accepts its client, for each that was opened", mismatch)


def plays_its_own_window() -> Judged[Measured]:
    """The pod of each was started for the window that was requested, and not for that of a neighbour."""

    def mismatch(measured: Measured) -> str | None:
        pods = {pod.job_id: pod for pod in map(Pod.parse, measured.run.during.pods)}
        started = [
            (record, window, window_in(pods[record.job_id].containers[0].command))
            for record, window in zip(measured.step.records, measured.windows, strict=True)
            if record.job_id in pods
        ]
        if not started:
            return "not one pod was seen, so none can be looked at"
        for record, window, options in started:
            wanted = dict(zip(WINDOW_OPTIONS, times_in_words(window), strict=True))
            if options != wanted:
                return f"job {record.job_id} was started for {options or 'no window'}, asked for was {wanted}"
        return None

    return Judged("a job for its own window, for each", mismatch)


def gave_back_its_ports() -> Judged[Measured]:
    def mismatch(measured: Measured) -> str | None:
        if not any(record.stream_port for record in measured.step.records):
            return "no port was given out, so none can be given back"
        ports = measured.still_published
        return f"{len(ports)} ports are still published: {', '.join(map(str, ports[:5]))}" if ports else None

    return Judged("no service that still publishes a port of the load", mismatch)


def refuses_at_once() -> Judged[Measured]:
    """A released port refuses a client. It neither accepts the client nor leaves it waiting."""

    def mismatch(measured: Measured) -> str | None:
        if not measured.refusing:
            return "no port was given out, so none can refuse anybody"
        wrong = [one for one in measured.refusing if one.connected or "refused" not in one.error.lower()]
        return f"{len(wrong)} of {len(measured.refusing)} do not refuse, the first: {wrong[0]}" if wrong else None

    return Judged("ports that refuse clients at once", mismatch)


def has_recovered() -> Judged[Measured]:
    """Investigations open as fast again as before the load."""

    def mismatch(measured: Measured) -> str | None:
        recovery = measured.run.recovery
        if recovery is None:
            return "what came after the load was not measured"
        if math.isinf(recovery.baseline_p95_ms):
            return "investigations did not open before the load either: there is nothing to compare with"
        if recovery.seconds is not None:
            return None
        return (
            f"investigations do not open as fast as before: P95 was {recovery.baseline_p95_ms:.0f} ms, that of the "
            f"last {recovery.last_samples} was {recovery.last_p95_ms:.0f} ms, allowed were {recovery.limit_ms:.0f} ms"
        )

    return Judged("investigations that open as fast as before the load", mismatch)


def left_nothing() -> Judged[Measured]:
    def mismatch(measured: Measured) -> str | None:
        recovery = measured.run.recovery
        if recovery is None:
            return "what came after the load was not looked at"
        if not any(record.job_id for record in measured.step.records):
            return "not one investigation was opened, so nothing can be left"
        left = [*measured.step.leftovers, *recovery.leftovers]
        return f"left over: {', '.join(left[:5])}" if left else None

    return Judged("nothing of the load left in the cluster", mismatch)


def tells_of_headroom() -> Judged[Measured]:
    """The report says that the requirement is met, and how much room is left. Inconclusive when the report is."""

    def mismatch(measured: Measured) -> str | None:
        gap = report_of(measured)["gap_analysis"]
        said = Verdict(Outcome(gap["verdict"]), f"the report says {gap['verdict']}: {gap['sentence']}")
        unknown = gap["headroom_jobs"] is None
        return failure(said) or ("the report does not say how much room is left" if unknown else None)

    return Judged("a report that the requirement is met, with the room that is left", mismatch)


def tells_what_is_missing(cause: str, at_least: int) -> Judged[Measured]:
    """The report names ``cause`` as its first bottleneck, with at least ``at_least`` investigations missing."""

    def mismatch(measured: Measured) -> str | None:
        report = report_of(measured)
        found = [(one["id"], one["primary_for_jobs"]) for one in report["bottleneck_analysis"]]
        gap = report["gap_analysis"]["gap"]
        if not found or cause not in found[0][0]:
            return f"the first bottleneck of the report is {found[0][0] if found else 'unknown'}, {gap} are missing"
        if gap < at_least or found[0][1] < at_least:
            return f"the report says {gap} are missing, {found[0][1]} of them for {cause}; at least {at_least} are"
        if not any(one["for"] == found[0][0] for one in report["recommendations"]):
            return f"the report recommends nothing for {cause}"
        return None

    return Judged(f"a report whose first bottleneck is {cause}, with at least {at_least} missing", mismatch)


def report_of(measured: Measured) -> Any:
    """Read the written gap report of a load."""
    return json.loads(measured.reports[0].read_text(encoding="utf-8"))

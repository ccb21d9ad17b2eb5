"""Matchers for the job of an investigation."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

from support.checks.matcher import Judged
from support.clients.kubernetes.client import Event, Job, Node, Snapshot
from support.model.job_view import JobView

COMMAND_TIME = "%Y-%m-%d:%H:%M:%S"
WINDOW_OPTIONS = ("--time-start", "--time-end")


def is_visible() -> Judged[JobView]:
    """Match a job that has, or had, a job object and a pod."""
    return Judged(
        "a job object and its pod",
        lambda view: None if view.phases and (view.job or view.outcome) else str(view),
    )


def is_running() -> Judged[JobView]:
    """Match a job with exactly one pod that was seen Running (a short job may be over already)."""

    def mismatch(view: JobView) -> str | None:
        if len(view.pod_names) > 1:
            return f"job {view.job_id} had {len(view.pod_names)} pods: {', '.join(view.pod_names)}"
        return None if "Running" in view.phases else str(view)

    return Judged("a job with one pod that is Running", mismatch)


def waits_for(resource: str) -> Judged[JobView]:
    """Match a job with a Pending pod for which the scheduler reports that ``resource`` is insufficient."""

    def mismatch(view: JobView) -> str | None:
        for pod in view.pods:
            scheduled = pod.conditions.get("PodScheduled")
            if (
                pod.phase == "Pending"
                and scheduled is not None
                and scheduled.reason == "Unschedulable"
                and f"Insufficient {resource}" in scheduled.message
            ):
                return None
        return str(view)

    return Judged(f"a job that is Pending because of insufficient {resource}", mismatch)


def has_ended(outcome: str) -> Judged[JobView]:
    """Match a job that is reported as ``outcome`` and counts its one pod as such. "Failed" needs a reason."""

    def mismatch(view: JobView) -> str | None:
        if view.outcome != outcome:
            return str(view)
        if outcome == "Failed" and not view.reason:
            return f"job {view.job_id} is {outcome} without a reason"
        return _wrong_counts(view.job_id, outcome, view.ended)

    return Judged(f"a job that is reported {outcome}", mismatch)


def is_reported_active() -> Judged[JobView]:
    def mismatch(view: JobView) -> str | None:
        if view.outcome is not None:  # known even if the job has ended and was cleaned up
            return f"job {view.job_id} is reported {view.outcome}"
        if view.job is None:
            return f"job {view.job_id} has no job object"
        if view.job.state != "Active":
            return f"job {view.job_id} is reported {view.job.state}"
        return _wrong_counts(view.job_id, "Active", view.job)

    return Judged("a job that is reported Active", mismatch)


def _wrong_counts(job_id: str, state: str, job: Job | None) -> str | None:
    """Return an objection unless the status of a job counts its one pod in this state, and nothing else."""
    if job is None:
        return f"job {job_id} is {state}, and no job object with this condition was seen"
    counts = {"Active": job.active, "Complete": job.succeeded, "Failed": job.failed}
    if counts == {name: int(name == state) for name in counts}:
        return None
    pods = f"{job.active} active, {job.succeeded} succeeded, {job.failed} failed pods"
    return f"job {job_id} is {state} and counts {pods}"


def was_not_started_again() -> Judged[JobView]:
    """Match a job with exactly one pod ever, never restarted, for which no retry is configured."""

    def mismatch(view: JobView) -> str | None:
        if not view.pod_names:
            return f"no pod of job {view.job_id} was ever seen"
        if len(view.pod_names) > 1:
            return f"job {view.job_id} was started again: {', '.join(view.pod_names)}"
        if view.restarts:
            return f"job {view.job_id} was restarted {view.restarts} times"
        if view.job is not None and view.job.backoff_limit != 0:
            return f"job {view.job_id} would be retried {view.job.backoff_limit} times"
        return None

    return Judged("a job that was started once and is never retried", mismatch)


def every_trace_gone() -> Judged[JobView]:
    return Judged(
        "no job, pod or service of it in the cluster",
        lambda view: f"job {view.job_id} still has {', '.join(view.traces)}" if view.traces else None,
    )


def has_nothing_called(name: str) -> Judged[JobView]:
    """Match a job that has neither an object of this name nor one started for it, whose name begins with it."""

    def mismatch(view: JobView) -> str | None:
        return ", ".join(trace for trace in view.traces if trace.partition(" ")[2].startswith(name)) or None

    return Judged(f"nothing called {name}", mismatch)


def has_given_back(port: int) -> Judged[JobView]:
    """Match a job that holds neither a GPU slice nor the port: no pod runs or waits, and it has no service."""

    def mismatch(view: JobView) -> str | None:
        if not view.pod_names:
            return f"no pod of job {view.job_id} was ever seen: it cannot be told what it has given back"
        holding = [f"pod {pod.name} ({pod.phase})" for pod in view.pods if pod.phase in ("Pending", "Running")]
        if view.service is not None:
            holding.append(f"service {view.service.name} on port {port}")
        return f"job {view.job_id} still holds {', '.join(holding)}" if holding else None

    return Judged(f"no pod and no service that holds port {port}", mismatch)


def times_in_words(times: Mapping[str, int | None]) -> tuple[str, str]:
    """Format the start and end time (epoch seconds) as the command of a job does (UTC)."""
    start, end = (
        datetime.fromtimestamp(times[key] or 0, UTC).strftime(COMMAND_TIME) for key in ("start_time", "end_time")
    )
    return start, end


def was_started_for(start_text: str, end_text: str) -> Judged[JobView]:
    """Match a job whose command carries both times."""

    def mismatch(view: JobView) -> str | None:
        options = window_options(view)
        wanted = dict(zip(WINDOW_OPTIONS, (start_text, end_text), strict=True))
        return None if options == wanted else f"job {view.job_id} was started with {_options(options)}"

    return Judged(f"a job that was started from {start_text} to {end_text}", mismatch)


def was_started_without_window() -> Judged[JobView]:
    def mismatch(view: JobView) -> str | None:
        options = window_options(view)
        return f"job {view.job_id} was started with {_options(options)}" if options else None

    return Judged("a job that was started without a window", mismatch)


def window_options(view: JobView) -> Mapping[str, str]:
    """Return ``--time-start`` and ``--time-end`` of the job's command, if present."""
    return window_in(view.job.command if view.job is not None else view.pod.containers[0].command)


def window_in(command: Sequence[str]) -> Mapping[str, str]:
    """Return the options of a command that set the window to play."""
    following = dict(zip(command, command[1:], strict=False))
    return {key: following[key] for key in WINDOW_OPTIONS if key in following}


def _options(options: Mapping[str, str]) -> str:
    return " ".join(f"{key} {value}" for key, value in options.items()) or "no window at all"


def runs_on_one_of(nodes: Collection[Node]) -> Judged[JobView]:
    """Match a job whose pod names a node that the cluster knows."""
    names = [node.name for node in nodes]

    def mismatch(view: JobView) -> str | None:
        where = view.pod.node
        return None if where in names else f"job {view.job_id} is on {where or 'no node'}; nodes are {', '.join(names)}"

    return Judged("a job on a node of the cluster", mismatch)


def is_noted_as(*reasons: str) -> Judged[Collection[Event]]:
    def mismatch(events: Collection[Event]) -> str | None:
        noted = {event.reason for event in events}
        missing = [reason for reason in reasons if reason not in noted]
        return f"no event says {', '.join(missing)}; noted are {sorted(noted) or 'none'}" if missing else None

    return Judged(f"events {' and '.join(reasons)}", mismatch)


def are_job_pod_and_service(job_id: str) -> Judged[Snapshot]:
    """Match the result of a label selector with the job id: exactly the objects of this investigation."""
    wanted = {f"grpc-job-{job_id}", f"grpc-service-{job_id}"}

    def mismatch(found: Snapshot) -> str | None:
        names = {found_one.name for found_one in (*found.jobs, *found.services) if found_one.role != "cleanup"}
        pods = [pod.job_id for pod in found.pods if pod.role == "grpc"]
        if names == wanted and pods == [job_id]:
            return None
        return f"the label job_id={job_id} finds {', '.join(sorted(names)) or 'nothing'} and {len(pods)} pods"

    return Judged(f"job, pod and service of {job_id}, found by the label job_id", mismatch)

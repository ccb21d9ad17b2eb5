"""Jobs of investigations in the cluster: their present state, and everything that was seen of them."""

from __future__ import annotations

from collections.abc import Collection

from hamcrest import assert_that

from support import waits
from support.checks.answers import streams_from
from support.checks.jobs import every_trace_gone, has_ended, is_running, is_visible
from support.checks.matcher import Judged
from support.checks.ports import publishes
from support.clients.focus_server.client import OpenedInvestigation
from support.clients.kubernetes.client import Event, Job, KubernetesClient, Pod, Service, Snapshot
from support.clients.kubernetes.servers import default_container
from support.clients.kubernetes.watch import ClusterWatch, Seen
from support.config import Environment
from support.investigations.streams import Connection, try_to_connect
from support.model.job_view import JobView


class Jobs:
    """Observes jobs through the one watch of the run, and waits for their states with the environment's limits."""

    def __init__(self, cluster: KubernetesClient, watch: ClusterWatch, environment: Environment) -> None:
        self._cluster = cluster
        self.watch = watch
        self._limits = environment.limits

    def view(self, job_id: str) -> JobView:
        """Return what the watch has seen of ``job_id`` so far."""
        jobs_seen, pods_seen = _of_latest_job(self.watch.history(job_id))
        pods = tuple(pod for pod in self.watch.pods().values() if pod.job_id == job_id and pod.role == "grpc")
        outcome, reason, ended = _outcome(jobs_seen)
        return JobView(
            job_id=job_id,
            job=self.watch.job(f"grpc-job-{job_id}"),
            pods=pods,
            service=self.watch.services().get(f"grpc-service-{job_id}"),
            phases=frozenset(pod.phase for pod in pods_seen),
            pod_names=tuple(dict.fromkeys(pod.name for pod in pods_seen)),
            restarts=max((pod.restarts for pod in pods_seen), default=0),
            outcome=outcome,
            reason=reason,
            traces=self._traces(job_id),
            ended=ended,
        )

    def job_ids_watched(self) -> frozenset[str]:
        """Return the job ids that have any object in the cluster, as far as the watch has seen."""
        objects = (*self.watch.jobs().values(), *self.watch.pods().values(), *self.watch.services().values())
        return frozenset(one.job_id for one in objects if one.job_id is not None)

    def _traces(self, job_id: str) -> tuple[str, ...]:
        sources = (("job", self.watch.jobs()), ("pod", self.watch.pods()), ("service", self.watch.services()))
        return tuple(
            f"{kind} {name}" for kind, objects in sources for name, found in objects.items() if found.job_id == job_id
        )

    def wait_until_running(self, job_id: str) -> JobView:
        """Wait until job and pod are visible, then until the pod is Running, each within its own deadline."""
        waits.until(
            lambda: self.view(job_id),
            is_visible(),
            within_s=self._limits.deadline("job_visible_s"),
            what=f"job {job_id} to be visible in the cluster",
            changes=self.watch,
        )
        return waits.until(
            lambda: self.view(job_id),
            is_running(),
            within_s=self._limits.deadline("job_running_s"),
            what=f"job {job_id} to run",
            changes=self.watch,
            abort_if=has_ended("Failed"),
        )

    def wait_for(self, job_id: str, matcher: Judged[JobView], deadline: str) -> JobView:
        """Wait until the view satisfies ``matcher`` within the named deadline, and return it."""
        return waits.until(
            lambda: self.view(job_id),
            matcher,
            within_s=self._limits.deadline(deadline),
            what=f"job {job_id}",
            changes=self.watch,
        )

    def wait_and_hold(self, job_id: str, matcher: Judged[JobView], deadline: str) -> JobView:
        """Wait until the view satisfies ``matcher`` within the named deadline, then require that it stays so during the
        time of observation."""
        self.wait_for(job_id, matcher, deadline)
        return self.hold(job_id, matcher)

    def hold(self, job_id: str, matcher: Judged[JobView]) -> JobView:
        """Require that the view satisfies ``matcher`` during the whole time of observation."""
        return waits.holds(
            lambda: self.view(job_id),
            matcher,
            for_s=self._limits.observation_s,
            what=f"job {job_id}",
            changes=self.watch,
        )

    def wait_for_log(self, pod: Pod) -> str:
        """Wait until the pod has written something, and return its log."""
        return waits.until(
            lambda: self._cluster.pod_log(pod.name, container=default_container(pod)),
            Judged("a log with something in it", lambda text: None if text.strip() else "the log is empty"),
            within_s=self._limits.deadline("job_running_s"),
            what=f"pod {pod.name} to write a log",
        )

    def wait_for_events(self, pod_name: str, matcher: Judged[Collection[Event]]) -> Collection[Event]:
        """Wait for events of a pod; an event may be recorded a moment after what it reports."""
        return waits.until(
            lambda: self._cluster.events(involved_name=pod_name),
            matcher,
            within_s=self._limits.deadline("job_running_s"),
            what=f"the events of pod {pod_name}",
        )

    def wait_for_service(self, job_id: str, matcher: Judged[Service | None]) -> None:
        """Wait for a service and require it to satisfy ``matcher``: what it publishes is fixed when it is created."""
        service = waits.until(
            lambda: self.view(job_id).service,
            Judged("a service", lambda service: None if service else "there is no service for it"),
            within_s=self._limits.deadline("job_visible_s"),
            what=f"a service for job {job_id}",
            changes=self.watch,
        )
        assert_that(service, matcher)

    def wait_for_services_of(self, investigations: Collection[OpenedInvestigation]) -> None:
        """Wait until each investigation has the service that publishes its own port."""
        for opened in investigations:
            self.wait_for_service(opened.job_id, publishes(opened.stream_port))

    def wait_for_connection(self, opened: OpenedInvestigation) -> Connection:
        """Wait until the stream port of the investigation accepts a connection."""
        assert_that(opened, streams_from(self._cluster.nodes()))
        return waits.until(
            lambda: try_to_connect(opened.stream_host, opened.stream_port),
            Judged("a connection", lambda result: None if result.connected else str(result)),
            within_s=self._limits.deadline("port_open_s"),
            what=f"the stream port of job {opened.job_id}",
        )

    def wait_for_closed_port(self, opened: OpenedInvestigation) -> Connection:
        """Wait until the former stream port of the investigation no longer accepts connections."""
        return waits.until(
            lambda: try_to_connect(opened.stream_host, opened.stream_port),
            Judged("no connection", lambda result: str(result) if result.connected else None),
            within_s=self._limits.deadline("port_open_s"),
            what=f"the stream port of job {opened.job_id}, which is over",
        )

    def found_by_label(self, job_id: str) -> Snapshot:
        """Return the objects that a label selector with the job id finds."""
        return self._cluster.snapshot(label_selector=f"job_id={job_id}")

    def wait_until_cleaned_up(self, job_id: str, deadline: str) -> JobView:
        """Require that the job is visible, then that it is completely gone within the named deadline. A job that was
        never seen does not count as cleaned up."""
        self.wait_for(job_id, is_visible(), "job_visible_s")
        return self.wait_until_gone(job_id, deadline)

    def wait_until_gone(self, job_id: str, deadline: str) -> JobView:
        """Wait until every object of the job is gone, then confirm it with the cluster, because a watch may lag."""
        view = waits.until(
            lambda: self.view(job_id),
            every_trace_gone(),
            within_s=self._limits.deadline(deadline),
            what=f"everything of job {job_id} to be gone",
            changes=self.watch,
        )
        left = traces_in(self._cluster.snapshot(), job_id)
        if left:
            raise AssertionError(f"everything of job {job_id} to be gone, but the cluster still has {', '.join(left)}")
        return view


def traces_in(snapshot: Snapshot, job_id: str) -> list[str]:
    """The objects of one investigation in a snapshot, as "kind name"."""
    own = snapshot.of(job_id)
    return [
        *(f"job {found.name}" for found in own.jobs),
        *(f"pod {found.name}" for found in own.pods),
        *(f"service {found.name}" for found in own.services),
    ]


def _of_latest_job(seen: list[Seen]) -> tuple[list[Job], list[Pod]]:
    """Return the states of the job seen last and of its own pods: a faulty server may give a job id twice."""
    jobs = [one.object for one in seen if isinstance(one.object, Job) and one.object.role == "grpc"]
    pods = [one.object for one in seen if isinstance(one.object, Pod) and one.object.role == "grpc"]
    if not jobs:
        return jobs, pods
    latest = jobs[-1].uid
    return [job for job in jobs if job.uid == latest], [pod for pod in pods if _owner(pod) in (None, latest)]


def _owner(pod: Pod) -> str | None:
    """The uid of the object that controls the pod."""
    owners = pod.raw["metadata"].get("ownerReferences")
    return str(owners[0]["uid"]) if owners else None


def _outcome(jobs_seen: list[Job]) -> tuple[str | None, str, Job | None]:
    """Return the end condition seen last, its reason, and the job that had it."""
    for job in reversed(jobs_seen):
        for outcome in ("Failed", "Complete"):
            condition = job.conditions.get(outcome)
            if condition is not None and condition.status == "True":
                return outcome, condition.reason or condition.message, job
    return None, "", None

"""Effects of a request in the cluster: what it started, and what must not exist."""

from __future__ import annotations

from support import waits
from support.checks.jobs import is_visible
from support.checks.matcher import judged
from support.clients.kubernetes.client import KubernetesClient
from support.clients.kubernetes.objects import Job, Pod, Service
from support.clients.kubernetes.watch import ComingAndGoing
from support.config import Environment
from support.investigations.jobs import Jobs
from support.investigations.neighbours import Neighbours
from support.model import requests
from support.model.attempts import Attempt, Investigation, Unanswered


class Effects:
    """Looks for jobs, pods and services; opens and releases nothing."""

    def __init__(self, cluster: KubernetesClient, jobs: Jobs, environment: Environment, neighbours: Neighbours) -> None:
        self._cluster, self._jobs, self._environment = cluster, jobs, environment
        self._neighbours = neighbours

    def wait_until_none_open(self) -> None:
        """Wait until no investigation is left in the cluster; those that are just ending get their time."""
        waits.until(
            lambda: self._cluster.snapshot().job_ids,
            judged("no open investigation", lambda found: f"open: {', '.join(sorted(found))}" if found else None),
            within_s=self._environment.limits.deadline("release_s"),
            what="the environment without any open investigation",
            changes=self._jobs.watch,
        )

    def started_since(self, attempt: Attempt | Unanswered) -> frozenset[str]:
        """Return the job ids that appeared since ``attempt`` was sent and may be ours.

        If others open investigations too, only jobs started with the channels of this request count, because nothing
        else can be assigned to a request.
        """
        started = (one.job_id for one in self._objects() if self._may_be_of(attempt, one))
        return frozenset(job_id for job_id in started if job_id is not None)

    def _objects(self) -> list[Job | Pod | Service]:
        """Return the objects in the cluster; if others open investigations too, only the jobs.

        An empty result is accepted only if the namespace shows anything else, such as the services of the product.
        """
        if not self._neighbours.are_none and ((jobs := self._cluster.jobs()) or self._cluster.services()):
            return list(jobs)
        snapshot = self._cluster.snapshot()
        if not snapshot:
            # A namespace that does not exist answers every list request with an empty list.
            raise AssertionError(
                f"namespace {self._cluster.namespace_name} shows neither job, pod nor service, not even those of the "
                "product: what is started there cannot be seen"
            )
        return [*snapshot.jobs, *snapshot.pods, *snapshot.services]

    def _may_be_of(self, attempt: Attempt | Unanswered, item: Job | Pod | Service) -> bool:
        """Whether ``item`` may have been started for this request."""
        if item.job_id is None or item.job_id in attempt.jobs_before:
            return False
        if self._neighbours.are_none:
            return True
        roi = "--roi {} {} ".format(*requests.channels_of(attempt.fields))
        return isinstance(item, Job) and roi in " ".join(item.command) + " "

    def _changes_of(self, attempt: Attempt) -> ComingAndGoing:
        return ComingAndGoing(self._jobs.watch, lambda item: self._may_be_of(attempt, item))

    def hold_nothing_started(self, attempt: Attempt) -> None:
        """Require that no job, pod or service appears, now and during the time of observation."""
        waits.holds(
            lambda: self.started_since(attempt),
            judged(
                "no job, pod or service that was not there before",
                lambda started: f"started although it was refused: {', '.join(sorted(started))}" if started else None,
            ),
            for_s=self._environment.limits.observation_s,
            what="nothing is started",
            changes=self._changes_of(attempt),
        )

    def wait_until_nothing_is_left(self, sent: Unanswered) -> None:
        """Wait until everything the request may have started has had its time to appear and is gone."""
        limits, since = self._environment.limits, waits.Stopwatch()
        appeared_s = limits.deadline("job_visible_s")
        waits.until(
            lambda: self.started_since(sent) if since.given_s() >= appeared_s else frozenset({"what may yet appear"}),
            judged(
                "nothing of a request whose client has left",
                lambda found: f"there is still: {', '.join(sorted(found))}" if found else None,
            ),
            within_s=appeared_s + limits.deadline("idle_cleanup_s"),
            what="everything of the request to be gone",
        )

    def hold_only_job_started(self, investigation: Investigation) -> None:
        """Require that the request started its own job and no second one."""
        wanted = {investigation.job_id}
        waits.until(
            lambda: self._jobs.view(investigation.job_id),
            is_visible(),
            within_s=self._environment.limits.deadline("job_visible_s"),
            what=f"job {investigation.job_id} to be visible",
            changes=self._jobs.watch,
        )
        waits.holds(
            lambda: self.started_since(investigation.attempt),
            judged(
                f"job {investigation.job_id} and no other",
                lambda started: None if started == wanted else f"started: {', '.join(sorted(started)) or 'nothing'}",
            ),
            for_s=self._environment.limits.observation_s,
            what=f"{investigation.job_id} is the only job that was started",
            changes=self._changes_of(investigation.attempt),
        )

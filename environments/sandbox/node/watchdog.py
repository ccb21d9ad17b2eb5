"""The program of a cleanup job: removes its investigation when that has ended or is idle."""

from __future__ import annotations

import asyncio

from environments.sandbox.node.programs import Container, Host
from environments.sandbox.shared.kubernetes_client import Object, Refused, path_of

POLL_S = 10.0
_PREFIX = "cleanup-job-"
_MISSING_POLLS = 5
_LONGEST_OPENING = 60
_BACKGROUND = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background", "gracePeriodSeconds": 0}


class Watchdog:
    """Polls every 10 s: first the job's conditions, then the CPU of its pod. The environment sets the limits."""

    def __init__(self, host: Host, container: Container) -> None:
        self._host, self._container = host, container
        self._id = container.job_name.removeprefix(_PREFIX)
        self._job = f"grpc-job-{self._id}"
        self._checks_cpu = container.environment.get("ENABLE_CPU_USAGE_CHECK", "true").lower() == "true"
        self._threshold_m, self._most_idle = 0, 0
        self._idle = self._missing = self._unreachable = 0
        self._seen = False

    async def run(self) -> int:
        environment = self._container.environment
        try:
            self._threshold_m = int(environment.get("CPU_USAGE_THRESHOLD", "4"))
            self._most_idle = int(environment.get("MAX_CPU_USAGE_COUNT", "5"))
        except ValueError as error:
            self._log(f"cannot read the limits: {error}", level="ERROR")
            return 2
        self._log(f"watching {self._job}: idle at {self._threshold_m}m in {self._most_idle} polls")
        reason = None
        while reason is None:
            await asyncio.sleep(self._host.scaled(POLL_S))
            reason = self._reason()
        self._log(f"{reason}: cleaning up")
        for plural, name in (("services", f"grpc-service-{self._id}"), ("jobs", self._job), ("jobs", self._own_job)):
            await self._delete(plural, name)
        return 0

    def usage(self) -> tuple[int, int]:
        return (1, 12)

    @property
    def _own_job(self) -> str:
        return self._container.job_name

    def _reason(self) -> str | None:
        """Return the reason why the investigation is over, None if it is not."""
        job = self._host.find_job(self._container.namespace, self._job)
        ended = self._ended(job)
        if ended is not None:
            return None if self._host.fault("finished-jobs-are-kept") else ended
        return self._idle_reason() if self._checks_cpu else None

    def _ended(self, job: Object | None) -> str | None:
        if job is None:
            self._missing += 1
            gone = self._seen or self._missing >= _MISSING_POLLS
            return f"{self._job} does not exist any more" if gone else None
        self._seen, self._missing = True, 0
        for condition in job.get("status", {}).get("conditions", ()):
            if condition["type"] in ("Complete", "Failed") and condition["status"] == "True":
                return f"{self._job} is {condition['type']}"
        return None

    def _idle_reason(self) -> str | None:
        if self._host.fault("idle-jobs-are-kept") or self._is_still_opening():
            return None
        cpu_m = self._host.cpu_of_job(self._container.namespace, self._job)
        if cpu_m is None:
            return None
        self._idle = self._idle + 1 if cpu_m <= self._threshold_m else 0
        return f"{self._job} was idle in {self._idle} polls" if self._idle >= self._most_idle else None

    def _is_still_opening(self) -> bool:
        """Whether no client can have reached the job yet; False after a limited number of polls.

        The cluster's own pace is not scaled: among 200 simultaneous jobs, one may wait for its port longer than the
        scaled time after which it would count as idle.
        """
        if self._host.is_reachable(self._container.namespace, f"grpc-service-{self._id}"):
            return False
        self._unreachable += 1
        return self._unreachable <= _LONGEST_OPENING * self._most_idle

    async def _delete(self, plural: str, name: str) -> None:
        try:
            await self._host.cluster.request("DELETE", path_of(plural, self._container.namespace, name), _BACKGROUND)
            self._log(f"deleted {plural}/{name}")
        except Refused as error:
            level = "INFO" if error.status == 404 else "ERROR"
            self._log(f"cannot delete {plural}/{name}: {error}", level=level)

    def _log(self, line: str, level: str = "INFO") -> None:
        if not self._host.fault("no-pod-logs"):
            self._container.log.write(line, level=level, source="cleanup")

"""The kubelets of all nodes: they start and end the pods that are bound to the nodes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from environments.sandbox.node.pod_run import PodRun
from environments.sandbox.node.programs import Host, Resident
from environments.sandbox.node.reporter import Reporter
from environments.sandbox.node.workloads import Workloads
from environments.sandbox.shared.defects import end_on_defect
from environments.sandbox.shared.kubernetes_client import Object

_FINISHED = ("Succeeded", "Failed")


class Kubelet:
    """The runs of pods by uid. ``nodes`` maps the names of the nodes to their addresses."""

    def __init__(
        self, host: Callable[[], Host], reporter: Reporter, workloads: Workloads, nodes: Mapping[str, str],
        run_dir: Path,
    ) -> None:  # fmt: skip
        self.runs: dict[str, PodRun] = {}
        self._runs_of_job: dict[tuple[str, str], list[PodRun]] = {}
        self.at_once = True
        self._host, self._reporter, self._workloads = host, reporter, workloads
        self._nodes, self._run_dir = nodes, run_dir
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def changed(self, pod: Object, gone: bool) -> None:
        """Handle a pod that was added, changed or removed."""
        uid = pod["metadata"]["uid"]
        run = self.runs.get(uid)
        if run is None:
            if not gone and self._is_mine(pod):
                self._start(pod)
            return
        if gone:
            self._end(run, forgotten=True)
        elif "deletionTimestamp" in pod["metadata"] and "deletionTimestamp" not in run.pod["metadata"]:
            run.pod = pod
            self._end(run, forgotten=False)
        else:
            run.pod = pod

    async def all_running(self) -> None:
        """Wait until all pods known so far run. Does not wait for pods that cannot run or are being deleted."""
        await asyncio.gather(*(run.settled.wait() for run in list(self.runs.values())))

    async def stop(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def cpu_of_job(self, namespace: str, job: str) -> int | None:
        """Millicores of the running pods of a job; None when none runs."""
        # 200 clean-up jobs ask five times a second. A scan of all pods would dominate the node's work.
        runs = self._runs_of_job.get((namespace, job), ())
        used = [cpu_m for run in runs if run.programs for cpu_m, _ in run.usage().values()]
        return sum(used) if used else None

    def process_ended(self, process: str, exit_code: int) -> None:
        """End the containers that a process of the sandbox stands for, after the process ended by itself."""
        self._workloads.crashed(process)
        for run in self.runs.values():
            for program in list(run.programs.values()):
                if isinstance(program, Resident) and program.image == process:
                    program.ended(exit_code)

    def _is_mine(self, pod: Mapping[str, Any]) -> bool:
        leaving_already = "deletionTimestamp" in pod["metadata"]
        bound = pod["spec"].get("nodeName") in self._nodes
        return bound and (leaving_already or pod.get("status", {}).get("phase") not in _FINISHED)

    def _start(self, pod: Object) -> None:
        run = PodRun(self._host(), self._reporter, pod, self._nodes[pod["spec"]["nodeName"]], self._run_dir)
        self.runs[pod["metadata"]["uid"]] = run
        self._runs_of_job.setdefault(_job_of(pod), []).append(run)
        if "deletionTimestamp" in pod["metadata"]:
            run.settled.set()
            self._go_on(run, self._leave(run, None))
            return
        self._workloads.started(run.own_images, pod["metadata"]["uid"])
        self._go_on(run, run.run(at_once=self.at_once))

    def _end(self, run: PodRun, forgotten: bool) -> None:
        uid = run.pod["metadata"]["uid"]
        run.settled.set()
        self._workloads.ended(run.own_images, uid)
        running = self._tasks.pop(uid, None)
        if forgotten:
            self.runs.pop(uid, None)
            self._runs_of_job[_job_of(run.pod)].remove(run)
            if not self._runs_of_job[_job_of(run.pod)]:
                del self._runs_of_job[_job_of(run.pod)]
        self._go_on(run, self._forget(run, running) if forgotten else self._leave(run, running))

    async def _leave(self, run: PodRun, running: asyncio.Task[None] | None) -> None:
        await _cancelled(running)
        await run.leave()

    async def _forget(self, run: PodRun, running: asyncio.Task[None] | None) -> None:
        await _cancelled(running)
        if not any(_name_of(other.pod) == _name_of(run.pod) for other in self.runs.values()):
            run.vanish()  # otherwise the logs of this name belong to the pod that took over the name

    def _go_on(self, run: PodRun, work: Any) -> None:
        uid = run.pod["metadata"]["uid"]
        task = asyncio.create_task(work)
        self._tasks[uid] = task

        def done(ended: asyncio.Task[None]) -> None:
            if self._tasks.get(uid) is ended and uid not in self.runs:
                del self._tasks[uid]
            end_on_defect(ended)

        task.add_done_callback(done)


async def _cancelled(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _name_of(pod: Mapping[str, Any]) -> tuple[str, str]:
    """Namespace and name."""
    return pod["metadata"]["namespace"], pod["metadata"]["name"]


def _job_of(pod: Mapping[str, Any]) -> tuple[str, str]:
    """Namespace and name of the job that a pod belongs to; the name is empty if it belongs to none."""
    metadata = pod["metadata"]
    return metadata["namespace"], str(metadata.get("labels", {}).get("job-name", ""))

"""The supervised process. It connects the parts, serves HTTPS, and writes the log of a Focus Server."""

from __future__ import annotations

import asyncio
import logging
import ssl
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from environments.sandbox.focus_server import hooks
from environments.sandbox.focus_server.answer_book import AnswerBook
from environments.sandbox.focus_server.capacity import Capacity
from environments.sandbox.focus_server.cluster import ClusterView, ConfigMapReader
from environments.sandbox.focus_server.faults import FAULT_IDS
from environments.sandbox.focus_server.kubernetes import Kubernetes, KubernetesAway, KubernetesRefused
from environments.sandbox.focus_server.manifests import JobShape
from environments.sandbox.focus_server.opening import Opener
from environments.sandbox.focus_server.queues import JobQueues
from environments.sandbox.focus_server.recordings import RecordingIndex
from environments.sandbox.focus_server.routes import Routes
from environments.sandbox.focus_server.service import FocusService
from environments.sandbox.focus_server.slots import Serials, Slots
from environments.sandbox.focus_server.starting import Startup
from environments.sandbox.focus_server.wording import Wording
from environments.sandbox.shared.process import CommandError, SandboxProcess

FIBRE_STATES = ("connected", "waiting")
CLUSTER_LIMIT_S = 10.0
SHUTDOWN_LIMIT_S = 1.0


class FocusServer(SandboxProcess):
    """``python -m environments.sandbox.focus_server``."""

    name = "focus_server"
    fault_ids = FAULT_IDS

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self.log, access_log = _loggers()
        self._kubernetes: Kubernetes | None = None
        self._runner: web.AppRunner | None = None
        self._access_log = access_log
        self._hosts = frozenset(host for node in config["nodes"] for host in (node["address"], node["name"]))

    async def start(self) -> Mapping[str, Any]:
        config, settings = self.config, self.config["settings"]
        self._kubernetes = kubernetes = Kubernetes(config["kubernetes"], config["namespace"])
        configuration = ConfigMapReader(kubernetes, "prisma-config")
        self._view = ClusterView(kubernetes, self.log, on_gone=self._object_gone)
        self._answers = AnswerBook(Path(config["run_dir"]) / "focus-server-answers")
        serials = Serials(Path(config["run_dir"]) / "focus-server-serial")
        first, last = int(settings["nodeport_first"]), int(settings["nodeport_last"])
        slots = Slots(first, last, self._view, serials)
        self._queues = JobQueues(config.get("rabbitmq"), Path(config["run_dir"]) / "focus-server-queues", self.log)
        shape = JobShape(**config.get("jobs", {}))
        waiting_jobs = int(settings["waiting_jobs"])
        self._capacity = Capacity(kubernetes, config["namespace"], waiting_jobs, self.log, shape.gpu)
        self._opener = Opener(
            kubernetes,
            self._view,
            slots,
            self._capacity,
            configuration,
            self._answers,
            self._queues,
            self._hosts,
            shape,
            self.log,
        )
        database = config.get("mongodb_database", "prisma")
        self._index = RecordingIndex(config["mongodb_uri"], database, int(settings["mongo_pool"]))
        self._service = FocusService(self._index, configuration, self._opener, settings, self.log)
        self._set_fibre(settings["fibre"])
        self._routes = Routes(self._service, self.log, self._access_log, Wording(settings["answers"] == "deployed"))
        self._forget_marks()
        await hooks.switch(self.faults, starting=True)
        self._view.start()
        self._capacity.start()
        await self._wait_for_cluster(configuration)
        await self._service.connect()
        self._answers.load(self._view.job_ids())
        self._queues.start(self._view.job_ids())
        await self._opener.tidy_up()
        startup = Startup(self.log, self.scaled)
        self._routes.misconfigured = await startup.load(await configuration.current())
        await self._listen()
        if self._routes.misconfigured is None:
            self.log.info("Focus Server ready")
        return {"url": f"https://{config['host']}:{config['port']}/focus-server"}

    async def _wait_for_cluster(self, configuration: ConfigMapReader) -> None:
        """Wait for the cluster, which may still be starting. Raises RuntimeError if it takes too long: without the
        cluster the server cannot serve."""
        try:
            async with asyncio.timeout(CLUSTER_LIMIT_S):
                while not await _readable(configuration):
                    await asyncio.sleep(0.05)
                await self._view.wait_synced()
        except TimeoutError:
            reason = f"Kubernetes did not answer with the ConfigMap prisma-config within {CLUSTER_LIMIT_S:g} s"
            raise RuntimeError(reason) from None
        self.log.info("connected to Kubernetes")

    async def _listen(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.config["cert_file"], self.config["key_file"])
        application = self._routes.application()
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=SHUTDOWN_LIMIT_S)
        await self._runner.setup()
        host, port = self.config["host"], int(self.config["port"])
        await web.TCPSite(self._runner, host, port, ssl_context=context, reuse_port=True, backlog=1024).start()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        if self._kubernetes is not None:
            await self._view.stop()
            await self._capacity.stop()
            await self._opener.stop()
            self._queues.stop()
            await self._service.close()
            await self._index.close()
            await self._kubernetes.close()
        await hooks.switch(())

    async def faults_changed(self, switched_on: frozenset[str], switched_off: frozenset[str]) -> None:
        self._forget_marks()
        await hooks.switch(self.faults)

    def _forget_marks(self) -> None:
        """Delete the files that faults left on disk, for faults that are off."""
        marks = Path(self.config["run_dir"]) / hooks.MARKS
        marks.mkdir(exist_ok=True)
        for mark in marks.iterdir():
            if mark.name not in self.faults:
                mark.unlink()

    async def reset(self) -> None:
        self._set_fibre(self.config["settings"]["fibre"])
        self._capacity.forget_all()  # the cluster has already been reset
        self._view.forget_all()
        self._routes.requests_by_status.clear()

    async def state(self) -> Mapping[str, Any]:
        return {
            "open_jobs": self._view.job_ids(),
            "room": [str(room) for room in self._capacity.rooms()],
            "busy_slots": sorted(self._view.busy_slots()),
            "fibre": "connected" if self._service.fibre_connected else "waiting",
            "requests": {str(status): count for status, count in sorted(self._routes.requests_by_status.items())},
        }

    async def command(self, name: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """``cluster_resets`` cancels openings in progress, because their objects would appear in the cluster after its
        reset. ``fibre`` sets the state of the fibre."""
        if name == "cluster_resets":
            await self._routes.end_all()
            await self._opener.settle()
            return {}
        if name != "fibre":
            return await super().command(name, params)
        self._set_fibre(params.get("state"))
        return {"state": params["state"]}

    def _set_fibre(self, state: object) -> None:
        if state not in FIBRE_STATES:
            raise CommandError(f"fibre state {state!r}: allowed are {' and '.join(FIBRE_STATES)}")
        self._service.fibre_connected = state == "connected"
        self.log.info("fiber is %s", "connected" if self._service.fibre_connected else "missing: waiting for fiber")

    def _object_gone(self, name: str) -> None:
        self._capacity.forget(name)
        if name.startswith("grpc-job-"):
            self._answers.forget(name.removeprefix("grpc-job-"))
            self._queues.gone(name.removeprefix("grpc-job-"))


async def _readable(configuration: ConfigMapReader) -> bool:
    try:
        await configuration.current()
    except (KubernetesAway, KubernetesRefused):
        return False
    return True


def _loggers() -> tuple[logging.Logger, logging.Logger]:
    """The loggers for the two line formats of a real Focus Server log: its own lines and those of its HTTP server."""
    own = logging.Formatter("%(asctime)s.%(msecs)03d+0000 %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    own.converter = time.gmtime
    for handler in logging.getLogger().handlers:
        handler.setFormatter(own)
    logging.getLogger("aiohttp.server").addFilter(_is_own_trouble)
    access = logging.getLogger("pz.focus_server.access")
    if not access.handlers:
        lines = logging.StreamHandler(sys.stderr)
        lines.setFormatter(logging.Formatter("%(levelname)s:     %(message)s"))
        access.addHandler(lines)
    access.propagate = False
    return logging.getLogger("pz.focus_server"), access


def _is_own_trouble(record: logging.LogRecord) -> bool:
    """Whether the record is an error of this server, not of a client that breaks HTTP or disconnects."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError | ConnectionError)

"""A Focus Server process between a test and two small fakes on loopback: Kubernetes and MongoDB."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from environments.sandbox.shared.certificates import CertificateAuthority
from support.waits import LOOK_AGAIN_S, Stopwatch
from tests.sandbox.focus_server.fake_kubernetes import FakeKubernetes
from tests.sandbox.focus_server.fake_mongodb import FakeMongoDb
from tests.sandbox.process_runner import RunningProcess, base_config, reserve_port, start_process

STORAGE = "/prisma/root/recordings/segy"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes
    duration_s: float
    """Wall time, for checks of a minimum duration."""
    given_s: float
    """Time for which the machine let this process run, for checks of a maximum duration. The server counts in it
    too."""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


PATIENCE_S = 60.0
"""The longest wait of a client for an answer, in wall time.

The server counts given time: when thirty programs share two processors, its second and a half takes ten. It also
completes a request whose client has left, so with a shorter wait the end of that request would appear in the log of a
later test.
"""


class Estate:
    """A Focus Server with its fakes. It is started once per test module; :meth:`restore` resets it between tests."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        authority = CertificateAuthority(folder / "tls")
        certificate = authority.issue("focus-server", ["127.0.0.1"])
        self.kubernetes, self.mongodb = FakeKubernetes(certificate), FakeMongoDb()
        access = {
            "url": f"https://127.0.0.1:{self.kubernetes.port}", "ca_file": str(authority.ca_file),
            "token": "token-of-the-test",
        }  # fmt: skip
        self.port = reserve_port()
        self.config = base_config(
            folder, host="127.0.0.1", port=self.port, cert_file=str(certificate.cert_file),
            key_file=str(certificate.key_file), mongodb_uri=self.mongodb.uri, kubernetes=access, settings=settings,
        )  # fmt: skip
        self.node = self.config["nodes"][1]["address"]
        self._context = ssl.create_default_context(cafile=str(authority.ca_file))
        self.patience_s = PATIENCE_S
        self.configure_cluster()
        self.offer()
        self.process: RunningProcess = start_process("focus_server", self.config)

    def restart(self) -> None:
        self.process.stop()
        self.process = start_process("focus_server", self.config)

    def stop(self) -> None:
        self.process.stop()
        self.kubernetes.stop()
        self.mongodb.stop()

    def configure_cluster(self, **changes: str) -> None:
        data = {"focus_view_url": f"http://{self.node}", "storage_mount_path": STORAGE, **changes}
        self.kubernetes.put("configmaps", "prisma-config", data=data)

    def offer(self, gpu_slices: int = 1000) -> None:
        """Set what the only worker of the cluster offers; the fake pods consume nothing of it."""
        amounts = {"nvidia.com/gpu.shared": str(gpu_slices), "cpu": "1000", "memory": "1000Gi", "pods": "10000"}
        status = {"conditions": [{"type": "Ready", "status": "True"}], "allocatable": amounts}
        self.kubernetes.put("nodes", "worker", status=status)

    def restore(self) -> None:
        self.kubernetes.away, self.kubernetes.refuse = False, lambda manifest: None
        was_silent = self.mongodb.silent.is_set()
        self.mongodb.silent.clear()
        self.patience_s = PATIENCE_S
        self.configure_cluster()
        for plural in ("jobs", "services"):
            for name in self.kubernetes.names(plural):
                self.kubernetes.remove(plural, name)
        self.process.set_faults()
        self.process.request("reset")
        self.kubernetes.created.clear()
        until(lambda: not self.process.request("state")["busy_slots"])
        if was_silent:
            self.wait_for_mongodb()

    def wait_for_mongodb(self) -> None:
        """Wait until the driver has found the returned database again; lookups fail before that."""
        window = {"start_time": 1000, "end_time": 2000}
        until(lambda: self.call("POST", "/recordings_in_time_range", window).status == 200, within_s=20.0)

    def call(self, method: str, path: str, body: Any = None) -> Answer:
        """Send one request on its own connection; bytes are sent unchanged."""
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=self._context, timeout=self.patience_s)
        payload = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        started_s, watch = time.monotonic(), Stopwatch()
        try:
            connection.request(method, path, body=payload, headers={"Content-Type": "application/json"})
            response = connection.getresponse()
            content = response.read()
            took_s = time.monotonic() - started_s
            return Answer(response.status, dict(response.getheaders()), content, took_s, watch.given_s())
        finally:
            connection.close()

    def connect(self) -> ssl.SSLSocket:
        """A bare TLS connection, for requests that no HTTP library would send."""
        return self._context.wrap_socket(
            socket.create_connection(("127.0.0.1", self.port), 5), server_hostname="127.0.0.1"
        )

    def configure(self, **changes: Any) -> Answer:
        return self.call("POST", "/focus-server/configure", payload(**changes))


def payload(**changes: Any) -> dict[str, Any]:
    """A valid live multichannel request with some fields replaced."""
    request = {
        "displayTimeAxisDuration": 10, "nfftSelection": 1024, "displayInfo": {"height": 1000},
        "channels": {"min": 1, "max": 50}, "frequencyRange": {"min": 0, "max": 500},
        "start_time": None, "end_time": None, "view_type": "0",
    }  # fmt: skip
    return {**request, **changes}


def recording(start: datetime, length_s: float | None = 40.08, **more: Any) -> dict[str, Any]:
    document: dict[str, Any] = {"uuid": f"uuid-{start.timestamp()}", "start_time": start, "deleted": False}
    if length_s is not None:
        document["end_time"] = start + timedelta(seconds=length_s)
    return {**document, "fiber_metadata": {"layer_type": "smart_recorder", "parent": {"prr": 2000}}, **more}


def ago(**parts: float) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) - timedelta(**parts)


def seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def until(condition: Callable[[], bool], within_s: float = 5.0) -> None:
    """Poll a fact that another process changes; fail if it is not true within this much given time."""
    watch = Stopwatch()
    while not condition():
        assert watch.given_s() < within_s, "did not come true in time"
        threading.Event().wait(LOOK_AGAIN_S)

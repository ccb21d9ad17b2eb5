"""Runs in the image of a clean-up job: removes its investigation when it has ended or has no clients.

Every 10 s it checks the conditions of the job and the number of clients of the job's pod. After ``MAX_CPU_USAGE_COUNT``
checks in a row without clients it deletes the service, the job and its own job. Standard library only.
"""

from __future__ import annotations

import json
import os
import ssl
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

POLL_S = 10.0
COUNT_PORT = 5001
_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_BACKGROUND = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background", "gracePeriodSeconds": 0}


class Api:
    """A client of the API server for a pod with a service account."""

    def __init__(self, url: str, account: Path = _ACCOUNT) -> None:
        self._url, self._account = url, account
        self._trust = ssl.create_default_context(cafile=account / "ca.crt")
        self.namespace = (account / "namespace").read_text(encoding="utf-8").strip()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request. Returns the JSON of the answer, or None if the object does not exist."""
        token = (self._account / "token").read_text(encoding="utf-8").strip()  # the token is renewed
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10, context=self._trust) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise


class Watchdog:
    """Watches one investigation until it is over, then removes it."""

    def __init__(self, api: Api, job_id: str, most_idle: int) -> None:
        self._api, self._id, self._most_idle = api, job_id, most_idle
        self._jobs = f"/apis/batch/v1/namespaces/{api.namespace}/jobs"
        self._core = f"/api/v1/namespaces/{api.namespace}"
        self._idle = 0

    def run(self, pause: threading.Event) -> int:
        reason = None
        while reason is None:
            pause.wait(POLL_S)
            reason = self.reason()
        print(f"{reason}: cleaning up", flush=True)
        for path in (
            f"{self._core}/services/grpc-service-{self._id}", f"{self._jobs}/grpc-job-{self._id}",
            f"{self._jobs}/cleanup-job-{self._id}",
        ):  # fmt: skip
            self._api.ask("DELETE", path, _BACKGROUND)
        return 0

    def reason(self) -> str | None:
        """Return the reason why the investigation is over, or None if it is not."""
        job = self._api.ask("GET", f"{self._jobs}/grpc-job-{self._id}")
        if job is None:
            return "the job is gone"
        ended = [each["type"] for each in job["status"].get("conditions", ()) if each["status"] == "True"]
        if {"Complete", "Failed"} & set(ended):
            return f"the job is {ended[-1]}"
        self._idle = self._idle + 1 if self._clients() == 0 else 0
        return f"nobody was connected {self._idle} times" if self._idle >= self._most_idle else None

    def _clients(self) -> int | None:
        """Return the number of clients, or None while the pod does not answer."""
        pods = self._api.ask("GET", f"{self._core}/pods?labelSelector=app%3Dgrpc-job-{self._id}")["items"]
        address = next((pod["status"]["podIP"] for pod in pods if pod["status"].get("podIP")), None)
        if address is None:
            return None
        try:
            with urllib.request.urlopen(f"http://{address}:{COUNT_PORT}/", timeout=5) as answer:
                return int(answer.read())
        except OSError as error:
            print(f"the pod does not answer: {error}", flush=True)
            return None


if __name__ == "__main__":
    url = f"https://{os.environ['KUBERNETES_SERVICE_HOST']}:{os.environ['KUBERNETES_SERVICE_PORT']}"
    dog = Watchdog(Api(url), os.environ["JOB_ID"], int(os.environ.get("MAX_CPU_USAGE_COUNT", "5")))
    sys.exit(dog.run(threading.Event()))

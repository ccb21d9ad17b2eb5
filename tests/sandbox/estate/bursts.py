"""Bursts of clients on a whole sandbox, and the state of the cluster during them."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from support.waits import Stopwatch

PANDA = "/api/v1/namespaces/panda"
JOBS = "/apis/batch/v1/namespaces/panda/jobs"
LIVE: Mapping[str, Any] = {
    "displayTimeAxisDuration": 10, "nfftSelection": 1024, "displayInfo": {"height": 1000},
    "channels": {"min": 1, "max": 50}, "frequencyRange": {"min": 0, "max": 500},
    "start_time": None, "end_time": None, "view_type": "0",
}  # fmt: skip
_BACKGROUND = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background", "gracePeriodSeconds": 0}


@dataclass(frozen=True)
class Answer:
    """The answer to one request. ``status`` is 0 if the connection broke."""

    status: int
    body: Any
    duration_s: float

    @property
    def job_id(self) -> str:
        return str(self.body["job_id"])


class Clients:
    """Sessions towards the Focus Server and the API of one sandbox; use as an asynchronous context."""

    def __init__(self, endpoints: Mapping[str, Any]) -> None:
        self._focus = endpoints["focus_server"]
        access = json.loads(Path(endpoints["kubernetes"]["kubeconfig"]).read_text())
        self._api = access["clusters"][0]["cluster"]["server"]
        self._token = access["users"][0]["user"]["token"]

    async def __aenter__(self) -> Clients:
        context = ssl.create_default_context(cafile=self._focus["ca_file"])
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=context), timeout=aiohttp.ClientTimeout(total=60)
        )
        return self

    async def __aexit__(self, *unused: object) -> None:
        await self._session.close()

    async def open(self, body: Mapping[str, Any] = LIVE) -> Answer:
        started_s = time.monotonic()
        try:
            async with self._session.post(f"{self._focus['base_url']}/configure", json=body) as answer:
                content = await answer.json()
                return Answer(answer.status, content, time.monotonic() - started_s)
        except aiohttp.ClientError as error:
            return Answer(0, repr(error), time.monotonic() - started_s)

    async def open_many(self, amount: int) -> list[Answer]:
        """Open ``amount`` investigations at once."""
        return list(await asyncio.gather(*(self.open() for _ in range(amount))))

    async def api(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self._token}"}
        async with self._session.request(method, self._api + path, json=body, headers=headers) as answer:
            return await answer.json()

    async def items(self, path: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.api("GET", path))["items"]
        return found

    async def pods_of_jobs(self) -> dict[str, dict[str, Any]]:
        """The pod of each grpc job, by job name."""
        labels = (
            (pod, pod["metadata"].get("labels", {}).get("job-name", "")) for pod in await self.items(f"{PANDA}/pods")
        )
        return {job: pod for pod, job in labels if job.startswith("grpc-job-")}

    async def phases(self) -> Counter[str]:
        return Counter(pod["status"].get("phase", "") for pod in (await self.pods_of_jobs()).values())

    async def running(self, amount: int, within_s: float) -> float:
        """Wait until ``amount`` jobs run; return the given seconds this took."""
        watch = Stopwatch()
        while (found := (await self.phases())["Running"]) < amount:
            assert watch.given_s() < within_s, f"{found} of {amount} jobs run after {within_s} s"
            await asyncio.sleep(0.05)
        return watch.given_s()

    async def release(self, job_id: str) -> None:
        """Release an investigation as on a system without a route for it, by deleting its objects."""
        await self.api("DELETE", f"{PANDA}/services/grpc-service-{job_id}")
        for name in (f"grpc-job-{job_id}", f"cleanup-job-{job_id}"):
            await self.api("DELETE", f"{JOBS}/{name}", _BACKGROUND)

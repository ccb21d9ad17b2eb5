"""The supervised process around store and server: reset, the count of objects, the fault ``no-events``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from environments.sandbox.kubernetes import process as process_module
from environments.sandbox.kubernetes.process import KubernetesProcess
from environments.sandbox.kubernetes.store.object_store import Store
from environments.sandbox.shared.certificates import CertificateAuthority
from environments.sandbox.supervisor.settings import SandboxSettings
from tests.sandbox.kubernetes_api.serving import HOST, TOKEN, pod
from tests.sandbox.process_runner import base_config, reserve_port, start_process

Scenario = Callable[[KubernetesProcess, Callable[[str], Awaitable[Any]]], Awaitable[None]]


class OneNamespace:
    """Stands for the controllers: seeds one namespace and records the faults it receives."""

    def __init__(self, store: Store, process: KubernetesProcess) -> None:
        self.store = store
        self.faults: list[tuple[frozenset[str], frozenset[str]]] = []

    async def start(self) -> None:
        self.store.create("namespaces", {"metadata": {"name": "panda"}})

    async def stop(self) -> None:
        """Nothing runs."""

    async def reset(self) -> None:
        await self.start()

    def faults_changed(self, switched_on: frozenset[str], switched_off: frozenset[str]) -> None:
        self.faults.append((switched_on, switched_off))


def _own_config(folder: Path) -> dict[str, Any]:
    """The configuration keys that only this process has."""
    authority = CertificateAuthority(folder / "ca")
    certificate = authority.issue("kubernetes", [HOST])
    return {
        "host": HOST,
        "port": 0,
        "ca_file": str(authority.ca_file),
        "cert_file": str(certificate.cert_file),
        "key_file": str(certificate.key_file),
        "tokens": {TOKEN: "focus-acceptance"},
        "kubelet": {"host": HOST, "port": reserve_port(), "token": "token-of-the-node"},
    }


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Scenario], None]:
    """A function that runs a scenario with a started process and a reader of its API."""
    monkeypatch.setattr(process_module, "install", OneNamespace)
    config = {**_own_config(tmp_path), "run_dir": str(tmp_path), "settings": asdict(SandboxSettings()), "faults": []}

    async def run(scenario: Scenario) -> None:
        process = KubernetesProcess(config)
        url = (await process.start())["url"]
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with aiohttp.ClientSession(headers=headers) as session:

            async def read(path: str) -> Any:
                async with session.get(url + path, ssl=False) as answer:
                    return await answer.json()

            try:
                await scenario(process, read)
            finally:
                await process.stop()

    return lambda scenario: asyncio.run(run(scenario))


def _event(name: str, about: str) -> dict[str, Any]:
    involved = {"kind": "Pod", "name": about, "namespace": "panda"}
    return {"metadata": {"name": name}, "involvedObject": involved, "reason": "Scheduled", "type": "Normal"}


def test_reset_empties_and_seeds_anew_with_growing_revisions(play: Callable[[Scenario], None]) -> None:
    async def scenario(process: KubernetesProcess, read: Callable[[str], Awaitable[Any]]) -> None:
        process.store.create("pods", pod("p"), "panda")
        assert (await process.state())["pods"] == 1
        before = await read("/api/v1/namespaces/panda")
        await process.reset()
        after = await read("/api/v1/namespaces/panda")
        assert (await process.state())["pods"] == 0
        assert after["metadata"]["uid"] != before["metadata"]["uid"]
        assert int(after["metadata"]["resourceVersion"]) > int(before["metadata"]["resourceVersion"])

    play(scenario)


def test_no_events_hides_what_happens_to_investigations(play: Callable[[Scenario], None]) -> None:
    async def scenario(process: KubernetesProcess, read: Callable[[str], Awaitable[Any]]) -> None:
        async def names() -> list[str]:
            return [each["metadata"]["name"] for each in (await read("/api/v1/events"))["items"]]

        process.store.create("events", _event("before", "grpc-job-1-1-abcde"), "panda")
        process.store.create("events", _event("mongo", "mongodb-79b869cc7c-vsjd9"), "panda")
        assert await names() == ["before", "mongo"]
        await process.set_faults(["no-events"])
        process.store.create("events", _event("during", "grpc-job-1-2-abcde"), "panda")
        assert await names() == ["mongo"]
        await process.set_faults([])
        assert await names() == ["mongo"]
        process.store.create("events", _event("later", "grpc-job-1-3-abcde"), "panda")
        assert await names() == ["later", "mongo"]

    play(scenario)


def test_controllers_hear_of_faults(play: Callable[[Scenario], None]) -> None:
    async def scenario(process: KubernetesProcess, read: Callable[[str], Awaitable[Any]]) -> None:
        await process.set_faults(["some-fault"])
        await process.set_faults([])
        controllers = process._controllers
        assert isinstance(controllers, OneNamespace)
        none, one = frozenset[str](), frozenset(["some-fault"])
        assert controllers.faults == [(one, none), (none, one)]

    play(scenario)


def test_the_supervised_process(tmp_path: Path) -> None:
    """Started, queried, reset and stopped as by the supervisor, with the real controllers."""
    config = base_config(tmp_path, **{**_own_config(tmp_path), "port": reserve_port(HOST)})
    with start_process("kubernetes", config) as process:
        assert process.ready["url"] == f"https://{HOST}:{config['port']}"
        before = process.request("state")
        assert before["nodes"] == 3
        process.set_faults("no-events")
        process.request("reset")
        after = process.request("state")
        assert (after["nodes"], after["services"]) == (before["nodes"], before["services"])
        assert process.stop() == 0

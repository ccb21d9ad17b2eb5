"""Faults: investigations that are opened incorrectly."""

from __future__ import annotations

import asyncio
import os
import re
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from environments.sandbox.focus_server.faults.plain import Unclear, instead_of, left_out
from environments.sandbox.focus_server.hooks import Proceed, fault
from environments.sandbox.focus_server.kubernetes import KubernetesRefused
from environments.sandbox.focus_server.manifests import Investigation
from environments.sandbox.focus_server.opening import ADDRESS_KEY, Opener
from environments.sandbox.focus_server.refusals import CannotOpen
from environments.sandbox.focus_server.schema import ConfigureRequest
from environments.sandbox.focus_server.starting import SETTINGS_KEY

_IN_THE_SETTINGS = re.compile(rf'{ADDRESS_KEY} = "([^"]*)"')
CRASH_AT_JOBS, CRASHED = 60, 1
"""The number of the investigation at which the server crashes, and its exit code."""


fault("roll-back-missing", at="opening.undo")(left_out)
fault("port-refusal-unclear", at="port.take")(instead_of(KubernetesRefused, lambda: KubernetesRefused(403, "error 17")))
fault("job-refusal-unclear", at="opening.start")(instead_of(KubernetesRefused, lambda: CannotOpen("error 17")))


@fault("failed-opening-keeps-its-room", at="opening.start")
async def _(proceed: Proceed, opener: Opener, request: ConfigureRequest) -> Investigation:
    try:
        opened: Investigation = await proceed(opener, request)
    except KubernetesRefused:
        opener.capacity.expect("grpc-job-lost", needs_gpu=True)
        raise
    return opened


@fault("stream-host-not-a-node", at="opening.address")
async def _(proceed: Proceed, opener: Opener) -> str:
    await proceed(opener)
    node = next(host for host in opener.node_hosts if host[0].isdigit())
    if node == "127.0.0.1":  # the only address: another name of it is not one of a node
        return "http://localhost"
    return f"http://{'.'.join(node.split('.')[:2])}.250.250"


@fault("invalid-stream-address-handed-out", at="opening.address")
async def _(proceed: Proceed, opener: Opener) -> str:
    return (await opener.configuration.current()).get(ADDRESS_KEY, "")


@fault("stream-address-not-read-again", at="opening.address")
async def _(proceed: Proceed, opener: Opener) -> str:
    return str(_IN_THE_SETTINGS.findall((await opener.configuration.current())[SETTINGS_KEY])[0])


@fault("stream-address-refusal-names-half", at="opening.address")
async def _(proceed: Proceed, opener: Opener) -> Any:
    try:
        return await proceed(opener)
    except CannotOpen as refused:
        said = str(refused).partition(": ")[2].split(", ")
        raise CannotOpen(", ".join(said[: 1 + len(opener.node_hosts) // 2])) from None


@fault("two-jobs-for-one-request", at="opening.start")
async def _(proceed: Proceed, opener: Opener, request: ConfigureRequest) -> Any:
    investigation = await proceed(opener, request)
    await proceed(opener, request)
    return investigation


@fault("opening-blocked-after-a-failure", at="opening.start", memory=lambda: SimpleNamespace(has_failed=False))
async def _(memory: SimpleNamespace, proceed: Proceed, opener: Opener, request: ConfigureRequest) -> Any:
    if memory.has_failed:
        memory.has_failed = False
        raise CannotOpen("another opening has failed")
    try:
        return await proceed(opener, request)
    except KubernetesRefused:
        memory.has_failed = True
        raise


async def _at_one_moment(going_on: list[asyncio.Future[Any]], proceed: Proceed, *args: Any) -> Any:
    """Give a call that begins during another one the result of that one."""
    if not going_on:
        going_on.append(asyncio.ensure_future(proceed(*args)))
        going_on[0].add_done_callback(lambda _: going_on.clear())
    return await asyncio.shield(going_on[0])


fault("simultaneous-openings-share-a-job", at="opening.start", memory=list)(_at_one_moment)
fault("simultaneous-openings-share-a-port", at="port.take", memory=list)(_at_one_moment)


@fault("crash-at-60-jobs", at="port.take")
async def _(proceed: Proceed, opener: Opener, investigation: Investigation) -> Any:
    if len(opener.slots.unusable()) >= CRASH_AT_JOBS:
        opener.log.error("cannot serve another investigation: RuntimeError: can't start new thread")
        os._exit(CRASHED)
    return await proceed(opener, investigation)


@fault("port-shared", at="port.take", memory=dict)
async def _(ports: dict[str, int], proceed: Proceed, opener: Opener, investigation: Investigation) -> Any:
    """Give each investigation the port of the last one that was opened and still exists: all that are open together
    share one, even if others open and close in between."""
    for name in [name for name in ports if not opener.view.exists(name)]:
        del ports[name]
    own: Any = None if ports else await proceed(opener, investigation)
    port = next(reversed(ports.values()), own)
    ports[investigation.job_name] = port
    return port


@fault("occupied-port-handed-out", at="port.take")
async def _(proceed: Proceed, opener: Opener, investigation: Investigation) -> Any:
    return await proceed(opener, investigation) or investigation.port


@fault("occupied-port-answered-500", at="port.take")
async def _(proceed: Proceed, opener: Opener, investigation: Investigation) -> Any:
    port = await proceed(opener, investigation)
    if port is None:
        raise Unclear(500, f"port {investigation.port} is in use")
    return port


@fault("occupied-port-keeps-its-room", at="port.take")
async def _(proceed: Proceed, opener: Opener, investigation: Investigation) -> Any:
    port = await proceed(opener, investigation)
    if port is None:
        opener.capacity.expect("grpc-job-lost", needs_gpu=True)
    return port


@dataclass
class _Expected:
    """Objects that the server expects in vain, until the fault is switched off."""

    found: list[tuple[Opener, str]] = field(default_factory=list)

    def add(self, opener: Opener, name: str) -> None:
        opener.view.expect(name)
        self.found.append((opener, name))

    async def aclose(self) -> None:
        for opener, name in self.found:
            opener.view.forget(name)


@fault("slot-lost-after-a-failed-opening", at="opening.undo", memory=_Expected)
async def _(expected: _Expected, proceed: Proceed, opener: Opener, investigation: Investigation) -> None:
    await proceed(opener, investigation)
    expected.add(opener, investigation.job_name)


@fault("occupied-port-never-tried-again", at="port.take", memory=_Expected)
async def _(expected: _Expected, proceed: Proceed, opener: Opener, investigation: Investigation) -> Any:
    port = await proceed(opener, investigation)
    if port is None:
        expected.add(opener, investigation.service_name)
    return port

"""The settings of a sandbox (``sandbox up --set key=value``), with defaults that satisfy every requirement."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import Field, asdict, dataclass, field, fields, replace
from typing import Any

from environments.sandbox.shared.errors import UsageError
from environments.sandbox.shared.kubernetes_versions import DEFAULT, VERSIONS

_RANGE, _CHOICES, _PATTERN = "range", "choices", "pattern"
_IMAGE = re.compile(r"[a-z0-9][\w.:/@-]{0,254}")


def _number(default: float, lowest: float, highest: float) -> Any:
    return field(default=default, metadata={_RANGE: (lowest, highest)})


def _one_of(*choices: str, usual: str = "") -> Any:
    """A setting with a choice of values; the default is the first unless ``usual`` names another."""
    return field(default=usual or choices[0], metadata={_CHOICES: choices})


def _image() -> Any:
    return field(default="", metadata={_PATTERN: _IMAGE})


@dataclass(frozen=True)
class SandboxSettings:
    """The size and pace of the embedded estate.

    ``gpu_slices`` counts the slices of the whole cluster, ``pods_per_node`` the pods of each node. ``configure_ms`` is
    the least time an accepted ``POST /configure`` takes. ``time_scale`` multiplies each documented duration of the real
    system (0.02 makes a 50 s clean-up one second); answers are not scaled. ``answers`` selects the wording of the Focus
    Server where no requirement defines it: helpful, or as observed in December 2025. ``controller_qps`` is the number
    of requests that each controller of Kubernetes may make per second of the real system, ``controller_burst`` the
    number at once; 0 leaves them unlimited. ``waiting_metadata`` is the answer of ``GET /live_metadata`` while no fibre
    is connected: that it waits, or 404. With ``configure_turns`` of one, the server assigns ids and ports to one
    investigation at a time, as the real one reportedly does. ``live_keepalive_s`` (seconds of the real system) ends a
    live job this long after its client stopped consuming the stream; 0 never does. ``highest_view`` of 2 offers no heat
    map. ``rabbitmq`` is ``installed`` to run a broker behind its pod if this machine has one. ``kubernetes_port`` is
    ``closed`` if only the SSH target reaches the Kubernetes API, at the address that its kubeconfig names.
    ``job_image`` and ``cleanup_image`` are the images of jobs on a cluster that is not the sandbox's own,
    ``stream_access`` is how clients reach their streams there. ``addresses`` is ``block`` if nodes and pods have their
    own addresses on loopback, ``one`` if 127.0.0.1 is the only address, ``auto`` for the block if there is one. A port
    of 0 means any free one.
    """

    nodes: int = _number(2, 1, 100)
    gpu_slices: int = _number(240, 0, 100_000)
    pods_per_node: int = _number(250, 1, 10_000)
    node_cpu: int = _number(112, 1, 1000)
    node_memory_gi: int = _number(1024, 1, 100_000)
    pod_quota: int = _number(0, 0, 100_000)
    nodeport_first: int = _number(12301, 1024, 65535)
    nodeport_last: int = _number(12700, 1024, 65535)
    configure_ms: int = _number(30, 0, 60_000)
    server_workers: int = _number(0, 0, 1000)
    mongo_pool: int = _number(10, 1, 1000)
    waiting_jobs: int = _number(5, 0, 1000)
    live_keepalive_s: float = _number(0.0, 0, 86_400)
    fibre: str = _one_of("connected", "waiting")
    answers: str = _one_of("required", "deployed")
    kubernetes_version: str = _one_of(*VERSIONS, usual=DEFAULT)
    controller_qps: float = _number(0.0, 0, 10_000)
    controller_burst: int = _number(30, 1, 10_000)
    waiting_metadata: str = _one_of("told", "404")
    configure_turns: str = _one_of("many", "one")
    highest_view: int = _number(3, 2, 3)
    rabbitmq: str = _one_of("off", "installed", usual="installed")
    kubernetes_port: str = _one_of("open", "closed")
    time_scale: float = _number(0.02, 0.001, 1)
    seed_recordings: int = _number(120, 0, 100_000)
    job_image: str = _image()
    cleanup_image: str = _image()
    stream_access: str = _one_of("node_ports", "port_forward")
    addresses: str = _one_of("auto", "one", "block")
    control_port: int = _number(0, 0, 65535)
    focus_server_port: int = _number(0, 0, 65535)


_WHERE = frozenset({"addresses", "control_port", "focus_server_port"})
"""Settings of addresses and ports, which do not count as changes."""


def changed(settings: SandboxSettings) -> dict[str, Any]:
    """The settings that differ from a sandbox that satisfies every requirement."""
    usual = asdict(SandboxSettings())
    return {key: value for key, value in asdict(settings).items() if value != usual[key] and key not in _WHERE}


def parse_settings(assignments: Iterable[str]) -> SandboxSettings:
    """Apply ``key=value`` texts to the defaults; :class:`UsageError` names the key, the value and what is allowed."""
    settings = SandboxSettings()
    for assignment in assignments:
        key, separator, text = assignment.partition("=")
        if not separator:
            raise UsageError(f"--set {assignment}: write it as key=value")
        settings = replace(settings, **{key: _parse(key, text)})
    if settings.nodeport_last < settings.nodeport_first:
        raise UsageError(
            f"--set nodeport_last={settings.nodeport_last}: must not be below nodeport_first={settings.nodeport_first}"
        )
    return settings


def choices(setting: Field[Any]) -> Sequence[str]:
    """The allowed values of a setting; empty for one that takes a number or any name."""
    found: Sequence[str] = setting.metadata.get(_CHOICES, ())
    return found


def _parse(key: str, text: str) -> Any:
    known = {each.name: each for each in fields(SandboxSettings)}
    if key not in known:
        raise UsageError(f"--set {key}: no such setting; allowed are {', '.join(sorted(known))}")
    setting = known[key]
    if allowed := choices(setting):
        if text not in allowed:
            raise UsageError(f"--set {key}={text}: allowed are {', '.join(allowed[:-1])} and {allowed[-1]}")
        return text
    if pattern := setting.metadata.get(_PATTERN):
        if not pattern.fullmatch(text):
            raise UsageError(f"--set {key}={text}: must be the name of an image, such as registry.example/job:1")
        return text
    lowest, highest = setting.metadata[_RANGE]
    kind: Any = type(setting.default)
    try:
        value = kind(text)
    except ValueError:
        value = None
    if value is None or not lowest <= value <= highest:
        raise UsageError(f"--set {key}={text}: must be a number from {lowest:g} to {highest:g}")
    return value

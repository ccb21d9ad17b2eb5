"""What can be set on a sandbox (``sandbox up --set key=value``), with defaults that satisfy every requirement."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from environments.sandbox.shared.errors import UsageError
from environments.sandbox.shared.kubernetes_versions import DEFAULT, VERSIONS

CHOICES = {
    "fibre": ("connected", "waiting"),
    "answers": ("required", "deployed"),
    "kubernetes_version": tuple(VERSIONS),
    "waiting_metadata": ("told", "404"),
    "rabbitmq": ("off", "installed"),
    "configure_turns": ("many", "one"),
    "stream_access": ("node_ports", "port_forward"),
    "kubernetes_port": ("open", "closed"),
    "addresses": ("auto", "one", "block"),
}


@dataclass(frozen=True)
class SandboxSettings:
    """The size and pace of the embedded estate.

    ``gpu_slices`` is the number in the whole cluster, ``pods_per_node`` counts for each node. ``configure_ms`` is the
    least time an accepted ``POST /configure`` takes. ``time_scale`` multiplies every documented duration of the real
    system (0.02 makes a 50 s clean-up one second); answers are not scaled. ``answers`` is how the Focus Server words
    what no requirement words: helpfully, or as it was observed in December 2025. ``controller_qps`` is how many
    requests each controller of Kubernetes may make in a second of the real system, ``controller_burst`` how many at
    once; 0 leaves them unlimited. ``waiting_metadata`` is what ``GET /live_metadata`` answers while no fibre is
    connected: that it waits, or 404. With ``configure_turns`` of one the server gives ids and ports to one
    investigation at a time, as the real one is said to. ``live_keepalive_s`` (seconds of the real system) ends a live
    job so long after its client has stopped consuming the stream; 0 never does. ``highest_view`` of 2 offers no heat
    map. ``rabbitmq`` is ``installed`` to have a broker behind its pod where this machine has one. ``kubernetes_port``
    is ``closed`` where only the SSH target reaches the Kubernetes API, at the address that its kubeconfig names.
    ``job_image`` and ``cleanup_image`` are what jobs run on a cluster that is not the sandbox's own, ``stream_access``
    how clients reach them there. ``addresses`` is ``block`` where nodes and pods have addresses of their own on
    loopback, ``one`` where 127.0.0.1 is all there is, ``auto`` for the block if there is one. A port of 0 means any
    free one.
    """

    nodes: int = 2
    gpu_slices: int = 240
    pods_per_node: int = 250
    node_cpu: int = 112
    node_memory_gi: int = 1024
    pod_quota: int = 0
    nodeport_first: int = 12301
    nodeport_last: int = 12700
    configure_ms: int = 30
    server_workers: int = 0
    mongo_pool: int = 10
    waiting_jobs: int = 5
    live_keepalive_s: float = 0
    fibre: str = "connected"
    answers: str = "required"
    kubernetes_version: str = DEFAULT
    controller_qps: float = 0
    controller_burst: int = 30
    waiting_metadata: str = "told"
    configure_turns: str = "many"
    highest_view: int = 3
    rabbitmq: str = "installed"
    kubernetes_port: str = "open"
    time_scale: float = 0.02
    seed_recordings: int = 120
    job_image: str = ""
    cleanup_image: str = ""
    stream_access: str = "node_ports"
    addresses: str = "auto"
    control_port: int = 0
    focus_server_port: int = 0


_RANGES: dict[str, tuple[float, float]] = {
    "nodes": (1, 100),
    "gpu_slices": (0, 100_000),
    "pods_per_node": (1, 10_000),
    "node_cpu": (1, 1000),
    "node_memory_gi": (1, 100_000),
    "pod_quota": (0, 100_000),
    "nodeport_first": (1024, 65535),
    "nodeport_last": (1024, 65535),
    "configure_ms": (0, 60_000),
    "highest_view": (2, 3),
    "server_workers": (0, 1000),
    "mongo_pool": (1, 1000),
    "waiting_jobs": (0, 1000),
    "live_keepalive_s": (0, 86_400),
    "controller_qps": (0, 10_000),
    "controller_burst": (1, 10_000),
    "time_scale": (0.001, 1),
    "seed_recordings": (0, 100_000),
    "control_port": (0, 65535),
    "focus_server_port": (0, 65535),
}


_IMAGES = ("job_image", "cleanup_image")
_IMAGE = re.compile(r"[a-z0-9][\w.:/@-]{0,254}")
_WHERE = frozenset({"addresses", "control_port", "focus_server_port"})
"""Where it listens is nothing that was done to it."""


def changed(settings: SandboxSettings) -> dict[str, Any]:
    """What differs from a sandbox that satisfies every requirement."""
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


def _parse(key: str, text: str) -> Any:
    kinds: dict[str, Callable[[str], Any]] = {field.name: type(field.default) for field in fields(SandboxSettings)}
    if key not in kinds:
        raise UsageError(f"--set {key}: no such setting; allowed are {', '.join(sorted(kinds))}")
    if key in CHOICES:
        if text not in CHOICES[key]:
            raise UsageError(f"--set {key}={text}: allowed are {_listed(CHOICES[key])}")
        return text
    if key in _IMAGES:
        if not _IMAGE.fullmatch(text):
            raise UsageError(f"--set {key}={text}: must be the name of an image, such as registry.example/job:1")
        return text
    lowest, highest = _RANGES[key]
    try:
        value = kinds[key](text)
    except ValueError:
        value = None
    if value is None or not lowest <= value <= highest:
        raise UsageError(f"--set {key}={text}: must be a number from {lowest:g} to {highest:g}")
    return value


def _listed(choices: Sequence[str]) -> str:
    return f"{', '.join(choices[:-1])} and {choices[-1]}"

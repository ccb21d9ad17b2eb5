"""The causes that can be distinguished. ``row`` is the row of the table in docs/facts/capacity.md 5."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cause:
    """A cause. ``title`` completes "N jobs failed: ". ``row`` is None for a cause the table does not list."""

    id: str
    row: int | None
    title: str


_ALL = (
    Cause("node-cpu", 1, "the nodes have no CPU left to give to pods"),
    Cause("node-memory", 2, "the nodes have no memory left to give to pods"),
    Cause("node-storage", 2, "the nodes have no ephemeral storage left to give to pods"),
    Cause("gpu-slices", 3, "no GPU slice is free"),
    Cause("pods-per-node", 4, "the nodes hold as many pods as they may"),
    Cause("placement", 5, "no node may take the pods (taint, affinity or selector): configuration, not capacity"),
    Cause("node-not-ready", None, "a node is not ready"),
    Cause("kubelet-race", 6, "the node had less room than the scheduler believed"),
    Cause("quota", 7, "a quota of the namespace is used up"),
    Cause("node-ports", 8, "no node port can be given any more"),
    Cause("leaked-ports", 8, "ports are held by services whose job is gone"),
    Cause("shared-port", 8, "several investigations were given the same port"),
    Cause("image-pull", 9, "the image cannot be pulled"),
    Cause("pod-start", 10, "pods are placed, but their sandbox, network or volumes do not get ready"),
    Cause("cpu-throttling", 11, "containers use up their CPU limit (throttling likely)"),
    Cause("memory-limit", 12, "a container was killed at its memory limit"),
    Cause("node-pressure", 13, "a node under pressure evicted pods"),
    Cause("preemption", 14, "pods with a higher priority took the place"),
    Cause("api-overload", 15, "the Kubernetes API turned requests away (429)"),
    Cause("controller-pace", 16, "the control plane starts pods at a steady, slow pace"),
    Cause("job-failed", 17, "the job itself failed or cannot start its container"),
    Cause("mongo-pool", 18, "all connections of the server's MongoDB pool are in use"),
    Cause("mongo-index", None, "the recordings lack an index: each lookup of recorded data reads every document"),
    Cause("recordings-storage", None, "the storage of the recordings is full or not there"),
    Cause("server-queueing", 19, "requests queue in front of the server's workers"),
    Cause("server-slow-from", 19, "the server becomes slow from a number of jobs on"),
    Cause("server-cpu", 20, "the server's pod uses all the CPU it can get"),
    Cause("generator", 21, "the load generator is too slow or out of resources: nothing is said about the server"),
    Cause("network", 22, "a hop between the client and the server failed"),
    Cause("server-crash", None, "Focus Server ended and was started again"),
    Cause("job-missing", None, "answered as open, but no job ever appeared in the cluster"),
    Cause("never-running", None, "the job exists, its pod never runs, and Kubernetes gives no reason"),
    Cause("port-closed", None, "the pod runs, but its stream port accepts no connection"),
    Cause(
        "stream-client",
        None,
        "the tester's client did not consume their streams, and live jobs ended by themselves: nothing is said about "
        "the capacity (stream_client: tcp only holds a connection, grpc drains the stream)",
    ),
)

CAUSES: dict[str, Cause] = {cause.id: cause for cause in _ALL}

ROOM_ON_NODES = frozenset({"node-cpu", "node-memory", "node-storage", "gpu-slices", "pods-per-node"})
"""Resources that a lost node takes away."""
PORTS = frozenset({"node-ports"})
"""Resources that leaked services take away."""
SLOW_LOOKUPS = frozenset({"mongo-pool", "server-queueing", "server-slow-from"})
"""Symptoms of slow lookups."""
NO_START = frozenset({"pod-start", "never-running"})
"""Symptoms of a missing volume."""

"""The faults that the cluster implements."""

from __future__ import annotations

FAULT_IDS = frozenset(
    {
        "jobs-stay-pending",
        "gpu-granted-on-node-without-gpus",
        "storage-not-bound",
        "job-not-active",
        "ended-job-still-active",
        "job-never-finishes",
        "failed-job-not-reported",
        "gpu-slice-not-returned",
        "no-events",
        "worker-nodes-hidden",
        "unschedulable-without-reason",
        "waiting-pods-forgotten",
        "node-not-ready",
        "focus-pod-not-ready",
        "focus-server-restarted-often",
        "focus-service-wrong-port",
        "cluster-version-unknown",
        "namespace-hidden",
        "restarts-while-starting",
        "gpu-slices-short",
        "pods-per-node-short",
        "cpu-short",
        "memory-short",
        "pod-quota-short",
        "node-unreachable",
        "nodeport-range-short",
        "stream-ports-leaked",
        "kubernetes-api-overloaded",
        "job-controller-slow",
        "cascade-broken",
        "crashed-part-replaced-late",
        "replacement-renamed",
        "replica-count-forgotten",
        "outage-ends-open-jobs",
    }
)

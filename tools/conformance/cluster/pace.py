"""The pace of the controllers. This probe runs on request only, because it creates 60 pods."""

from __future__ import annotations

from hamcrest import greater_than_or_equal_to

from tools.conformance.cluster.manifests import job
from tools.conformance.cluster.probing import Cluster, Object, registry
from tools.conformance.facts import Value, magnitude

PODS = 60
_STEADY = 40
"""Number of pods measured, counted from the last: the first ones come from the burst that controllers are allowed."""


@registry.probe("controller-pace", row=5)
def controller_pace(cluster: Cluster) -> dict[str, Value]:
    """Measure the rate at which the pods of one job appear after the burst."""
    with cluster.follow("pods", labelSelector="job-name=many") as following:
        cluster.create("jobs", job("many", parallelism=PODS, completions=PODS))

        def came() -> list[tuple[float, str, Object]]:
            return [change for change in following.changes() if change[1] == "ADDED"]

        cluster.until(lambda: len(came()), greater_than_or_equal_to(PODS), f"all {PODS} pods are there")
        times_s = [change[0] for change in came()]
    per_s = (_STEADY - 1) / (times_s[-1] - times_s[-_STEADY]) * cluster.time_scale
    return {"pods-per-second": magnitude(per_s)}

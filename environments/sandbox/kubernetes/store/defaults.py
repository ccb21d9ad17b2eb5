"""Defaults that the API server fills in for fields a client has left out."""

from __future__ import annotations

import base64
from typing import Any

from environments.sandbox.kubernetes.store.objects import clone, dig
from environments.sandbox.shared.kubernetes_versions import KubernetesVersion

Object = dict[str, Any]


def apply_defaults(plural: str, obj: Object, serial: int, version: KubernetesVersion) -> None:
    """Complete ``obj`` in place; repeated calls change nothing. ``serial`` is a number unique to this write."""
    if plural == "services":
        _service(obj, serial)
    elif plural == "jobs":
        _job(obj, version)
    elif plural in _BY_KIND:
        _BY_KIND[plural](obj)


def _missing(target: Object, **values: Any) -> None:
    for key, value in values.items():
        if target.get(key) is None:
            target[key] = value


def _pod_spec(spec: Object, restart_policy: str | None = "Always") -> None:
    _missing(
        spec, terminationGracePeriodSeconds=30, dnsPolicy="ClusterFirst", schedulerName="default-scheduler",
        securityContext={},
    )  # fmt: skip
    if restart_policy:
        _missing(spec, restartPolicy=restart_policy)
    for container in [*spec.get("containers", ()), *spec.get("initContainers", ())]:
        image = container.get("image", "")
        latest = ":" not in image.rsplit("/", 1)[-1] or image.endswith(":latest")
        _missing(
            container, imagePullPolicy="Always" if latest else "IfNotPresent", resources={},
            terminationMessagePath="/dev/termination-log", terminationMessagePolicy="File",
        )  # fmt: skip
        for port in container.get("ports", ()):
            _missing(port, protocol="TCP")
        _requests_from_limits(container["resources"])
    if spec.get("serviceAccountName"):
        _missing(spec, serviceAccount=spec["serviceAccountName"])


def _requests_from_limits(resources: Object) -> None:
    for name, quantity in (resources.get("limits") or {}).items():
        resources.setdefault("requests", {}).setdefault(name, quantity)


def _pod(pod: Object) -> None:
    _missing(pod["spec"], serviceAccountName="default")
    _pod_spec(pod["spec"])
    _missing(pod["spec"], enableServiceLinks=True, preemptionPolicy="PreemptLowerPriority", priority=0)
    _missing(pod, status={})
    _missing(pod["status"], phase="Pending", qosClass=_quality(pod["spec"]))


def _quality(spec: Object) -> str:
    resources = [container["resources"] for container in spec.get("containers", ())]
    if not any(each.get("requests") or each.get("limits") for each in resources):
        return "BestEffort"
    names = ("cpu", "memory")
    fixed = all(
        dig(each, "limits", name) and dig(each, "limits", name) == dig(each, "requests", name)
        for each in resources for name in names
    )  # fmt: skip
    return "Guaranteed" if fixed else "Burstable"


_UNLIMITED = 2**31 - 1


def _job(job: Object, version: KubernetesVersion) -> None:
    spec, uid, name = job["spec"], job["metadata"]["uid"], job["metadata"]["name"]
    prefix = "batch.kubernetes.io/" if version.has_prefixed_job_labels else ""
    _missing(
        spec, parallelism=1, completions=1, completionMode="NonIndexed", suspend=False, manualSelector=False,
        backoffLimit=6 if spec.get("backoffLimitPerIndex") is None else _UNLIMITED,
    )  # fmt: skip
    if version.has_replacement_policy:
        _missing(spec, podReplacementPolicy="TerminatingOrFailed")
    metadata = spec["template"].setdefault("metadata", {})
    if not spec["manualSelector"]:
        _missing(spec, selector={"matchLabels": {f"{prefix}controller-uid": uid}})
        _missing(metadata, labels={})
        own = {"controller-uid": uid, "job-name": name}
        metadata["labels"].update({**{prefix + key: value for key, value in own.items()}, **own})
    if version.marks_tracked_jobs:
        job["metadata"].setdefault("annotations", {})["batch.kubernetes.io/job-tracking"] = ""
    if not job["metadata"].get("labels") and metadata.get("labels"):
        job["metadata"]["labels"] = dict(metadata["labels"])
    _pod_spec(spec["template"]["spec"], None)
    _missing(job, status={})


def _workload(**spec_defaults: Any) -> Any:
    def fill(obj: Object) -> None:
        _missing(obj["spec"], **{key: clone(value) for key, value in spec_defaults.items()})
        for key in ("strategy", "updateStrategy"):
            if key in obj["spec"]:
                _strategy(obj["spec"][key], spec_defaults.get(key, {}))
        _pod_spec(obj["spec"]["template"]["spec"])
        _missing(obj, status={})

    return fill


def _service(service: Object, serial: int) -> None:
    spec = service["spec"]
    _missing(spec, type="ClusterIP", sessionAffinity="None")
    if spec["type"] == "ExternalName":
        _missing(service, status={"loadBalancer": {}})
        return
    _missing(spec, internalTrafficPolicy="Cluster", ipFamilies=["IPv4"], ipFamilyPolicy="SingleStack")
    if spec["type"] in ("NodePort", "LoadBalancer"):
        _missing(spec, externalTrafficPolicy="Cluster")
    for port in spec.get("ports", ()):
        _missing(port, protocol="TCP", targetPort=port.get("port"))
    if not spec.get("clusterIP"):
        spec["clusterIP"] = _cluster_ip(serial)
    _missing(spec, clusterIPs=[spec["clusterIP"]])
    _missing(service, status={"loadBalancer": {}})


def _cluster_ip(serial: int) -> str:
    """Return an address of the k3s service network, to which nothing in the sandbox ever connects.

    The odd factor spreads neighbouring numbers and keeps them distinct for 65,536 writes.
    """
    spread = serial * 40503 % 65536
    return f"10.43.{spread // 256}.{spread % 256}"


def _namespace(namespace: Object) -> None:
    name = namespace["metadata"]["name"]
    namespace["metadata"].setdefault("labels", {}).setdefault("kubernetes.io/metadata.name", name)
    _missing(namespace, spec={"finalizers": ["kubernetes"]}, status={"phase": "Active"})


def _claim(claim: Object) -> None:
    _missing(claim, spec={})
    _missing(claim["spec"], volumeMode="Filesystem")
    _missing(claim, status={"phase": "Pending"})


def _secret(secret: Object) -> None:
    _missing(secret, type="Opaque")
    for key, text in secret.pop("stringData", {}).items():
        secret.setdefault("data", {})[key] = base64.b64encode(text.encode()).decode()


def _status(obj: Object) -> None:
    _missing(obj, status={})


def _strategy(strategy: Object, default: Object) -> None:
    """Fill in the defaults of a rolling update. Any other strategy has only its type."""
    _missing(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate" and "rollingUpdate" in default:
        _missing(strategy, rollingUpdate={})
        _missing(strategy["rollingUpdate"], **default["rollingUpdate"])


def _network_policy(policy: Object) -> None:
    spec = policy.setdefault("spec", {})
    _missing(spec, podSelector={}, policyTypes=["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])


_ROLLING: Object = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}}
_BY_KIND: dict[str, Any] = {
    "pods": _pod,
    "cronjobs": _status,
    "deployments": _workload(
        replicas=1, strategy=_ROLLING, revisionHistoryLimit=10, progressDeadlineSeconds=600
    ),
    "replicasets": _workload(replicas=1),
    "statefulsets": _workload(
        replicas=1, podManagementPolicy="OrderedReady", revisionHistoryLimit=10,
        updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
    ),
    "namespaces": _namespace,
    "persistentvolumeclaims": _claim,
    "persistentvolumes": _status,
    "resourcequotas": _status,
    "networkpolicies": _network_policy,
    "nodes": _status,
    "secrets": _secret,
}  # fmt: skip

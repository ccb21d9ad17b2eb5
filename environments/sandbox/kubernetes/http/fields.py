"""Unknown fields, which a client that asks for ``fieldValidation=Strict`` (kubectl does) is told about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from environments.sandbox.kubernetes.store.errors import bad_request, unsupported_option
from environments.sandbox.kubernetes.store.resources import Resource

Object = dict[str, Any]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_METADATA = _names(
    "annotations creationTimestamp deletionGracePeriodSeconds deletionTimestamp finalizers generateName generation "
    "labels managedFields name namespace ownerReferences resourceVersion selfLink uid"
)
_TOP = _names("apiVersion kind metadata spec status")
_CONTAINER = _names(
    "args command env envFrom image imagePullPolicy lifecycle livenessProbe name ports readinessProbe resizePolicy "
    "resources restartPolicy restartPolicyRules securityContext startupProbe stdin stdinOnce terminationMessagePath "
    "terminationMessagePolicy tty volumeDevices volumeMounts workingDir"
)
_POD_SPEC = _names(
    "activeDeadlineSeconds affinity automountServiceAccountToken containers dnsConfig dnsPolicy enableServiceLinks "
    "ephemeralContainers hostAliases hostIPC hostNetwork hostPID hostUsers hostname hostnameOverride imagePullSecrets "
    "initContainers nodeName nodeSelector os overhead preemptionPolicy priority priorityClassName readinessGates "
    "resourceClaims resources restartPolicy runtimeClassName schedulerName schedulingGates securityContext "
    "serviceAccount serviceAccountName "
    "setHostnameAsFQDN shareProcessNamespace subdomain terminationGracePeriodSeconds tolerations "
    "topologySpreadConstraints volumes"
)
_JOB_SPEC = _names(
    "activeDeadlineSeconds backoffLimit backoffLimitPerIndex completionMode completions managedBy manualSelector "
    "maxFailedIndexes parallelism podFailurePolicy podReplacementPolicy selector successPolicy suspend template "
    "ttlSecondsAfterFinished"
)
_SERVICE_SPEC = _names(
    "allocateLoadBalancerNodePorts clusterIP clusterIPs externalIPs externalName externalTrafficPolicy "
    "healthCheckNodePort "
    "internalTrafficPolicy ipFamilies ipFamilyPolicy loadBalancerClass loadBalancerIP loadBalancerSourceRanges ports "
    "publishNotReadyAddresses selector sessionAffinity sessionAffinityConfig trafficDistribution type"
)
_SERVICE_PORT = _names("appProtocol name nodePort port protocol targetPort")
_WORKLOAD_SPEC = _names(
    "minReadySeconds ordinals paused persistentVolumeClaimRetentionPolicy podManagementPolicy progressDeadlineSeconds "
    "replicas revisionHistoryLimit selector serviceName strategy template updateStrategy volumeClaimTemplates"
)
_SPECS = {
    "pods": _POD_SPEC,
    "jobs": _JOB_SPEC,
    "services": _SERVICE_SPEC,
    "deployments": _WORKLOAD_SPEC,
    "replicasets": _WORKLOAD_SPEC,
    "statefulsets": _WORKLOAD_SPEC,
    "daemonsets": _WORKLOAD_SPEC,
}


_VALIDATIONS = ("Ignore", "Warn", "Strict")


def check_fields(resource: Resource, obj: Object, validation: str, options: str) -> None:
    """400 naming the unknown fields of the kinds in ``_SPECS``; other kinds are taken as they are."""
    if validation not in ("", *_VALIDATIONS):
        raise unsupported_option(options, "fieldValidation", validation, ("", *_VALIDATIONS))
    if validation != "Strict" or resource.plural not in _SPECS:
        return
    unknown = sorted(set(_unknown(resource, obj)))
    if unknown:
        texts = ", ".join(f'unknown field "{path}"' for path in unknown)
        raise bad_request(
            f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: '
            f"strict decoding error: {texts}"
        )


def _unknown(resource: Resource, obj: Object) -> Iterator[str]:
    yield from _other("", obj, _TOP)
    yield from _other("metadata.", obj.get("metadata"), _METADATA)
    spec = obj.get("spec") or {}
    yield from _other("spec.", spec, _SPECS[resource.plural])
    if resource.plural == "pods":
        yield from _containers("spec.", spec)
    template = spec.get("template")
    if isinstance(template, dict):
        yield from _other("spec.template.", template, _names("metadata spec"))
        yield from _other("spec.template.metadata.", template.get("metadata"), _METADATA)
        yield from _other("spec.template.spec.", template.get("spec"), _POD_SPEC)
        yield from _containers("spec.template.spec.", template.get("spec") or {})
    if resource.plural == "services":
        for number, port in enumerate(spec.get("ports") or ()):
            yield from _other(f"spec.ports[{number}].", port, _SERVICE_PORT)


def _containers(at: str, spec: Object) -> Iterator[str]:
    for field in ("containers", "initContainers"):
        for number, container in enumerate(spec.get(field) or ()):
            yield from _other(f"{at}{field}[{number}].", container, _CONTAINER)


def _other(at: str, value: Any, known: frozenset[str]) -> Iterator[str]:
    for key in value if isinstance(value, dict) else ():
        if key not in known:
            yield at + key

"""Refusal of objects and fields that no controller of the sandbox would act on, instead of ignoring them."""

from __future__ import annotations

from environments.sandbox.kubernetes.controllers.meta import Object
from environments.sandbox.kubernetes.store import errors
from environments.sandbox.kubernetes.store.objects import dig
from environments.sandbox.kubernetes.store.resources import RESOURCES

_JOB_FIELDS = ("podFailurePolicy", "successPolicy", "maxFailedIndexes")


def refuse_unsupported(verb: str, plural: str, new: Object, old: Object | None) -> None:
    """Refuse the creation of an object that the sandbox does not support."""
    if verb != "create":
        return
    causes = []
    if plural in ("daemonsets", "replicationcontrollers"):
        causes.append(_cause("kind", f"the sandbox runs no controller for {plural}"))
    if plural == "cronjobs" and not dig(new, "spec", "suspend"):
        causes.append(_cause("spec.suspend", "the sandbox runs no controller for cronjobs; allowed is a suspended one"))
    if plural == "jobs":
        causes += [_cause(f"spec.{field}", "not known to the sandbox") for field in _JOB_FIELDS if field in new["spec"]]
    if plural == "statefulsets" and dig(new, "spec", "volumeClaimTemplates"):
        causes.append(_cause("spec.volumeClaimTemplates", "not known to the sandbox"))
    if plural == "pods" and dig(new, "spec", "affinity"):
        causes.append(_cause("spec.affinity", "not known to the sandbox's scheduler; use nodeSelector"))
    if causes:
        raise errors.invalid(RESOURCES[plural], new["metadata"].get("name", ""), causes)


def _cause(field: str, why: str) -> dict[str, str]:
    return errors.cause("FieldValueForbidden", field, f"Forbidden: {why}")

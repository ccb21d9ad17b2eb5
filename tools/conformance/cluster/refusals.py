"""Requests that the API server refuses, with the status and the words of the refusal."""

from __future__ import annotations

from tools.conformance.cluster.manifests import NOWHERE, job, service
from tools.conformance.cluster.probing import MERGE_PATCH, Answer, Cluster, registry
from tools.conformance.facts import Value

EXTENDED = "focus-acceptance.example/slices"


def _refusal(answer: Answer) -> str:
    """Return the HTTP status and the reason, such as ``422 Invalid``."""
    return f"{answer.status} {answer.body.get('reason', '')}".strip()


@registry.probe("bad-selector", row=12)
def bad_selector(cluster: Cluster) -> dict[str, Value]:
    body = service("bad", [{"port": 1}], selector={"no label!": "x"})
    answer = cluster.ask("POST", cluster.path("services"), body, dryRun="All")
    return {"status": answer.status}


@registry.probe("not-json", row=12)
def not_json(cluster: Cluster) -> dict[str, Value]:
    """Send bodies that are not JSON objects, by their type and by their content."""
    path = cluster.path("jobs")
    return {
        "text-plain": cluster.ask("POST", path, "hello", "text/plain").status,
        "a-list": cluster.ask("POST", path, [1]).status,
    }


@registry.probe("bad-options", row=12)
def bad_options(cluster: Cluster) -> dict[str, Value]:
    cluster.create("jobs", job("options", suspend=True))
    path = cluster.path("jobs")
    return {
        "dry-run": cluster.ask("POST", path, job("dry"), dryRun="Some").status,
        "propagation": cluster.ask("DELETE", f"{path}/options", {"propagationPolicy": "Sideways"}).status,
    }


@registry.probe("extended-resource", row=7)
def extended_resource(cluster: Cluster) -> dict[str, Value]:
    """Request less of an extended resource, such as GPU slices, than its limit."""
    resources = {"requests": {EXTENDED: "1"}, "limits": {EXTENDED: "2"}}
    container = {"name": "main", "image": "x", "resources": resources}
    pod = {"metadata": {"name": "extended"}, "spec": {"nodeSelector": NOWHERE, "containers": [container]}}
    answer = cluster.ask("POST", cluster.path("pods"), pod, dryRun="All")
    return {"status": answer.status, "text": answer.message.rpartition(": ")[2]}


@registry.probe("names")
def names(cluster: Cluster) -> dict[str, Value]:
    """Use a name that is taken, one that does not exist, and one that is not valid."""
    path = cluster.path("jobs")
    cluster.create("jobs", job("taken", suspend=True))
    return {
        "taken": _refusal(cluster.ask("POST", path, job("taken"))),
        "missing": _refusal(cluster.ask("GET", f"{path}/missing")),
        "missing-text": cluster.ask("GET", f"{path}/missing").message,
        "delete-missing": _refusal(cluster.ask("DELETE", f"{path}/missing")),
        "bad": _refusal(cluster.ask("POST", path, job("No Name"))),
    }


@registry.probe("job-fields")
def job_fields(cluster: Cluster) -> dict[str, Value]:
    """Create invalid jobs, and change fields of a job that are immutable."""
    path = cluster.path("jobs")
    cluster.create("jobs", job("fixed", suspend=True))
    always, unknown = job("always"), job("unknown")
    always["spec"]["template"]["spec"]["restartPolicy"] = "Always"
    unknown["spec"]["backofLimit"] = 1
    template = {"spec": {"template": {"metadata": {"labels": {"app": "other"}}}}}
    return {
        "restart-always": _refusal(cluster.ask("POST", path, always)),
        "unknown-field-strict": _refusal(cluster.ask("POST", path, unknown, fieldValidation="Strict")),
        "wrong-type": _refusal(cluster.ask("POST", path, job("typed", backoffLimit="many"))),
        "template-changed": _refusal(cluster.ask("PATCH", f"{path}/fixed", template, MERGE_PATCH)),
        "old-revision": _refusal(cluster.ask(
            "PATCH", f"{path}/fixed", {"metadata": {"resourceVersion": "1", "labels": {"a": "b"}}}, MERGE_PATCH
        )),
    }  # fmt: skip

"""Watches, lists, tables and the metadata that the server adds to objects."""

from __future__ import annotations

from hamcrest import equal_to, has_item, has_length

from tools.conformance.cluster.manifests import job, named, service
from tools.conformance.cluster.probing import MERGE_PATCH, Cluster, registry
from tools.conformance.facts import Value

_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


@registry.probe("watch")
def watch(cluster: Cluster) -> dict[str, Value]:
    """Create, change and delete a service under watch."""
    with cluster.follow("services") as following:
        cluster.create("services", service("watched", [{"port": 1}]))
        cluster.merge("services", "watched", {"metadata": {"labels": {"a": "b"}}})
        cluster.ask("DELETE", cluster.path("services", "watched"))
        cluster.until(
            lambda: [kind for _, kind, _ in following.changes(named("watched"))], has_item("DELETED"), "it was told"
        )
        told = following.changes(named("watched"))
    return {
        "types": [kind for _, kind, _ in told],
        "last-form-has-its-labels": told[-1][2]["metadata"].get("labels") == {"a": "b"},
    }


@registry.probe("leaving-a-selection", row=13)
def leaving(cluster: Cluster) -> dict[str, Value]:
    """Change an object so that it leaves the selector of a watch and enters it again."""
    with cluster.follow("configmaps", labelSelector="part=in") as following:
        cluster.create("configmaps", {"metadata": {"name": "moved", "labels": {"part": "in"}}})
        cluster.merge("configmaps", "moved", {"metadata": {"labels": {"part": "out"}}})
        cluster.merge("configmaps", "moved", {"metadata": {"labels": {"part": "in"}}})
        told = cluster.until(lambda: following.changes(named("moved"))[:3], has_length(3), "all three changes")
    return {
        "types": [kind for _, kind, _ in told],
        "label-when-it-left": str(told[1][2]["metadata"]["labels"]["part"]),
    }


@registry.probe("pages")
def pages(cluster: Cluster) -> dict[str, Value]:
    """Read a list in pages, and continue it with an invalid token."""
    for name in ("page-1", "page-2"):
        cluster.create("configmaps", {"metadata": {"name": name, "labels": {"paged": "yes"}}})
    path, asked = cluster.path("configmaps"), {"labelSelector": "paged=yes", "limit": "1"}
    first = cluster.ask("GET", path, **asked).body
    second = cluster.ask("GET", path, **asked, **{"continue": first["metadata"]["continue"]}).body
    nonsense = cluster.ask("GET", path, **asked, **{"continue": "nonsense"})
    return {
        "sizes": [str(len(page["items"])) for page in (first, second)],
        "last-page-continues": bool(second["metadata"].get("continue")),
        "nonsense": nonsense.status,
    }


@registry.probe("managed-fields", row=13)
def managed_fields(cluster: Cluster) -> dict[str, Value]:
    """Record the managers of an object's fields, for a writer that names itself and for one that does not."""
    path = cluster.path("configmaps")
    named_one = cluster.ask("POST", path, {"metadata": {"name": "by-name"}, "data": {"a": "b"}}, fieldManager="me")
    unnamed = cluster.ask("POST", path, {"metadata": {"name": "unnamed"}, "data": {"a": "b"}})
    entries = named_one.body["metadata"].get("managedFields", [])
    return {
        "of-who-names-itself": [f"{each['manager']} {each['operation']}" for each in entries],
        "of-any-client": bool(unnamed.body["metadata"].get("managedFields")),
    }


@registry.probe("finalizer")
def finalizer(cluster: Cluster) -> dict[str, Value]:
    """Delete an object that has a finalizer, then remove the finalizer."""
    path, name = cluster.path("configmaps"), "held"
    cluster.create("configmaps", {"metadata": {"name": name, "finalizers": ["focus-acceptance.example/hold"]}})
    answer = cluster.ask("DELETE", f"{path}/{name}")
    leaving_now = "deletionTimestamp" in cluster.read("configmaps", name)["metadata"]
    freed = cluster.ask("PATCH", f"{path}/{name}", {"metadata": {"finalizers": None}}, MERGE_PATCH)
    cluster.until(lambda: cluster.ask("GET", f"{path}/{name}").status, equal_to(404), "it is gone")
    return {"delete": answer.status, "is-leaving": leaving_now, "let-go": freed.status}


@registry.probe("tables")
def tables(cluster: Cluster) -> dict[str, Value]:
    """Record the columns that kubectl shows."""
    found: dict[str, Value] = {}
    for plural in ("jobs", "pods", "services"):
        body = cluster.expect(200, cluster.ask("GET", cluster.path(plural), accept=_TABLE))
        found[plural] = [each["name"] for each in body["columnDefinitions"] if not each["priority"]]
    return found


@registry.probe("selectors")
def selectors(cluster: Cluster) -> dict[str, Value]:
    """List objects with the selectors that the suite uses."""
    cluster.create("jobs", job("selected", {"kind-of": "one"}, suspend=True))
    path = cluster.path("jobs")
    asked = {"equal": "kind-of=one", "in": "kind-of in (one,two)", "not-in": "kind-of notin (one)", "no": "!kind-of"}
    found: dict[str, Value] = {}
    for name, selector in asked.items():
        items = cluster.ask("GET", path, labelSelector=selector).body["items"]
        found[name] = any(each["metadata"]["name"] == "selected" for each in items)
    found["nonsense"] = cluster.ask("GET", path, labelSelector="a in (").status
    found["items-have-kind"] = any("kind" in each for each in cluster.ask("GET", path).body["items"])
    return found

"""The store on its own: revisions, conflicts, deletion, watching."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from environments.sandbox.kubernetes.store.object_store import ApiError, Store
from environments.sandbox.kubernetes.store.objects import clone
from tests.sandbox.kubernetes_api.serving import deployment, job, owned_by, pod, service


@pytest.fixture
def store() -> Store:
    new = Store(history=5)
    new.create("namespaces", {"metadata": {"name": "panda"}})
    return new


def _names(store: Store, plural: str) -> list[str]:
    return [each["metadata"]["name"] for each in store.list(plural)]


def test_created_object_has_system_fields(store: Store) -> None:
    created = store.create("jobs", job("j"), "panda")
    metadata = created["metadata"]
    assert (created["apiVersion"], created["kind"]) == ("batch/v1", "Job")
    assert metadata["namespace"] == "panda"
    assert metadata["resourceVersion"] == str(store.revision)
    assert metadata["generation"] == 1
    assert metadata["uid"] and metadata["creationTimestamp"].endswith("Z")


def test_generated_names_differ(store: Store) -> None:
    nameless = pod("")
    nameless["metadata"] = {"generateName": "j-"}
    names = {store.create("pods", nameless, "panda")["metadata"]["name"] for _ in range(20)}
    assert len(names) == 20
    assert all(len(name) == 7 and name.startswith("j-") for name in names)


def test_same_name_in_another_namespace_is_another_object(store: Store) -> None:
    store.create("services", service("s"), "panda")
    store.create("services", service("s"), "default")
    with pytest.raises(ApiError) as refused:
        store.create("services", service("s"), "panda")
    assert (refused.value.code, refused.value.reason) == (409, "AlreadyExists")


def test_what_get_answers_is_a_copy(store: Store) -> None:
    store.create("services", service("s"), "panda")
    store.get("services", "s", "panda")["spec"]["type"] = "Other"
    assert store.get("services", "s", "panda")["spec"]["type"] == "ClusterIP"


def test_writing_nothing_new_makes_no_revision(store: Store) -> None:
    seen = store.create("services", service("s"), "panda")
    revision = store.revision
    assert store.update("services", seen) == seen
    assert store.mutate("services", "s", "panda", lambda each: None) == seen
    assert store.revision == revision
    assert store.mutate("services", "gone", "panda", lambda each: None) is None


def test_generation_counts_changes_of_the_spec_only(store: Store) -> None:
    store.create("deployments", deployment("d"), "panda")
    store.mutate("deployments", "d", "panda", lambda each: each["status"].update(replicas=1))
    assert store.get("deployments", "d", "panda")["metadata"]["generation"] == 1
    store.mutate("deployments", "d", "panda", lambda each: each["spec"].update(replicas=2))
    assert store.get("deployments", "d", "panda")["metadata"]["generation"] == 2


def test_old_revision_is_refused(store: Store) -> None:
    seen = store.create("services", service("s"), "panda")
    store.mutate("services", "s", "panda", lambda each: each["metadata"].update(labels={"a": "b"}))
    with pytest.raises(ApiError) as refused:
        store.update("services", seen)
    assert refused.value.code == 409
    assert "the object has been modified" in refused.value.message


def test_admission_may_change_and_refuse(store: Store) -> None:
    asked: list[str] = []

    def admit(verb: str, plural: str, new: dict[str, Any], old: dict[str, Any] | None) -> None:
        asked.append(f"{verb} {plural}")
        if new["metadata"]["name"] == "bad":
            raise ApiError(403, "Forbidden", "exceeded quota")
        new["metadata"].setdefault("labels", {})["admitted"] = "yes"

    store.admission.append(admit)
    assert store.create("services", service("s"), "panda")["metadata"]["labels"] == {"admitted": "yes"}
    with pytest.raises(ApiError):
        store.create("services", service("bad"), "panda")
    store.delete("services", "s", "panda")
    assert asked == ["create services", "create services", "delete services"]
    assert _names(store, "services") == []


def test_scheduled_pod_gets_its_grace(store: Store) -> None:
    store.create("pods", pod("p", "worker-node-1"), "panda")
    marked = store.delete("pods", "p", "panda", grace_s=5)
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 5
    assert store.find("pods", "p", "panda") is not None
    store.delete("pods", "p", "panda", grace_s=0)
    assert store.find("pods", "p", "panda") is None


def test_second_delete_may_only_shorten_the_grace(store: Store) -> None:
    store.create("pods", pod("p", "worker-node-1"), "panda")
    store.delete("pods", "p", "panda", grace_s=5)
    revision = store.revision
    store.delete("pods", "p", "panda", grace_s=30)
    assert store.revision == revision
    assert store.delete("pods", "p", "panda", grace_s=1)["metadata"]["deletionGracePeriodSeconds"] == 1


@pytest.mark.parametrize("state", [{}, {"nodeName": "worker-node-1", "phase": "Succeeded"}])
def test_pod_without_kubelet_or_life_goes_at_once(store: Store, state: dict[str, str]) -> None:
    new = pod("p", state.get("nodeName"))
    new["status"] = {"phase": state.get("phase", "Pending")}
    store.create("pods", new, "panda")
    store.delete("pods", "p", "panda")
    assert _names(store, "pods") == []


def test_finalizer_holds_an_object_until_it_is_taken_off(store: Store) -> None:
    new = service("s")
    new["metadata"]["finalizers"] = ["sandbox/hold"]
    store.create("services", new, "panda")
    assert "deletionTimestamp" in store.delete("services", "s", "panda")["metadata"]
    assert _names(store, "services") == ["s"]
    store.mutate("services", "s", "panda", lambda each: each["metadata"].update(finalizers=[]))
    assert _names(store, "services") == []


def test_background_deletion_goes_down_the_generations(store: Store) -> None:
    top = store.create("deployments", deployment("d"), "panda")
    middle = store.create("replicasets", owned_by(top, deployment("rs")), "panda")
    store.create("pods", owned_by(middle, pod("p")), "panda")
    store.delete("deployments", "d", "panda")
    assert (_names(store, "replicasets"), _names(store, "pods")) == ([], [])


def test_foreground_owner_waits_for_its_pods(store: Store) -> None:
    parent = store.create("jobs", job("j"), "panda")
    store.create("pods", owned_by(parent, pod("p", "worker-node-1")), "panda")
    waiting = store.delete("jobs", "j", "panda", propagation="Foreground")
    assert waiting["metadata"]["finalizers"] == ["foregroundDeletion"]
    assert "deletionTimestamp" in store.get("pods", "p", "panda")["metadata"]
    store.delete("pods", "p", "panda", grace_s=0)
    assert _names(store, "jobs") == []


def test_object_with_another_owner_stays(store: Store) -> None:
    first, second = (store.create("jobs", job(name), "panda") for name in ("a", "b"))
    shared = owned_by(first, pod("p"))
    shared["metadata"]["ownerReferences"] += owned_by(second, pod("x"))["metadata"]["ownerReferences"]
    store.create("pods", shared, "panda")
    store.delete("jobs", "a", "panda", propagation="Background")
    assert _names(store, "pods") == ["p"]
    store.delete("jobs", "b", "panda", propagation="Background")
    assert _names(store, "pods") == []


def test_namespace_takes_everything_with_it_and_waits_for_pods(store: Store) -> None:
    store.create("services", service("s"), "panda")
    store.create("pods", pod("p", "worker-node-1"), "panda")
    assert store.delete("namespaces", "panda")["status"]["phase"] == "Terminating"
    assert _names(store, "services") == []
    store.delete("pods", "p", "panda", grace_s=0)
    assert _names(store, "namespaces") == []


def test_history_forgets_and_says_so(store: Store) -> None:
    start = store.revision
    for number in range(5):
        store.create("services", service(f"s{number}"), "panda")
    assert len(store.changes_since("services", start)) == 5
    store.create("services", service("one-more"), "panda")
    with pytest.raises(ApiError) as refused:
        store.changes_since("services", start)
    assert (refused.value.code, refused.value.reason) == (410, "Expired")


def test_clear_shows_every_object_go_and_revisions_grow_on(store: Store) -> None:
    async def scenario() -> list[str]:
        queue = store.subscribe("namespaces")
        store.clear()
        return [queue.get_nowait().type for _ in range(queue.qsize())]

    before = store.revision
    assert asyncio.run(scenario()) == ["DELETED"]
    assert store.revision > before


def test_subscriber_sees_only_the_kinds_it_wants(store: Store) -> None:
    async def scenario() -> list[str]:
        queue = store.subscribe("pods")
        store.create("services", service("s"), "panda")
        store.create("pods", pod("p"), "panda")
        store.unsubscribe(queue)
        store.delete("pods", "p", "panda")
        return [queue.get_nowait().type for _ in range(queue.qsize())]

    assert asyncio.run(scenario()) == ["ADDED"]


def test_copy_shares_nothing_with_what_was_copied() -> None:
    label = {"app": "x"}
    original = {"metadata": {"labels": label}, "spec": {"selector": label, "ports": [1, None, 2.5, True, "é"]}}
    copy = clone(original)
    assert copy == original
    copy["spec"]["selector"]["app"] = "y"
    copy["spec"]["ports"].append(3)
    assert copy["metadata"]["labels"] == original["spec"]["selector"] == {"app": "x"}
    assert len(original["spec"]["ports"]) == 5

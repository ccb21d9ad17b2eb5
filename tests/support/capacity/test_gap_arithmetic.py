"""The number of jobs the cluster has room for, and the missing resources, computed by hand."""

from dataclasses import replace

import pytest

from support.capacity.diagnosis import diagnose
from support.capacity.diagnosis.node_room import taken
from support.capacity.load.run import Target
from support.capacity.report.cluster_room import ClusterRoom
from support.capacity.report.gap_arithmetic import port_range, supplies
from support.capacity.report.recommendations import recommend
from tests.support.capacity.canned import GPU, evidence, job, node, pod, record, refused, service
from tests.support.capacity.canned_runs import MASTER, name_of, run, running_pods


def quota(name, hard, used):
    return {"metadata": {"name": name}, "spec": {"hard": hard}, "status": {"hard": hard, "used": used}}


def a_run(nodes, others=(), **more):
    """A run of ten jobs whose pods are known."""
    placed = running_pods(range(1, 11))
    during = evidence(pods=placed, nodes=nodes, all_pods=[*placed, *others], **more.pop("during", {}))
    return run([record(number) for number in range(1, 11)], during, **more)


def by_resource(made):
    return {each.resource: each for each in supplies(ClusterRoom(made))}


def test_slots_are_what_is_left_by_others_divided_by_one_job_node_by_node():
    others = [
        pod("somebody", "worker-1", "Running", requests={"cpu": "1500m", GPU: "7"}),
        pod("waits", None, "Pending", requests={"cpu": "64"}),
        pod("ended", "worker-1", "Succeeded", requests={"cpu": "64"}),
    ]
    nodes = [MASTER, node("worker-1", cpu="4", pods="110"), node("worker-2", cpu="1550m", pods="110")]
    found = by_resource(a_run(nodes, others))
    assert found["cpu"].slots == 25 + 15, "half a slot on each of two nodes is no slot"
    assert (found["cpu"].offered, found["cpu"].taken_by_others, found["cpu"].per_job) == (5.55, 1.5, 0.1)
    assert found[GPU].slots == 53 + 60
    assert found["pods"].slots == 54 + 55, "a job is two pods: its own and the one that cleans up"
    assert found["cpu"].missing == pytest.approx(16)
    assert supplies(ClusterRoom(a_run(nodes, others)))[0].resource == "cpu"


def test_nodes_that_take_no_jobs_have_no_room():
    nodes = [
        MASTER,
        node("worker-1"),
        node("lost", ready="Unknown"),
        node("tainted", taints=["keep-away"]),
        node("without-gpu", gpu=None),
    ]
    found = by_resource(a_run(nodes))
    assert found[GPU].slots == 60
    assert {view.name: view.usable for view in ClusterRoom(a_run(nodes)).nodes()} == {
        "master-1": False, "worker-1": True, "lost": False, "tainted": False, "without-gpu": False,
    }  # fmt: skip


def test_how_many_more_nodes():
    made = a_run([MASTER, node("worker-1", gpu="60", pods="110"), node("worker-2", gpu="60", pods="110")])
    assert ClusterRoom(made).more_nodes(90) == (2, 55)
    assert ClusterRoom(a_run([MASTER])).more_nodes(90) is None


def test_a_quota_counts_what_was_used_before_the_load():
    hard = {
        "pods": "50",
        "requests.cpu": "30",
        "count/jobs.batch": "500",
        "services.nodeports": "150",
        "configmaps": "1",
    }
    before = evidence(quotas=[quota("panda", hard, {"pods": "6", "requests.cpu": "1"})])
    during = {"quotas": [quota("panda", hard, {"pods": "50"})]}
    found = by_resource(a_run([node()], before=before, during=during))
    assert {name: found[name].slots for name in hard if name in found and name != "pods"} == {
        "requests.cpu": 290, "count/jobs.batch": 250, "services.nodeports": 150,
    }  # fmt: skip
    everything = supplies(ClusterRoom(a_run([node()], before=before, during=during)))
    (pods,) = (each for each in everything if (each.scope, each.resource) == ("quota panda", "pods"))
    assert (pods.slots, pods.missing) == (22, 356)
    assert "50 - 6 of others) / 2 for each job = room for 22 jobs" in pods.arithmetic


def test_stream_ports_that_others_hold():
    made = a_run(
        [node()], during={"services": [service("1-1601", 12301), service("9-5", 12400), service("8-5", 31000)]}
    )
    ports = by_resource(made)["stream ports"]
    assert (ports.offered, ports.taken_by_others, ports.slots) == (400, 1, 399)


def test_the_range_of_ports_is_known_only_where_somebody_states_it():
    unknown = a_run([node()], fingerprint={})
    assert port_range(unknown) is None
    assert "stream ports" not in by_resource(unknown)
    text = "provided port is not in the valid range. The range of valid ports is 12301-12450"
    refusals = run([refused(1, text)], evidence(), fingerprint={})
    assert port_range(refusals) == (12301, 12450)
    assert by_resource(refusals)["stream ports"].missing == 50


def test_without_any_pod_the_jobs_templates_say_what_one_takes():
    template = {"spec": {"containers": [{"name": "c", "resources": {"requests": {GPU: "2"}}}]}}
    jobs = [job(name_of(1)) | {"spec": {"template": template}}]
    made = run([record(1, "job_seen")], evidence(jobs=jobs, nodes=[node(gpu="60")]))
    assert by_resource(made)[GPU].slots == 30


def test_without_any_knowledge_nothing_is_said():
    assert supplies(ClusterRoom(run([refused(1, "no")], evidence(nodes=[node()]), fingerprint={}))) == ()


def test_what_a_pod_takes():
    containers = [
        {"resources": {"requests": {"cpu": "100m"}}},
        {"resources": {"limits": {"cpu": "1", "memory": "1Gi"}}},
    ]
    first = [{"resources": {"requests": {"cpu": "3", "memory": "1Mi"}}}]
    assert taken({"containers": containers}) == {"pods": 1, "cpu": pytest.approx(1.1), "memory": 2**30}
    assert taken({"containers": containers, "initContainers": first})["cpu"] == 3


def test_the_next_shortage_is_told_before_it_is_met():
    """120 slices are missing, and then 150 ports would be, too."""
    made = replace(
        a_run([MASTER, node("worker-1", gpu="120", pods="1000")], fingerprint={"stream_ports": [1, 150]}),
        target=Target(jobs=200),
    )
    records = [*made.step.records, refused(11, "Insufficient nvidia.com/gpu.shared")]
    wanted = recommend(room := ClusterRoom(made), diagnose(records, made.during), supplies(room))
    assert [(each.cause, each.after) for each in wanted] == [("gpu-slices", "200"), ("node-ports", "200")]
    assert wanted[1].expected_effect == "would be the next shortage"


def test_nobody_buys_slices_while_a_node_only_has_to_come_back():
    lost = node("worker-2", gpu="120", ready="Unknown")
    made = a_run([MASTER, node("worker-1", gpu="120"), lost], fingerprint={})
    records = [*made.step.records, refused(11, "GPU slices (nvidia.com/gpu.shared): 0 of 120 free")]
    wanted = recommend(room := ClusterRoom(made), diagnose(records, made.during), supplies(room))
    assert [each.cause for each in wanted] == ["node-not-ready"]
    assert wanted[0].before == "2 of 3 nodes ready"

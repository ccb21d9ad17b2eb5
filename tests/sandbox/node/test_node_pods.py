from __future__ import annotations

import pytest

from tests.sandbox.node.estate import DEPLOYMENTS, JOBS, PANDA, Estate, Object, accepts, connect, grpc_job, job

HISTORIC = ("--time-start", "2026-01-01:10:00:00", "--time-end", "2026-01-01:10:00:20")
OPEN = "gRPC server listens on port 5000"


def _conditions(pod: Object) -> dict[str, str]:
    return {each["type"]: each["status"] for each in pod["status"]["conditions"]}


def test_static_pods_run_when_the_node_is_ready(estate: Estate) -> None:
    pods = estate.get(f"{PANDA}/pods")["items"]
    assert [pod["metadata"]["name"] for pod in pods] == [
        "mongodb-79b869cc7c-vsjd9", "panda-panda-focus-server-78dbcfd9d9-kjj77",
        "panda-panda-segy-recorder-788f56f69-l89v7", "rabbitmq-panda-0",
    ]  # fmt: skip
    assert all(_conditions(pod)["Ready"] == "True" and pod["status"]["phase"] == "Running" for pod in pods)
    assert "pz.focus_server up" in estate.log("panda-panda-focus-server-78dbcfd9d9-kjj77")
    assert "waiting for connections" in estate.log("mongodb-79b869cc7c-vsjd9")


def test_a_job_pod_runs_tells_its_command_and_serves_its_port(estate: Estate) -> None:
    estate.open_investigation("1-1", 12301, watched=False)
    pod = estate.running_pod("grpc-job-1-1")
    name, status = pod["metadata"]["name"], pod["status"]
    assert _conditions(pod) == {
        "PodScheduled": "True", "PodReadyToStartContainers": "True", "Initialized": "True", "Ready": "True",
        "ContainersReady": "True",
    }  # fmt: skip
    (container,) = status["containerStatuses"]
    assert (container["ready"], container["restartCount"], list(container["state"])) == (True, 0, ["running"])
    nodes = {node["name"]: node["address"] for node in estate.config["nodes"]}
    assert status["hostIP"] == nodes[pod["spec"]["nodeName"]]
    log = estate.wait_log(name, OPEN)
    assert "-m baby_analyzer --roi 1 50" in log
    assert accepts(status["podIP"], 5000)
    events = estate.wait("events", "the kubelet's events", lambda events: _reasons(events, name, 4))
    assert events == {"Scheduled", "Pulled", "Created", "Started"}


def _reasons(events: dict[str, Object], name: str, count: int) -> set[str] | None:
    reasons = {event["reason"] for event in events.values() if event["involvedObject"]["name"] == name}
    return reasons if len(reasons) == count else None


def test_the_node_port_leads_to_the_pod_from_every_node_and_is_refused_without_it(estate: Estate) -> None:
    addresses = [estate.node_address(index) for index in range(3)]
    assert not any(accepts(address, 12302) for address in addresses)
    estate.open_investigation("2-2", 12302, watched=False)
    pod = estate.running_pod("grpc-job-2-2")["metadata"]["name"]
    estate.wait_log(pod, OPEN)
    for address in addresses:
        with connect(address, 12302) as client:
            client.sendall(b"x" * 100_000)
            estate.wait_log(pod, "client connected (1 now)")
        estate.wait_log(pod, "client disconnected (0 now)")
    estate.delete(f"{PANDA}/services/grpc-service-2-2")
    estate.delete(f"{JOBS}/grpc-job-2-2", propagationPolicy="Background")
    estate.wait("pods", "the pod is gone", lambda pods: pod not in pods)
    assert not any(accepts(address, 12302) for address in addresses)


def test_a_connection_ends_with_its_pod(estate: Estate) -> None:
    estate.open_investigation("3-3", 12303, watched=False)
    pod = estate.running_pod("grpc-job-3-3")["metadata"]["name"]
    estate.wait_log(pod, OPEN)
    with connect(estate.node_address(1), 12303) as client:
        estate.wait_log(pod, "client connected")
        estate.delete(f"{JOBS}/grpc-job-3-3", propagationPolicy="Background")
        assert client.recv(1) == b""


def test_a_historic_job_plays_its_window_and_completes(estate: Estate) -> None:
    estate.open_investigation("4-4", 12304, *HISTORIC, watched=False)
    pod = estate.ended_pod("grpc-job-4-4", "Succeeded")
    (container,) = pod["status"]["containerStatuses"]
    assert (container["state"]["terminated"]["exitCode"], container["ready"]) == (0, False)
    log = estate.log(pod["metadata"]["name"])
    assert "playing 20 s of recorded data" in log
    assert "end of data" in log
    assert "--time-end 2026-01-01:10:00:20" in log
    estate.wait("jobs", "complete", lambda jobs: _ended(jobs, "grpc-job-4-4", "Complete"))


def _ended(jobs: dict[str, Object], name: str, condition: str) -> bool:
    conditions = jobs[name]["status"].get("conditions", ()) if name in jobs else ()
    return any(each["type"] == condition and each["status"] == "True" for each in conditions)


@pytest.mark.parametrize(
    ("words", "exit_code", "text"),
    [(("--time-start", "tomorrow", "--time-end", "never"), 2, "cannot read the window"), ((), 1, "RuntimeError")],
)
def test_a_job_that_cannot_work_fails(estate: Estate, words: tuple[str, ...], exit_code: int, text: str) -> None:
    estate.set_faults(*(() if words else ("job-crashes",)))
    estate.open_investigation("5-5", 12305, *words, watched=False)
    pod = estate.ended_pod("grpc-job-5-5", "Failed")
    assert pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == exit_code
    assert text in estate.log(pod["metadata"]["name"])
    estate.wait("jobs", "failed", lambda jobs: _ended(jobs, "grpc-job-5-5", "Failed"))
    assert len(estate.pods("job-name=grpc-job-5-5")) == 1


def test_a_container_that_may_restart_does_and_counts(estate: Estate) -> None:
    estate.set_faults("job-crashes")
    body = grpc_job("6-6")
    body["spec"]["template"]["spec"]["restartPolicy"] = "OnFailure"
    estate.post(JOBS, body)

    def restarted(pods: dict[str, Object]) -> Object | None:
        mine = (pod for name, pod in pods.items() if name.startswith("grpc-job-6-6-"))
        containers = (container for pod in mine for container in pod["status"].get("containerStatuses", ()))
        return next((each for each in containers if each["restartCount"] > 0), None)

    container = estate.wait("pods", "restarted", restarted)
    assert container["lastState"]["terminated"]["exitCode"] == 1


def test_an_unknown_image_is_not_pulled_and_an_unknown_command_not_run(estate: Estate) -> None:
    unknown = {"containers": [{"name": "c", "image": "registry.sandbox/nobody:1"}]}
    estate.post(JOBS, job("grpc-job", "7-7", unknown, ttl_s=100))
    wrong = {"containers": [{"name": "c", "image": "registry.sandbox/pzlinux:11.0.0", "command": ["ls"]}]}
    estate.post(JOBS, job("grpc-job", "7-8", wrong, ttl_s=100))
    pod = estate.ended_pod("grpc-job-7-8", "Failed")
    assert "ls: the sandbox runs baby_analyzer only" in estate.log(pod["metadata"]["name"])

    def waits(pods: dict[str, Object]) -> str | None:
        mine = (pod for name, pod in pods.items() if name.startswith("grpc-job-7-7-"))
        containers = (each for pod in mine for each in pod["status"].get("containerStatuses", ()))
        return next((str(each["state"]) for each in containers if "ErrImagePull" in str(each["state"])), None)

    assert "the sandbox has no such image" in estate.wait("pods", "waiting", waits)


def test_a_pod_that_is_deleted_leaves_with_its_log(estate: Estate) -> None:
    estate.open_investigation("8-8", 12308, watched=False)
    pod = estate.running_pod("grpc-job-8-8")["metadata"]["name"]
    estate.wait_log(pod, OPEN)
    estate.delete(f"{PANDA}/pods/{pod}")
    estate.wait("pods", "gone", lambda pods: pod not in pods)
    estate.wait("events", "the kubelet's event", lambda events: any(
        event["reason"] == "Killing" and event["involvedObject"]["name"] == pod for event in events.values()
    ))  # fmt: skip
    estate.wait("jobs", "failed", lambda jobs: _ended(jobs, "grpc-job-8-8", "Failed"))
    estate.node.request("reset")
    assert not list(estate.run_dir.glob(f"pod-logs/panda_{pod}_*"))


def test_the_process_behind_a_deployment_stops_and_starts_with_its_pod(estate: Estate) -> None:
    estate.delete(f"{PANDA}/pods/mongodb-79b869cc7c-vsjd9")
    assert estate.node.wait_event("workload") == {"process": "mongodb", "action": "stop"}
    assert estate.node.wait_event("workload") == {"process": "mongodb", "action": "start"}
    estate.patch(f"{DEPLOYMENTS}/panda-panda-focus-server", {"spec": {"replicas": 0}})
    assert estate.node.wait_event("workload") == {"process": "focus-server", "action": "stop"}
    estate.patch(f"{DEPLOYMENTS}/panda-panda-focus-server", {"spec": {"replicas": 1}})
    assert estate.node.wait_event("workload") == {"process": "focus-server", "action": "start"}
    estate.delete(f"{PANDA}/pods/rabbitmq-panda-0")
    assert not any(message["event"] == "workload" for message in estate.node.events)


def test_a_reset_leaves_processes_alone_but_restores_one_that_was_stopped(estate: Estate) -> None:
    estate.patch(f"{DEPLOYMENTS}/mongodb", {"spec": {"replicas": 0}})
    assert estate.node.wait_event("workload") == {"process": "mongodb", "action": "stop"}
    estate.open_investigation("9-9", 12309, watched=False)
    estate.running_pod("grpc-job-9-9")
    estate.reset()
    assert estate.node.wait_event("workload") == {"process": "mongodb", "action": "start"}
    assert not any(message["event"] == "workload" for message in estate.node.events)
    assert estate.node.request("state")["running"] == 4


def test_a_reset_leaves_a_process_alone_whose_pod_was_replaced_before(estate: Estate) -> None:
    estate.delete(f"{PANDA}/pods/panda-panda-focus-server-78dbcfd9d9-kjj77")
    actions = [estate.node.wait_event("workload")["action"] for _ in range(2)]
    assert actions == ["stop", "start"]
    estate.reset()
    assert not any(message["event"] == "workload" for message in estate.node.events)


def test_a_pod_that_is_removed_by_force_stops_its_process_too(estate: Estate) -> None:
    estate.delete(f"{PANDA}/pods/mongodb-79b869cc7c-vsjd9", gracePeriodSeconds=0)
    actions = [estate.node.wait_event("workload")["action"] for _ in range(2)]
    assert actions == ["stop", "start"]


def test_use_is_measured(estate: Estate) -> None:
    estate.open_investigation("1-2", 12301, watched=False)
    pod = estate.running_pod("grpc-job-1-2")["metadata"]["name"]
    estate.wait_log(pod, OPEN)
    idle = _cpu_m(estate, pod)
    with connect(estate.node_address(1), 12301):
        estate.wait_log(pod, "client connected")
        busy = _cpu_m(estate, pod)
    assert (idle <= 3, 200 <= busy <= 300) == (True, True)
    nodes = estate.get("/apis/metrics.k8s.io/v1beta1/nodes")["items"]
    assert len(nodes) == 3


def _cpu_m(estate: Estate, pod: str) -> int:
    """Millicores measured at this moment: a reset of the node makes it report at once."""
    estate.node.request("reset")
    metrics = estate.get(f"/apis/metrics.k8s.io/v1beta1/namespaces/panda/pods/{pod}")
    return int(metrics["containers"][0]["usage"]["cpu"].removesuffix("m"))


def test_fault_job_port_not_open(estate: Estate) -> None:
    estate.set_faults("job-port-not-open")
    estate.open_investigation("1-3", 12301, watched=False)
    pod = estate.running_pod("grpc-job-1-3")
    assert OPEN not in estate.wait_log(pod["metadata"]["name"], "processing live data")
    assert not accepts(estate.node_address(1), 12301)
    assert not accepts(pod["status"]["podIP"], 5000)


def test_fault_stream_clients_turned_away(estate: Estate) -> None:
    estate.open_investigation("1-6", 12301, watched=False)
    pod = estate.running_pod("grpc-job-1-6")["metadata"]["name"]
    estate.wait_log(pod, OPEN)
    estate.set_faults("stream-clients-turned-away")
    with connect(estate.node_address(1), 12301) as client:
        assert client.recv(1) == b""
    assert "client connected" not in estate.log(pod)


def test_fault_no_pod_logs(estate: Estate) -> None:
    estate.set_faults("no-pod-logs")
    estate.open_investigation("1-4", 12301, *HISTORIC, watched=False)
    pod = estate.ended_pod("grpc-job-1-4", "Succeeded")
    assert estate.log(pod["metadata"]["name"]) == ""


def test_fault_focus_server_log_empty(estate: Estate) -> None:
    estate.set_faults("focus-server-log-empty")
    assert estate.log("panda-panda-focus-server-78dbcfd9d9-kjj77") == ""
    estate.set_faults()
    assert "pz.focus_server up" in estate.log("panda-panda-focus-server-78dbcfd9d9-kjj77")

"""Fault cases: investigations that are opened wrongly."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from environments.sandbox.focus_server.manifests import GPU_RESOURCE
from tests.sandbox.focus_server.estate import Estate, until
from tests.sandbox.focus_server.fault_cases.cases import INSIDE, START, case, container, job, opened
from tests.sandbox.process_runner import start_process


@case("nothing-is-started")
def _(estate: Estate) -> None:
    assert opened(estate)["job_id"] and estate.kubernetes.created == []


@case("two-jobs-for-one-request")
def _(estate: Estate) -> None:
    opened(estate)
    assert len([name for name in estate.kubernetes.created if name.startswith("grpc-job-")]) == 2


@case("historic-window-not-passed")
def _(estate: Estate) -> None:
    assert "--time-start" not in container(estate, **INSIDE)["command"]


@case("historic-window-passed-shifted")
def _(estate: Estate) -> None:
    command = container(estate, **INSIDE)["command"]
    shifted = START + timedelta(hours=2, seconds=5)
    assert command[command.index("--time-start") + 1] == shifted.strftime("%Y-%m-%d:%H:%M:%S")


@case("live-job-gets-a-window")
def _(estate: Estate) -> None:
    assert {"--time-start", "--time-end"} <= set(container(estate)["command"])


@case("job-id-missing-from-answer")
def _(estate: Estate) -> None:
    assert opened(estate)["job_id"] == ""


@case("job-id-malformed")
def _(estate: Estate) -> None:
    assert opened(estate)["job_id"].startswith("job-")


@case("job-id-repeated")
def _(estate: Estate) -> None:
    first = opened(estate)["job_id"]
    for plural in ("jobs", "services"):
        for name in estate.kubernetes.names(plural):
            estate.kubernetes.remove(plural, name)
    until(lambda: estate.process.request("state")["busy_slots"] == [])
    until(lambda: opened(estate)["job_id"] == first)


@case("job-ids-begin-again-after-a-start")
def _(estate: Estate) -> None:
    serials = []
    for _ in range(2):
        serials.append(opened(estate)["job_id"].partition("-")[2])
        estate.process.stop()
        estate.process = start_process(
            "focus_server", {**estate.config, "faults": ["job-ids-begin-again-after-a-start"]}
        )
    assert serials[0] == serials[1]


@case("stream-host-not-a-node")
def _(estate: Estate) -> None:
    assert opened(estate)["stream_url"].endswith(".250.250")


@case("stream-port-not-a-port", "answered-port-differs")
def _(estate: Estate, fault: str) -> None:
    assert opened(estate)["stream_port"] == {"stream-port-not-a-port": 70000, "answered-port-differs": 13301}[fault]


@case("service-selects-another-job")
def _(estate: Estate) -> None:
    job_id = opened(estate)["job_id"]
    selector = estate.kubernetes.objects["services"][f"grpc-service-{job_id}"]["spec"]["selector"]
    assert selector["app"] != f"grpc-job-{job_id}"


@case("service-missing")
def _(estate: Estate) -> None:
    opened(estate)
    assert estate.kubernetes.names("services") == [] and len(estate.kubernetes.names("jobs")) == 2


@case("port-shared")
def _(estate: Estate) -> None:
    assert [opened(estate)["stream_port"] for _ in range(3)] == [12301] * 3
    assert len(estate.kubernetes.names("services")) == 1


@case("gpu-not-requested", "gpu-requested-twice", "memory-not-limited", "memory-not-requested")
def _(estate: Estate, fault: str) -> None:
    resources = container(estate)["resources"]
    found = (resources["limits"].get(GPU_RESOURCE), resources["requests"]["memory"], resources["limits"].get("memory"))
    assert found == {
        "gpu-not-requested": (None, "512Mi", "1Gi"), "gpu-requested-twice": ("2", "512Mi", "1Gi"),
        "memory-not-limited": ("1", "512Mi", None), "memory-not-requested": ("1", "0", "1Gi"),
    }[fault]  # fmt: skip


@case("storage-not-mounted")
def _(estate: Estate) -> None:
    assert "storage-san-volume" not in {mount["name"] for mount in container(estate)["volumeMounts"]}


@case("job-is-retried")
def _(estate: Estate) -> None:
    assert job(estate)["spec"]["backoffLimit"] == 3


@case("cleanup-job-missing")
def _(estate: Estate) -> None:
    opened(estate)
    assert not [name for name in estate.kubernetes.created if name.startswith("cleanup-job-")]


@case("slot-not-reused")
def _(estate: Estate) -> None:
    first = opened(estate)["job_id"]
    for name in (f"grpc-job-{first}", f"cleanup-job-{first}"):
        estate.kubernetes.remove("jobs", name)
    estate.kubernetes.remove("services", f"grpc-service-{first}")
    until(lambda: estate.process.request("state")["busy_slots"] == [])
    assert opened(estate)["job_id"].startswith("2-") and opened(estate)["job_id"].startswith("3-")


@case("job-label-missing")
def _(estate: Estate) -> None:
    created = job(estate)
    assert set(created["metadata"]["labels"]) == set(created["spec"]["template"]["metadata"]["labels"]) == {"app"}


@case(
    "live-without-fibre-accepted",
    "fibre-refusal-starts-a-job",
    "fibre-refusal-unclear",
    "fibre-refusal-mute",
    "answers-500-while-waiting-for-fibre",
)
def _(estate: Estate, fault: str) -> None:
    estate.process.request("fibre", {"state": "waiting"})
    answer = estate.configure()
    assert (answer.body == b"") is (fault == "fibre-refusal-mute")
    found = (answer.status, len(estate.kubernetes.names("jobs")), "waiting for fiber" in answer.body.decode())
    assert found == {
        "live-without-fibre-accepted": (200, 2, False), "fibre-refusal-starts-a-job": (503, 2, True),
        "fibre-refusal-unclear": (503, 0, False), "fibre-refusal-mute": (503, 0, False),
        "answers-500-while-waiting-for-fibre": (500, 0, False),
    }[fault]  # fmt: skip


@case("occupied-port-handed-out")
def _(estate: Estate) -> None:
    estate.kubernetes.refuse = lambda manifest: (422, "already allocated") if manifest["kind"] == "Service" else None
    assert opened(estate)["stream_port"] == 12301 and estate.kubernetes.names("services") == []


@case("invalid-stream-address-handed-out")
def _(estate: Estate) -> None:
    estate.configure_cluster(focus_view_url="http://nowhere")
    assert opened(estate)["stream_url"] == "http://nowhere"


@case("stream-address-not-read-again")
def _(estate: Estate) -> None:
    settings = f'class Focus:\n    focus_view_url = "http://{estate.node}"\n'
    estate.configure_cluster(**{"default_config.py": settings, "focus_view_url": "http://worker-node-2"})
    assert opened(estate)["stream_url"] == f"http://{estate.node}"


@case("historic-cleanup-job-missing")
def _(estate: Estate) -> None:
    live, historic = opened(estate)["job_id"], opened(estate, **INSIDE)["job_id"]
    assert estate.kubernetes.names("jobs") == sorted(
        [f"cleanup-job-{live}", f"grpc-job-{historic}", f"grpc-job-{live}"]
    )
    assert len(estate.kubernetes.names("services")) == 2


@case("simultaneous-openings-share-a-job", "simultaneous-openings-share-a-port")
def _(estate: Estate, fault: str) -> None:
    alone = [opened(estate) for _ in range(2)]
    assert len({answer["job_id"] for answer in alone}) == len({answer["stream_port"] for answer in alone}) == 2
    with ThreadPoolExecutor(20) as pool:
        together = [answer.json for answer in pool.map(lambda _: estate.configure(), range(40))]
    job_ids, ports = {answer["job_id"] for answer in together}, {answer["stream_port"] for answer in together}
    assert len(ports) < 40 and (len(job_ids) < 40) is (fault == "simultaneous-openings-share-a-job")


@case("windows-mixed-among-many")
def _(estate: Estate) -> None:
    """The second investigation plays the window of the first."""
    later = {name: moment + 1 for name, moment in INSIDE.items()}
    commands = [container(estate, **window)["command"] for window in (INSIDE, later)]
    assert {command[command.index("--time-start") + 1] for command in commands} == {
        (START + timedelta(seconds=5)).strftime("%Y-%m-%d:%H:%M:%S")
    }

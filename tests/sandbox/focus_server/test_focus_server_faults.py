"""Each fault breaks its own aspect, and switching it off mends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from environments.sandbox.focus_server.faults import FAULT_IDS
from environments.sandbox.focus_server.faults.serving import surely_unsorted
from environments.sandbox.focus_server.manifests import GPU_RESOURCE
from tests.sandbox.focus_server.estate import STORAGE, Answer, Estate, ago, recording, seconds, until

CASES: dict[str, Callable[[Estate], None]] = {}
START = ago(hours=9)
INSIDE = {"start_time": seconds(START) + 5, "end_time": seconds(START) + 35}
NOWHERE = {"start_time": 1000, "end_time": 2000}


def case(*ids: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def register(check: Callable[..., None]) -> Callable[..., None]:
        for fault in ids:
            CASES[fault] = partial(check, fault=fault) if len(ids) > 1 else check
        return check

    return register


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    estate = Estate(tmp_path_factory.mktemp("focus"), configure_ms=0)
    yield estate
    estate.stop()


@pytest.mark.parametrize("fault", sorted(FAULT_IDS))
def test_fault(started: Estate, fault: str) -> None:
    started.restore()
    started.mongodb.store(STORAGE, [recording(START)])
    started.process.set_faults(fault)
    CASES[fault](started)
    started.restore()
    started.mongodb.store(STORAGE, [recording(START)])
    assert started.configure(**INSIDE).status == 200 and started.configure(**NOWHERE).status == 404
    assert started.configure(view_type="9").status == 422 and started.configure(displayInfo={"height": 0}).status == 400


def opened(estate: Estate, **changes: Any) -> Any:
    answer = estate.configure(**changes)
    assert answer.status == 200, answer.body
    return answer.json


def job(estate: Estate, **changes: Any) -> Any:
    return estate.kubernetes.objects["jobs"][f"grpc-job-{opened(estate, **changes)['job_id']}"]


def container(estate: Estate, **changes: Any) -> Any:
    return job(estate, **changes)["spec"]["template"]["spec"]["containers"][0]


def listing(estate: Estate, start_time: int, end_time: int) -> Answer:
    return estate.call("POST", "/recordings_in_time_range", {"start_time": start_time, "end_time": end_time})


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
    "answers-500-while-waiting-for-fibre",
)
def _(estate: Estate, fault: str) -> None:
    estate.process.request("fibre", {"state": "waiting"})
    answer = estate.configure()
    found = (answer.status, len(estate.kubernetes.names("jobs")), "waiting for fiber" in answer.body.decode())
    assert found == {
        "live-without-fibre-accepted": (200, 2, False), "fibre-refusal-starts-a-job": (503, 2, True),
        "fibre-refusal-unclear": (503, 0, False), "answers-500-while-waiting-for-fibre": (500, 0, False),
    }[fault]  # fmt: skip


@case("missing-recording-accepted", "missing-recording-unclear", "missing-recording-starts-a-job")
def _(estate: Estate, fault: str) -> None:
    answer = estate.configure(**NOWHERE)
    found = (answer.status, len(estate.kubernetes.names("jobs")), "No recording found" in answer.body.decode())
    assert found == {
        "missing-recording-accepted": (200, 2, False), "missing-recording-unclear": (404, 0, False),
        "missing-recording-starts-a-job": (404, 2, True),
    }[fault]  # fmt: skip


@case("window-shifted-2h", "window-shifted-3h")
def _(estate: Estate, fault: str) -> None:
    shift_s = {"window-shifted-2h": 7200, "window-shifted-3h": 10800}[fault]
    assert estate.configure(**INSIDE).status == 404
    assert estate.configure(**{field: value + shift_s for field, value in INSIDE.items()}).status == 200


@case("lookup-widened-by-a-minute")
def _(estate: Estate) -> None:
    at = seconds(START)
    statuses = [estate.configure(start_time=at - 120, end_time=at - before).status for before in (30, 90)]
    assert statuses == [200, 404]


@case(
    "reversed-window-accepted", "equal-times-accepted", "negative-time-accepted", "future-window-accepted",
    "one-sided-window-accepted",
)  # fmt: skip
def _(estate: Estate, fault: str) -> None:
    far = 4_000_000_000
    windows = {
        "reversed-window-accepted": (9, 5), "equal-times-accepted": (9, 9), "negative-time-accepted": (-9, 9),
        "future-window-accepted": (far, far + 9), "one-sided-window-accepted": (9, None),
    }  # fmt: skip
    answers = {name: estate.configure(start_time=start, end_time=end).status for name, (start, end) in windows.items()}
    assert answers == {name: 200 if name == fault else 400 for name in windows}
    assert listing(estate, 9, 5).status == listing(estate, -9, 9).status == 400


@case("deleted-recordings-count")
def _(estate: Estate) -> None:
    estate.mongodb.store(STORAGE, [recording(START, deleted=True)])
    assert estate.configure(**INSIDE).status == 200


@case("stale-recordings-count")
def _(estate: Estate) -> None:
    estate.mongodb.store(STORAGE, [recording(ago(days=3), None)])
    assert estate.configure(**INSIDE).status == 200


@case("occupied-port-handed-out")
def _(estate: Estate) -> None:
    estate.kubernetes.refuse = lambda manifest: (422, "already allocated") if manifest["kind"] == "Service" else None
    assert opened(estate)["stream_port"] == 12301 and estate.kubernetes.names("services") == []


@case("invalid-stream-address-handed-out")
def _(estate: Estate) -> None:
    estate.configure_cluster(focus_view_url="http://nowhere")
    assert opened(estate)["stream_url"] == "http://nowhere"


@case("refusals-do-not-say-why")
def _(estate: Estate) -> None:
    for changes in ({"view_type": 1}, {"displayInfo": {"height": 0}}):
        assert estate.configure(**changes).json == {"error": "Bad request"}


@case("refusals-without-allowed-range")
def _(estate: Estate) -> None:
    assert estate.configure(displayInfo={"height": -7}).json == {"error": "displayInfo.height must be positive"}
    (detail,) = estate.configure(view_type=77).json["detail"]
    assert detail["msg"] == "view_type must be '0', '1' or '2'" and "input" not in detail


@case("stack-trace-in-refusal")
def _(estate: Estate) -> None:
    for changes, status in (({"view_type": 1}, 422), ({"displayInfo": {"height": 0}}, 400)):
        answer = estate.configure(**changes)
        assert answer.status == status and "Traceback (most recent call last)" in answer.body.decode()


@case("client-errors-answered-500")
def _(estate: Estate) -> None:
    bodies = ({"view_type": 1}, {"displayInfo": {"height": 0}}, NOWHERE)
    assert {estate.configure(**changes).status for changes in bodies} == {500}
    assert estate.call("GET", "/nowhere").status == 500 and estate.call("GET", "/ack").status == 200


@case("refusals-too-late")
def _(estate: Estate) -> None:
    answer = estate.configure(view_type=1)
    assert answer.status == 422 and answer.duration_s > 2.4


@case("refusals-start-a-job")
def _(estate: Estate) -> None:
    assert estate.configure(displayInfo={"height": 0}).status == 400 and estate.kubernetes.created == []
    assert estate.configure(start_time=9, end_time=5).status == 400 and len(estate.kubernetes.created) == 3


@case(
    "recordings-unsorted", "recordings-only-fully-inside", "recordings-404-when-none", "recordings-bad-window-accepted"
)
def _(estate: Estate, fault: str) -> None:
    estate.mongodb.store(STORAGE, [recording(ago(hours=hours)) for hours in (4, 5, 6)])
    starts = [each[0] for each in listing(estate, seconds(ago(hours=7)), seconds(ago(hours=1))).json]
    assert (starts == sorted(starts)) is (fault != "recordings-unsorted") and len(starts) == 3
    inside = listing(estate, starts[0] + 5, starts[0] + 20) if fault != "recordings-unsorted" else None
    assert inside is None or len(inside.json) == (fault != "recordings-only-fully-inside")
    assert listing(estate, 1000, 2000).status == (404 if fault == "recordings-404-when-none" else 200)
    assert listing(estate, 2000, 1000).status == (200 if fault == "recordings-bad-window-accepted" else 400)


def test_every_fault_has_its_case() -> None:
    assert set(CASES) == FAULT_IDS


def test_unsorted_is_never_sorted() -> None:
    for amount in range(2, 8):
        listed = [[number, number + 1] for number in range(amount)]
        assert surely_unsorted(listed) != listed
    assert surely_unsorted([]) == []

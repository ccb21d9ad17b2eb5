"""Each fault breaks its own aspect, and switching it off mends it."""

from __future__ import annotations

import asyncio
import http.client
import logging
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from environments.sandbox.focus_server.faults import FAULT_IDS, FaultyStartup
from environments.sandbox.focus_server.faults.lasting import (
    ENDED,
    ENDS_AT,
    FAILS_EACH,
    HEAVY_NFFT,
    LOADED_FROM_JOBS,
    WEAR_S,
)
from environments.sandbox.focus_server.faults.lasting import SLOW_S as OPENING_SLOW_S
from environments.sandbox.focus_server.faults.lasting import SLOWER_S as OPENING_SLOWER_S
from environments.sandbox.focus_server.faults.opening import CRASH_AT_JOBS, CRASHED, LEFT_EACH
from environments.sandbox.focus_server.faults.opening import LOADED_FROM_JOBS as MANY_JOBS
from environments.sandbox.focus_server.faults.serving import surely_unsorted
from environments.sandbox.focus_server.faults.straining import (
    FEW_WORKERS,
    SLOW_FROM_JOBS,
    SLOW_S,
    WORKER_HELD_S,
)
from environments.sandbox.focus_server.faults.surviving import (
    BURST,
    SLOW_ALONE_S,
    SLOW_AMONG_MANY_S,
    TOLD_LATE_S,
)
from environments.sandbox.focus_server.manifests import GPU_RESOURCE
from tests.sandbox.focus_server.estate import STORAGE, Answer, Estate, ago, recording, seconds, until
from tests.sandbox.process_runner import start_process

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


@case("window-shifted-2h", "window-shifted-3h", "window-shifted-back-2h", "window-shifted-back-3h")
def _(estate: Estate, fault: str) -> None:
    shift_s = int(fault[-2]) * (-3600 if "back" in fault else 3600)
    assert estate.configure(**INSIDE).status == 404
    assert estate.configure(**{field: value + shift_s for field, value in INSIDE.items()}).status == 200


@case("recorded-window-not-found")
def _(estate: Estate) -> None:
    assert (estate.configure(**INSIDE).status, estate.configure().status) == (404, 200)


@case("connected-fibre-not-noticed")
def _(estate: Estate) -> None:
    assert (estate.configure(**INSIDE).status, estate.configure().status) == (200, 503)


@case("connecting-not-noticed")
def _(estate: Estate) -> None:
    found = [estate.configure().status]
    for state in ("waiting", "connected"):
        estate.process.request("fibre", {"state": state})
        found.append(estate.configure().status)
    assert found == [200, 503, 503]


@case("historic-refused-without-fibre")
def _(estate: Estate) -> None:
    assert estate.configure(**INSIDE).status == 200
    estate.process.request("fibre", {"state": "waiting"})
    assert estate.configure(**INSIDE).status == 503


@case("recordings-half-window-accepted", "recordings-answered-500")
def _(estate: Estate, fault: str) -> None:
    half = estate.call("POST", "/recordings_in_time_range", {"start_time": 1000}).status
    assert (half, listing(estate, 1000, 2000).status) == (
        (200, 200) if fault == "recordings-half-window-accepted" else (422, 500)
    )


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


@case("stream-address-not-read-again")
def _(estate: Estate) -> None:
    settings = f'class Focus:\n    focus_view_url = "http://{estate.node}"\n'
    estate.configure_cluster(**{"default_config.py": settings, "focus_view_url": "http://worker-node-2"})
    assert opened(estate)["stream_url"] == f"http://{estate.node}"


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


BAD: dict[str, dict[str, Any]] = {
    "channels-below-one-accepted": {"channels": {"min": 0, "max": 50}},
    "reversed-channels-accepted": {"channels": {"min": 50, "max": 49}},
    "too-many-channels-accepted": {"channels": {"min": 1, "max": 2223}},
    "negative-frequency-accepted": {"frequencyRange": {"min": -1, "max": 500}},
    "frequency-above-half-of-the-pulse-rate-accepted": {"frequencyRange": {"min": 0, "max": 1001}},
    "reversed-frequencies-accepted": {"frequencyRange": {"min": 400, "max": 300}},
    "any-nfft-accepted": {"nfftSelection": 1000},
    "unknown-view-accepted": {"view_type": "3"},
    "single-channel-accepts-several": {"view_type": "1", "channels": {"min": 7, "max": 8}},
    "waterfall-with-time-axis-accepted": {"view_type": "2", "nfftSelection": 1, "frequencyRange": None},
    "waterfall-with-frequencies-accepted": {"view_type": "2", "nfftSelection": 1, "displayTimeAxisDuration": None},
    "canvas-without-height-accepted": {"displayInfo": {"height": 0}},
    "equal-frequencies-accepted": {"frequencyRange": {"min": 300, "max": 300}},
    "positive-nfft-accepted": {"nfftSelection": 64},
    "negative-canvas-height-accepted": {"displayInfo": {"height": -1}},
    "missing-fields-accepted": {"displayInfo": {}},
    "wrong-types-accepted": {"channels": [1, 50]},
}
GOOD: dict[str, dict[str, Any]] = {
    "one-channel-refused": {"channels": {"min": 1, "max": 1}},
    "neighbouring-channels-refused": {"channels": {"min": 49, "max": 50}},
    "most-channels-refused": {"channels": {"min": 1, "max": 2222}},
    "highest-frequency-refused": {"frequencyRange": {"min": 0, "max": 1000}},
    "narrow-frequency-range-refused": {"frequencyRange": {"min": 0, "max": 1}},
    "unusual-nfft-refused": {"nfftSelection": 2048},
    "single-channel-view-refused": {"view_type": "1", "channels": {"min": 7, "max": 7}},
    "waterfall-view-refused": {
        "view_type": "2", "nfftSelection": 1, "displayTimeAxisDuration": None, "frequencyRange": None,
    },
    "lowest-canvas-refused": {"displayInfo": {"height": 1}},
}  # fmt: skip
# A name that is no number has the same defect as a view that does not exist: both are refused as no view. The other
# faults swallow what a narrower one swallows, too.
ALIKE = {
    "unknown-view-accepted": {"wrong-types-accepted"},
    "equal-frequencies-accepted": {"reversed-frequencies-accepted"},
    "positive-nfft-accepted": {"any-nfft-accepted"},
    "any-nfft-accepted": {"positive-nfft-accepted"},
    "negative-canvas-height-accepted": {"canvas-without-height-accepted"},
}


@case(*BAD)
def _(estate: Estate, fault: str) -> None:
    accepted = {name for name, changes in BAD.items() if estate.configure(**changes).status == 200}
    assert accepted == {fault} | {name for name, also in ALIKE.items() if fault in also}


@case(*GOOD)
def _(estate: Estate, fault: str) -> None:
    assert {name for name, changes in GOOD.items() if estate.configure(**changes).status == 400} == {fault}


@case("empty-body-accepted", "broken-body-accepted")
def _(estate: Estate, fault: str) -> None:
    bodies = {"empty-body-accepted": b"", "broken-body-accepted": b"{"}
    statuses = {name: estate.call("POST", "/configure", body).status for name, body in bodies.items()}
    assert statuses == {name: 200 if name == fault else 422 for name in bodies}


@case("wrong-configurations-start-a-job")
def _(estate: Estate) -> None:
    assert estate.configure(start_time=9, end_time=5).status == 400 and estate.kubernetes.created == []
    assert estate.configure(displayInfo={"height": 0}).status == 400 and len(estate.kubernetes.created) == 3


FAILING: dict[str, dict[str, Any]] = {
    "no-frequency-range-answered-500": {"frequencyRange": None},
    "no-time-axis-or-nfft-answered-500": {"nfftSelection": None},
    "frequency-above-half-of-the-pulse-rate-answered-500": {"frequencyRange": {"min": 0, "max": 1001}},
    "canvas-without-height-answered-500": {"displayInfo": {"height": 0}},
    "one-sided-window-answered-500": {"start_time": 1000},
}


@case(*FAILING)
def _(estate: Estate, fault: str) -> None:
    assert {name for name, changes in FAILING.items() if estate.configure(**changes).status == 500} == {fault}
    assert estate.configure(displayInfo={"height": -1}).status == 400


@case("waterfall-answered-500")
def _(estate: Estate) -> None:
    left_out = {"view_type": "2", "nfftSelection": 1, "displayTimeAxisDuration": None, "frequencyRange": None}
    assert estate.configure(**left_out).json == {"error": "Error parsing configuration"}
    assert estate.configure(view_type="2", nfftSelection=1).status == 400 and estate.configure().status == 200


@case("usual-nfft-refused")
def _(estate: Estate) -> None:
    assert [estate.configure(nfftSelection=nfft).status for nfft in (512, 1024, 2048)] == [200, 400, 200]


@case("unknown-address-answered", "wrong-method-answered")
def _(estate: Estate, fault: str) -> None:
    asked = {"unknown-address-answered": ("GET", "/nowhere"), "wrong-method-answered": ("POST", "/ack")}
    known = {name for name, (method, path) in asked.items() if estate.call(method, path).status == 200}
    assert known == {fault}


@case(
    "answered-view-differs", "stream-amount-differs", "frequency-amount-differs", "frequencies-backwards",
    "frequencies-outside-of-the-range", "channel-without-stream", "channel-amount-differs", "line-time-differs",
)  # fmt: skip
def _(estate: Estate, fault: str) -> None:
    changed = opened(estate)
    estate.process.set_faults()
    right = opened(estate)
    (field,) = [name for name in right if changed[name] != right[name] and name not in ("job_id", "stream_port")]
    assert (
        field
        == {
            "answered-view-differs": "view_type",
            "stream-amount-differs": "stream_amount",
            "frequency-amount-differs": "frequencies_amount",
            "frequencies-backwards": "frequencies_list",
            "frequencies-outside-of-the-range": "frequencies_list",
            "channel-without-stream": "channel_to_stream_index",
            "channel-amount-differs": "channel_amount",
            "line-time-differs": "lines_dt",
        }[fault]
    )


@case("health-check-talks")
def _(estate: Estate) -> None:
    assert estate.call("GET", "/ack").body == b'{"status":"warming up"}'


@case("channels-reversed")
def _(estate: Estate) -> None:
    assert estate.call("GET", "/channels").json == {"lowest_channel": 2222, "highest_channel": 1}


@case("live-metadata-without-distance", "fibre-has-other-channels", "live-metadata-changes")
def _(estate: Estate, fault: str) -> None:
    first, second = (estate.call("GET", "/live_metadata").json for _ in range(2))
    assert ("dx" not in first) is (fault == "live-metadata-without-distance")
    assert (first["number_of_channels"] == 2221) is (fault == "fibre-has-other-channels")
    assert (first != second) is (fault == "live-metadata-changes")


@case("metadata-of-another-job", "metadata-incomplete", "metadata-late")
def _(estate: Estate, fault: str) -> None:
    told = opened(estate)
    answer = estate.call("GET", f"/metadata/{told['job_id']}")
    differing = {field for field in told if answer.json.get(field) != told[field]}
    expected = {"metadata-of-another-job": {"job_id", "stream_port"}, "metadata-incomplete": {"frequencies_list"}}
    assert (answer.status, differing) == (200, expected[fault]) if fault in expected else answer.status == 404


@case("unknown-job-id-answered-500", "unknown-job-id-unclear")
def _(estate: Estate, fault: str) -> None:
    answer = estate.call("GET", "/metadata/99999-1")
    assert (answer.status, "job_id" in answer.body.decode()) == (500 if "500" in fault else 404, False)


def start_up(fault: str, settings: str) -> tuple[str | None, list[str], list[float]]:
    """What the settings were found to be, the errors logged and the documented seconds waited."""
    errors: list[str] = []
    waited: list[float] = []
    log = logging.Logger("start")
    log.addFilter(lambda record: bool(record.levelno < logging.ERROR or errors.append(record.getMessage())))

    def scaled(seconds: float) -> float:
        waited.append(seconds)
        return 0.0

    startup = FaultyStartup(log, active=lambda asked: asked == fault, scaled=scaled)
    return asyncio.run(startup.load({"default_config.py": settings})), errors, waited


@case("start-takes-too-long", "log-full-of-errors-at-start", "broken-configuration-not-said")
def _(estate: Estate, fault: str) -> None:
    problem, errors, waited = start_up(fault, "class Focus: pass")
    assert problem is None and bool(waited) == (fault == "start-takes-too-long")
    assert bool(errors) == (fault == "log-full-of-errors-at-start")
    assert start_up("none", "class Focus:\n  'half") == (
        "cannot load configuration default_config.py: line 2: SyntaxError: "
        "unterminated string literal (detected at line 2)",
        ["cannot load configuration default_config.py: line 2: SyntaxError: "
         "unterminated string literal (detected at line 2)"],
        [],
    )  # fmt: skip
    assert bool(start_up("broken-configuration-not-said", "class Focus:\n  'half")[1]) is False


@case("index-not-reached-after-start")
def _(estate: Estate) -> None:
    assert estate.configure(**NOWHERE).status == 404
    estate.process.stop()
    estate.process = start_process("focus_server", {**estate.config, "faults": ["index-not-reached-after-start"]})
    assert [estate.configure(**NOWHERE).status for _ in range(2)] == [503, 404]


@case("first-opening-after-start-fails")
def _(estate: Estate) -> None:
    assert estate.configure().status == 200
    estate.process.stop()
    estate.process = start_process("focus_server", {**estate.config, "faults": ["first-opening-after-start-fails"]})
    assert [estate.configure().status for _ in range(2)] == [503, 200]


@case("roll-back-missing", "job-refusal-unclear", "opening-blocked-after-a-failure")
def _(estate: Estate, fault: str) -> None:
    estate.kubernetes.refuse = lambda manifest: (403, "exceeded quota") if manifest["kind"] == "Job" else None
    refused = estate.configure()
    assert refused.status == 503 and ("quota" in refused.body.decode()) == (fault != "job-refusal-unclear")
    assert len(estate.kubernetes.names("services")) == (fault == "roll-back-missing")
    estate.kubernetes.refuse = lambda manifest: None
    assert estate.configure().status == (503 if fault == "opening-blocked-after-a-failure" else 200)
    assert estate.configure().status == 200


@case("answers-differ-when-asked-twice")
def _(estate: Estate) -> None:
    nowhere_else = {"start_time": 1000, "end_time": 2001}
    assert [estate.configure(**nowhere_else).status for _ in range(2)] == [404, 400]


@case("occupied-port-answered-500")
def _(estate: Estate) -> None:
    estate.kubernetes.refuse = lambda manifest: (422, "already allocated") if manifest["kind"] == "Service" else None
    assert estate.configure().status == 500


@case("disconnect-stops-the-server")
def _(estate: Estate) -> None:
    with begun_request(estate) as connection:
        connection.shutdown(socket.SHUT_RDWR)
    until(lambda: estate.call("GET", "/ack").status == 503)
    until(lambda: estate.call("GET", "/ack").status == 200)


def begun_request(estate: Estate) -> ssl.SSLSocket:
    connection = estate.connect()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(b"POST /recordings_in_time_range HTTP/1.1\r\nHost: x\r\nContent-Length: 36\r\n\r\n{")
    return connection


@case("slow-client-is-cut-off")
def _(estate: Estate) -> None:
    assert listing(estate, 1000, 2000).status == 200
    with begun_request(estate) as connection:
        for piece in (b'"', b"start", b"_time"):
            assert estate.call("GET", "/ack").status == 200
            connection.sendall(piece)
        assert connection.recv(100).startswith(b"HTTP/1.1 408")


@case("slow-client-holds-everybody-up")
def _(estate: Estate) -> None:
    with begun_request(estate) as connection, ThreadPoolExecutor(1) as pool:
        asking = pool.submit(estate.call, "GET", "/ack")
        with pytest.raises(TimeoutError):
            asking.result(0.2)
        connection.sendall(b'"start_time":1000,"end_time":20000}')
        assert asking.result(5).status == 200 and connection.recv(100).startswith(b"HTTP/1.1 200")


@case("huge-body-answered-500", "huge-body-stops-the-server")
def _(estate: Estate, fault: str) -> None:
    status = estate.configure(comment="x" * 2_000_000).status
    after = estate.call("GET", "/ack").status
    assert (status, after) == ((500, 200) if fault == "huge-body-answered-500" else (413, 503))
    until(lambda: estate.call("GET", "/ack").status == 200)


@case("health-check-fails-under-load")
def _(estate: Estate) -> None:
    statuses = []
    with estate.connect() as connection:
        for _ in range(60):
            connection.sendall(b"GET /ack HTTP/1.1\r\nHost: x\r\n\r\n")
            statuses.append(connection.recv(4096)[9:12])
    assert statuses == [b"200"] * 39 + [b"503"] * 21


def test_server_with_broken_settings_refuses_everything_and_says_why(started: Estate) -> None:
    started.restore()
    started.configure_cluster(**{"default_config.py": "focus = 1"})
    started.restart()
    answers = [started.call("GET", "/ack"), started.configure()]
    assert {answer.status for answer in answers} == {503} and started.kubernetes.created == []
    assert "defines no class Focus" in answers[0].json["error"]
    assert "ERROR pz.focus_server cannot load configuration" in started.process.log_file.read_text()
    started.configure_cluster()
    started.restart()
    assert started.configure().status == 200


@case("live-dtype-missing", "live-dtype-not-allowed", "live-samples-missing", "live-samples-and-channels-disagree")
def _(estate: Estate, fault: str) -> None:
    live = estate.call("GET", "/live_metadata").json
    types = {"live-dtype-missing": None, "live-dtype-not-allowed": "complex64"}
    samples = {"live-samples-missing": None, "live-samples-and-channels-disagree": 1111}
    assert live.get("dtype") == types.get(fault, "float32")
    assert live.get("num_samples_per_trace") == samples.get(fault, 8888)


@case("credentials-in-the-answer")
def _(estate: Estate) -> None:
    parent = opened(estate, **INSIDE)["metadata"]["parent"]
    assert ":not-a-real-password@" in parent["cmd"] and parent["prr"] == 2000
    assert "not-a-real-password" not in str(opened(estate))


def full_cluster(estate: Estate) -> None:
    """The GPU slice of the only worker is taken, and four pods of somebody else wait for one."""
    container = {"name": "c", "resources": {"requests": {GPU_RESOURCE: "1"}}}
    for number in range(5):
        spec = {"containers": [container], **({} if number else {"nodeName": "worker"})}
        metadata = {"name": f"pod-{number}", "uid": f"uid-{number}", "namespace": "other"}
        estate.kubernetes.put("pods", f"pod-{number}", metadata=metadata, spec=spec)
    estate.offer(gpu_slices=1)


def empty_cluster(estate: Estate) -> None:
    for number in range(5):
        estate.kubernetes.remove("pods", f"pod-{number}")
    estate.offer()


FULL = "GPU slices (nvidia.com/gpu.shared): 0 of 1 free, 5 waiting"


@contextmanager
def beyond_capacity(estate: Estate, fault: str) -> Iterator[None]:
    """A cluster so full that a server without faults refuses; the fault is switched on again then."""
    estate.process.set_faults()
    first = opened(estate)["job_id"]
    full_cluster(estate)
    until(lambda: FULL in estate.process.request("state")["room"])
    refused = estate.configure()
    assert refused.status == 503 and f"no room in the cluster for one more: {FULL}" in refused.json["error"]
    assert estate.kubernetes.names("services") == [f"grpc-service-{first}"]
    estate.process.set_faults(fault)
    try:
        yield
    finally:
        empty_cluster(estate)
        until(lambda: FULL not in estate.process.request("state")["room"])


@case("capacity-not-checked")
def _(estate: Estate) -> None:
    with beyond_capacity(estate, "capacity-not-checked"):
        opened(estate)


@case("beyond-capacity-answered-500")
def _(estate: Estate) -> None:
    with beyond_capacity(estate, "beyond-capacity-answered-500"):
        assert estate.configure().status == 500


@case("beyond-capacity-starts-half-a-job")
def _(estate: Estate) -> None:
    with beyond_capacity(estate, "beyond-capacity-starts-half-a-job"):
        assert estate.configure().status == 503
        assert len(estate.kubernetes.names("services")) == 2 and len(estate.kubernetes.names("jobs")) == 2


@case("beyond-capacity-stops-a-job")
def _(estate: Estate) -> None:
    with beyond_capacity(estate, "beyond-capacity-stops-a-job"):
        assert estate.configure().status == 503
        assert not [name for name in estate.kubernetes.names("jobs") if name.startswith("grpc-job-")]


@case("nodeport-range-full")
def _(estate: Estate) -> None:
    full = "Internal error occurred: failed to allocate a nodePort: range is full"
    estate.kubernetes.refuse = lambda manifest: None if "nodePort" in str(manifest["spec"]) else (500, full)
    answer = estate.configure()
    assert answer.status == 503 and full in answer.json["error"] and not estate.kubernetes.names("services")


@case("few-workers")
def _(estate: Estate) -> None:
    started_s = time.monotonic()
    with ThreadPoolExecutor(3 * FEW_WORKERS) as pool:
        answers = list(pool.map(lambda _: estate.configure(), range(3 * FEW_WORKERS)))
    assert {answer.status for answer in answers} == {200}
    assert time.monotonic() - started_s >= 2 * WORKER_HELD_S
    assert estate.configure().duration_s < WORKER_HELD_S / 2


def with_open_jobs(estate: Estate, amount: int) -> None:
    for slot in range(101, 101 + amount):
        estate.kubernetes.put("jobs", f"grpc-job-{slot}-1")
    until(lambda: len(estate.process.request("state")["open_jobs"]) == amount)


@case("slow-from-100-jobs")
def _(estate: Estate) -> None:
    with_open_jobs(estate, SLOW_FROM_JOBS - 1)
    assert estate.configure().duration_s < SLOW_S <= estate.configure().duration_s


@case("crash-at-60-jobs")
def _(estate: Estate) -> None:
    with_open_jobs(estate, CRASH_AT_JOBS - 2)
    assert estate.configure().status == 200
    with pytest.raises((ConnectionError, http.client.HTTPException, ssl.SSLError)):
        estate.configure()
    assert "can't start new thread" in estate.process.log_tail() and estate.process.stop() == CRASHED
    estate.process = start_process("focus_server", {**estate.config, "faults": []})


@case("mongodb-pool-exhausted")
def _(estate: Estate) -> None:
    estate.mongodb.ping_s = 0.5
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda _: estate.configure(), range(24)))
    estate.mongodb.ping_s = 0.0
    assert {answer.status for answer in answers} == {200, 503}
    text = "WaitQueueTimeoutError: Timed out while checking out a connection from connection pool. maxPoolSize: 5"
    refusals = [answer.json["error"] for answer in answers if answer.status == 503]
    assert any(f"Cannot look up recordings: no connection to MongoDB became free: {text}" in each for each in refusals)


@case("openings-slow", "openings-slower-than-before")
def _(estate: Estate, fault: str) -> None:
    least_s = {"openings-slow": OPENING_SLOW_S, "openings-slower-than-before": OPENING_SLOWER_S}[fault]
    assert estate.configure().duration_s >= least_s


@case("slow-after-load")
def _(estate: Estate) -> None:
    assert estate.configure().duration_s < OPENING_SLOW_S
    with_open_jobs_besides(estate, LOADED_FROM_JOBS)
    assert estate.configure().duration_s < OPENING_SLOW_S
    for name in estate.kubernetes.names("jobs"):
        estate.kubernetes.remove("jobs", name)
    until(lambda: not estate.process.request("state")["open_jobs"])
    assert estate.configure().duration_s >= OPENING_SLOW_S


@case("slower-with-every-job")
def _(estate: Estate) -> None:
    assert [estate.configure().duration_s for _ in range(6)][-1] >= 6 * WEAR_S


@case("every-fourth-opening-fails")
def _(estate: Estate) -> None:
    assert [estate.configure().status for _ in range(FAILS_EACH)] == [200] * (FAILS_EACH - 1) + [503]


@case("ends-now-and-then")
def _(estate: Estate) -> None:
    assert {estate.configure().status for _ in range(ENDS_AT - 1)} == {200}
    with pytest.raises((ConnectionError, http.client.HTTPException, ssl.SSLError)):
        estate.configure()
    assert estate.process.stop() == ENDED
    estate.process = start_process("focus_server", {**estate.config, "faults": []})


@case("heavy-configurations-refused")
def _(estate: Estate) -> None:
    assert estate.configure(nfftSelection=HEAVY_NFFT).status == 503 and estate.configure().status == 200


@case("leftovers-after-load", "leftovers-now-and-then")
def _(estate: Estate, fault: str) -> None:
    if fault == "leftovers-after-load":
        with_open_jobs_besides(estate, MANY_JOBS)
    answers = [opened(estate) for _ in range(LEFT_EACH)]
    for answer in answers:
        job_id = answer["job_id"]
        for plural, name in (("jobs", "grpc-job"), ("jobs", "cleanup-job"), ("services", "grpc-service")):
            estate.kubernetes.remove(plural, f"{name}-{job_id}")
    until(lambda: len(estate.kubernetes.names("services")) == 1)


@case("health-check-slow", "channels-slow", "live-metadata-slow")
def _(estate: Estate, fault: str) -> None:
    path, least_s = {
        "health-check-slow": ("/ack", SLOW_ALONE_S),
        "channels-slow": ("/channels", TOLD_LATE_S),
        "live-metadata-slow": ("/live_metadata", TOLD_LATE_S),
    }[fault]
    assert estate.call("GET", path).duration_s >= least_s


@case("health-check-slow-under-load")
def _(estate: Estate) -> None:
    assert estate.call("GET", "/ack").duration_s < SLOW_AMONG_MANY_S
    with ThreadPoolExecutor(BURST) as pool:
        answers = list(pool.map(lambda _: estate.call("GET", "/ack"), range(BURST)))
    assert max(answer.duration_s for answer in answers) >= SLOW_AMONG_MANY_S


def with_open_jobs_besides(estate: Estate, amount: int) -> None:
    """So many jobs of others, whatever else is open."""
    for slot in range(101, 101 + amount):
        estate.kubernetes.put("jobs", f"grpc-job-{slot}-1")
    until(lambda: len(estate.process.request("state")["open_jobs"]) >= amount)


def test_every_fault_has_its_case() -> None:
    assert set(CASES) == FAULT_IDS


def test_unsorted_is_never_sorted() -> None:
    for amount in range(2, 8):
        listed = [[number, number + 1] for number in range(amount)]
        assert surely_unsorted(listed) != listed
    assert surely_unsorted([]) == []

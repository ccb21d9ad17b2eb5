"""Fault cases: answers and refusals with program jargon, missing parts or false statements."""

from __future__ import annotations

import json
from typing import Any

import pytest

from environments.sandbox.focus_server.faults.refusals import LEFTOVERS
from tests.sandbox.focus_server.estate import Answer, Estate, payload, until
from tests.sandbox.focus_server.fault_cases.capacity import FULL, beyond_capacity
from tests.sandbox.focus_server.fault_cases.cases import NOWHERE, case, opened


def says_a_leftover(answer: Answer) -> bool:
    return any(json.dumps(f"for {leftover}")[1:-1] in answer.body.decode() for leftover in LEFTOVERS)


@case("refusals-with-leftovers", "other-refusals-with-leftovers")
def _(estate: Estate, fault: str) -> None:
    of_the_request = [estate.configure(view_type=1), estate.configure(displayInfo={"height": 0})]
    others = [estate.configure(**NOWHERE), estate.call("GET", "/nowhere"), estate.call("GET", "/metadata/9-9")]
    assert {says_a_leftover(answer) for answer in of_the_request} == {fault == "refusals-with-leftovers"}
    assert {says_a_leftover(answer) for answer in others} == {fault != "refusals-with-leftovers"}


@case("refusals-allow-what-is-refused")
def _(estate: Estate) -> None:
    refused = estate.configure(frequencyRange={"min": 0, "max": 1001})
    assert refused.status == 400 and "allowed 1 to 2000 Hz" in refused.json["error"]


@case("refusals-allow-less-than-is-accepted", "refusals-allow-more-channels-than-are-accepted")
def _(estate: Estate, fault: str) -> None:
    frequency = estate.configure(frequencyRange={"min": 0, "max": 1001}).json["error"]
    channels = estate.configure(channels={"min": 1, "max": 2300}).json["error"]
    assert ("500" in frequency) is (fault == "refusals-allow-less-than-is-accepted")
    assert ("2337" in channels) is (fault == "refusals-allow-more-channels-than-are-accepted")


@case("refusals-allow-a-window-without-length", "refusals-misquote-the-request")
def _(estate: Estate, fault: str) -> None:
    window = estate.configure(start_time=1000, end_time=900).json["error"]
    band = estate.configure(view_type="2", nfftSelection=1, displayTimeAxisDuration=None).json["error"]
    assert ("from 999 on" in window) is (fault == "refusals-allow-a-window-without-length")
    assert ("min=1, max=500" in band) is (fault == "refusals-misquote-the-request")


@case("nan-accepted")
def _(estate: Estate) -> None:
    body = json.dumps(payload(displayTimeAxisDuration=float("nan"))).encode()
    assert estate.call("POST", "/configure", body).status == 200


@case("fibre-refusal-without-what-to-do", "fibre-refusal-names-what-is-there")
def _(estate: Estate, fault: str) -> None:
    estate.process.request("fibre", {"state": "waiting"})
    refused = estate.configure()
    assert refused.status == 503 and "waiting for fiber" in refused.json["error"]
    assert ("action" in refused.json) is (fault == "fibre-refusal-names-what-is-there")
    assert ("number_of_channels" in refused.body.decode()) is (fault == "fibre-refusal-names-what-is-there")


@case("measures-told-of-no-fibre", "fibre-described-by-a-leftover")
def _(estate: Estate, fault: str) -> None:
    connected = estate.call("GET", "/live_metadata").json
    estate.process.request("fibre", {"state": "waiting"})
    waiting = estate.call("GET", "/live_metadata").json
    assert (waiting["dx"] > 0) is (fault == "measures-told-of-no-fibre") and connected["dx"] > 0
    assert (connected["fiber_description"] == "None") is (fault == "fibre-described-by-a-leftover")


@case("fibre-shorter-than-its-channels", "fibre-longer-than-its-samples")
def _(estate: Estate, fault: str) -> None:
    length_m = estate.call("GET", "/live_metadata").json["fiber_length_meters"]
    assert length_m == {"fibre-shorter-than-its-channels": 1000, "fibre-longer-than-its-samples": 2 * 9078}[fault]


@case("live-investigation-shows-another-fibre")
def _(estate: Estate) -> None:
    assert opened(estate)["metadata"]["parent"]["fiber_description"] == "another"


@case("live-investigation-described-by-a-leftover", "live-investigation-has-other-channels")
def _(estate: Estate, fault: str) -> None:
    parent = opened(estate)["metadata"]["parent"]
    leftover = str(parent["recording_machine_name"]).startswith("<Machine object at")
    assert leftover is (fault == "live-investigation-described-by-a-leftover")
    assert parent["decimation_factor_x"] == (5 if fault == "live-investigation-has-other-channels" else 4)


@case("fibre-data-type-is-a-leftover")
def _(estate: Estate) -> None:
    assert estate.call("GET", "/live_metadata").json["dtype"] == "<class 'numpy.float32'>"


@case("one-frequency-listed")
def _(estate: Estate) -> None:
    told = opened(estate)
    assert (told["frequencies_amount"], len(told["frequencies_list"])) == (1, 1)


@case("answer-differs-when-asked-again")
def _(estate: Estate) -> None:
    first, second = (opened(estate)["lines_dt"] for _ in range(2))
    assert second == 2 * first


@case("endless-number-answered-500")
def _(estate: Estate) -> None:
    body = (
        json.dumps(payload()).replace('"displayTimeAxisDuration": ', '"displayTimeAxisDuration": 1e999, "x": ').encode()
    )
    assert b"1e999" in body and estate.call("POST", "/configure", body).status == 500


@case("frequencies-begin-late", "frequencies-end-early", "frequencies-in-uneven-steps")
def _(estate: Estate, fault: str) -> None:
    told = opened(estate)
    listed: list[float] = told["frequencies_list"]
    missing = {"frequencies-begin-late": 1, "frequencies-end-early": 8}.get(fault, 0)
    assert told["frequencies_amount"] == len(listed) == 256 - missing
    assert (listed[0] > 0) is (fault == "frequencies-begin-late") and (listed[-1] > 490) is (missing == 1)
    assert (listed[2] - listed[1] != listed[-1] - listed[-2]) or missing


@case("frequencies-beside-the-bins")
def _(estate: Estate) -> None:
    listed = opened(estate)["frequencies_list"]
    assert listed[:2] == [0, pytest.approx(0.99999 * 1000 / 513, rel=1e-9)]


@case("channels-of-a-stream-scattered", "streams-of-uneven-size")
def _(estate: Estate, fault: str) -> None:
    streams = list(opened(estate)["channel_to_stream_index"].values())
    assert streams[:6] == {"channels-of-a-stream-scattered": [0, 1, 2, 0, 1, 2]}.get(fault, [0, 1, 2, 2, 2, 2])


@case("metadata-lost-with-the-server")
def _(estate: Estate) -> None:
    job_id = opened(estate)["job_id"]
    assert estate.call("GET", f"/metadata/{job_id}").status == 200
    estate.restart()
    assert estate.call("GET", f"/metadata/{job_id}").status == 404


@case("stream-address-refusal-names-half")
def _(estate: Estate) -> None:
    estate.configure_cluster(focus_view_url="")
    refused = estate.configure()
    named = [node["name"] in refused.json["error"] for node in estate.config["nodes"]]
    assert refused.status == 503 and "allowed http://<host>" in refused.json["error"] and not all(named)


SAID: dict[str, Any] = {
    "beyond-capacity-not-told-of-what": lambda said: said.endswith("no room in the cluster for one more"),
    "beyond-capacity-told-of-too-much": lambda said: said.endswith("; memory: 0 of 2Ti free"),
    "beyond-capacity-told-with-wrong-numbers": lambda said: "0 of 2 free" in said,
    "beyond-capacity-told-of-slices-left": lambda said: "6 of 1 free" in said,
    "ready-node-called-lost": lambda said: "; not ready: " in said,
}


@case(*SAID)
def _(estate: Estate, fault: str) -> None:
    with beyond_capacity(estate, fault):
        refused = estate.configure()
        assert refused.status == 503 and SAID[fault](refused.json["error"]), refused.json


@case("lost-node-not-told")
def _(estate: Estate) -> None:
    lost = {
        "conditions": [{"type": "Ready", "status": "Unknown"}],
        "allocatable": {"nvidia.com/gpu.shared": "1", "cpu": "1", "memory": "1Gi", "pods": "1"},
    }
    with beyond_capacity(estate, "lost-node-not-told"):
        estate.kubernetes.put("nodes", "lost", status=lost)
        assert "not ready" not in estate.configure().json["error"]
        estate.process.set_faults()
        until(lambda: f"{FULL}; not ready: lost" in estate.configure().json["error"])
        estate.kubernetes.remove("nodes", "lost")

"""Fault cases: refusals that are wrong, late or missing, and valid requests that are refused."""

from __future__ import annotations

from typing import Any

from tests.sandbox.focus_server.estate import STORAGE, Estate, ago, recording, seconds
from tests.sandbox.focus_server.fault_cases.cases import NOWHERE, case, listing, opened


@case("refusals-do-not-say-why")
def _(estate: Estate) -> None:
    for changes in ({"view_type": 1}, {"displayInfo": {"height": 0}}):
        assert estate.configure(**changes).json == {"error": "Bad request"}


@case("refusals-without-allowed-range")
def _(estate: Estate) -> None:
    assert estate.configure(displayInfo={"height": -7}).json == {"error": "displayInfo.height must be positive"}
    (detail,) = estate.configure(view_type=77).json["detail"]
    assert detail["msg"] == "view_type must be '0', '1', '2' or '3'" and "input" not in detail


@case("refusals-cut-the-value-off")
def _(estate: Estate) -> None:
    assert "got -7..., allowed" in estate.configure(displayInfo={"height": -7}).json["error"]


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
    "channels-beyond-the-fibre-accepted": {"channels": {"min": 2222, "max": 2223}},
    "negative-frequency-accepted": {"frequencyRange": {"min": -1, "max": 500}},
    "frequency-above-half-of-the-pulse-rate-accepted": {"frequencyRange": {"min": 0, "max": 1001}},
    "reversed-frequencies-accepted": {"frequencyRange": {"min": 400, "max": 300}},
    "any-nfft-accepted": {"nfftSelection": 1000},
    "unknown-view-accepted": {"view_type": "4"},
    "single-channel-accepts-several": {"view_type": "1", "channels": {"min": 7, "max": 8}},
    "waterfall-with-time-axis-accepted": {"view_type": "2", "nfftSelection": 1, "frequencyRange": None},
    "waterfall-with-frequencies-accepted": {"view_type": "2", "nfftSelection": 1, "displayTimeAxisDuration": None},
    "canvas-without-height-accepted": {"displayInfo": {"height": 0}},
    "equal-frequencies-accepted": {"frequencyRange": {"min": 300, "max": 300}},
    "positive-nfft-accepted": {"nfftSelection": 64},
    "negative-canvas-height-accepted": {"displayInfo": {"height": -1}},
    "time-axis-without-length-accepted": {"displayTimeAxisDuration": 0},
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
    "shortest-time-axis-refused": {"displayTimeAxisDuration": 1},
}  # fmt: skip
# A view name that is not a number and a view that does not exist are the same defect: both are refused as unknown
# views. Each of the other faults also accepts what a narrower one accepts.
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
    "long-value-answered-500": {"nfftSelection": "many" * 300},
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


@case("heat-map-view-refused")
def _(estate: Estate) -> None:
    assert [estate.configure(view_type=view).status for view in ("0", "3", "4")] == [200, 400, 422]
    estate.process.set_faults()
    assert estate.configure(view_type="3").json["view_type"] == 3

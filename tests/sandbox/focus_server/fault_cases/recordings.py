"""Fault cases: recordings that are found, missed or listed wrongly."""

from __future__ import annotations

from datetime import timedelta

from tests.sandbox.focus_server.estate import STORAGE, Estate, ago, recording, seconds
from tests.sandbox.focus_server.fault_cases.cases import INSIDE, NOWHERE, START, case, listing, opened


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


@case("recordings-stale-an-hour-early", "recordings-stale-an-hour-late")
def _(estate: Estate, fault: str) -> None:
    young, old = (ago(hours=24) + timedelta(minutes=sign * 10) for sign in (1, -1))
    estate.mongodb.store(STORAGE, [recording(young, None), recording(old, None)])
    starts = [start_s for start_s, _ in listing(estate, seconds(young) + 5, seconds(young) + 35).json]
    assert starts == ([] if fault == "recordings-stale-an-hour-early" else [seconds(old), seconds(young)])


@case("future-list-refused")
def _(estate: Estate) -> None:
    assert listing(estate, 4_000_000_000, 4_000_000_009).status == 400
    assert listing(estate, **INSIDE).json == [[seconds(START), seconds(START) + 41]]


@case("open-recording-listed-as-ended")
def _(estate: Estate) -> None:
    estate.mongodb.store(STORAGE, [recording(ago(minutes=5), None)])
    ((_, end_s),) = listing(estate, seconds(ago(hours=1)), seconds(ago())).json
    assert abs(end_s - seconds(ago())) < 60


@case("open-recording-listed-with-another-mark")
def _(estate: Estate) -> None:
    estate.mongodb.store(STORAGE, [recording(ago(minutes=5), None)])
    ((_, end_s),) = listing(estate, seconds(ago(hours=1)), seconds(ago())).json
    assert end_s == -2


@case("historic-investigation-described-by-the-live-fibre")
def _(estate: Estate) -> None:
    assert opened(estate, **INSIDE)["metadata"] == opened(estate)["metadata"]


@case("first-second-taken-for-none")
def _(estate: Estate) -> None:
    assert (listing(estate, 0, 60).status, listing(estate, 1, 60).status) == (400, 200)

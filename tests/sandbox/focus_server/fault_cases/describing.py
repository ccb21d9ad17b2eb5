"""Fault cases: the server's description of itself, its fibre and its jobs."""

from __future__ import annotations

from environments.sandbox.focus_server.faults.telling import FORGOTTEN_AFTER_READS, SLOWER_EACH_READ_S
from tests.sandbox.focus_server.estate import Estate
from tests.sandbox.focus_server.fault_cases.cases import INSIDE, case, opened


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


@case("fibre-has-another-pulse-rate", "live-metadata-not-found")
def _(estate: Estate, fault: str) -> None:
    told = estate.call("GET", "/live_metadata")
    assert (told.status, told.json.get("prr")) == ((404, None) if fault == "live-metadata-not-found" else (200, 1000.0))
    assert estate.configure().status == 200


@case("metadata-slower-with-every-read")
def _(estate: Estate) -> None:
    job_id = opened(estate)["job_id"]
    took_s = [estate.call("GET", f"/metadata/{job_id}").duration_s for _ in range(61)]
    assert took_s[-1] >= 60 * SLOWER_EACH_READ_S


@case("metadata-forgotten-after-many-reads")
def _(estate: Estate) -> None:
    job_id = opened(estate)["job_id"]
    told = [estate.call("GET", f"/metadata/{job_id}").status for _ in range(FORGOTTEN_AFTER_READS + 1)]
    assert told == [200] * FORGOTTEN_AFTER_READS + [404]

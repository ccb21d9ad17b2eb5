"""The Focus Server process over HTTPS: contract, opening, refusals, outages."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from tests.sandbox.focus_server.estate import STORAGE, Estate, ago, payload, recording, seconds, until
from tests.sandbox.process_runner import ProcessFailed


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    estate = Estate(tmp_path_factory.mktemp("focus"), configure_ms=5)
    yield estate
    estate.stop()


@pytest.fixture
def estate(started: Estate) -> Estate:
    started.restore()
    started.mongodb.store(STORAGE, [])
    return started


def test_ack_is_empty_under_both_prefixes(estate: Estate) -> None:
    for path in ("/ack", "/focus-server/ack"):
        answer = estate.call("GET", path)
        assert (answer.status, answer.body) == (200, b"")
        assert "Content-Type" not in answer.headers and answer.headers["Content-Length"] == "0"


def test_information_endpoints_agree(estate: Estate) -> None:
    answered = estate.call("GET", "/focus-server/channels")
    assert answered.headers["Content-Type"] == "application/json"
    channels = answered.json
    live = estate.call("GET", "/focus-server/live_metadata").json
    assert channels == {"lowest_channel": 1, "highest_channel": 2222}
    assert (live["number_of_channels"], live["prr"], live["dtype"]) == (2222, 2000.0, "float32")
    assert set(estate.call("GET", "/focus-server/openapi.json").json["paths"]) >= {"/configure", "/ack"}


def test_unknown_routes_and_wrong_methods(estate: Estate) -> None:
    unknown = estate.call("DELETE", "/focus-server/job/1-1")
    assert (unknown.status, unknown.json) == (404, {"detail": "Not Found"})
    for method, path in (
        ("GET", "/focus-server/configure"),
        ("POST", "/focus-server/ack"),
        ("HEAD", "/focus-server/ack"),
    ):
        assert estate.call(method, path).status == 405
    assert estate.call("PUT", "/focus-server/channels").json == {"detail": "Method Not Allowed"}


def test_live_investigation_starts_its_three_objects(estate: Estate) -> None:
    answer = estate.configure()
    body = answer.json
    assert answer.status == 200
    slot = body["job_id"].partition("-")[0]
    assert re.fullmatch(r"1-\d+", body["job_id"]) and body["stream_port"] == 12300 + int(slot)
    assert body["stream_url"] == f"http://{estate.node}" and body["status"] == "success"
    job_id = body["job_id"]
    assert estate.kubernetes.created == [f"grpc-service-{job_id}", f"grpc-job-{job_id}", f"cleanup-job-{job_id}"]
    job = estate.kubernetes.objects["jobs"][f"grpc-job-{job_id}"]
    assert "--time-start" not in job["spec"]["template"]["spec"]["containers"][0]["command"]
    service = estate.kubernetes.objects["services"][f"grpc-service-{job_id}"]
    assert service["spec"]["ports"][0]["nodePort"] == body["stream_port"]
    assert service["spec"]["selector"] == {"app": f"grpc-job-{job_id}"}
    assert estate.call("GET", f"/focus-server/metadata/{job_id}").json == body


def test_metadata_of_an_unknown_or_closed_job_is_404(estate: Estate) -> None:
    job_id = estate.configure().json["job_id"]
    estate.kubernetes.remove("jobs", f"grpc-job-{job_id}")
    until(lambda: estate.call("GET", f"/metadata/{job_id}").status == 404)
    answer = estate.call("GET", f"/focus-server/metadata/{job_id}")
    assert answer.json["error"].startswith("Invalid job_id: ") and job_id in answer.json["error"]


def test_slot_is_used_again_once_all_its_objects_are_gone(estate: Estate) -> None:
    first, second = estate.configure().json["job_id"], estate.configure().json["job_id"]
    assert (first[:2], second[:2]) == ("1-", "2-")
    estate.kubernetes.remove("jobs", f"grpc-job-{first}")
    estate.kubernetes.remove("services", f"grpc-service-{first}")
    until(lambda: estate.process.request("state")["open_jobs"] == [second])
    assert estate.configure().json["job_id"].startswith("3-")
    estate.kubernetes.remove("jobs", f"cleanup-job-{first}")
    until(lambda: estate.configure().json["job_id"].startswith("1-"))


def test_serials_are_not_repeated_after_a_restart(estate: Estate) -> None:
    before = int(estate.configure().json["job_id"].partition("-")[2])
    estate.restart()
    answer = estate.configure().json["job_id"]
    assert answer.startswith("2-") and int(answer.partition("-")[2]) > before


def test_what_was_open_before_a_restart_is_known_after_it(estate: Estate) -> None:
    opened, gone = estate.configure().json, estate.configure().json
    estate.process.kill()
    for plural, name in (("jobs", "grpc-job"), ("jobs", "cleanup-job"), ("services", "grpc-service")):
        estate.kubernetes.remove(plural, f"{name}-{gone['job_id']}")
    estate.restart()
    assert estate.call("GET", f"/metadata/{opened['job_id']}").json == opened
    assert estate.call("GET", f"/metadata/{gone['job_id']}").status == 404


def test_halves_of_investigations_are_removed_at_the_start(estate: Estate) -> None:
    whole = estate.configure().json["job_id"]
    estate.kubernetes.put("services", "grpc-service-7-900")
    estate.kubernetes.put("jobs", "grpc-job-8-901")
    estate.kubernetes.put("services", "somebody-else")
    estate.restart()
    until(lambda: len(estate.kubernetes.names("services")) == 2 and len(estate.kubernetes.names("jobs")) == 2)
    assert estate.kubernetes.names("services") == [f"grpc-service-{whole}", "somebody-else"]
    assert estate.kubernetes.names("jobs") == [f"cleanup-job-{whole}", f"grpc-job-{whole}"]
    estate.kubernetes.remove("services", "somebody-else")


def test_two_hundred_at_once_share_nothing(estate: Estate) -> None:
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: estate.configure(), range(200)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json["job_id"] for answer in answers}) == 200
    assert sorted(answer.json["stream_port"] for answer in answers) == list(range(12301, 12501))


def test_taken_port_is_never_handed_out(estate: Estate) -> None:
    def taken(manifest: dict[str, Any]) -> tuple[int, str] | None:
        ports = manifest["spec"].get("ports", [{}])
        message = "spec.ports[0].nodePort: Invalid value: 12301: provided port is already allocated"
        return (422, message) if ports[0].get("nodePort") == 12301 else None

    estate.kubernetes.refuse = taken
    assert estate.configure().json["stream_port"] == 12302
    estate.process.set_faults("occupied-port-handed-out")
    answer = estate.configure().json
    assert answer["stream_port"] == 12301
    assert f"grpc-service-{answer['job_id']}" not in estate.kubernetes.names("services")


@pytest.mark.parametrize("failing", ["grpc-job", "cleanup-job"])
def test_failed_opening_is_rolled_back(estate: Estate, failing: str) -> None:
    message = "exceeded quota: jobs, requested: count/jobs.batch=1, used: count/jobs.batch=4, limited: 4"
    estate.kubernetes.refuse = lambda manifest: (
        (403, message) if manifest["metadata"]["name"].startswith(failing) else None
    )
    answer = estate.configure()
    assert answer.status == 503 and "exceeded quota" in answer.json["error"] and "Kubernetes" in answer.json["error"]
    assert estate.kubernetes.names("jobs") == estate.kubernetes.names("services") == []
    estate.kubernetes.refuse = lambda manifest: None
    assert estate.configure().json["job_id"].startswith("1-")


def test_the_slot_is_free_when_a_failed_opening_is_told(estate: Estate) -> None:
    """Regression: the next opening got another slot while the watch had not yet reported the withdrawn service."""
    estate.kubernetes.late_s = 0.1
    estate.kubernetes.refuse = lambda manifest: (403, "no") if manifest["kind"] == "Job" else None
    assert estate.configure().status == 503
    estate.kubernetes.refuse = lambda manifest: None
    assert estate.configure().json["job_id"].startswith("1-")


def test_kubernetes_away_is_said_and_left_to_nothing(estate: Estate) -> None:
    estate.kubernetes.away = True
    answer = estate.configure()
    assert answer.status == 503 and "Kubernetes is not reachable" in answer.json["error"]
    estate.kubernetes.away = False
    assert estate.configure().status == 200


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1", "https://{node}", "http://{node}:80", "nonsense", "", "http://[1"]
)
def test_invalid_stream_address_is_refused_at_once(estate: Estate, address: str) -> None:
    estate.configure_cluster(focus_view_url=address.format(node=estate.node))
    answer = estate.configure()
    assert answer.status == 503 and "is not a valid address of a cluster node" in answer.json["error"]
    assert estate.kubernetes.created == []
    estate.configure_cluster(focus_view_url="http://worker-node-2")
    assert estate.configure().json["stream_url"] == "http://worker-node-2"


def test_waiting_for_fibre(estate: Estate) -> None:
    start = ago(hours=3)
    estate.mongodb.store(STORAGE, [recording(start)])
    estate.process.request("fibre", {"state": "waiting"})
    answer = estate.configure()
    assert answer.status == 503 and "waiting for fiber" in answer.json["error"]
    assert answer.json["fiber"] == {"state": "waiting for fiber", "missing": ["prr"]}
    assert answer.json["action"].startswith("connect the fiber") and answer.json["action"] in answer.json["error"]
    assert estate.kubernetes.created == []
    assert estate.call("GET", "/live_metadata").json["prr"] == 0.0
    assert estate.configure(start_time=seconds(start), end_time=seconds(start) + 10).status == 200
    with pytest.raises(ProcessFailed, match="connected and waiting"):
        estate.process.request("fibre", {"state": "broken"})
    with pytest.raises(ProcessFailed, match="no command 'fiber'"):
        estate.process.request("fiber", {"state": "waiting"})


def test_historic_window_is_taken_exactly(estate: Estate) -> None:
    start = ago(hours=9)
    estate.mongodb.store(STORAGE, [recording(start)])
    at = seconds(start)
    expected = {
        (at + 5, at + 35): 200, (at - 60, at): 404, (at - 60, at + 1): 200,
        (at + 40, at + 60): 200, (at + 41, at + 60): 404,
        (at + 7205, at + 7235): 404, (at - 7195, at - 7165): 404, (at + 10805, at + 10835): 404,
    }  # fmt: skip
    found = {window: estate.configure(start_time=window[0], end_time=window[1]).status for window in expected}
    assert found == expected
    job = next(job for name, job in estate.kubernetes.objects["jobs"].items() if name.startswith("grpc-job-1-"))
    command = job["spec"]["template"]["spec"]["containers"][0]["command"]
    written = command[command.index("--time-start") + 1]
    assert written == (start + timedelta(seconds=5)).strftime("%Y-%m-%d:%H:%M:%S")


def test_no_recording_says_so_and_starts_nothing(estate: Estate) -> None:
    answer = estate.configure(start_time=1000, end_time=2000)
    assert answer.status == 404 and answer.json == {"error": "No recording found in given time range [1000, 2000]"}
    assert estate.kubernetes.created == []


def test_recordings_are_listed_sorted_and_only_those_that_count(estate: Estate) -> None:
    documents = [
        recording(ago(minutes=10), None), recording(ago(hours=5)), recording(ago(hours=6)),
        recording(ago(days=2), None), recording(ago(hours=5.5), deleted=True), {"start_time": 5},
        recording(ago(days=3)),
        recording(ago(days=3), None, end_time=None),
    ]  # fmt: skip
    estate.mongodb.store(STORAGE, documents)
    window = {"start_time": seconds(ago(hours=7)), "end_time": seconds(ago(minutes=1))}
    listed = estate.call("POST", "/focus-server/recordings_in_time_range", window).json
    starts = [seconds(documents[number]["start_time"]) for number in (2, 1, 0)]
    assert listed == [[starts[0], starts[0] + 41], [starts[1], starts[1] + 41], [starts[2], -1]]
    nothing = {"start_time": 1000, "end_time": 2000}
    assert estate.call("POST", "/focus-server/recordings_in_time_range", nothing).json == []
    for later_s in (86400, 2**62):
        future = {"start_time": seconds(ago()) + later_s, "end_time": seconds(ago()) + later_s + 3600}
        assert estate.call("POST", "/focus-server/recordings_in_time_range", future).json == []
    bad: Any
    for bad in ({"start_time": 9, "end_time": 3}, {"start_time": 3, "end_time": 3}, {"start_time": -1, "end_time": 3}):
        assert estate.call("POST", "/focus-server/recordings_in_time_range", bad).status == 400
    for bad in ({"start_time": 9}, {"start_time": "1", "end_time": 3}, {"start_time": True, "end_time": 3}, []):
        assert estate.call("POST", "/focus-server/recordings_in_time_range", bad).status == 422


def test_storage_path_of_the_config_map_selects_the_recordings(estate: Estate) -> None:
    start = ago(hours=3)
    estate.mongodb.store(STORAGE, [recording(start)])
    del estate.mongodb.collections["base_paths"][:]
    assert estate.configure(start_time=seconds(start), end_time=seconds(start) + 10).status == 404


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"a": NaN}', b"\xff\xfe", b'{"a":1e999}', b"[" * 50000])
def test_broken_bodies_are_refused(estate: Estate, body: bytes) -> None:
    answer = estate.call("POST", "/focus-server/configure", body)
    assert answer.status == 422 and answer.json["detail"][0]["loc"][0] == "body"
    assert "Traceback" not in answer.body.decode()


def test_huge_body_is_refused_and_serving_goes_on(estate: Estate) -> None:
    answer = estate.call("POST", "/focus-server/configure", b" " * 1_200_000)
    assert (answer.status, answer.json) == (413, {"detail": "Request Entity Too Large"})
    assert estate.call("GET", "/ack").status == 200


def test_silent_mongodb_is_noticed_in_time_and_stops_only_historic(estate: Estate) -> None:
    estate.mongodb.silent.set()
    answer = estate.configure(start_time=1000, end_time=2000)
    assert answer.status == 503 and "MongoDB" in answer.json["error"] and answer.given_s < 3
    assert estate.kubernetes.created == []
    assert estate.configure().status == 200
    estate.mongodb.silent.clear()
    estate.wait_for_mongodb()
    assert estate.configure(start_time=1000, end_time=2000).status == 404


def test_accepted_request_takes_its_time_and_is_logged(estate: Estate) -> None:
    started_s = time.monotonic()
    estate.configure()
    assert time.monotonic() - started_s >= 0.005
    estate.configure(channels={"min": 0, "max": 3})
    log = estate.process.log_file.read_text()
    assert re.search(
        r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000 INFO pz.focus_server Focus Server ready$", log, re.M
    )
    assert re.search(r'^INFO: +127.0.0.1:\d+ - "POST /focus-server/configure HTTP/1.1" 400 Bad Request$', log, re.M)
    assert estate.process.request("state")["requests"] == {"200": 1, "400": 1}


def test_client_errors_leave_no_error_in_the_log(estate: Estate) -> None:
    before = estate.process.log_file.read_text()
    for body in (b"{", payload(view_type="7"), payload(start_time=-5, end_time=9), payload(start_time=5, end_time=9)):
        assert estate.call("POST", "/configure", body).status in (400, 404, 422)
    estate.call("GET", "/nowhere")
    assert "ERROR" not in estate.process.log_file.read_text().removeprefix(before)


@pytest.mark.parametrize(
    "sent",
    [
        b"NONSENSE\r\n\r\n",
        b"POST /configure HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n{",
        b"POST /configure HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /ack HTTP/1.1\r\nHost",
    ],
)
def test_rude_clients_are_survived_without_an_error(estate: Estate, sent: bytes) -> None:
    before = estate.process.log_file.read_text()
    with estate.connect() as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):  # until the server has read everything and closed as well
            pass
    assert estate.call("GET", "/ack").status == 200
    written = estate.process.log_file.read_text().removeprefix(before)
    assert "ERROR" not in written and "Traceback" not in written

"""Fault cases: a server that does not withstand its clients or the cluster."""

from __future__ import annotations

import json
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.sandbox.focus_server.estate import Estate, payload, until
from tests.sandbox.focus_server.fault_cases.cases import case, listing


@case("roll-back-missing", "job-refusal-unclear", "opening-blocked-after-a-failure")
def _(estate: Estate, fault: str) -> None:
    estate.kubernetes.refuse = lambda manifest: (403, "exceeded quota") if manifest["kind"] == "Job" else None
    refused = estate.configure()
    assert refused.status == 503 and ("quota" in refused.body.decode()) == (fault != "job-refusal-unclear")
    assert len(estate.kubernetes.names("services")) == (fault == "roll-back-missing")
    estate.kubernetes.refuse = lambda manifest: None
    assert estate.configure().status == (503 if fault == "opening-blocked-after-a-failure" else 200)
    assert estate.configure().status == 200


def slices(estate: Estate) -> int:
    """The number of GPU slices that the server considers free."""
    return int(estate.process.request("state")["room"][0].partition(": ")[2].split()[0])


@case("failed-opening-keeps-its-room")
def _(estate: Estate) -> None:
    free = slices(estate)
    estate.kubernetes.refuse = lambda manifest: (403, "exceeded quota") if manifest["kind"] == "Job" else None
    assert estate.configure().status == 503 and slices(estate) == free - 1


@case("occupied-port-keeps-its-room")
def _(estate: Estate) -> None:
    free, taken = slices(estate), iter([(422, "already allocated")])
    estate.kubernetes.refuse = lambda manifest: next(taken, None) if manifest["kind"] == "Service" else None
    assert estate.configure().status == 200 and slices(estate) == free - 2


@case("slot-lost-after-a-failed-opening")
def _(estate: Estate) -> None:
    estate.kubernetes.refuse = lambda manifest: (403, "exceeded quota") if manifest["kind"] == "Job" else None
    assert estate.configure().status == 503
    estate.kubernetes.refuse = lambda manifest: None
    assert estate.configure().json["job_id"].startswith("2-")


@case("occupied-port-never-tried-again")
def _(estate: Estate) -> None:
    taken = iter([(422, "already allocated")])
    estate.kubernetes.refuse = lambda manifest: next(taken, None) if manifest["kind"] == "Service" else None
    assert [estate.configure().json["job_id"].partition("-")[0] for _ in range(2)] == ["2", "3"]


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


@case("opening-of-a-client-that-left-stays")
def _(estate: Estate) -> None:
    body = json.dumps(payload()).encode()
    with estate.connect() as connection:
        connection.sendall(b"POST /configure HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    until(lambda: len(estate.kubernetes.created) == 3 and len(estate.kubernetes.names("jobs")) == 1)
    assert estate.configure().status == 200 and len(estate.kubernetes.names("jobs")) == 3


@case("port-refusal-unclear")
def _(estate: Estate) -> None:
    estate.kubernetes.refuse = lambda manifest: (403, "exceeded quota") if manifest["kind"] == "Service" else None
    refused = estate.configure()
    assert refused.status == 503 and "quota" not in refused.body.decode()

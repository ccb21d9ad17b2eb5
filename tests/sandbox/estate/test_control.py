"""The control API obeys only clients with the token of the run file, and logs a malformed request in one line."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import ssl
import stat
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from environments.sandbox.focus_server.faults.loads import SLOW_S
from support.waits import Stopwatch
from tests.sandbox.estate.test_lifecycle import Up

JSON = "application/json"
GARBAGE = (
    b"\x00\x01\x02 garbage\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"G\xffT / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
    b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
    b"POST /fibre HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: many\r\n\r\n",
    b"POST /fibre HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nabcde",
    b"GET http://[::1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
)


def ask(up: Up, method: str, path: str, body: str | None, headers: Mapping[str, str | None]) -> tuple[int, str]:
    """Status and ``error`` of the answer to a request with the token and these headers; None leaves a header out."""
    access = up.endpoints["control"]
    sent = {"Authorization": f"Bearer {access['token']}", "Content-Type": JSON, **headers}
    connection = http.client.HTTPConnection(urlsplit(access["url"]).netloc, timeout=60)
    connection.putrequest(method, path, skip_host="Host" in sent)
    for name, value in sent.items():
        if value is not None:
            connection.putheader(name, value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body.encode() if body is not None else None)
    answer = connection.getresponse()
    content = json.loads(answer.read() or b"{}")
    connection.close()
    return answer.status, content.get("error", "") if isinstance(content, dict) else ""


def test_the_token_stands_in_a_file_of_the_owner_and_nowhere_else(up: Up) -> None:
    assert stat.S_IMODE(up.run_file.stat().st_mode) == 0o600
    token = up.endpoints["control"]["token"]
    assert len(token) >= 32
    for log in (up.folder / "logs").iterdir():
        assert token not in log.read_text()


@pytest.mark.parametrize(
    ("headers", "status", "words"),
    [
        ({"Authorization": None}, 401, "send the token of the run file (control.token) as Authorization: Bearer TOKEN"),
        ({"Authorization": "Bearer nonsense"}, 401, "send the token of the run file"),
        ({"Authorization": "Basic YTpi"}, 401, "send the token of the run file"),
        ({"Host": "evil.example"}, 403, "is asked as 127.0.0.1 or localhost, not as 'evil.example'"),
        ({"Host": "127.0.0.1.evil.example:80"}, 403, "not as '127.0.0.1.evil.example'"),
        ({"Host": ""}, 403, "not as ''"),
        ({"Origin": "https://evil.example"}, 403, "no Origin is allowed"),
        ({"Origin": "null"}, 403, "no Origin is allowed"),
        ({"Content-Type": "text/plain"}, 415, "a body must be of Content-Type application/json"),
        ({"Content-Type": None}, 415, "a body must be of Content-Type application/json"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415, "a body must be of Content-Type application/json"),
    ],
)
def test_nobody_else_is_obeyed(up: Up, headers: Mapping[str, str | None], status: int, words: str) -> None:
    for method, path, body in (("POST", "/fibre", '{"state": "waiting"}'), ("PUT", "/faults/mongodb-slow", "{}")):
        answered, error = ask(up, method, path, body, headers)
        assert answered == status
        assert words in error
    assert up.control("GET", "/state")["faults"] == []
    assert up.control("GET", "/state")["processes"]["focus_server"]["fibre"] == "connected"


def test_the_owner_is_obeyed_by_either_name(up: Up) -> None:
    port = urlsplit(up.endpoints["control"]["url"]).port
    for host in ("127.0.0.1", "localhost", f"localhost:{port}"):
        assert ask(up, "GET", "/state", None, {"Host": host})[0] == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/recordings", '{"recordings": 1}'),
        ("/recordings", '{"recordings": [1, 2]}'),
        ("/recordings", '["recordings"]'),
        ("/fibre", '{"command": "stop"}'),
        ("/fibre", '{"self": 1, "timeout_s": "x"}'),
        ("/fibre", '{"state": {"a": []}}'),
        ("/fibre", "[" * 100_000),
        ("/fibre", "\x00"),
        ("/proxies", '{"name": [1]}'),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(up: Up, path: str, body: str) -> None:
    status, error = ask(up, "POST", path, body, {})
    assert status == 400
    assert error and "\n" not in error
    assert up.process.poll() is None


def _send(address: tuple[str, int], garbage: bytes, context: ssl.SSLContext | None) -> None:
    with socket.create_connection(address, timeout=60) as plain:
        connection = context.wrap_socket(plain, server_hostname=address[0]) if context else plain
        with contextlib.suppress(OSError):  # a server may close the connection in the middle
            connection.sendall(garbage)
            connection.recv(1000)


def test_what_is_no_request_leaves_no_traceback(up: Up, tmp_path: Path) -> None:
    files = list((up.folder / "logs").iterdir())
    sizes = [file.stat().st_size for file in files]
    focus = up.endpoints["focus_server"]
    api = json.loads(Path(up.endpoints["kubernetes"]["kubeconfig"]).read_text())["clusters"][0]["cluster"]["server"]
    trusting = ssl.create_default_context(cafile=focus["ca_file"])
    for url, context in ((up.endpoints["control"]["url"], None), (focus["base_url"], trusting), (api, trusting)):
        parts = urlsplit(url)
        assert parts.hostname is not None and parts.port is not None
        for garbage in GARBAGE:
            _send((parts.hostname, parts.port), garbage, context)
    logs = {file.name: file.read_bytes()[size:].decode() for file, size in zip(files, sizes, strict=True)}
    assert [name for name, text in logs.items() if "Traceback" in text] == []
    assert "not HTTP: 400" in logs["kubernetes.log"]
    assert up.process.poll() is None


def test_state_is_told_while_a_process_is_halted(up: Up) -> None:
    pid = up.control("GET", "/state")["processes"]["links"]["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        processes = up.control("GET", "/state")["processes"]
    finally:
        os.kill(pid, signal.SIGCONT)
    assert processes["links"] == {"pid": pid}
    assert "jump" in processes["ssh"]
    assert len(up.control("GET", "/state")["processes"]["links"]) > 1


def test_state_is_told_while_a_workload_is_stopped_and_started(up: Up) -> None:
    cluster = json.loads(Path(up.endpoints["kubernetes"]["kubeconfig"]).read_text())
    url = f"{cluster['clusters'][0]['cluster']['server']}/apis/apps/v1/namespaces/panda/deployments/mongodb/scale"
    headers = {
        "Authorization": f"Bearer {cluster['users'][0]['user']['token']}",
        "Content-Type": "application/merge-patch+json",
    }

    def scale(replicas: int) -> None:
        body = json.dumps({"spec": {"replicas": replicas}})
        answer = requests.patch(url, body, headers=headers, verify=up.endpoints["focus_server"]["ca_file"], timeout=60)
        assert answer.status_code == 200

    def running() -> bool:
        return "collections" in up.control("GET", "/state")["processes"]["mongodb"]

    slowest_s = 0.0
    with ThreadPoolExecutor(1) as pool:
        for _ in range(3):
            for replicas in (0, 1):
                scaling = pool.submit(scale, replicas)
                waiting = Stopwatch()
                while running() != bool(replicas) or not scaling.done():
                    watch = Stopwatch()
                    up.control("GET", "/state")
                    slowest_s = max(slowest_s, watch.given_s())
                    assert waiting.given_s() < 20
                scaling.result()
    assert slowest_s < 5
    assert up.run_file.exists()


def test_a_reset_ends_what_the_server_has_not_answered_yet(up: Up) -> None:
    """An opening that continues after the reset would take a slot from the next scenario."""
    up.control("PUT", "/faults/openings-slow")
    body = {
        "displayTimeAxisDuration": 10, "nfftSelection": 1024, "displayInfo": {"height": 1000}, "view_type": "0",
        "channels": {"min": 1, "max": 50}, "frequencyRange": {"min": 0, "max": 500},
        "start_time": None, "end_time": None,
    }  # fmt: skip
    server = up.endpoints["focus_server"]
    with pytest.raises(requests.Timeout):
        requests.post(f"{server['base_url']}/configure", json=body, verify=server["ca_file"], timeout=0.2)
    up.control("POST", "/reset")
    watch = Stopwatch()
    while watch.given_s() < 2 * SLOW_S:
        state = up.control("GET", "/state")["processes"]
        assert (state["focus_server"]["requests"], state["kubernetes"]["jobs"]) == ({}, 0)

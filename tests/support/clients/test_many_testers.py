"""Load from many testers: real Locust workers on loopback, within the budget of the run, all of them ended with it."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme
from hamcrest import equal_to

from support import waits
from support.capacity.load.loopback import ARRIVED, LoopbackServer
from support.capacity.load.self_check import check_generator
from support.clients.distributed import processes
from support.clients.distributed.load_client import DistributedLoadClient, plan_of
from support.clients.distributed.processes import LoadTestersError, require_locust
from support.clients.distributed.testers import LoadTesters
from support.clients.journal import Journal
from support.clients.load_engine import CapExceeded, Caps, Sample
from support.clients.safety import Budget, SafetyError, SafetyPolicy
from support.waits import Stopwatch
from tests.support.clients.client_doubles import FocusServerAt

CAPS = Caps(100, 10.0)


@pytest.fixture(scope="module")
def testers() -> Iterator[LoadTesters]:
    """Two testers, shared by all tests of this module."""
    with LoadTesters(2, plan=plan_of(FocusServerAt("http://127.0.0.1:9"))) as made:
        yield made


@pytest.fixture(scope="module")
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer(50) as made:
        yield made


def client(url: str, testers: LoadTesters, budget: Budget | None = None, journal: Journal | None = None):  # type: ignore[no-untyped-def]
    return DistributedLoadClient(FocusServerAt(url), journal or Journal(), budget or Budget.on_loopback(), testers)


def test_every_request_is_sent_once_at_its_moment_and_answered_raw(
    testers: LoadTesters, server: LoopbackServer
) -> None:
    journal, seen = Journal(), list[Sample]()
    bodies = [{"number": number} for number in range(20)]
    burst = client(server.url, testers, journal=journal).burst(
        "POST", "/configure", bodies, CAPS, on_done=seen.append, apart_s=0.02
    )
    assert burst.stopped_because == "" and [one.number for one in burst.samples] == list(range(20))
    assert sorted(one.number for one in seen) == list(range(20))
    assert all(one.status == 200 and json.loads(one.body)["job_id"] == "1-1" for one in burst.samples)
    first_s = burst.samples[0].intended_s
    assert [round(one.intended_s - first_s, 3) for one in burst.samples] == [round(n * 0.02, 3) for n in range(20)]
    for one in burst.samples:
        # The testers' times are converted to the time of this process, which is also the server's.
        assert one.intended_s <= one.sent_s + 0.02
        assert one.sent_s <= float(one.headers[ARRIVED.lower()]) + 0.02 <= one.done_s + 0.02
    assert len(journal.durations("focus-server")) == 20


def test_the_requests_are_shared_out_among_the_testers(testers: LoadTesters, server: LoopbackServer) -> None:
    client(server.url, testers).burst("POST", "/configure", [{}] * 11, CAPS)
    assert sorted(one.users for one in testers.present) == [5, 6]
    assert all(one.cpu_s > 0 and one.kilobytes > 10_000 for one in testers.use())


def test_no_request_at_all_connects_nobody(testers: LoadTesters, server: LoopbackServer) -> None:
    assert client(server.url, testers).burst("POST", "/configure", [], CAPS).samples == ()


def test_no_more_clients_connect_at_once_than_asked_for_however_many_testers_there_are(testers: LoadTesters) -> None:
    under_way, most, lock = [0], [0], threading.Lock()

    class Counting(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with lock:
                under_way[0] += 1
                most[0] = max(most[0], under_way[0])
            threading.Event().wait(0.05)
            with lock:
                under_way[0] -= 1
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Counting) as counting:
        threading.Thread(target=counting.serve_forever, daemon=True).start()
        places = testers.connect(6, f"http://127.0.0.1:{counting.server_address[1]}/ack", 1)
        counting.shutdown()
    assert len(testers.present) == 2 and len(places) == 6
    assert most == [1]


def test_bodies_and_headers_are_those_of_the_load_from_threads(testers: LoadTesters) -> None:
    heard: list[tuple[str, str, dict[str, Any], str | None]] = []

    class Echo(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append((self.command, self.path, json.loads(body), self.headers["Content-Type"]))
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as echo:
        threading.Thread(target=echo.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{echo.server_address[1]}"
        burst = client(url, testers).burst("POST", "/configure", [{"view_type": "0", "é": None}], CAPS)
        echo.shutdown()
    assert heard == [("POST", "/configure", {"view_type": "0", "é": None}, "application/json")]
    assert burst.samples[0].status == 302, "a redirect is an answer, and is not followed"


def test_more_than_the_policy_allows_is_refused_before_anything_is_sent(testers: LoadTesters) -> None:
    policy = SafetyPolicy("site", load=True, openings_in_all=100, requests_at_once=5)
    with pytest.raises(SafetyError, match="safety.requests_at_once is 5"):
        client("http://127.0.0.1:9", testers, Budget(policy)).burst("POST", "/configure", [{}] * 6, CAPS)
    with pytest.raises(SafetyError, match="safety.load is not true"):
        client("http://127.0.0.1:9", testers, Budget(SafetyPolicy("site", requests_at_once=9))).burst(
            "POST", "/configure", [{}] * 6, CAPS
        )
    with pytest.raises(CapExceeded, match="6 requests at once are refused: the cap is 5"):
        client("http://127.0.0.1:9", testers).burst("POST", "/configure", [{}] * 6, Caps(5, 1.0))


def test_a_budget_that_is_used_up_stops_the_load_and_what_was_opened_is_known(
    testers: LoadTesters, server: LoopbackServer
) -> None:
    seen: list[Sample] = []
    policy = SafetyPolicy("site", load=True, openings_in_all=7, requests_at_once=50)
    budget = Budget(policy)
    with pytest.raises(SafetyError, match="safety.openings_in_all is 7"):
        client(server.url, testers, budget).burst("POST", "/configure", [{}] * 12, CAPS, on_done=seen.append)
    assert len(seen) == 7
    with budget.asking(opens=False):
        pass  # nothing still counts as under way


def test_what_receiving_an_answer_raises_is_raised(testers: LoadTesters, server: LoopbackServer) -> None:
    def full(sample: Sample) -> None:
        raise OSError("no space left on the disk")

    with pytest.raises(OSError, match="no space left"):
        client(server.url, testers).burst("POST", "/configure", [{}] * 3, CAPS, on_done=full)


def test_a_stopped_load_sends_nothing_more(testers: LoadTesters, server: LoopbackServer) -> None:
    stop = threading.Event()
    burst = client(server.url, testers).burst(
        "POST", "/configure", [{}] * 30, CAPS, on_done=lambda _: stop.set(), stop=stop, apart_s=0.2
    )
    answered = [one for one in burst.samples if one.status == 200]
    assert 1 <= len(answered) < 20 and burst.stopped_because == "the load was stopped before it was complete"


def test_an_answer_that_never_comes_is_given_up_and_one_that_is_late_is_still_taken_in(testers: LoadTesters) -> None:
    seen: list[Sample] = []
    with LoopbackServer(1500) as slow:
        burst = client(slow.url, testers).burst("POST", "/configure", [{}] * 2, Caps(2, 0.3), on_done=seen.append)
        assert burst.stopped_because == "no answer within the cap of 0.3 s for the whole load"
        assert [one.status for one in burst.samples] == [None, None]
        waits.until(lambda: len(seen), equal_to(2), within_s=10, what="the late answers")
    assert [one.status for one in seen] == [200, 200]


def test_nobody_there_is_an_error_of_each_request(testers: LoadTesters) -> None:
    burst = client("http://127.0.0.1:9", testers).burst("POST", "/configure", [{}] * 2, CAPS)
    assert all(one.status is None and one.error.startswith("no answer: ") for one in burst.samples)


def test_the_generator_is_checked_with_its_testers(testers: LoadTesters) -> None:
    check = check_generator(lambda url: client(url, testers), 20, limit_ms=1000, allowed_ms=5000)
    assert check.trusted and check.concurrent == 20 and check.peak_in_flight > 10
    assert 0 < check.added_p95_ms < 5000


@pytest.mark.nightly
@pytest.mark.parametrize("pinned", [False, True])
def test_only_the_certificate_of_the_settings_is_trusted(tmp_path: Path, pinned: bool) -> None:
    ours, other = trustme.CA(), trustme.CA()
    certificate = ours.issue_cert("127.0.0.1")
    for name, authority in (("ours.pem", ours), ("other.pem", other)):
        authority.cert_pem.write_to_path(tmp_path / name)

    class Plain(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    der = ssl.PEM_cert_to_DER_cert(certificate.cert_chain_pems[0].bytes().decode())
    pin = f"sha256:{hashlib.sha256(der).hexdigest()}"
    with ThreadingHTTPServer(("127.0.0.1", 0), Plain) as plain:
        plain.socket = context.wrap_socket(plain.socket, server_side=True)
        threading.Thread(target=plain.serve_forever, daemon=True).start()
        url = f"https://127.0.0.1:{plain.server_address[1]}"
        good = FocusServerAt(url, None if pinned else tmp_path / "ours.pem", tls_fingerprint=pin if pinned else None)
        wrong = FocusServerAt(url, tmp_path / "other.pem")
        if pinned:
            wrong = FocusServerAt(url, tls_fingerprint=f"sha256:{'0' * 64}")
        for settings, statuses in ((good, [200]), (wrong, [None])):
            with LoadTesters(1, plan=plan_of(settings)) as one:
                made = DistributedLoadClient(settings, Journal(), Budget.on_loopback(), one)
                burst = made.burst("POST", "/configure", [{}], CAPS)
            assert [each.status for each in burst.samples] == statuses, burst.samples[0].error
        plain.shutdown()


@pytest.fixture
def slow() -> Iterator[LoopbackServer]:
    with LoopbackServer(3000) as made:
        yield made


@pytest.mark.nightly
def test_a_worker_that_dies_is_told_and_the_others_answers_count(slow: LoopbackServer) -> None:
    with LoadTesters(2, plan=plan_of(FocusServerAt(slow.url, read_timeout_s=20.0))) as two:
        first = two._processes.workers[0].pid
        killing = threading.Timer(1.5, os.kill, (first, signal.SIGKILL))
        burst_client = DistributedLoadClient(FocusServerAt(slow.url), Journal(), Budget.on_loopback(), two)
        two.connect(6, f"{slow.url}/ack", 2)
        killing.start()
        watch = Stopwatch()
        burst = burst_client.burst("POST", "/configure", [{}] * 6, Caps(6, 30.0))
        assert watch.given_s() < 20
        assert burst.stopped_because == f"worker {first} was lost before its answers came"
        assert sorted(str(one.status) for one in burst.samples) == ["200"] * 3 + ["None"] * 3
        assert two.lost == [f"worker {first}"] and len(two.present) == 1


@pytest.mark.nightly
def test_workers_that_do_not_come_are_counted() -> None:
    plan = plan_of(FocusServerAt("http://127.0.0.1:9"))
    with pytest.raises(LoadTestersError) as missing, LoadTesters(2, listen="127.0.0.1:0", within_s=6.0, plan=plan):
        pass
    assert str(missing.value).startswith("0 of 2 workers came within 6 s to 127.0.0.1:")
    assert missing.value.exit_code == 2


@pytest.mark.nightly
def test_a_port_that_is_taken_is_told() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as taken:
        listen = f"127.0.0.1:{taken.server_address[1]}"
        plan = plan_of(FocusServerAt("http://127.0.0.1:9"))
        with (
            pytest.raises(LoadTestersError, match=f"the master of Locust at {listen} has ended: "),
            LoadTesters(1, listen=listen, plan=plan),
        ):
            pass


@pytest.mark.nightly
def test_nothing_is_left_of_testers_that_ended() -> None:
    with LoadTesters(1, plan=plan_of(FocusServerAt("http://127.0.0.1:9"))) as one:
        children = [one._processes._master, *one._processes.workers]
        assert all(each.poll() is None for each in children)
    assert all(each.poll() is not None for each in children)


def test_a_missing_extra_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LoadTestersError, match="needs the package locust, which is not installed"):
        require_locust()

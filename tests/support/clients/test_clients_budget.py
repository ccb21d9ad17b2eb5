"""The shared budget of a run's clients: openings in total and per minute, and requests at once."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess

import pytest
import yaml
from client_doubles import FocusServerAt, Reply, http_server

from support.clients import safety
from support.clients.focus_server.client import FocusServerClient
from support.clients.focus_server.load_client import LoadClient
from support.clients.journal import Journal
from support.clients.safety import Budget, SafetyError, SafetyPolicy, opens_an_investigation
from support.config import load_environment
from support.config.load_window import LoadWindow
from support.config.loading import ENVIRONMENTS
from support.config.models import WITHOUT_LOAD


def test_every_opening_counts_and_nothing_else() -> None:
    with http_server(lambda received: Reply(200, b"{}")) as server:
        client = FocusServerClient(
            FocusServerAt(server.url), Journal(), Budget(SafetyPolicy("site", openings_in_all=3))
        )
        for _ in range(3):
            client.configure({})
            client.ack()
        with pytest.raises(SafetyError, match="'site' does not permit to open one more investigation in this run"):
            client.configure({})
        client.ack()
        assert sum(received.method == "POST" for received in server.received) == 3


def test_a_minute_has_its_own_bound() -> None:
    budget = Budget(SafetyPolicy("site", openings_per_minute=2, minute_s=3600))
    for _ in range(2):
        with budget.asking(opens=True):
            pass
    with pytest.raises(SafetyError, match="safety.openings_per_minute is 2"), budget.asking(opens=True):
        pass
    with budget.asking(opens=False):
        pass


def test_an_earlier_minute_does_not_count() -> None:
    budget = Budget(SafetyPolicy("site", openings_per_minute=1, minute_s=0))
    for _ in range(5):
        with budget.asking(opens=True):
            pass


def test_only_so_many_are_under_way_at_once() -> None:
    budget, begun, may_end = Budget(SafetyPolicy("site", requests_at_once=2)), threading.Barrier(3), threading.Event()

    def ask() -> None:
        with budget.asking(opens=False):
            begun.wait(60)
            may_end.wait(60)

    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(ask) for _ in range(2)]
        begun.wait(60)
        with pytest.raises(SafetyError, match="safety.requests_at_once is 2"), budget.asking(opens=False):
            pass
        may_end.set()
        [one.result() for one in asking]
    with budget.asking(opens=False):
        pass


FORK = multiprocessing.get_context("fork")


def forked(number: int, budget: Budget, do: Callable[[], object]) -> BaseProcess:
    """A process of a run that does one thing with the budget shared by all processes."""

    def run() -> None:
        budget.in_process(number)
        do()

    process = FORK.Process(target=run)
    process.start()
    return process


def test_the_processes_of_a_run_have_one_budget() -> None:
    """Four processes ask for 100 openings each: together they send exactly the 150 of the run."""
    budget, sent = (
        Budget(SafetyPolicy("site", openings_in_all=150, openings_per_minute=1000), 4, FORK.Lock()),
        os.pipe(),
    )

    def open_many() -> None:
        for _ in range(100):
            try:
                with budget.asking(opens=True):
                    os.write(sent[1], b"x")
            except SafetyError:
                continue

    processes = [forked(number, budget, open_many) for number in range(1, 4)]
    open_many()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    os.close(sent[1])
    assert len(os.read(sent[0], 1000)) == 150
    with pytest.raises(SafetyError, match="openings_in_all is 150"), budget.asking(opens=True):
        pass


def test_the_processes_of_a_run_have_one_minute() -> None:
    budget = Budget(SafetyPolicy("site", openings_per_minute=3, minute_s=3600), 2, FORK.Lock())

    def open_two() -> None:
        for _ in range(2):
            with budget.asking(opens=True):
                pass

    forked(1, budget, open_two).join(60)
    with pytest.raises(SafetyError, match="openings_per_minute is 3"):
        open_two()


def test_a_process_that_was_killed_takes_up_no_place() -> None:
    budget = Budget(SafetyPolicy("site", requests_at_once=1), 2, FORK.Lock())
    asking, told = os.pipe()

    def ask_for_ever() -> None:
        with budget.asking(opens=False):
            os.write(told, b"x")
            threading.Event().wait()

    process = forked(1, budget, ask_for_ever)
    assert os.read(asking, 1) == b"x"
    with pytest.raises(SafetyError, match="requests_at_once is 1"), budget.asking(opens=False):
        pass
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join(60)
    budget.without(1)
    with budget.asking(opens=False):
        pass


def test_who_was_killed_while_counting_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safety, "_PATIENCE_S", 0.05)
    budget = Budget(SafetyPolicy("site"), 2, FORK.Lock())
    budget._lock.acquire()
    with pytest.raises(SafetyError, match="cannot be asked"), budget.asking(opens=False):
        pass


def test_what_only_measures_needs_the_permission() -> None:
    with pytest.raises(SafetyError, match="to ask 120 times in a row: safety.load is not true"):
        Budget(SafetyPolicy("production")).require_load("ask 120 times in a row")
    Budget(SafetyPolicy("sandbox", load=True)).require_load("ask 120 times in a row")


@pytest.mark.parametrize(
    ("method", "path", "opens"),
    [
        ("POST", "/configure", True),
        ("POST", "configure", True),
        ("POST", "/config/task", True),
        ("GET", "/configure", False),
        ("POST", "/recordings_in_time_range", False),
    ],
)
def test_what_opens(method: str, path: str, opens: bool) -> None:
    assert opens_an_investigation(method, path) is opens


def test_without_load_the_numbers_of_a_file_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOCUS__SAFETY__LOAD", "false")
    policy = SafetyPolicy.of(load_environment("sandbox"))
    assert (policy.openings_in_all, policy.requests_at_once, policy.openings_per_minute) == (250, 5, 60)
    assert policy.minute_s == pytest.approx(60 * 0.02)


def test_the_file_of_production_says_its_own() -> None:
    safety = yaml.safe_load((ENVIRONMENTS / "production.yaml").read_text())["safety"]
    assert {name: safety[name] for name in WITHOUT_LOAD} == WITHOUT_LOAD


NIGHT = LoadWindow.parse("22:00-05:00 Asia/Jerusalem")
AT_NOON, AT_MIDNIGHT = (datetime(2026, 1, 15, hour, tzinfo=UTC) for hour in (10, 22))


def policy_at(now: datetime) -> SafetyPolicy:
    everything = SafetyPolicy("staging", load=True, disruptive=True, openings_in_all=20_000, requests_at_once=500)
    return replace(everything, window=NIGHT, clock=lambda: now)


def test_outside_of_its_hours_a_site_is_not_loaded() -> None:
    with http_server(lambda received: Reply(200, b"{}")) as server:
        noon = policy_at(AT_NOON)
        told = (
            "environment 'staging' does not permit to send 2 requests at once: "
            f"safety.load_between is {NIGHT}, and it is 12:00 there"
        )
        with pytest.raises(SafetyError, match=f"^{re.escape(told)}$"):
            LoadClient(FocusServerAt(server.url), Journal(), Budget(noon)).connections(
                "POST", "/configure", [{}, {}], warm=False
            )
        with pytest.raises(SafetyError, match="to ask 120 times in a row: safety.load_between"):
            Budget(noon).require_load("ask 120 times in a row")
        assert server.received == []
        single = FocusServerClient(FocusServerAt(server.url), Journal(), Budget(noon))
        assert single.configure({}).status == 200
        night = LoadClient(FocusServerAt(server.url), Journal(), Budget(policy_at(AT_MIDNIGHT)))
        for connection in night.connections("POST", "/configure", [{}, {}], warm=False):
            assert connection.send().status == 200


def test_outside_of_its_hours_the_bounds_are_those_without_load() -> None:
    names = ("openings_in_all", "requests_at_once", "openings_per_minute")
    assert [policy_at(AT_NOON).most(name) for name in names] == [250, 5, 60]
    assert [policy_at(AT_MIDNIGHT).most(name) for name in names] == [20_000, 500, 60]


@pytest.mark.parametrize("permission", ["load", "disruptive", "writes_database"])
def test_a_run_that_was_not_confirmed_opens_single_investigations_and_no_more(permission: str) -> None:
    policy = replace(SafetyPolicy("staging", True, True, True, 20_000, 500, 2000), confirmed=False)
    with pytest.raises(SafetyError, match="^environment 'staging' does not permit to do it: the run was not confirmed; "
                       "allowed: -D confirm=staging$"):  # fmt: skip
        policy.require(permission, "do it")
    assert (policy.most("openings_in_all"), policy.most("requests_at_once")) == (250, 5)
    with Budget(policy).asking(opens=True):
        pass
    replace(policy, confirmed=True).require(permission, "do it")

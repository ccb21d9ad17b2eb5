"""Limits of the tester's machine are reported before a load sends anything."""

from __future__ import annotations

import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from client_doubles import FocusServerAt, Reply, http_server

from support.clients import machine
from support.clients.focus_server.load_client import LoadClient
from support.clients.journal import Journal
from support.clients.machine import MachineTooSmall, require_room_for
from support.clients.safety import Budget, SafetyPolicy

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("number", range(len(machine.ROOMS)))
@pytest.mark.parametrize(("beyond", "fits"), [(0, True), (1, False)])
def test_need_and_limit_are_compared(monkeypatch: pytest.MonkeyPatch, number: int, beyond: int, fits: bool) -> None:
    rooms = [replace(room, free=lambda: None) for room in machine.ROOMS]
    tight = machine.ROOMS[number]
    free = 200 * tight.per_request + tight.spare - beyond
    rooms[number] = replace(tight, free=lambda: free)
    monkeypatch.setattr(machine, "ROOMS", rooms)
    if fits:
        require_room_for(200)
        return
    with pytest.raises(MachineTooSmall, match=f"need {free + 1} {tight.what} and {free} are free"):
        require_room_for(200)


def test_nothing_is_sent_where_a_load_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "ROOMS", [replace(machine.ROOMS[0], free=lambda: 10)])
    with http_server(lambda received: Reply.json({})) as server:
        client = LoadClient(FocusServerAt(server.url), Journal(), Budget(SafetyPolicy("sandbox", load=True)))
        with pytest.raises(MachineTooSmall, match="ulimit -n"):
            client.connections("GET", "/ack", [None] * 5, warm=True)
        assert server.received == []


def test_an_old_shell_with_256_files_is_told() -> None:
    script = (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))\n"
        "from support.clients.machine import require_room_for, MachineTooSmall\n"
        "require_room_for(20)\n"
        "try:\n    require_room_for(200)\nexcept MachineTooSmall as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert "200 requests at once do not fit on this machine: they need 632 open files and 2" in done.stdout


def test_the_own_limit_of_files_is_raised_as_far_as_it_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(resource, "getrlimit", lambda which: (256, 4096))
    monkeypatch.setattr(resource, "setrlimit", lambda which, limits: asked.append(limits))
    monkeypatch.setattr(machine, "ROOMS", ())
    require_room_for(200)
    assert asked == [(4096, 4096)]


def test_a_system_that_allows_less_files_than_it_says_is_asked_for_what_it_allows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Like macOS, which reports no limit."""
    asked: list[Any] = []

    def set_limit(which: int, limits: tuple[int, int]) -> None:
        asked.append(limits)
        if limits[0] != 10_240:
            raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda which: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", set_limit)
    monkeypatch.setattr(machine, "ROOMS", ())
    require_room_for(200)
    assert asked == [(resource.RLIM_INFINITY,) * 2, (10_240, resource.RLIM_INFINITY)]


def test_this_machine_tells_its_limits() -> None:
    for room in machine.ROOMS:
        free = room.free()
        assert free is None or free > 0

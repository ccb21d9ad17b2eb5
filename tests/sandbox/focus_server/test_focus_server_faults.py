"""Each fault breaks its own aspect, and switching it off repairs it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from environments.sandbox.focus_server.faults import FAULT_IDS
from tests.sandbox.focus_server.estate import STORAGE, Estate, recording, until
from tests.sandbox.focus_server.fault_cases import CASES
from tests.sandbox.focus_server.fault_cases.cases import INSIDE, NOWHERE, START


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    estate = Estate(tmp_path_factory.mktemp("focus"), configure_ms=0)
    yield estate
    estate.stop()


LONG = {
    *("outage-answered-late", "outage-hangs-live", "few-workers", "slow-from-100-jobs"),
    "slower-after-a-hundred-openings",
}
"""Faults that take long to show: make nightly."""


def _marked(fault: str) -> object:
    return pytest.param(fault, marks=pytest.mark.nightly) if fault in LONG else fault


@pytest.mark.parametrize("fault", [_marked(fault) for fault in sorted(FAULT_IDS)])
def test_fault(started: Estate, fault: str) -> None:
    started.restore()
    started.mongodb.store(STORAGE, [recording(START)])
    started.process.set_faults(fault)
    CASES[fault](started)
    started.restore()
    started.mongodb.store(STORAGE, [recording(START)])
    until(lambda: started.configure(**INSIDE).status == 200, within_s=20.0)  # the driver has found the database again
    assert started.configure(**NOWHERE).status == 404
    assert started.configure(view_type="9").status == 422 and started.configure(displayInfo={"height": 0}).status == 400


def test_server_with_broken_settings_refuses_everything_and_says_why(started: Estate) -> None:
    started.restore()
    started.configure_cluster(**{"default_config.py": "focus = 1"})
    started.restart()
    answers = [started.call("GET", "/ack"), started.configure()]
    assert {answer.status for answer in answers} == {503} and started.kubernetes.created == []
    assert "defines no class Focus" in answers[0].json["error"]
    assert "ERROR pz.focus_server cannot load configuration" in started.process.log_file.read_text()
    started.configure_cluster()
    started.restart()
    assert started.configure().status == 200


def test_every_fault_has_its_case() -> None:
    assert set(CASES) == FAULT_IDS and LONG < FAULT_IDS

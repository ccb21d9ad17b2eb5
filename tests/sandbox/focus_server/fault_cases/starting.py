"""Fault cases: a server that starts wrongly."""

from __future__ import annotations

import asyncio
import logging

from environments.sandbox.focus_server import hooks
from environments.sandbox.focus_server.starting import Startup
from tests.sandbox.focus_server.estate import Estate
from tests.sandbox.focus_server.fault_cases.cases import NOWHERE, case
from tests.sandbox.process_runner import start_process


def start_up(settings: str, *faults: str) -> tuple[str | None, list[str], list[float]]:
    """Load the settings; return the problem found in them, the logged errors and the documented waits in seconds."""
    errors: list[str] = []
    waited: list[float] = []
    log = logging.Logger("start")
    log.addFilter(lambda record: bool(record.levelno < logging.ERROR or errors.append(record.getMessage())))

    def scaled(seconds: float) -> float:
        waited.append(seconds)
        return 0.0

    async def load() -> str | None:
        await hooks.switch(faults)
        problem = await Startup(log, scaled).load({"default_config.py": settings})
        await hooks.switch(())
        return problem

    return asyncio.run(load()), errors, waited


@case("start-takes-too-long", "log-full-of-errors-at-start", "broken-configuration-not-said")
def _(estate: Estate, fault: str) -> None:
    problem, errors, waited = start_up("class Focus: pass", fault)
    assert problem is None and bool(waited) == (fault == "start-takes-too-long")
    assert bool(errors) == (fault == "log-full-of-errors-at-start")
    assert start_up("class Focus:\n  'half") == (
        "cannot load configuration default_config.py: line 2: SyntaxError: "
        "unterminated string literal (detected at line 2)",
        ["cannot load configuration default_config.py: line 2: SyntaxError: "
         "unterminated string literal (detected at line 2)"],
        [],
    )  # fmt: skip
    assert bool(start_up("class Focus:\n  'half", "broken-configuration-not-said")[1]) is False


@case("index-not-reached-after-start")
def _(estate: Estate) -> None:
    assert estate.configure(**NOWHERE).status == 404
    estate.process.stop()
    estate.process = start_process("focus_server", {**estate.config, "faults": ["index-not-reached-after-start"]})
    assert [estate.configure(**NOWHERE).status for _ in range(2)] == [503, 404]


@case("first-opening-after-start-fails")
def _(estate: Estate) -> None:
    assert estate.configure().status == 200
    estate.process.stop()
    estate.process = start_process("focus_server", {**estate.config, "faults": ["first-opening-after-start-fails"]})
    assert [estate.configure().status for _ in range(2)] == [503, 200]


@case("half-open-kept-at-the-start")
def _(estate: Estate) -> None:
    half = ["grpc-service-7-1601"]
    estate.process.stop()
    estate.kubernetes.put("services", *half)
    estate.process = start_process("focus_server", {**estate.config, "faults": ["half-open-kept-at-the-start"]})
    assert estate.kubernetes.names("services") == half
    estate.restart()
    assert estate.kubernetes.names("services") == []

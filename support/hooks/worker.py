"""A process that runs scenarios beside others: forked before anything was connected, told by number what to run."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from support.hooks.signals import end_with, ends_like_a_program
from support.investigations.register import NOTHING, Asked
from support.reporting.record import context as reporting
from support.reporting.record.model import ScenarioResult, Trouble
from support.reporting.record.outcome import exception_text, scenario_result


@dataclass(frozen=True)
class WorkerOutcome:
    """What came of one scenario. ``shared`` are troubles of the server while others ran as well: it has to be found
    out whose they are."""

    result: ScenarioResult
    leftovers: tuple[Any, ...] = ()
    shared: tuple[str, ...] = ()
    asked: Asked = NOTHING
    """By the process that ran it, for this scenario and those before."""


@dataclass(frozen=True)
class Farewell:
    """The last word of a process: the requests it has made, and troubles that belong to no scenario."""

    requests: list[tuple[str, float]] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)


def outcome_of(scenario: Any, asked: Asked = NOTHING) -> WorkerOutcome:
    """After behave has left the scenario."""
    report = reporting.current()
    result = scenario_result(scenario, report)
    leftovers, report.leftovers = tuple(report.leftovers), []
    return WorkerOutcome(result, leftovers, tuple(report.shared_troubles.pop(result.id, ())), asked)


@ends_like_a_program()
def serve(
    connection: Connection,
    connect: Callable[[Path | None, int], None],
    run: Callable[[int], WorkerOutcome],
    farewell: Callable[[], tuple[list[tuple[str, float]], list[str]]],
) -> None:
    """Connect to the environment when told how, run what is asked for by number, and say what came of it.

    Ctrl-C is the parent's business: it ends this process by SIGTERM, which ends a scenario as Ctrl-C does. So does the
    end of the parent itself, even if it is killed.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with(os.getppid())
    sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  # until the process ends
    with contextlib.suppress(EOFError, BrokenPipeError):
        how = _told(connection)
        if how is None:
            return
        try:
            connect(*how)
        except Exception as error:
            trouble = Trouble("side by side", reporting.current().redact(exception_text(error)))
            connection.send(Farewell([], [trouble]))
            raise SystemExit(1) from error
        with contextlib.suppress(KeyboardInterrupt):  # what was begun is cleaned up below
            while (number := connection.recv()) is not None:
                connection.send(run(number))
        requests, left = farewell()
        troubles = [Trouble("side by side", f"could not be removed: {one}") for one in left]
        connection.send(Farewell(requests, troubles))


def _told(connection: Any) -> Any:
    """How to connect, or None when the run ended before there was anything to connect to."""
    try:
        return connection.recv()
    except KeyboardInterrupt:
        return None

"""A process that runs scenarios beside others: forked before anything is connected, it receives scenario numbers."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from support.clients.sandbox.embedded import SandboxError
from support.hooks.signals import end_with, ends_like_a_program, ignore_what_ends_a_run
from support.investigations.register import NOTHING, Asked
from support.reporting.record import context as reporting
from support.reporting.record.model import ScenarioResult, Trouble
from support.reporting.record.outcome import exception_text, scenario_result


@dataclass(frozen=True)
class WorkerOutcome:
    """The outcome of one scenario. ``shared`` are problems of the server that any scenario running at the time may have
    caused."""

    result: ScenarioResult
    leftovers: tuple[Any, ...] = ()
    shared: tuple[str, ...] = ()
    asked: Asked = NOTHING
    """The requests of the process that ran it, for this scenario and those before."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """All figures of the process so far."""


@dataclass(frozen=True)
class Farewell:
    """The last message of a process: the requests it has made, and problems that belong to no scenario.

    ``declined`` is why the process ran nothing although nothing is wrong with the site. Another one runs its scenarios.
    """

    requests: list[tuple[str, float]] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    declined: str | None = None


def outcome_of(scenario: Any, asked: Asked = NOTHING) -> WorkerOutcome:
    """Return the outcome of a scenario that behave has finished."""
    report = reporting.current()
    result = scenario_result(scenario, report)
    leftovers, report.leftovers = tuple(report.leftovers), []
    shared = tuple(report.shared_troubles.pop(result.id, ()))
    return WorkerOutcome(result, leftovers, shared, asked, dict(report.figures))


@ends_like_a_program()
def serve(
    connection: Connection,
    connect: Callable[[Path | None, int], None],
    run: Callable[[int], WorkerOutcome],
    farewell: Callable[[], tuple[list[tuple[str, float]], list[str]]],
) -> None:
    """Connect to the environment, run the scenarios whose numbers arrive, and send back their outcomes.

    The parent first sends how to connect. It also handles Ctrl-C: it ends this process by SIGTERM, which ends a
    scenario as Ctrl-C does. So does the end of the parent itself, even if it is killed.
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
        except KeyboardInterrupt:
            return
        except SandboxError as error:
            connection.send(Farewell(declined=str(error)))
            return
        except Exception as error:
            failure = Trouble("side by side", reporting.current().redact(exception_text(error)))
            connection.send(Farewell([], [failure]))
            raise SystemExit(1) from error
        with contextlib.suppress(KeyboardInterrupt):  # what was begun is cleaned up below
            try:
                while (number := connection.recv()) is not None:
                    connection.send(run(number))
            finally:
                ignore_what_ends_a_run()  # the clean-up is finished first
        requests, left = farewell()
        troubles = [Trouble("side by side", f"could not be removed: {one}") for one in left]
        connection.send(Farewell(requests, troubles))


def _told(connection: Any) -> Any:
    """Receive how to connect. Returns None if the run ended before there was anything to connect to."""
    try:
        return connection.recv()
    except KeyboardInterrupt:
        return None

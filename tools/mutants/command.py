"""``python -m tools.mutants``: does any scenario notice a random change of the sandbox's code?"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from support.config import ConfigurationError, load_environment
from support.files import PROJECT, write_atomically
from support.gherkin.documents import DocumentError, read_documents
from support.hooks.signals import end_with_the_one_who_waits
from tools.fault_matrix.rows import Row, rows_of, rows_to_prove
from tools.mutants.lines import durations_in, read_lines, write_lines
from tools.mutants.mutant import Mutant, MutantsError, every_mutant, file_of, read_equivalent, sampled
from tools.mutants.noticed import Noticed
from tools.mutants.runs import ResultsFile, Settings, laboratories, record, try_all
from tools.mutants.table import as_data, lines_of, outcomes
from tools.mutants.trial import KILLED, SURVIVED, UNTRIED, Result

REPORTS = Path("reports") / "mutants"
Folder = Annotated[Path, typer.Option(help="where the results are")]
Workers = Annotated[int, typer.Option(min=1, max=16, help="sandboxes side by side")]

app = typer.Typer(help=__doc__, add_completion=False, no_args_is_help=True)


@app.command()
def run(
    sample: Annotated[int, typer.Option(min=0, help="only so many, drawn by the seed; 0 for all")] = 0,
    seed: Annotated[int, typer.Option(help="of the sample, and of the order")] = 1,
    resume: Annotated[bool, typer.Option("--resume", help="leave out those that have a result")] = False,
    survived: Annotated[bool, typer.Option("--survivors", help="only those that survived")] = False,
    only: Annotated[
        list[str] | None, typer.Option(help="only those whose module or id begins so; again and again")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="then all other scenarios, also those under load")] = False,
    most: Annotated[int, typer.Option(min=0, help="scenarios for each at most; 0 for all")] = 0,
    minutes: Annotated[float, typer.Option(min=0, help="begin none after so long; 0 for no end")] = 0,
    workers: Workers = 2,
    reports: Folder = REPORTS,
) -> None:
    """Try each mutant until a scenario fails. Exit code 1 when one survives that is not listed as equivalent."""
    end_with_the_one_who_waits()
    with _ends_in_a_sentence():
        mutants = every_mutant()
        equivalent = read_equivalent(mutants)
        file = ResultsFile(reports / "results.jsonl")
        known = file.read()
        drawn = sampled(mutants, sample or len(mutants), seed)
        wanted = [one for one in drawn if one.id not in equivalent]
        wanted = _beginning_with(only or [], wanted)
        if resume:
            wanted = [one for one in wanted if one.id not in known or known[one.id].verdict == UNTRIED]
        if survived:
            wanted = [one for one in wanted if one.id in known and known[one.id].verdict == SURVIVED]
        if not wanted:
            raise MutantsError("no mutant is left that was asked for")
        file.begin_with({one.id: known[one.id] for one in mutants if one.id in known})
        now = _try(wanted, file, Effort(everything, most, minutes, workers), reports)
        found = list(outcomes(mutants, file.read(), equivalent))
        write_atomically(reports / "mutants.json", json.dumps(as_data(found), indent=2) + "\n")
    raise typer.Exit(0 if len(now) == len(wanted) and all(one.verdict == KILLED for one in now) else 1)


@app.command()
def survivors(reports: Folder = REPORTS) -> None:
    """Those that no scenario noticed, and those that could not be judged."""
    with _ends_in_a_sentence():
        mutants = every_mutant()
        equivalent, results = read_equivalent(mutants), ResultsFile(reports / "results.jsonl").read()
        for one in mutants:
            result = results.get(one.id)
            if result is not None and result.verdict != KILLED and one.id not in equivalent:
                print(f"{one.id}  {one}\n          {result.verdict}, {result.scenarios_run} scenarios {result.reason}")


@app.command()
def table(reports: Folder = REPORTS) -> None:
    """By module: places, killed, survived, equivalent."""
    with _ends_in_a_sentence():
        mutants = every_mutant()
        results = ResultsFile(reports / "results.jsonl").read()
        print("\n".join(lines_of(list(outcomes(mutants, results, read_equivalent(mutants))))))


@app.command(name="record")
def record_lines(
    resume: Annotated[bool, typer.Option("--resume", help="leave out what was recorded")] = False,
    minutes: Annotated[float, typer.Option(min=0, help="begin none after so long; 0 for no end")] = 0,
    workers: Workers = 2,
    reports: Folder = REPORTS,
) -> None:
    """Record which scenario enters which line, into tools/mutants/lines.json."""
    end_with_the_one_who_waits()
    with _ends_in_a_sentence():
        modules = sorted({one.module for one in every_mutant()})
        settings, rows = _sandbox(load=True)
        folder = reports / "recording"
        if not resume:
            shutil.rmtree(folder, ignore_errors=True)
        known = durations_in(folder)
        with laboratories(settings, folder, workers) as found:
            files = [str(file_of(module)) for module in modules]
            record([row for row in rows if row.id not in known], files, found, _after(minutes))
        print(f"{write_lines(folder, modules)} of {len(rows)} scenarios are recorded")


def _after(minutes: float) -> Callable[[], bool]:
    """Whether so many are over; never for 0."""
    begun_s = time.monotonic()
    return lambda: minutes > 0 and time.monotonic() - begun_s > 60 * minutes


def _beginning_with(names: Sequence[str], mutants: Sequence[Mutant]) -> list[Mutant]:
    """Those whose module or id begins with one of the names, or all without any."""
    found = {name: [one for one in mutants if one.module.startswith(name) or one.id.startswith(name)] for name in names}
    for name, its in found.items():
        if not its:
            raise MutantsError(f"--only {name}: no module and no id of a mutant begins like this")
    chosen = {one.id for its in found.values() for one in its}
    return [one for one in mutants if not names or one.id in chosen]


@dataclass(frozen=True)
class Effort:
    """How much is tried: with ``everything`` also scenarios that do not enter the line, those under load included; at
    most so many for each mutant, none begun after so many minutes (0 for no limit), on so many sandboxes."""

    everything: bool
    most: int
    minutes: float
    workers: int


def _try(wanted: Sequence[Mutant], file: ResultsFile, effort: Effort, reports: Path) -> list[Result]:
    settings, rows = _sandbox(load=effort.everything)
    lines, started_s = read_lines(), time.monotonic()
    noticed = Noticed(file.read().values())
    now: list[Result] = []

    def report(result: Result) -> None:
        file.add(result)
        now.append(result)
        noticed.note(result)
        print(f"{len(now):>4} of {len(wanted)}  {_line(result)}", flush=True)

    def scenarios(mutant: Mutant) -> list[Row]:
        first, others = lines.order(mutant, rows)
        return noticed.first(mutant, [*first, *(others if effort.everything else ())])[: effort.most or None]

    runs = reports / "runs"
    shutil.rmtree(runs, ignore_errors=True)
    with laboratories(settings, runs, min(effort.workers, len(wanted))) as found:
        try_all(wanted, scenarios, found, report, _after(effort.minutes))
    print(f"{sum(one.verdict == KILLED for one in now)} of {len(now)} killed, {time.monotonic() - started_s:.0f} s")
    return now


def _line(result: Result) -> str:
    place = f"{result.id} {result.at}:{result.line} {result.words}"
    return f"{result.verdict:8} {result.by:9} {result.duration_s:5.1f} s {result.scenarios_run:>3}  {place[:150]}"


def _sandbox(load: bool) -> tuple[Settings, list[Row]]:
    """The settings of the environment, and the scenarios that run there; those under load only if they are wanted, and
    none that measures how fast answers are: several sandboxes side by side would be judged by the machine."""
    environment = load_environment("sandbox")
    rows = rows_to_prove(rows_of(read_documents(PROJECT / "features")), environment)
    return environment.sandbox.settings, [row for row in rows if _judges_code(row, load)]


def _judges_code(row: Row, load: bool) -> bool:
    if row.is_load:
        return load and "slow" not in row.tags
    return "alone" not in row.tags and not row.requirement.startswith("PF")


@contextmanager
def _ends_in_a_sentence() -> Iterator[None]:
    """Exit code 2 for what cannot be used."""
    try:
        yield
    except (MutantsError, ConfigurationError, DocumentError) as error:
        print(f"mutants: {error}", file=sys.stderr)
        raise SystemExit(2) from None

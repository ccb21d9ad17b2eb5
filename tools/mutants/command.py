"""``python -m tools.mutants``: find out whether any scenario notices a random change of the sandbox's code."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from support.config import ConfigurationError
from support.files import write_atomically
from support.gherkin.documents import DocumentError
from support.hooks.signals import end_with_the_one_who_waits
from tools.fault_matrix.rows import Row
from tools.mutants.kept import keep, read_kept
from tools.mutants.lines import durations_in, read_lines, write_lines
from tools.mutants.mutant import Mutant, MutantsError, every_mutant, file_of, read_equivalent, sampled
from tools.mutants.noticed import Noticed
from tools.mutants.runs import ResultsFile, laboratories, record, try_all
from tools.mutants.scenarios import sandbox_and_rows
from tools.mutants.table import NOT_YET, Outcome, as_data, lines_of, outcomes
from tools.mutants.trial import KILLED, SURVIVED, UNTRIED, Result

REPORTS = Path("reports") / "mutants"
Folder = Annotated[Path, typer.Option(help="where the results are")]
Workers = Annotated[int, typer.Option(min=1, max=16, help="sandboxes side by side")]

app = typer.Typer(help=__doc__, add_completion=False, no_args_is_help=True)


@app.command()
def run(
    sample: Annotated[int, typer.Option(min=0, help="only so many, drawn by the seed; 0 for all")] = 0,
    seed: Annotated[int, typer.Option(help="of the sample, and of the order")] = 1,
    resume: Annotated[bool, typer.Option("--resume", help="leave out those that have a result, here or kept")] = False,
    survived: Annotated[bool, typer.Option("--survivors", help="only those that survived")] = False,
    listed: Annotated[
        bool, typer.Option("--equivalent", help="only those listed as equivalent: none may be killed")
    ] = False,
    only: Annotated[
        list[str] | None, typer.Option(help="only those whose module or id begins so; again and again")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="then also the scenarios that do not enter the line")
    ] = False,
    first: Annotated[
        list[str] | None, typer.Option(help="this scenario before all others, whether it enters the line or not")
    ] = None,
    most: Annotated[int, typer.Option(min=0, help="scenarios for each at most; 0 for all")] = 0,
    minutes: Annotated[float, typer.Option(min=0, help="begin none after so long; 0 for no end")] = 0,
    workers: Workers = 2,
    reports: Folder = REPORTS,
) -> None:
    """Try each mutant until a scenario fails. Exit code 1 if time runs out, or if one survives that is neither listed
    as equivalent nor kept as a survivor; with --equivalent, if one is noticed."""
    end_with_the_one_who_waits()
    with _ends_in_a_sentence():
        mutants = every_mutant()
        equivalent = read_equivalent(mutants)
        file = ResultsFile(reports / "results.jsonl")
        known, kept = file.read(), read_kept(mutants)
        before = {**kept, **known}
        drawn = sampled(mutants, sample or len(mutants), seed)
        wanted = [one for one in drawn if (one.id in equivalent) is listed]
        wanted = _beginning_with(only or [], wanted)
        if resume:
            wanted = [one for one in wanted if one.id not in before or before[one.id].verdict == UNTRIED]
        if survived:
            wanted = [one for one in wanted if one.id in before and before[one.id].verdict == SURVIVED]
        if not wanted:
            raise MutantsError("no mutant is left that was asked for")
        file.begin_with({one.id: known[one.id] for one in mutants if one.id in known})
        now = _try(wanted, file, Effort(everything, tuple(first or ()), most, minutes, workers, before), reports)
        found = list(outcomes(mutants, {**before, **file.read()}, equivalent))
        write_atomically(reports / "mutants.json", json.dumps(as_data(found), indent=2) + "\n")
        wrong = _not_equivalent(now) if listed else _holes(now, kept)
        print("".join(f"{line}\n" for line in wrong), end="")
    raise typer.Exit(0 if len(now) == len(wanted) and not wrong else 1)


def _holes(now: Sequence[Result], kept: Mapping[str, Result]) -> list[str]:
    return [f"new survivor: {_line(one)}" for one in now if one.verdict != KILLED and not _is_known_hole(one, kept)]


def _not_equivalent(now: Sequence[Result]) -> list[str]:
    return [f"noticed, not equivalent: {_line(one)}" for one in now if one.verdict == KILLED]


def _is_known_hole(result: Result, kept: Mapping[str, Result]) -> bool:
    return result.verdict == SURVIVED and result.id in kept and kept[result.id].verdict == SURVIVED


@app.command()
def survivors(reports: Folder = REPORTS) -> None:
    """List the mutants that no scenario noticed, and those that could not be judged."""
    with _ends_in_a_sentence():
        results = ResultsFile(reports / "results.jsonl").read()
        for one in _known(reports):
            result = results.get(one.mutant.id)
            if one.verdict == SURVIVED or (one.verdict == NOT_YET and result is not None):
                told = f"{result.verdict}, {result.scenarios_run} scenarios {result.reason}" if result else "survived"
                print(f"{one.mutant.id}  {one.mutant}\n          {told}")


@app.command()
def table(reports: Folder = REPORTS) -> None:
    """Print the number of places, killed, survived and equivalent mutants by module."""
    with _ends_in_a_sentence():
        print("\n".join(lines_of(_known(reports))))


@app.command(name="keep")
def keep_results(reports: Folder = REPORTS) -> None:
    """Keep the results, and which scenario noticed which mutant, in environments/sandbox/mutants.json."""
    with _ends_in_a_sentence():
        found = _known(reports)
        keep(found)
        print(f"{sum(one.verdict == KILLED for one in found)} noticed ones are kept, of {len(found)}")


def _known(reports: Path) -> list[Outcome]:
    """Return the outcome of each mutant: its last result in these reports, or else the kept one."""
    mutants = every_mutant()
    results = {**read_kept(mutants), **ResultsFile(reports / "results.jsonl").read()}
    return list(outcomes(mutants, results, read_equivalent(mutants)))


@app.command(name="record")
def record_lines(
    resume: Annotated[bool, typer.Option("--resume", help="leave out what was recorded")] = False,
    new: Annotated[bool, typer.Option("--new", help="only those of which the file knows nothing yet")] = False,
    minutes: Annotated[float, typer.Option(min=0, help="begin none after so long; 0 for no end")] = 0,
    workers: Workers = 2,
    reports: Folder = REPORTS,
) -> None:
    """Record which scenario enters which line, into tools/mutants/lines.json."""
    end_with_the_one_who_waits()
    with _ends_in_a_sentence():
        modules = sorted({one.module for one in every_mutant()})
        settings, rows = sandbox_and_rows()
        folder = reports / "recording"
        if not resume:
            shutil.rmtree(folder, ignore_errors=True)
        known = read_lines() if new else None
        recorded = {*durations_in(folder), *(known.durations_s if known else ())}
        missing = sorted((row for row in rows if row.id not in recorded), key=lambda row: row.is_load)
        with laboratories(settings, folder, workers) as found:
            record(missing, [str(file_of(module)) for module in modules], found, _after(minutes))
        print(f"{write_lines(folder, modules, known)} of {len(rows)} scenarios are recorded")


def _after(minutes: float) -> Callable[[], bool]:
    """Return a function that reports whether this number of minutes has passed; never for 0."""
    begun_s = time.monotonic()
    return lambda: minutes > 0 and time.monotonic() - begun_s > 60 * minutes


def _beginning_with(names: Sequence[str], mutants: Sequence[Mutant]) -> list[Mutant]:
    """Return the mutants whose module or id begins with one of the names, or all if there are no names."""
    found = {name: [one for one in mutants if one.module.startswith(name) or one.id.startswith(name)] for name in names}
    for name, its in found.items():
        if not its:
            raise MutantsError(f"--only {name}: no module and no id of a mutant begins like this")
    chosen = {one.id for its in found.values() for one in its}
    return [one for one in mutants if not names or one.id in chosen]


@dataclass(frozen=True)
class Effort:
    """The extent of a trial. ``everything`` adds the scenarios that do not enter the line; those under load come last.
    ``named`` scenarios run before all others. ``most`` limits the scenarios for each mutant; no mutant is begun after
    ``minutes`` (0 for no limit). ``workers`` is the number of sandboxes, ``before`` are the previous results."""

    everything: bool
    named: tuple[str, ...]
    most: int
    minutes: float
    workers: int
    before: Mapping[str, Result]


def _try(wanted: Sequence[Mutant], file: ResultsFile, effort: Effort, reports: Path) -> list[Result]:
    settings, rows = sandbox_and_rows()
    lines, started_s = read_lines(), time.monotonic()
    noticed = Noticed(effort.before.values())
    named = [row for name in effort.named for row in rows if row.is_meant_by(name)]
    now: list[Result] = []

    def report(result: Result) -> None:
        file.add(result)
        now.append(result)
        noticed.note(result)
        print(f"{len(now):>4} of {len(wanted)}  {_line(result)}", flush=True)

    def scenarios(mutant: Mutant) -> list[Row]:
        first, others = lines.order(mutant, rows)
        asked = noticed.first(mutant, [*first, *(others if effort.everything else ())])
        asked = [*named, *sorted((row for row in asked if row not in named), key=lines.takes_long)]
        return asked[: effort.most or None]

    runs = reports / "runs"
    shutil.rmtree(runs, ignore_errors=True)
    with laboratories(settings, runs, min(effort.workers, len(wanted))) as found:
        try_all(wanted, scenarios, found, report, _after(effort.minutes))
    print(f"{sum(one.verdict == KILLED for one in now)} of {len(now)} killed, {time.monotonic() - started_s:.0f} s")
    return now


def _line(result: Result) -> str:
    place = f"{result.id} {result.at}:{result.line} {result.words}"
    return f"{result.verdict:8} {result.by:9} {result.duration_s:5.1f} s {result.scenarios_run:>3}  {place[:150]}"


@contextmanager
def _ends_in_a_sentence() -> Iterator[None]:
    """Print an error as one sentence, with exit code 2, for what cannot be used."""
    try:
        yield
    except (MutantsError, ConfigurationError, DocumentError) as error:
        print(f"mutants: {error}", file=sys.stderr)
        raise SystemExit(2) from None

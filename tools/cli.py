"""The complete ``focus-acceptance`` command line: commands for users of the suite and for its developers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from support.cli import ReportsFolder, app
from support.files import print_any_text
from support.hooks.signals import end_with_the_one_who_waits
from support.later import Later
from support.redaction import output

faults, repeat, load = map(Later, ("tools.fault_matrix.command", "tools.repeat.command", "tools.repeat.load"))
DEFAULT_TAGS = "not (@wip or @quarantine)"


@app.command(name="repeat")
def repeat_series(
    environment: Annotated[str, typer.Option("--environment", "-e", help="its name in environments/")] = "sandbox",
    times: Annotated[int, typer.Option(min=1, max=1000, help="how often")] = 10,
    tags: Annotated[str, typer.Option(help="only scenarios with these tags")] = "",
    seed: Annotated[int | None, typer.Option(min=0, help="of the first order; by default drawn and printed")] = None,
    busy: Annotated[int | None, typer.Option(min=1, max=64, help="so many programs keep the machine busy")] = None,
    busy_every: Annotated[int, typer.Option(min=0, help="in each run that this number divides; 0: in none")] = 3,
    busy_after: Annotated[float, typer.Option(min=0, max=600, help="from this second of the run on")] = 0.0,
    reports: ReportsFolder = Path("reports"),
) -> None:
    """Run the features repeatedly, in shuffled order and sometimes on a busy machine, and report what is flaky."""
    end_with_the_one_who_waits()
    strain = load.Strain(busy, busy_every, busy_after)
    raise typer.Exit(repeat.run(environment, times, tags, seed, reports, strain))


@app.command(name="faults")
def fault_matrix(
    fault: Annotated[list[str] | None, typer.Option(help="only this fault; may be repeated")] = None,
    subset: Annotated[bool, typer.Option(help="only the small fixed subset that is part of make test")] = False,
    tags: Annotated[str, typer.Option(help="only scenarios with these tags")] = DEFAULT_TAGS,
    workers: Annotated[int, typer.Option(min=1, max=16, help="sandboxes at work side by side")] = 4,
    parallel: Annotated[int, typer.Option(min=1, help="scenarios side by side on each of them")] = 1,
    everything: Annotated[bool, typer.Option("--all", help="every scenario with every fault, not one of each")] = False,
    profile: Annotated[str | None, typer.Option(help="instead: a profile, and what must fail on it")] = None,
) -> None:
    """Prove that the suite fails on the faults it is meant to catch."""
    end_with_the_one_who_waits()
    if profile is not None:
        if fault or subset or everything:
            raise typer.BadParameter("it runs by itself, without --fault, --subset or --all", param_hint="--profile")
        raise typer.Exit(faults.run_profile(profile, tags, workers, parallel))
    raise typer.Exit(faults.run(fault or [], subset, tags, workers, parallel, everything))


@app.command(name="watch")
def watch_features(
    tags: Annotated[str, typer.Option(help="only scenarios with these tags")] = "",
    run_file: Annotated[Path | None, typer.Option(help="the run file of a sandbox that runs already")] = None,
    reports: ReportsFolder = Path("reports/watch"),
) -> None:
    """Run a feature file whenever it is saved, on a sandbox that stays up; for authors of features."""
    from tools import watch  # the file watcher is loaded for this command only

    raise typer.Exit(watch.run(tags, run_file, reports))


def main() -> None:
    print_any_text()
    output.guard()
    app()

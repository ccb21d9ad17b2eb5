"""``focus-acceptance remedy``: commands that repair the recording index."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from support.later import Later

command = Later("support.data_quality.remedies.command")

app = typer.Typer(
    no_args_is_help=True,
    help="Mend the recording index. Shows what would be done; --yes does exactly that. Production wants its name too.",
)
RunFile = Annotated[Path | None, typer.Option(help="the run file of a sandbox that runs already")]
Yes = Annotated[bool, typer.Option("--yes", help="do it; without it nothing is changed")]
EnvironmentName = Annotated[str | None, typer.Option(help="the name again, which production asks for")]
EnvironmentOption = Annotated[str, typer.Option("--environment", "-e", help="its name in environments/")]
ReportsFolder = Annotated[Path, typer.Option(help="the old values are kept in its folder remedies")]


def _tell(line: str) -> None:
    print(line, file=sys.stderr if line.startswith("remedy: ") else sys.stdout, flush=True)


@app.command(name="indexes")
def indexes(
    environment: EnvironmentOption,
    run_file: RunFile = None,
    yes: Yes = False,
    environment_name: EnvironmentName = None,
    reports: ReportsFolder = Path("reports"),
) -> None:
    """Build the indexes that the collection of the recordings lacks."""
    _remedy("indexes", environment, run_file, yes, environment_name, reports)


@app.command(name="stale-recordings")
def stale_recordings(
    environment: EnvironmentOption,
    run_file: RunFile = None,
    yes: Yes = False,
    environment_name: EnvironmentName = None,
    reports: ReportsFolder = Path("reports"),
) -> None:
    """Close the recordings that were begun more than a day ago and never closed."""
    _remedy("stale-recordings", environment, run_file, yes, environment_name, reports)


@app.command(name="undo")
def undo(
    file: Annotated[Path, typer.Argument(help="what a remedy has named when it was carried out")],
    environment: Annotated[str | None, typer.Option("--environment", "-e", help="default: that of the file")] = None,
    run_file: RunFile = None,
    yes: Yes = False,
    environment_name: EnvironmentName = None,
) -> None:
    """Undo a remedy. Anything that was changed since the remedy is left alone."""
    consent = command.Consent(yes, environment_name)
    raise typer.Exit(command.undo(file, environment, run_file, consent, _tell))


def _remedy(
    name: str, environment: str, run_file: Path | None, yes: bool, environment_name: str | None, reports: Path
) -> None:
    consent = command.Consent(yes, environment_name)
    raise typer.Exit(command.remedy(name, environment, run_file, consent, reports / "remedies", _tell))

"""``focus-acceptance``: commands that accompany the features. Exit codes: 0 ok, 1 the system is not ok, 2 wrong use."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from support.cli import remedy
from support.cli.kinds import Kind
from support.files import PROJECT
from support.later import Later

doctor, failed, listing, load, publish, report, shard, sweep = (
    Later(f"support.cli.{name}")
    for name in ("doctor", "failed", "listing", "load", "publish", "report", "shard", "sweep")
)
fingerprint = Later("support.hooks.fingerprint")

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)


def _tell_version(wanted: bool) -> None:
    if wanted:
        revision = fingerprint.revision(PROJECT)
        commit = f" {revision['git'][:10]}" if revision["git"] else ""
        print(
            f"focus-acceptance {version('focus-acceptance')}{commit}"
            f"{' with changes' if revision['git_changes'] else ''}"
        )
        raise typer.Exit


@app.callback()
def every_command(
    _: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="print the version and end")
    ] = False,
) -> None:
    """Commands that accompany the features. Exit codes: 0 ok, 1 the system is not ok, 2 wrong use."""


@app.command(name="list")
def list_what_there_is(
    kind: Annotated[Kind, typer.Argument(help="what to list")],
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
) -> None:
    """List requirements, scenarios, phrases, faults or tags."""
    raise typer.Exit(listing.run(kind, as_json))


@app.command(
    name="sandbox",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)
def sandbox(context: typer.Context) -> NoReturn:
    """Run the embedded sandbox. For more, see ``sandbox up --help``."""
    sys.stdout.flush()
    os.chdir(PROJECT)
    os.execv(sys.executable, [sys.executable, "-m", "environments.sandbox", *context.args])


@app.command(name="doctor")
def diagnose(
    environment: Annotated[str, typer.Option("--environment", "-e", help="its name in environments/")] = "sandbox",
    run_file: Annotated[Path | None, typer.Option(help="the run file of a sandbox that runs already")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
) -> None:
    """Check the prerequisites of an environment, then examine it layer by layer. The first broken layer is the
    diagnosis."""
    raise typer.Exit(doctor.run(environment, run_file, as_json))


@app.command(name="sweep")
def sweep_leftovers(
    environment: Annotated[str, typer.Option("--environment", "-e", help="its name in environments/")],
    run_file: Annotated[Path | None, typer.Option(help="the run file of a sandbox that runs already")] = None,
    reports: Annotated[Path, typer.Option(help="where the killed run wrote its reports")] = Path("reports"),
    yes: Annotated[bool, typer.Option("--yes", help="undo and remove it; without it is only listed")] = False,
    job_ids: Annotated[
        list[str] | None, typer.Argument(help="with --yes: of those that are perhaps ours, remove these too")
    ] = None,
) -> None:
    """List what killed runs of this suite left behind. With --yes, undo and remove exactly that."""
    raise typer.Exit(sweep.run(environment, run_file, reports, yes, job_ids or ()))


app.add_typer(remedy.app, name="remedy")
ReportsFolder = Annotated[Path, typer.Option(help="the folder of the reports")]
report_app = typer.Typer(no_args_is_help=True, help="What can be made of the record of a run.")
app.add_typer(report_app, name="report")


@report_app.command(name="site")
def living_documentation(
    reports: ReportsFolder = Path("reports"),
) -> None:
    """Write the living documentation to reports/site/ and print its first page."""
    raise typer.Exit(report.write_documentation(reports))


@report_app.command(name="merge")
def merge_the_shards(
    shards: Annotated[list[Path], typer.Argument(help="the folder of reports of each shard")],
    reports: ReportsFolder = Path("reports"),
) -> None:
    """Merge the shards of a run into one run with all reports. The run is red if a shard is missing."""
    raise typer.Exit(shard.merge_shards(shards, reports))


@report_app.command(name="bundle")
def bundle_of_the_run(reports: ReportsFolder = Path("reports")) -> None:
    """Put all files of the last run into one archive and print its path."""
    raise typer.Exit(report.bundle(reports))


@report_app.command(name="open")
def open_documentation(reports: ReportsFolder = Path("reports")) -> None:
    """Print the path of the living documentation, and open it in a browser if there is a desktop."""
    raise typer.Exit(report.open_site(reports))


@report_app.command(name="summary")
def summary_of_the_run(reports: ReportsFolder = Path("reports")) -> None:
    """Print the summary of the last run again. The exit code is that of the run."""
    raise typer.Exit(report.summary(reports))


@report_app.command(name="failed")
def failed_scenarios(reports: ReportsFolder = Path("reports")) -> None:
    """Print the failed scenarios of the last run as a tag expression. To run them: make acceptance FAILED=1."""
    raise typer.Exit(failed.run(reports))


@report_app.command(name="compare")
def compare_two_runs(
    before: Annotated[Path, typer.Argument(help="a run.json, a folder of reports, or a bundle")],
    after: Annotated[Path, typer.Argument(help="the same, of the later run")],
) -> None:
    """Compare two runs: print which scenarios fail, pass again, were added, were removed or became slower."""
    raise typer.Exit(report.compare_runs(before, after))


@report_app.command(name="flaky")
def flaky_scenarios(
    reports: ReportsFolder = Path("reports"),
    environment: Annotated[
        str | None, typer.Option("--environment", "-e", help="default: that of the last run")
    ] = None,
) -> None:
    """List the scenarios whose results varied, and those that came close to a deadline."""
    raise typer.Exit(report.flaky(reports, environment))


@report_app.command(name="all")
def every_report(
    reports: ReportsFolder = Path("reports"),
) -> None:
    """Make all reports of a run again from its record and print their paths."""
    raise typer.Exit(publish.everything(reports))


@report_app.command(name="allure")
def allure_page(
    reports: ReportsFolder = Path("reports"),
) -> None:
    """Make reports/allure.html with the npm tool allure, if it is installed."""
    raise typer.Exit(publish.allure_page(reports))


@report_app.command(name="xray")
def xray_results(
    reports: ReportsFolder = Path("reports"),
    edition: Annotated[str, typer.Option(help="cloud or server: the words for a result differ")] = "cloud",
) -> None:
    """Make reports/xray.json again for an edition of Xray."""
    raise typer.Exit(publish.xray(reports, edition))


shard_app = typer.Typer(no_args_is_help=True, help="A run among several testers; report merge makes one run of it.")
app.add_typer(shard_app, name="shard")
Tags = Annotated[str, typer.Option(help="only scenarios with these tags")]
Name = Annotated[str, typer.Option("--environment", "-e", help="its name in environments/")]


@shard_app.command(name="plan")
def plan_shards(
    shards: Annotated[int, typer.Option(help="how many testers there are")],
    environment: Name = "sandbox",
    tags: Tags = "",
    reports: ReportsFolder = Path("reports"),
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="write it here; otherwise it is printed")
    ] = None,
) -> None:
    """Split the scenarios into shards by their earlier durations and by which scenarios exclude each other."""
    raise typer.Exit(shard.print_plan(environment, shards, tags, reports, output))


@shard_app.command(name="run")
def run_shard(
    index: Annotated[int | None, typer.Option(help="which, from 0; otherwise JOB_COMPLETION_INDEX")] = None,
    shards: Annotated[int | None, typer.Option("--of", help="how many there are")] = None,
    plan: Annotated[Path | None, typer.Option(help="instead of --of: the plan to follow")] = None,
    environment: Name = "sandbox",
    tags: Tags = "",
    reports: ReportsFolder = Path("reports"),
) -> None:
    """Run one shard. Its reports are written to reports/shards/INDEX."""
    raise typer.Exit(shard.run(environment, shards, tags, index, plan, reports))


@app.command(name="load")
def load_the_site(
    profile: Annotated[Path, typer.Option(help="the profile of load; load/profiles/ has examples")],
    environment: Annotated[str, typer.Option("--environment", "-e", help="its name in environments/")],
    workers: Annotated[int | None, typer.Option(help="start so many here; by default one for each core")] = None,
    expect_workers: Annotated[int | None, typer.Option(help="instead: wait for so many from elsewhere")] = None,
    listen: Annotated[str | None, typer.Option(help="ADDRESS:PORT at which those find this machine")] = None,
    within_s: Annotated[float, typer.Option(min=1, max=3600, help="so long workers are waited for")] = 60.0,
    run_file: Annotated[Path | None, typer.Option(help="the run file of a sandbox that runs already")] = None,
    confirm: Annotated[str | None, typer.Option(help="the name of the environment: permits load on a site")] = None,
    reports: ReportsFolder = Path("reports"),
) -> None:
    """Put load on a site by a profile, from many testers (Locust), and judge it as a run of the features does."""
    raise typer.Exit(
        load.run(environment, profile, workers, expect_workers, listen, within_s, run_file, confirm, reports)
    )


@app.command(name="load-worker")
def be_a_worker_of_a_load(
    master: Annotated[str, typer.Option(help="ADDRESS:PORT at which focus-acceptance load listens")],
) -> None:
    """Start one of the testers that focus-acceptance load --expect-workers waits for."""
    raise typer.Exit(load.run_worker(master))

"""``focus-acceptance shard`` and ``report merge``: a run split among several testers and merged into one record."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import NoReturn

from support.cli.report import summary
from support.config import ConfigurationError, Environment, load_environment
from support.files import PROJECT, write_atomically
from support.gherkin.documents import DocumentError, Example, read_documents
from support.gherkin.sharing import Sharing
from support.gherkin.tags import problem_with, selector
from support.reporting.history import append, entry_of, read_history
from support.reporting.publish import publish_run
from support.reporting.record.folder import new_folder
from support.reporting.record.model import write_record
from support.selection import EXCLUDES, SLOW
from support.sharding.dealing import Planned, make_plan
from support.sharding.merge import MergeError, merge, read_shards
from support.sharding.plan import Plan, PlanError, index_of, read_plan

USUAL_TAGS = "not (@wip or @quarantine)"
_RECENT_RUNS = 5


def print_plan(environment: str, shards: int, tags: str, reports: Path, output: Path | None) -> int:
    """Print the plan, or write it to a file and print a line for each share. Exit code 2 if no plan can be made."""
    try:
        plan = _planned(environment, shards, tags, reports)
        if output is None:
            print(plan.text(), end="")
        else:
            write_atomically(output, plan.text())
            for index, share in enumerate(plan.every_share):
                print(f"{plan.name_of(index)}: {len(share.scenarios)} scenarios, about {share.seconds:.0f} s")
    except (PlanError, ConfigurationError, DocumentError, OSError) as error:
        print(f"shard: {error}", file=sys.stderr)
        return 2
    return 0


def run(
    environment: str, shards: int | None, tags: str, index: int | None, plan_file: Path | None, reports: Path
) -> int:
    """Run one share, with its reports in its own folder. Returns only for wrong use, with exit code 2."""
    try:
        if (shards is None) == (plan_file is None):
            raise PlanError("either --of, to make a plan, or --plan, to follow one")
        if plan_file is not None and tags:
            raise PlanError("--tags belong to the plan: leave them out beside --plan")
        wanted = _index(index)
        plan = read_plan(plan_file) if plan_file else _planned(environment, shards or 0, tags, reports)
        own = reports.resolve() / "shards" / str(index_of(wanted, plan))
        write_atomically(own / "plan.json", plan.text())
    except (PlanError, ConfigurationError, DocumentError, OSError) as error:
        print(f"shard: {error}", file=sys.stderr)
        return 2
    return _become_a_run(environment, wanted, plan, own)


def _become_a_run(environment: str, index: int, plan: Plan, own: Path) -> NoReturn:
    userdata = {"env": environment, "shard": str(index), "shard_plan": str(own / "plan.json"), "reports": str(own)}
    options = [part for name, value in userdata.items() for part in ("-D", f"{name}={value}")]
    selection = [] if plan.complete else [f"--tags={plan.tags}"]
    sys.stdout.flush()
    os.chdir(PROJECT)
    os.execv(sys.executable, [sys.executable, "-m", "behave", *options, *selection])


def merge_shards(places: Sequence[Path], reports: Path) -> int:
    """Merge the shards into one record and make all its reports.

    Exit code 0 if the run is green, 1 if it is red, 2 if the places do not hold the shards of one run.
    """
    folder = new_folder(reports)
    try:
        record = merge(read_shards(places), folder)
        write_record(record, folder)
        if record.selection.complete and not record.broken_on_purpose:
            append(reports / "history", entry_of(record))
    except (MergeError, OSError) as error:
        print(f"report merge: {error}", file=sys.stderr)
        return 2
    published = publish_run(record, folder, reports, PROJECT / "features", every=True)
    problems = [f"report {one.name}: {one.problem}" for one in published if one.problem]
    for problem in problems:
        print(problem, file=sys.stderr)
    return max(summary(reports), 1 if problems else 0)


def _index(given: int | None) -> int:
    """Return the index of the share: the given one, or the number that Kubernetes gives a pod of an Indexed Job."""
    if given is not None:
        return given
    number = os.environ.get("JOB_COMPLETION_INDEX", "")
    if not number.isdecimal():
        raise PlanError(f"--index is missing, and JOB_COMPLETION_INDEX is {number!r}: a whole number, from 0")
    return int(number)


def _planned(environment: str, shards: int, tags: str, reports: Path) -> Plan:
    if problem := problem_with(tags):
        raise PlanError(problem)
    site = load_environment(environment)
    asked = f"({tags}) and {USUAL_TAGS}" if tags else USUAL_TAGS
    scenarios = list(_matching(asked))
    excluding = frozenset() if site.is_embedded else EXCLUDES
    return make_plan(environment, asked, not tags, scenarios, shards, _took_s(site, reports), excluding)


def _matching(expression: str) -> Iterator[Planned]:
    """Yield all scenarios and rows that a run with this tag expression selects."""
    is_wanted, sharing = selector(expression), _sharing()
    for document in read_documents(PROJECT / "features"):
        for rule in document.rules:
            for example in rule.examples:
                yield from (one for one in _rows(example, sharing) if is_wanted(one.tags))


@functools.cache
def _sharing() -> Sharing:
    return Sharing.loading(PROJECT / "steps")


def _rows(example: Example, sharing: Sharing) -> Iterator[Planned]:
    tags = frozenset(example.tags)
    if not example.blocks:
        yield Planned(str(example.id), tags, sharing.of(step.name for step in example.steps))
    for row in (row for block in example.blocks for row in block.rows):
        yield Planned(f"{example.id}.{row.number}", tags, sharing.of(step.name for step in row.steps))


def _took_s(site: Environment, reports: Path) -> dict[str, float]:
    """Return the median duration of each scenario, by id, in the last runs of this environment.

    A scenario that these runs skipped counts as 0 s, and so does a slow one without FOCUS_SLOW=yes. With it, a slow
    one that these runs never ran is left out.
    """
    took: dict[str, list[float]] = {}
    for entry in read_history(reports / "history").of(site.name)[-_RECENT_RUNS:]:
        for name, seen in entry.scenarios.items():
            took.setdefault(name, []).extend([seen.duration_s] if seen.ran else [])
    slow = [one.id for one in _matching(f"@{SLOW}")]
    if os.environ.get("FOCUS_SLOW") == "yes":
        took = {name: seconds for name, seconds in took.items() if seconds or name not in slow}
    else:
        took |= {name: [] for name in slow}
    return {name: median(seconds) if seconds else 0.0 for name, seconds in took.items()}

"""A killed run, and what ``sweep`` does about it. All moments and signals: ``python -m tests.endings.kills``."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator

import pytest

from support.resilience.cuts import CUT_OFF
from support.resilience.links import DISTURBANCES
from support.resilience.parts import MONGODB, RABBITMQ, SERVER
from support.resilience.workloads import CRASHED
from support.world import undoing
from tests.endings.kills import MOMENTS, OUTAGES, Kill, Site, site


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("kills")) as one:
        yield one


@pytest.mark.parametrize(
    "kill",
    [
        Kill(signal.SIGKILL, "a quota", 0.05),
        Kill(signal.SIGKILL, "the settings of the server", 0.2),
        Kill(signal.SIGHUP, "a stale recording", 0.02),
        Kill(signal.SIGKILL, "an open investigation", 0.0),
        Kill(signal.SIGKILL, "everything stopped", 0.1),
        Kill(signal.SIGKILL, "MongoDB cut off", 0.1),
    ],
    ids=str,
)
def test_nothing_is_left_after_a_kill_and_a_sweep(sandbox: Site, kill: Kill) -> None:
    assert sandbox.trouble_after(kill) == ""


def test_a_site_that_a_killed_run_left_changed_is_not_judged(sandbox: Site) -> None:
    """The next run names what was changed and how it is undone; a sweep without --yes lists it and undoes nothing."""
    file = sandbox.reports / "changes-sandbox.jsonl"
    sandbox.kill_at(Kill(signal.SIGKILL, "the stream address", 0.05))
    told = subprocess.run(
        sandbox.command("@JL-01a"), cwd=sandbox.root, capture_output=True, text=True, timeout=600, check=False
    )
    assert told.returncode == 2
    (sentence,) = told.stderr.splitlines()
    assert (
        "environment sandbox was left changed by a killed run: focus_view_url of config map prisma-config" in sentence
    )
    assert sentence.endswith(
        f"focus-acceptance sweep -e sandbox --run-file {sandbox.run_file} --reports {sandbox.reports} --yes"
    )
    before = file.read_bytes()
    code, said = sandbox.sweep()
    assert code == 1 and "nothing was removed; do it with --yes" in said and file.read_bytes() == before
    code, said = sandbox.sweep("--yes")
    assert (code, said.splitlines()[-1]) == (0, "environment sandbox: nothing of this suite is left")
    assert sandbox.trouble() == ""


def test_only_what_is_listed_can_be_named(sandbox: Site) -> None:
    assert sandbox.sweep("--yes", "99-99") == (2, "sweep: 99-99: not among what is listed; nothing was removed\n")
    assert sandbox.sweep("99-99") == (2, "sweep: job ids are named to be removed: add --yes\n")


def test_runs_are_killed_at_every_kind_of_change() -> None:
    kinds = {name for name in vars(undoing) if name.isupper() and name != "PROBLEMS"}
    changes = {name: text for name, (_, file, text, _) in MOMENTS.items() if file == "changes"}
    killed_at = {text.split(b'"')[3].decode() for name, text in changes.items() if name not in OUTAGES}
    assert {getattr(undoing, name) for name in kinds} == killed_at


def test_runs_are_killed_in_every_kind_of_outage() -> None:
    told = " ".join(text.decode() for _, _, text, _ in OUTAGES.values())
    assert [words for words in (*DISTURBANCES, CUT_OFF, CRASHED) if words not in told] == []
    assert [part for part in (MONGODB, RABBITMQ, SERVER) if f"{part} is stopped" not in told] == []

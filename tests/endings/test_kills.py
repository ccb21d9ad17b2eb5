"""Killed runs, and their clean-up by ``sweep``. For all moments and signals run ``python -m tests.endings.kills``."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests import warm
from tests.endings.killed_site import Site, site
from tests.endings.kills import MAKE, MOMENTS, PUBLISHING, SUPERVISOR, Kill, kill_at, trouble_after
from tests.endings.test_outages_after_a_kill import world_of


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
        pytest.param(Kill(signal.SIGKILL, "MongoDB is cut off", 0.0), marks=pytest.mark.nightly),
        Kill(signal.SIGKILL, "an open investigation", 0.0),
        Kill(signal.SIGKILL, MAKE, 0.0),
        Kill(signal.SIGINT, PUBLISHING, 0.0),
    ],
    ids=str,
)
def test_nothing_is_left_after_a_kill_and_a_sweep(sandbox: Site, kill: Kill) -> None:
    assert trouble_after(sandbox, kill) == ""


def test_a_site_that_a_killed_run_left_changed_is_not_judged(sandbox: Site) -> None:
    """The next run names what was changed and how it is undone; a sweep without --yes lists it and undoes nothing."""
    file = sandbox.reports / "changes-sandbox.jsonl"
    kill_at(sandbox, Kill(signal.SIGKILL, "the stream address", 0.05))
    told = warm.run("behave", *sandbox.arguments("@JL-01a"), timeout_s=600)
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


def test_runs_are_killed_at_every_kind_of_change(sandbox: Site, tmp_path: Path) -> None:
    with closing(world_of(sandbox.run_file, tmp_path)) as world:
        kinds = set(world.changes._undoers)
    assert kinds == {text.split(b'"')[3].decode() for _, file, text, _ in MOMENTS.values() if file == "changes"}


def test_a_killed_supervisor_takes_everything_with_it(tmp_path: Path) -> None:
    with site(tmp_path) as other:
        assert trouble_after(other, Kill(signal.SIGKILL, SUPERVISOR, 0.0)) == ""

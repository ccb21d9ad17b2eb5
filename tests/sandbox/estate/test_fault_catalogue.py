"""The fault catalogue agrees with the processes: each implements exactly the faults that name it in the catalogue."""

from __future__ import annotations

import ast
import asyncio
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from environments.sandbox.focus_server.server import FocusServer
from environments.sandbox.kubernetes.process import KubernetesProcess
from environments.sandbox.links.process import LinksProcess
from environments.sandbox.mongodb.service import MongodbProcess
from environments.sandbox.node.process import NodeProcess
from environments.sandbox.shared.errors import UsageError
from environments.sandbox.shared.process import SandboxProcess
from environments.sandbox.ssh.process import SshProcess
from environments.sandbox.supervisor.catalogue import CATALOGUE_FILE, Fault, check_implemented, load_catalogue
from environments.sandbox.supervisor.settings import SandboxSettings
from environments.sandbox.supervisor.supervisor import Supervisor

ROOT = Path(__file__).resolve().parents[3]
PROCESSES: tuple[type[SandboxProcess], ...] = (
    FocusServer, KubernetesProcess, LinksProcess, MongodbProcess, NodeProcess, SshProcess,
)  # fmt: skip
IMPLEMENTED = {process.name: process.fault_ids for process in PROCESSES}


def test_the_processes_implement_what_the_catalogue_lists() -> None:
    check_implemented(load_catalogue(), IMPLEMENTED)


def test_every_entry_names_what_there_is_and_does_something() -> None:
    content = tomllib.loads(CATALOGUE_FILE.read_text(encoding="utf-8"))
    faults = load_catalogue()
    assert len(faults) == len(content["fault"]) + len(content.get("prepared", ())), "an id stands twice"
    assert {fault.process for fault in faults.values() if fault.process} <= {*IMPLEMENTED, "rabbitmq"}
    assert {name for fault in faults.values() for name in fault.also} <= faults.keys()
    assert all(one.process or one.toxics or one.cut or one.also or one.environment for one in faults.values())


@pytest.mark.parametrize("process", sorted(IMPLEMENTED))
def test_every_listed_fault_is_mentioned_in_code(process: str) -> None:
    """Catches a handwritten list that still names a fault whose code was removed."""
    mentioned: set[str] = set()
    for path in (ROOT / "environments" / "sandbox" / process).rglob("*.py"):
        if path.name != "fault_ids.py":
            tree = ast.parse(path.read_text(encoding="utf-8"))
            mentioned |= {str(node.value) for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    by_role = {f"ssh-{role}-login-refused" for role in ("jump", "target") if "-login-refused" in mentioned}
    assert IMPLEMENTED[process] - mentioned - by_role == set()


@pytest.mark.parametrize(
    ("process", "ids", "problem"),
    [
        ("node", {"listed", "other"}, "fault other: the process node implements it, and it is not listed as a fault"),
        ("node", set(), "fault listed: the process node does not implement it"),
        ("ssh", {"listed"}, "fault listed: the process ssh implements it, and it is not listed as a fault of ssh"),
    ],
)
def test_a_difference_is_said(process: str, ids: set[str], problem: str) -> None:
    catalogue = {
        "listed": Fault("listed", "JL-01", "Something is wrong.", process="node"),
        "cut": Fault("cut", "JL-01", "Something else is wrong.", cut=("mongodb",)),
    }
    check_implemented(catalogue, {"node": {"listed"}, "links": ()})
    with pytest.raises(UsageError, match=problem):
        check_implemented(catalogue, {process: ids})


def test_a_process_that_is_asked_for_a_fault_it_does_not_list_says_so() -> None:
    process = NodeProcess.__new__(NodeProcess)
    process.faults = frozenset()
    assert process.fault("job-crashes") is False
    with pytest.raises(KeyError, match="node implements no fault no-such-fault"):
        process.fault("no-such-fault")


def test_the_sandbox_does_not_start_with_a_fault_nobody_implements() -> None:
    unknown = Fault("no-such-fault", "JL-01", "Nothing happens.", process="links")

    async def start() -> None:
        supervisor = Supervisor(SandboxSettings(), {**load_catalogue(), unknown.id: unknown}, ())
        try:
            await supervisor.start()
        finally:
            await supervisor.stop()

    with pytest.raises(UsageError, match="fault no-such-fault: the process links does not implement it"):
        asyncio.run(start())


def test_the_command_says_so_in_one_sentence(tmp_path: Path) -> None:
    """Runs the command as a process, with a catalogue that lacks an entry."""
    catalogue = ROOT / "environments" / "sandbox" / "faults.toml"
    lines = catalogue.read_text(encoding="utf-8").replace('id = "ssh-slow-login"', 'id = "ssh-quick-login"')
    short = tmp_path / "faults.toml"
    short.write_text(lines, encoding="utf-8")
    script = (
        "import pathlib, sys; from environments.sandbox.supervisor import catalogue, cli;"
        "path = pathlib.Path(sys.argv[1]); load = catalogue.load_catalogue;"
        "cli.load_catalogue = lambda: load(path); sys.exit(cli.main(['up']))"
    )
    command = [sys.executable, "-c", script, str(short)]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ}, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1] == (
        "sandbox: faults.toml: fault ssh-quick-login: the process ssh does not implement it"
    )

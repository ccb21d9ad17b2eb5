"""A sandbox that keeps running while runs on it are killed, and the search for the leftovers of a killed run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from support.clients.focus_server.client import FocusServerClient
from support.clients.journal import Journal
from support.clients.kubernetes.client import KubernetesClient
from support.clients.mongodb.client import MongoDBClient
from support.clients.safety import Budget, SafetyPolicy
from support.clients.sandbox.control import SandboxControl
from support.config import Environment, load_environment
from support.model import requests
from support.resilience.links import LINK
from tests import warm

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 240.0
_MAKEFILE = "include Makefile\nkilled:\n\t@$(WITH_MAKE) {command}\n"


class Site:
    """The sandbox, and its state before the first run."""

    def __init__(self, folder: Path, run_file: Path, supervisor: subprocess.Popen[str]) -> None:
        self.folder, self.run_file, self.reports = folder, run_file, folder / "reports"
        self.root, self.supervisor = ROOT, supervisor
        self.environment: Environment = load_environment("sandbox", run_file=run_file)
        policy = SafetyPolicy.of(self.environment)
        self.cluster = KubernetesClient(self.environment.kubernetes, Journal(), policy)
        self.index = MongoDBClient(self.environment.mongodb, Journal(), policy)
        self.server = FocusServerClient(self.environment.focus_server, Journal(), Budget(policy))
        assert self.environment.control is not None
        self.control = SandboxControl(self.environment.control)
        self.before = self.facts()

    def facts(self) -> dict[str, Any]:
        """The state that a run may change and fail to restore."""
        collection = self.index.recordings_collection(self.environment.mongodb.base_path)
        workloads = (*self.cluster.deployments(), *self.cluster.stateful_sets())
        return {
            "jobs": sorted(self.cluster.snapshot().job_ids),
            "services": sorted(service.name for service in self.cluster.services()),
            "holders": [pod.name for pod in self.cluster.pods("focus-acceptance/run")],
            "quotas": sorted(self.cluster.quotas()),
            "network policies": sorted(self.cluster.network_policies()),
            "workloads": sorted((one.name, one.replicas, one.ready) for one in workloads),
            "disturbances": sorted(self.control.toxics(LINK)),
            "configuration": self.cluster.config_map("prisma-config").data,
            "recordings": sorted(str(one["uuid"]) for one in self.index.find(collection)),
            "fibre": self.server.live_metadata().json().get("prr", 0) > 0,
        }

    def trouble(self) -> str:
        """Differences from the state before, and the answer of the server if no investigation can be opened; else
        empty."""
        now = self.facts()
        changed = [f"{name}: {now[name]} and not {was}" for name, was in self.before.items() if now[name] != was]
        answer = self.server.configure(requests.live())
        if answer.announced_job_id is not None:
            self.cluster.release(answer.announced_job_id)
            happens(lambda: not self.cluster.snapshot().job_ids)
        if answer.status != 200:
            changed.append(f"POST /configure is answered {answer.status} {answer.message}")
        return "; ".join(changed)

    def arguments(self, tags: str) -> list[str]:
        """The arguments of behave."""
        userdata = ("-D", f"reports={self.reports}", "-D", f"sandbox_run_file={self.run_file}", "-D", "history=")
        return [*userdata, f"--tags={tags}"]

    def run(self, tags: str) -> warm.WarmProcess:
        """Start a run in a process group of its own."""
        with self.log.open("wb") as log, Path(os.devnull).open("rb") as nothing:
            return warm.WarmProcess("behave", self.arguments(tags), (nothing.fileno(), log.fileno(), log.fileno()))

    def make(self, tags: str) -> subprocess.Popen[bytes]:
        """Start the same run with make, as a user does."""
        makefile = self.folder / "Makefile"
        *words, tags = [sys.executable, "-m", "behave", *self.arguments(tags)]
        makefile.write_text(_MAKEFILE.format(command=" ".join([*words, f"'{tags}'"])))
        command = ["make", "-f", str(makefile), "killed"]
        with self.log.open("wb") as log:
            return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, process_group=0)

    @property
    def log(self) -> Path:
        """The output of the last run."""
        return self.folder / "run.log"

    def sweep(self, *more: str) -> tuple[int, str]:
        options = ["sweep", "-e", "sandbox", "--run-file", str(self.run_file), "--reports", str(self.reports), *more]
        ended = warm.run("tests.focus_acceptance", *options, timeout_s=PATIENCE_S)
        return ended.returncode, ended.stdout + ended.stderr

    def processes(self) -> list[str]:
        """The command lines of the sandbox's processes that still run."""
        mark = f"TMPDIR={self.folder}".encode()
        numbers = [path for path in Path("/proc").iterdir() if path.name.isdigit()]
        return [
            _read(path / "cmdline").replace(b"\0", b" ").decode() for path in numbers if mark in _read(path / "environ")
        ]

    def swept(self) -> str:
        """Sweep, and return the differences from the state before; empty if there are none."""
        code, said = self.sweep("--yes")
        return f"sweep --yes ended with {code}: {said}" if code != 0 else self.trouble()

    def torn_reports(self) -> str:
        """The reports of the last run that are missing or cannot be read; empty if there are none."""
        try:
            record = json.loads((self.reports / "run.json").read_text())
            ElementTree.parse(self.reports / "junit.xml")
            folder = self.reports / (self.reports / "latest").read_text().strip()
            pages = [name for name in ("site/index.html", "summary.md", "xray.json") if not (folder / name).is_file()]
        except (OSError, ValueError, ElementTree.ParseError) as error:
            return f"a report is torn: {error}"
        return (
            f"missing: {pages}"
            if pages
            else ""
            if record["interrupted"]
            else f"no interruption is recorded: {self.log.read_text()[-1500:]}"
        )


@contextmanager
def site(folder: Path, *options: str) -> Iterator[Site]:
    """A running sandbox; ``options`` are further arguments of ``sandbox up``."""
    run_file = folder / "sandbox.json"
    command = [sys.executable, "-m", "environments.sandbox", "up", "--run-file", str(run_file), *options]
    variables = {**os.environ, "TMPDIR": str(folder)}
    sandbox = subprocess.Popen([*command], cwd=ROOT, env=variables, stdout=subprocess.PIPE, text=True, process_group=0)
    try:
        assert sandbox.stdout is not None
        assert any(line.strip() == "ready" for line in sandbox.stdout)
        yield Site(folder, run_file, sandbox)
    finally:
        sandbox.terminate()
        sandbox.wait(60)


def happens(seen: Callable[[], bool]) -> bool:
    """Wait until ``seen`` returns true; False if it does not within ``PATIENCE_S``."""
    deadline_s, pause = time.monotonic() + PATIENCE_S, threading.Event()
    while not seen():
        if time.monotonic() > deadline_s:
            return False
        pause.wait(0.002)
    return True


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # the process has ended meanwhile, or belongs to another user
        return b""


def group_lives(number: int) -> bool:
    """Whether a process of the run's process group still exists. The processes of scenarios side by side belong to
    it."""
    try:
        os.killpg(number, 0)
    except ProcessLookupError:
        return False
    return True

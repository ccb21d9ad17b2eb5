"""Kills runs of the suite at chosen moments, and proves that ``sweep --yes`` leaves the site as it was before.

``python -m tests.endings.kills [--amount 48] [--signals SIGKILL ...] [--seed N]`` prints one line for each kill.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.clients.focus_server.client import FocusServerClient
from support.clients.journal import Journal
from support.clients.kubernetes.client import Deployment, KubernetesClient
from support.clients.mongodb.client import MongoDBClient
from support.clients.safety import Budget, SafetyPolicy
from support.clients.sandbox.control import SandboxControl
from support.config import Environment, load_environment
from support.model import requests
from support.resilience.links import LINK

ROOT = Path(__file__).resolve().parents[2]
SIGNALS = (signal.SIGKILL, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PATIENCE_S = 240.0
_LOAD = "a load"
ANY = "any moment"
OUTAGES = {
    "MongoDB stopped": ("@RS-02a", "changes", b'"what": "MongoDB is stopped"', 1),
    "RabbitMQ stopped": ("@RS-08c", "changes", b'"what": "RabbitMQ is stopped"', 1),
    "everything stopped": ("@RS-06b", "changes", b'"what": "the server is stopped"', 1),
    "MongoDB cut off": ("@RS-03a", "changes", b'"kind": "network_policy"', 1),
    "MongoDB crashed": ("@RS-05a", "changes", b'"what": "MongoDB crashes"', 1),
    "RabbitMQ crashed": ("@RS-05b", "changes", b'"what": "RabbitMQ crashes"', 1),
    "the server crashed": ("@RS-05c", "changes", b'"what": "the server crashes"', 1),
    "two crashed": ("@RS-06a", "changes", b'"kind": "crashed_workload"', 2),
    "late answers": ("@RS-01c", "changes", b"every answer comes too late", 1),
    "a black hole": ("@RS-01c", "changes", b"nothing gets through", 1),
    "lost answers": ("@RS-01c", "changes", b"the answers are lost", 1),
    "broken connections": ("@RS-01c", "changes", b"every connection is broken", 1),
}
"""In the middle of every kind of outage, as :data:`MOMENTS`."""

# What is changed at the moment, the scenario that changes it, and what is then in one of the files of the run.
MOMENTS = {
    "a quota": ("@SB-04a", "changes", b'"kind": "quota"', 1),
    "a holder of a port": ("@PV-07a", "changes", b'"kind": "holder_service"', 1),
    "holders of GPU slices": ("@JL-13a", "changes", b'"kind": "holder_pod"', 1),
    "the stream address": ("@PV-08b", "changes", b'"kind": "config_map_key"', 1),
    "the settings of the server": ("@MD-03d", "changes", b'"kind": "server_settings"', 1),
    "a restart": ("@SB-01a", "changes", b'"kind": "restart"', 1),
    "the fibre": ("@PV-01b", "changes", b'"kind": "fibre"', 1),
    "a stale recording": ("@PV-06b", "changes", b'"kind": "recording"', 1),
    "a request about to be sent": ("@JL-01a", "ledger", b'"intended"', 1),
    "an open investigation": ("@JL-01a", "ledger", b'"opened"', 1),
    _LOAD: ("@CA-01a", "ledger", b'"opened"', 45),
    ANY: ("@JL or @PV", "ledger", b'"intended"', 1),
    **OUTAGES,
}


@dataclass(frozen=True)
class Kill:
    """One kill: by which signal, what went on, and seconds after that began."""

    number: signal.Signals
    moment: str
    delay_s: float

    def __str__(self) -> str:
        return f"{self.number.name:7} {self.moment}, {self.delay_s:.3f} s after it began"


class Site:
    """A sandbox that goes on while runs on it are killed."""

    def __init__(self, folder: Path, run_file: Path) -> None:
        self.folder, self.run_file, self.reports = folder, run_file, folder / "reports"
        self.environment: Environment = load_environment("sandbox", run_file=run_file)
        policy = SafetyPolicy.of(self.environment)
        self.cluster = KubernetesClient(self.environment.kubernetes, Journal(), policy)
        self.index = MongoDBClient(self.environment.mongodb, Journal(), policy)
        self.server = FocusServerClient(self.environment.focus_server, Journal(), Budget(policy))
        assert self.environment.control is not None
        self.control = SandboxControl(self.environment.control)
        self.root = ROOT
        self.left = ""
        self.before = self.facts()

    def facts(self) -> dict[str, Any]:
        """Whatever a run may change, and may have forgotten to change back."""
        collection = self.index.recordings_collection(self.environment.mongodb.base_path)
        return {
            "jobs": sorted(self.cluster.snapshot().job_ids),
            "services": sorted(service.name for service in self.cluster.services()),
            "holders": [pod.name for pod in self.cluster.pods("focus-acceptance/run")],
            "quotas": sorted(self.cluster.quotas()),
            "configuration": self.cluster.config_map("prisma-config").data,
            "recordings": sorted(str(one["uuid"]) for one in self.index.find(collection)),
            "fibre": self.server.live_metadata().json().get("prr", 0) > 0,
            "policies": sorted(self.cluster.network_policies()),
            "toxics": sorted(self.control.toxics(LINK)),
            "workloads": {one.name: (one.replicas, one.ready) for one in self._workloads()},
        }

    def _workloads(self) -> list[Deployment]:
        return [*self.cluster.deployments(), *self.cluster.stateful_sets()]

    def told_by_the_next_run(self) -> str:
        """What the next run says instead of judging a site that is left broken; empty when it judges."""
        ended = subprocess.run(
            self.command("@CF-10a"), cwd=ROOT, capture_output=True, text=True, timeout=_PATIENCE_S, check=False
        )
        return ended.stderr.strip() if ended.returncode == 2 else ""

    def command(self, tags: str) -> list[str]:
        userdata = ("-D", f"reports={self.reports}", "-D", f"sandbox_run_file={self.run_file}", "-D", "history=")
        return [sys.executable, "-m", "behave", *userdata, f"--tags={tags}"]

    def run(self, tags: str) -> subprocess.Popen[bytes]:
        with (self.folder / "run.log").open("wb") as log:
            return subprocess.Popen(self.command(tags), cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, process_group=0)

    def sweep(self, *more: str) -> tuple[int, str]:
        program = "from tools.cli import main; main()"
        options = ["sweep", "-e", "sandbox", "--run-file", str(self.run_file), "--reports", str(self.reports), *more]
        ended = subprocess.run(
            [sys.executable, "-c", program, *options],
            cwd=ROOT, capture_output=True, text=True, timeout=_PATIENCE_S, check=False,
        )  # fmt: skip
        return ended.returncode, ended.stdout + ended.stderr

    def trouble_after(self, kill: Kill) -> str:
        """Kill a run, sweep, and look at the site: what is not as it was, or nothing."""
        if problem := self.kill_at(kill):
            return problem
        if kill.number == signal.SIGKILL and kill.moment in OUTAGES:
            self.left = self.told_by_the_next_run()
            if "was left changed by a killed run" not in self.left:
                return f"the next run did not name what was left: {self.left}"
        code, said = self.sweep("--yes")
        return f"sweep --yes ended with {code}: {said}" if code != 0 else self.trouble()

    def kill_at(self, kill: Kill) -> str:
        """Start a run and kill it; why that did not succeed, or nothing."""
        tags, name, text, times = MOMENTS[kill.moment]
        file = self.reports / f"{name}-sandbox.jsonl"
        seen = _count(file, text)
        process = self.run(tags)
        if not _happens(lambda: process.poll() is not None or _count(file, text) >= seen + times):
            return self._ended(process, f"it never came to {kill.moment}")
        threading.Event().wait(kill.delay_s)
        if process.poll() is not None and kill.moment != ANY:
            return f"the run had ended before it came to {kill.moment}"
        process.send_signal(kill.number)
        if not _happens(lambda: process.poll() is not None and not _group_lives(process.pid)):
            return self._ended(process, f"it did not end after {kill.number.name}")
        return ""

    def _ended(self, process: subprocess.Popen[bytes], why: str) -> str:
        process.kill()
        process.wait()
        return why

    def trouble(self) -> str:
        """What is not as it was before, or whether nothing can be opened any more."""
        now = self.facts()
        changed = [f"{name}: {now[name]} and not {was}" for name, was in self.before.items() if now[name] != was]
        answer = self.server.configure(requests.live())
        if answer.announced_job_id is not None:
            self.cluster.release(answer.announced_job_id)
            _happens(lambda: not self.cluster.snapshot().job_ids)
        if answer.status != 200:
            changed.append(f"POST /configure is answered {answer.status} {answer.message}")
        return "; ".join(changed)


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    run_file = folder / "sandbox.json"
    command = [sys.executable, "-m", "environments.sandbox", "up", "--run-file", str(run_file)]
    sandbox = subprocess.Popen([*command], cwd=ROOT, stdout=subprocess.PIPE, text=True, process_group=0)
    try:
        assert sandbox.stdout is not None
        assert any(line.strip() == "ready" for line in sandbox.stdout)
        yield Site(folder, run_file)
    finally:
        sandbox.terminate()
        sandbox.wait(20)


def kills(
    amount: int,
    chance: random.Random,
    signals: Sequence[signal.Signals] = SIGNALS,
    moments: Collection[str] = MOMENTS,
) -> list[Kill]:
    """Every signal at every moment first, then more of them."""
    every = itertools.cycle((number, moment) for number in signals for moment in moments)
    return [
        Kill(number, moment, chance.uniform(0, 5 if moment == ANY else 0.3))
        for number, moment in itertools.islice(every, amount)
    ]


def _happens(seen: Any) -> bool:
    deadline_s, pause = time.monotonic() + _PATIENCE_S, threading.Event()
    while not seen():
        if time.monotonic() > deadline_s:
            return False
        pause.wait(0.002)
    return True


def _group_lives(number: int) -> bool:
    """Whether any process of a run is there: those that ran scenarios beside it end with it."""
    try:
        os.killpg(number, 0)
    except ProcessLookupError:
        return False
    return True


def _count(file: Path, text: bytes) -> int:
    return file.read_bytes().count(text) if file.is_file() else 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill runs of the suite, sweep, and prove that nothing is left.")
    parser.add_argument("--amount", type=int, help="how many; by default every signal at every moment")
    parser.add_argument("--outages", action="store_true", help="only in the middle of outages")
    parser.add_argument("--signals", nargs="+", default=[one.name for one in SIGNALS], help="SIGKILL SIGINT ...")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10_000))
    arguments = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background, and by children then
    print(f"seed {arguments.seed}, process {os.getpid()}", flush=True)
    signals = [signal.Signals[name] for name in arguments.signals]
    moments = OUTAGES if arguments.outages else MOMENTS
    amount = arguments.amount or len(signals) * len(moments)
    clean = 0
    with tempfile.TemporaryDirectory() as folder, site(Path(folder)) as sandbox:
        for kill in kills(amount, random.Random(arguments.seed), signals, moments):
            sandbox.left = ""
            trouble = sandbox.trouble_after(kill)
            clean += not trouble
            print(f"{'ok ' if not trouble else 'BAD'} {kill} {trouble or sandbox.left.partition(';')[0]}", flush=True)
    print(f"{clean} of {amount} left nothing behind")
    return 0 if clean == amount else 1


if __name__ == "__main__":
    sys.exit(main())

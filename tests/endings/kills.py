"""Kill runs of the suite at chosen moments, and prove that ``sweep --yes`` restores the site to its state before.

``python -m tests.endings.kills [--amount 80] [--signals SIGKILL ...] [--moments TEXT ...] [--seed N]`` prints one line
for each kill, and a table at the end.
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
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests import warm
from tests.endings.killed_site import Site, group_lives, happens, site

SIGNALS = (signal.SIGKILL, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ANY, MAKE, PUBLISHING, SUPERVISOR = "any moment", "make is killed", "while it publishes", "the supervisor is killed"

Run = subprocess.Popen[bytes] | warm.WarmProcess

# Each moment with the tags of the scenario, and the file of the run, text and count by which the moment is recognised.
MOMENTS = {
    "a quota": ("@SB-04a", "changes", b'"kind": "quota"', 1),
    "a holder of a port": ("@PV-07a", "changes", b'"kind": "holder_service"', 1),
    "holders of GPU slices": ("@JL-13a", "changes", b'"kind": "holder_pod"', 1),
    "the stream address": ("@PV-08b", "changes", b'"kind": "config_map_key"', 1),
    "the settings of the server": ("@MD-03d", "changes", b'"kind": "server_settings"', 1),
    "a restart": ("@SB-01a", "changes", b'"kind": "restart"', 1),
    "the fibre": ("@PV-01b", "changes", b'"kind": "fibre"', 1),
    "a stale recording": ("@PV-06b", "changes", b'"kind": "recording"', 1),
    "an outage begins": ("@RS-02a", "changes", b'"kind": "recovery"', 1),
    "MongoDB is stopped": ("@RS-01a", "changes", b'"kind": "stopped_workload"', 1),
    "MongoDB is cut off": ("@RS-01b", "changes", b'"kind": "network_policy"', 1),
    "links are disturbed": ("@RS-01c", "changes", b'"kind": "disturbed_link"', 1),
    "a request that waits for MongoDB": ("@RS-01c", "ledger", b'"intended"', 1),
    "a crash of MongoDB": ("@RS-05a", "changes", b'"kind": "crashed_workload"', 1),
    "a request about to be sent": ("@JL-01a", "ledger", b'"intended"', 1),
    "an open investigation": ("@JL-01a", "ledger", b'"opened"', 1),
    "a load": ("@CA-01a", "ledger", b'"opened"', 45),
    ANY: ("@JL or @PV", "ledger", b'"intended"', 1),
    MAKE: ("@JL-01 or @JL-12", "ledger", b'"opened"', 1),
    PUBLISHING: ("@JL-01 or @PV-04", "ledger", b'"opened"', 1),
    SUPERVISOR: ("@JL-01 or @JL-12", "ledger", b'"opened"', 1),
}


@dataclass(frozen=True)
class Kill:
    """One kill: its signal, its moment, and the seconds from the beginning of that moment to the kill."""

    number: signal.Signals
    moment: str
    delay_s: float

    def __str__(self) -> str:
        return f"{self.number.name:7} {self.moment}, {self.delay_s:.3f} s after it began"


def trouble_after(sandbox: Site, kill: Kill) -> str:
    """Kill a run, sweep, and return the differences from the site's state before; empty if there are none."""
    if problem := kill_at(sandbox, kill):
        return problem
    if kill.moment == SUPERVISOR:
        return ""  # no site is left to examine
    return sandbox.swept()


def kill_at(sandbox: Site, kill: Kill) -> str:
    """Start a run and kill it, or the process it depends on; return the reason if that failed, else an empty text."""
    tags, name, text, times = MOMENTS[kill.moment]
    file = sandbox.reports / f"{name}-sandbox.jsonl"
    seen = _count(file, text)
    process = sandbox.make(tags) if kill.moment == MAKE else sandbox.run(tags)
    if not happens(lambda: process.poll() is not None or _count(file, text) >= seen + times):
        return _ended(process, f"it never came to {kill.moment}")
    threading.Event().wait(kill.delay_s)
    if process.poll() is not None and kill.moment != ANY:
        return f"the run had ended before it came to {kill.moment}"
    return _killed(sandbox, process, kill)


def _killed(sandbox: Site, process: Run, kill: Kill) -> str:
    victim = sandbox.supervisor if kill.moment == SUPERVISOR else process
    victim.send_signal(kill.number)
    if kill.moment == PUBLISHING:
        _kill_again_while_it_publishes(sandbox, process, kill.number)
    if not happens(lambda: process.poll() is not None and not group_lives(process.pid)):
        return _ended(process, f"it did not end after {kill.number.name}")
    if kill.moment == PUBLISHING:
        return sandbox.torn_reports()
    if kill.moment == SUPERVISOR and not happens(lambda: victim.poll() is not None and not sandbox.processes()):
        return f"still there after {kill.number.name}: {sandbox.processes()}"
    return ""


def _kill_again_while_it_publishes(sandbox: Site, process: Run, number: signal.Signals) -> None:
    """Kill once more when the record is written and the other reports are not."""
    runs = sandbox.reports / "runs"
    happens(lambda: process.poll() is not None or any(runs.glob(f"*-{process.pid}/run.json")))
    process.send_signal(number)


def _ended(process: Run, why: str) -> str:
    process.kill()
    process.wait()
    return why


def _count(file: Path, text: bytes) -> int:
    return file.read_bytes().count(text) if file.is_file() else 0


def kills(
    amount: int, chance: random.Random, signals: Sequence[signal.Signals] = SIGNALS, moments: Iterable[str] = MOMENTS
) -> list[Kill]:
    """All moments, each with the next signal in turn, until each moment was combined with each signal; repeated or cut
    off to ``amount`` kills (0: each combination once). Kills that end their site come last."""
    chosen = list(moments)
    turns = [
        (signals[(place + turn) % len(signals)], moment)
        for turn in range(len(signals))
        for place, moment in enumerate(chosen)
    ]
    every = [(number, moment) for number, moment in turns if makes_sense(number, moment)]
    made = [
        Kill(number, moment, chance.uniform(0, 5 if moment == ANY else 0.3))
        for number, moment in itertools.islice(itertools.cycle(every), amount or len(every))
    ]
    return sorted(made, key=lambda kill: kill.moment == SUPERVISOR)


def makes_sense(number: signal.Signals, moment: str) -> bool:
    """False for publishing after SIGKILL: the killed process can publish nothing."""
    return (number, moment) != (signal.SIGKILL, PUBLISHING)


def table(results: Iterable[tuple[Kill, str]]) -> list[str]:
    """A Markdown table of how many kills left nothing behind, by moment and signal."""
    kills_of: Counter[tuple[str, str]] = Counter()
    clean: Counter[tuple[str, str]] = Counter()
    for kill, trouble in results:
        key = kill.moment, kill.number.name
        kills_of[key] += 1
        clean[key] += not trouble
    names = sorted({name for _, name in kills_of})
    lines = ["| killed at | " + " | ".join(names) + " |", "| --- |" + " --- |" * len(names)]
    for moment in dict.fromkeys(moment for moment, _ in kills_of):
        cells = [f"{clean[moment, n]} of {kills_of[moment, n]}" if kills_of[moment, n] else "" for n in names]
        lines.append(f"| {moment} | " + " | ".join(cells) + " |")
    return [*lines, f"{clean.total()} of {kills_of.total()} left nothing behind"]


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill runs of the suite, sweep, and prove that nothing is left.")
    parser.add_argument("--amount", type=int, default=0, help="0 for each signal at each moment once")
    parser.add_argument("--signals", nargs="+", default=[one.name for one in SIGNALS], help="SIGKILL SIGINT ...")
    parser.add_argument("--moments", nargs="+", default=list(MOMENTS), choices=list(MOMENTS))
    parser.add_argument(
        "--skip", type=int, default=0, help="so many of them: those that a run which ended early has made"
    )
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10_000))
    arguments = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):  # SIGINT is ignored in the background, and in child processes too
        signal.signal(number, signal.default_int_handler)
    print(f"seed {arguments.seed}, process {os.getpid()}", flush=True)
    signals = [signal.Signals[name] for name in arguments.signals]
    chosen = kills(arguments.amount, random.Random(arguments.seed), signals, arguments.moments)[arguments.skip :]
    results: list[tuple[Kill, str]] = []
    try:
        for kill, trouble in tried(chosen):
            results.append((kill, trouble))
            print(f"{'ok ' if not trouble else 'BAD'} {kill} {trouble}", flush=True)
    except KeyboardInterrupt:
        print(f"interrupted after {len(results)} of {len(chosen)}")
    print("\n".join(table(results)))
    return 1 if len(results) < len(chosen) or any(trouble for _, trouble in results) else 0


def tried(chosen: Sequence[Kill]) -> Iterator[tuple[Kill, str]]:
    """Yield each kill with what it left behind."""
    # Killing the supervisor ends its site: each of these kills gets its own site.
    together = [kill for kill in chosen if kill.moment != SUPERVISOR]
    for group in [together, *([kill] for kill in chosen if kill.moment == SUPERVISOR)]:
        if not group:
            continue
        with tempfile.TemporaryDirectory() as folder, site(Path(folder)) as sandbox:
            for kill in group:
                yield kill, trouble_after(sandbox, kill)


if __name__ == "__main__":
    sys.exit(main())

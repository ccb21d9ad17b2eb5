"""``python -m tools.load_limits``: measure how many requests at once each load engine bears on this machine.

For each row, an engine in new processes sends a number of requests at one moment to a loopback server that takes
exactly 300 ms for each. The engines are the threads of the suite, and Locust with one worker and with one for each
core. The output is a Markdown table: answered requests, added latency, and what the processes used (processor seconds,
peak memory). A load that does not fit on this machine shows the error that refuses it. docs/limits.md has a table.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass

from support.capacity.load.loopback import LoopbackServer
from support.capacity.load.self_check import added_ms, one_round
from support.clients.distributed.load_client import DistributedLoadClient, plan_of
from support.clients.distributed.processes import LoadTestersError
from support.clients.distributed.testers import LoadTesters
from support.clients.journal import Journal
from support.clients.load_engine import Burst
from support.clients.machine import MachineTooSmall, require_room_for
from support.clients.safety import Budget
from support.statistics.percentiles import percentile
from tools.bench import SERVICE_MS, Loopback, load_client

AMOUNTS = (200, 500, 1000, 2000, 5000)
ENGINES = ("threads", "locust 1", f"locust {os.cpu_count() or 1}")
MOST = 10_000
_MB = 1024


@dataclass(frozen=True)
class EngineUse:
    """The result of one burst: answered requests, added latency (ms), and what the processes of the engine used."""

    answered: int
    p50_ms: float
    p95_ms: float
    most_ms: float
    cpu_s: float
    memory_mb: float
    first_error: str = ""


def measured(burst: Burst, cpu_s: float, memory_mb: float) -> EngineUse:
    added = [added_ms(one) for one in burst.samples if one.status == 200] or [float("inf")]
    p50, p95 = (percentile(added, q).value for q in (0.5, 0.95))
    errors = [one.error or f"status {one.status}" for one in burst.samples if one.status != 200]
    return EngineUse(len(burst.samples) - len(errors), p50, p95, max(added), cpu_s, memory_mb, (errors or [""])[0])


def of_threads(amount: int) -> EngineUse:
    with LoopbackServer(SERVICE_MS) as server:
        began_s = time.process_time()
        burst = one_round(load_client(server.url), amount)
        return measured(burst, time.process_time() - began_s, _peak_mb())


def of_locust(amount: int, workers: int) -> EngineUse:
    """Measure Locust: what its workers use, and what this process uses to hand out requests and collect answers."""
    with LoopbackServer(SERVICE_MS) as server, LoadTesters(workers, plan=plan_of(Loopback(""))) as testers:
        began_s = time.process_time() + sum(one.cpu_s for one in testers.use())
        client = DistributedLoadClient(Loopback(server.url), Journal(), Budget.on_loopback(), testers)
        burst = one_round(client, amount)
        used = testers.use()
        cpu_s = time.process_time() + sum(one.cpu_s for one in used) - began_s
        return measured(burst, cpu_s, _peak_mb() + sum(one.kilobytes for one in used) / _MB)


def _peak_mb() -> float:
    import resource  # not available on Windows, where this table is not made

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MB


def row(engine: str, amount: int) -> str:
    """Return one row of the table, measured in processes of its own."""
    command = [sys.executable, "-m", "tools.load_limits", "--engine", engine, "--amount", str(amount)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        return f"| {engine} | {amount} | - | {said} | | | | |"
    use = EngineUse(**json.loads(done.stdout))
    told = f"{use.answered}" + (f" ({use.first_error})" if use.first_error else "")
    added = " | ".join(f"{value:.0f}" for value in (use.p50_ms, use.p95_ms, use.most_ms))
    return f"| {engine} | {amount} | {told} | {added} | {use.cpu_s:.1f} | {use.memory_mb:.0f} |"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.load_limits", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--amounts", type=int, nargs="+", default=AMOUNTS, help="how many at once")
    parser.add_argument("--engine", choices=ENGINES, help="measure this one only, and print JSON")
    parser.add_argument("--amount", type=int, default=AMOUNTS[0], help="with --engine: how many at once")
    given = parser.parse_args()
    if wrong := [each for each in (*given.amounts, given.amount) if not 1 <= each <= MOST]:
        parser.error(f"{wrong[0]} requests at once: allowed are 1 to {MOST}")
    if given.engine:
        return _one(given.engine, given.amount)
    print("| engine | at once | answered | adds P50, ms | P95 | most | processor, s | memory, MB |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for amount in given.amounts:
        for engine in dict.fromkeys(ENGINES):
            print(row(engine, amount), flush=True)
    return 0


def _one(engine: str, amount: int) -> int:
    try:
        require_room_for(amount)  # raises the limit of open files for the server too
        name, _, workers = engine.partition(" ")
        use = of_threads(amount) if name == "threads" else of_locust(amount, int(workers))
    except (MachineTooSmall, LoadTestersError) as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(asdict(use)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

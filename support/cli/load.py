"""``focus-acceptance load`` and ``load-worker``: load that follows a profile, from many testers."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

from support.clients.distributed.processes import PROGRAMS, LoadTestersError, require_locust, worker_command
from support.config import ConfigurationError, load_environment
from support.config.documents import shown
from support.config.load_profile import read_load_profile, require_within
from support.files import PROJECT
from support.selection import reason_by_the_clock, reason_to_skip

FEATURE = PROGRAMS / "capacity" / "many_testers.feature"
MOST_WORKERS = 200


def run(
    environment: str,
    profile: Path,
    workers: int | None,
    expected: int | None,
    listen: str | None,
    within_s: float,
    run_file: Path | None,
    confirm: str | None,
    reports: Path,
) -> int:
    """Become the run that makes the load. Returns exit code 2, before anything starts, if that is impossible."""
    try:
        require_locust()
        amount, address = _testers(workers, expected, listen)
        _require_possible(environment, profile)
    except (ConfigurationError, LoadTestersError) as error:
        print("\n".join(f"load: {line}" for line in str(error).splitlines()), file=sys.stderr)
        return 2
    userdata = {
        "env": environment,
        "parallel": "1",
        "reports": str(reports.resolve()),
        "load_profile": str(profile.resolve()),
        "load_workers": str(amount),
        "load_within_s": f"{within_s:g}",
        "load_listen": address,
        "sandbox_run_file": str(run_file.resolve()) if run_file else None,
        "confirm": confirm,
    }
    options = [part for name, value in userdata.items() if value is not None for part in ("-D", f"{name}={value}")]
    return _become([sys.executable, "-m", "behave", *options, str(FEATURE.relative_to(PROJECT))])


def run_worker(master: str) -> int:
    """Become a worker of the master at HOST:PORT. Returns only for wrong use, with exit code 2."""
    try:
        require_locust()
        _require_address("--master", master)
    except LoadTestersError as error:
        print(f"load-worker: {error}", file=sys.stderr)
        return 2
    return _become(worker_command(master))


def _become(command: list[str]) -> NoReturn:
    sys.stdout.flush()
    os.chdir(PROJECT)
    os.execv(command[0], command)


def _testers(workers: int | None, expected: int | None, listen: str | None) -> tuple[int, str | None]:
    """Return the number of testers, and the address at which testers from elsewhere are expected."""
    if workers is not None and expected is not None:
        raise LoadTestersError("--workers starts them here, --expect-workers waits for others: give one of them")
    if expected is None:
        if listen is not None:
            raise LoadTestersError("--listen is for workers from elsewhere: give --expect-workers with it")
        return _amount("--workers", (os.cpu_count() or 1) if workers is None else workers), None
    if listen is None:
        raise LoadTestersError("--expect-workers needs --listen ADDRESS:PORT, where they find this machine")
    return _amount("--expect-workers", expected), _require_address("--listen", listen)


def _amount(option: str, number: int) -> int:
    if not 1 <= number <= MOST_WORKERS:
        raise LoadTestersError(f"{option} {number} is not allowed; allowed: 1 to {MOST_WORKERS}")
    return number


def _require_address(option: str, text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise LoadTestersError(f"{option} {text} is not allowed; allowed: an address and a port, as 10.0.0.7:5557")
    return text


def _require_possible(name: str, file: Path) -> None:
    """Require a valid profile and an environment that permits its load at this hour."""
    profile, environment = read_load_profile(file), load_environment(name)
    objection = reason_to_skip({"load"}, environment) or reason_by_the_clock({"load"}, environment)
    if objection is not None:
        raise ConfigurationError(objection)
    caps = {name: environment.safety.within(name) for name in ("requests_at_once", "openings_in_all")}
    require_within(profile, shown(file), caps)

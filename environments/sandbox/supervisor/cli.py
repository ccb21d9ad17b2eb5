"""The command line of the sandbox."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from environments.sandbox.shared.bad_requests import log_in_one_line
from environments.sandbox.shared.borrowed import FLAG
from environments.sandbox.shared.errors import StartError, UsageError
from environments.sandbox.shared.variables import KUBERNETES_VARIABLE, MONGODB_VARIABLE
from environments.sandbox.supervisor.catalogue import Fault, load_catalogue
from environments.sandbox.supervisor.detached import end, is_running, start_detached
from environments.sandbox.supervisor.forked import wait_without_threads
from environments.sandbox.supervisor.profile import DEFAULT, load_profile, names
from environments.sandbox.supervisor.run_file import write
from environments.sandbox.supervisor.settings import SandboxSettings, choices, parse_settings
from environments.sandbox.supervisor.supervisor import Supervisor

if TYPE_CHECKING:
    from environments.sandbox.mongodb.elsewhere import Elsewhere

_PARENT_CHECK_S = 0.2


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]  # one sentence instead of a usage screen
        raise UsageError(message)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = _Parser(prog="focus-acceptance sandbox", description="The embedded Focus Server estate, on loopback only.")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)
    up = commands.add_parser(
        "up",
        help="start it and stay in the foreground until SIGINT or SIGTERM",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_settings_told(),
    )
    up.add_argument("--run-file", type=Path, metavar="PATH", help="write the endpoints here (JSON)")
    up.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="settings", help="may be repeated")
    up.add_argument("--fault", action="append", default=[], metavar="ID", dest="faults", help="may be repeated")
    up.add_argument("--profile", default=DEFAULT, metavar="NAME", help=f"one of {', '.join(names())}")
    up.add_argument("--detach", action="store_true", help="return when it is ready; `sandbox down` ends it")
    up.add_argument(
        FLAG, action="store_true", dest="permitted", help=f"use the cluster of {KUBERNETES_VARIABLE} unmarked"
    )
    down = commands.add_parser("down", help="end one that was started with --detach")
    down.add_argument("--run-file", type=Path, metavar="PATH", help="the one it was started with")
    up.add_argument("--parent-pid", type=int, default=os.getppid(), help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def _settings_told() -> str:
    """The help text: all settings with their defaults, and the place where the faults are listed."""
    lines = [
        f"  {field.name}={field.default}" + (f"  of {', '.join(choices(field))}" if choices(field) else "")
        for field in fields(SandboxSettings)
    ]
    faults = "Faults for --fault: focus-acceptance list faults, or environments/sandbox/faults.toml"
    return "\n".join(["Settings for --set, with their usual values:", *lines, "", faults])


def _known(faults: list[str], catalogue: dict[str, Fault]) -> list[str]:
    for fault_id in faults:
        if fault_id not in catalogue:
            raise UsageError(f"--fault {fault_id}: no such fault in faults.toml")
    return faults


async def _parent_is_gone(parent_pid: int) -> str:
    """Wait until the parent process is gone. With a ``parent_pid`` of 0 there is no parent, and this never returns."""
    while not parent_pid or os.getppid() == parent_pid:
        await asyncio.sleep(_PARENT_CHECK_S)
    return "the parent process is gone"


def _signalled() -> asyncio.Future[str]:
    """A future of the name of the signal that asks this process to end. From now on these signals do nothing else."""
    arrived: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def note(name: str) -> None:
        if not arrived.done():
            arrived.set_result(name)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, note, number.name)
    return arrived


def _mongodb(uri: str) -> Elsewhere | None:
    if not uri:
        return None
    from environments.sandbox.mongodb.elsewhere import Elsewhere  # the driver is slow to load and seldom needed

    return Elsewhere.parse(uri)


def _kubeconfig() -> Path | None:
    text = os.environ.get(KUBERNETES_VARIABLE, "")
    if text and not Path(text).is_file():
        raise UsageError(f"{KUBERNETES_VARIABLE}: there is no file {text}")
    return Path(text) if text else None


def _down(run_file: Path | None) -> int:
    """End the sandbox, and remove namespaces that killed sandboxes left on the cluster of ``SANDBOX_KUBECONFIG``."""
    kubeconfig = _kubeconfig()
    if kubeconfig is None:
        return end(run_file)
    from environments.sandbox.kubernetes.elsewhere.claim import remove_left

    removed = asyncio.run(remove_left(kubeconfig))
    for name in removed:
        print(f"removed the namespace {name} of a sandbox that is gone")
    return 0 if removed and not is_running(run_file) else end(run_file)


async def _up(arguments: argparse.Namespace, make: Callable[[], Supervisor]) -> int:
    ends: set[asyncio.Future[str]] = {_signalled(), asyncio.create_task(_parent_is_gone(arguments.parent_pid))}
    supervisor, controls = make(), AsyncExitStack()
    run_file = arguments.run_file or supervisor.run_dir / "run.json"
    try:
        starting = asyncio.create_task(_start(supervisor, controls, run_file))
        first: set[asyncio.Future[Any]] = {starting, *ends}
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            return 0
        starting.result()
        await asyncio.wait({supervisor.ended, *ends}, return_when=asyncio.FIRST_COMPLETED)
        if supervisor.ended.done():
            raise StartError(supervisor.ended.result())
        return 0
    finally:
        run_file.unlink(missing_ok=True)
        await controls.aclose()
        await supervisor.stop()


async def _start(supervisor: Supervisor, controls: AsyncExitStack, run_file: Path) -> None:
    from environments.sandbox.supervisor.control import ControlAPI  # slow to load; the forks need the same modules

    await supervisor.start()
    control = ControlAPI(supervisor)
    controls.push_async_callback(control.stop)
    await control.start(supervisor.control_port)
    content = supervisor.run_file()
    write(run_file, content)
    print(f"focus server  {content['focus_server']['base_url']}")
    print(f"kubernetes    {content['kubernetes']['kubeconfig']}")
    print(f"control       {content['control']['url']}")
    print(f"run file      {run_file}")
    print("ready", flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s: %(message)s")
    log_in_one_line()
    try:
        arguments = _arguments(argv)
        if arguments.command == "down":
            return _down(arguments.run_file)
        if arguments.detach:
            return start_detached(sys.argv[1:] if argv is None else argv, arguments.run_file)
        catalogue = load_catalogue()
        profile = load_profile(arguments.profile, catalogue)
        settings = parse_settings([*profile.settings, *arguments.settings])
        faults = [*profile.faults, *_known(arguments.faults, catalogue)]
        if arguments.run_file and not arguments.run_file.parent.is_dir():
            raise UsageError(f"--run-file {arguments.run_file}: the folder {arguments.run_file.parent} does not exist")
        mongodb = _mongodb(os.environ.get(MONGODB_VARIABLE, ""))
        kubeconfig, permitted = _kubeconfig(), arguments.permitted
        wait_without_threads()
        return asyncio.run(
            _up(arguments, lambda: Supervisor(settings, catalogue, faults, mongodb, kubeconfig, permitted))
        )
    except UsageError as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 2
    except StartError as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1

"""Processes forked from this one: as if Python had started them, inheriting only the loaded modules."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import pytest

import environments.sandbox
from environments.sandbox.shared.errors import StartError
from environments.sandbox.supervisor.child import ChildProcess
from environments.sandbox.supervisor.forked import CHANGED, fork_of, wait_without_threads
from environments.sandbox.supervisor.workloads import WorkloadProcesses
from tests.sandbox.process_runner import base_config


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the threads of the test runner, which hold none of our locks."""
    others = threading.active_count() - 1
    count = threading.active_count
    monkeypatch.setattr(threading, "active_count", lambda: count() - others)


def begin(tmp_path: Path, package: str) -> list[str]:
    """Start ``package`` as a fork while a pipe is open here; return the targets of the fork's descriptors."""
    wait_without_threads()
    log_file = tmp_path / f"{package}.log"
    log_file.touch()

    async def run() -> list[str]:
        child = ChildProcess(package, base_config(tmp_path, proxies=[]), log_file, lambda *_: None)
        become = fork_of(package)
        assert become is not None
        await child.start(become)
        try:
            await child.wait_until_ready(15)
            assert Path(f"/proc/{child.pid}/comm").read_text(encoding="ascii").strip() == package
            return [str(each.readlink()) for each in Path(f"/proc/{child.pid}/fd").iterdir()]
        finally:
            await child.stop()

    return asyncio.run(run())


def test_a_fork_holds_no_descriptor_of_ours(tmp_path: Path) -> None:
    kept = os.pipe()
    mine = {str(Path(f"/proc/self/fd/{each}").readlink()) for each in kept}
    try:
        theirs = begin(tmp_path, "links")
    finally:
        for each in kept:
            os.close(each)
    assert not mine.intersection(theirs)


def test_a_process_that_starts_again_is_a_fork_as_well(tmp_path: Path) -> None:
    """A server starts a dozen times in a run; a new interpreter takes half of a second for it."""
    wait_without_threads()
    (log_file := tmp_path / "links.log").touch()

    async def run() -> str:
        child = ChildProcess("links", base_config(tmp_path, proxies=[]), log_file, lambda *_: None)
        try:
            await WorkloadProcesses({"links": child}, lambda _: []).started("links")
            return Path(f"/proc/{child.pid}/comm").read_text(encoding="ascii").strip()
        finally:
            await child.stop()

    assert asyncio.run(run()) == "links"


WAITS = """
import asyncio

async def run():
    process = await asyncio.create_subprocess_exec("true")
    await process.wait()

with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:  # as the processes of the sandbox do it
    runner.run(run())
"""


def test_a_fork_notices_the_end_of_a_process_that_it_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message broker is such a process. A wait that never ends also keeps a processor busy (Python 3.11)."""
    (tmp_path / "waiter").mkdir()
    (tmp_path / "waiter" / "__main__.py").write_text(WAITS, encoding="utf-8")
    monkeypatch.setattr(environments.sandbox, "__path__", [*environments.sandbox.__path__, str(tmp_path)])
    wait_without_threads()

    async def run() -> int:
        process = await asyncio.create_subprocess_exec("true", preexec_fn=fork_of("waiter"))
        try:
            async with asyncio.timeout(60):
                return await process.wait()
        finally:
            if process.returncode is None:
                process.kill()

    assert asyncio.run(run()) == 0


COLLECTS = """
import gc
import os

from environments.sandbox.shared.process import main

main(lambda config: os._exit(0 if gc.isenabled() else 3))
"""


def test_a_fork_collects_garbage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """subprocess switches that off before it forks; a process that runs for hours would only grow."""
    (tmp_path / "collector").mkdir()
    (tmp_path / "collector" / "__main__.py").write_text(COLLECTS, encoding="utf-8")
    monkeypatch.setattr(environments.sandbox, "__path__", [*environments.sandbox.__path__, str(tmp_path)])
    wait_without_threads()

    async def run() -> int:
        process = await asyncio.create_subprocess_exec(
            "true", stdin=asyncio.subprocess.PIPE, preexec_fn=fork_of("collector")
        )
        await process.communicate(b"{}\n")
        return process.returncode or 0

    assert asyncio.run(run()) == 0


def test_a_fork_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="no_such_process process ended: .*No module named"):
        begin(tmp_path, "no_such_process")


def test_python_starts_anew_beside_a_thread_and_where_it_may_be_told_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert fork_of("links") is not None
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    assert fork_of("links") is None
    monkeypatch.setenv(CHANGED, "focus_server,node")
    assert fork_of("links") is not None and fork_of("node") is None, "only these are changed by it"
    monkeypatch.delenv(CHANGED)
    monkeypatch.delenv("PYTHONPATH")
    ending = threading.Event()
    thread = threading.Thread(target=ending.wait)
    thread.start()
    try:
        assert fork_of("links") is None
    finally:
        ending.set()
        thread.join()

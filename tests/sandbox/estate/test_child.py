"""A supervised process that stops answering, or ends during a request."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from environments.sandbox.supervisor.child import ChildProcess, ProcessGone, ProcessSilent
from tests.sandbox.process_runner import base_config


def play(tmp_path: Path, scenario: Callable[[ChildProcess], Awaitable[None]]) -> None:
    """Run a scenario with a started links process, the smallest one."""

    async def run() -> None:
        log_file = tmp_path / "links.log"
        log_file.touch()
        child = ChildProcess("links", base_config(tmp_path, proxies=[]), log_file, lambda *_: None)
        await child.start()
        try:
            await child.wait_until_ready(15)
            await scenario(child)
        finally:
            await child.kill()

    asyncio.run(run())


def _halt(child: ChildProcess) -> None:
    assert child.pid is not None
    os.kill(child.pid, signal.SIGSTOP)


def test_a_silent_process_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    async def scenario(child: ChildProcess) -> None:
        _halt(child)
        with pytest.raises(ProcessSilent, match=r"the links process has not answered for 0.2 s"):
            await child.request("state", timeout_s=0.2)

    play(tmp_path, scenario)


def test_who_waits_hears_that_the_process_is_gone_although_the_next_one_runs(tmp_path: Path) -> None:
    async def scenario(child: ChildProcess) -> None:
        _halt(child)
        asked = asyncio.create_task(child.request("state"))
        await asyncio.sleep(0)
        await child.kill()
        await child.start()
        with pytest.raises(ProcessGone):
            await asyncio.wait_for(asked, 2)
        await child.wait_until_ready(15)
        assert await child.request("state")

    play(tmp_path, scenario)

"""The sandbox that a run starts for itself: only if the environment asks for one, and without a thread."""

from __future__ import annotations

import threading

import pytest

from support.clients.sandbox.embedded import EmbeddedSandbox, SandboxError
from support.hooks.own_sandbox import begun


@pytest.mark.parametrize(
    ("name", "userdata"),
    [("sandbox", {"sandbox_run_file": "run.json"}), ("local", {}), ("nowhere", {})],
    ids=["one that runs already", "endpoints that are given", "no such environment"],
)
def test_nothing_is_started(name: str, userdata: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EmbeddedSandbox, "begin", lambda self: pytest.fail("a sandbox was started"))
    assert begun(name, userdata) is None


def test_it_starts_without_a_thread_and_ends_before_it_is_ready() -> None:
    """Processes are forked after this, and a thread would not survive the fork."""
    threads = threading.active_count()
    sandbox = begun("sandbox", {})
    assert sandbox is not None
    try:
        assert sandbox.pid is not None and threading.active_count() == threads
    finally:
        sandbox.stop()
    assert sandbox.pid is None


def test_one_that_cannot_start_says_why_when_it_is_awaited() -> None:
    sandbox = EmbeddedSandbox({"nodes": 0}).begin()
    with pytest.raises(SandboxError, match="the sandbox did not start: .*nodes"):
        sandbox.start()
    assert sandbox.pid is None


def test_where_there_is_none_it_is_said_when_it_is_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hooks end a run with one sentence. The runner, which starts the sandbox, would end with a traceback."""
    monkeypatch.setattr("sys.platform", "win32")
    sandbox = begun("sandbox", {})
    assert sandbox is not None
    with pytest.raises(SandboxError, match="the sandbox needs Linux"):
        sandbox.start()
    sandbox.stop()

"""Commands in a container, and the permission to run them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from environments.sandbox.node.commands import Commands
from environments.sandbox.node.pod_log import PodLog
from environments.sandbox.node.programs import Container
from environments.sandbox.node.streaming import Streaming
from tests.sandbox.process_runner import reserve_port

HOST = "127.0.0.1"


@pytest.fixture
def container(tmp_path: Path) -> Container:
    (tmp_path / "pod-logs").mkdir()
    log = PodLog(tmp_path, "panda", "p-1", "main")
    log.begin()
    log.write("ready")
    env = [{"name": "GREETING", "value": "hello"}]
    spec = {"name": "main", "image": "registry.sandbox/pzlinux:11.0.0", "command": ["python", "-m", "x"], "env": env}
    return Container({"metadata": {"name": "p-1", "namespace": "panda", "uid": "u"}}, spec, "127.0.0.1", log)


def _run(container: Container, *words: str) -> tuple[int, str, str]:
    written = {1: "", 2: ""}

    async def write(stream: int, text: str) -> None:
        written[stream] += text

    exit_code = asyncio.run(Commands(container, write).run(words))
    return exit_code, written[1], written[2]


@pytest.mark.parametrize(
    ("words", "exit_code", "stdout", "stderr"),
    [
        (("/bin/hostname",), 0, "p-1\n", ""),
        (("ls",), 0, "etc\nvar\n", ""),
        (("ls", "/var/log/main.log", "/no"), 2, "/var/log/main.log\n", "ls: cannot access '/no': No such file or"),
        (("ls", "-l"), 2, "", "ls: the sandbox knows no arguments -l"),
        (("cat", "/var"), 1, "", "cat: /var: Is a directory"),
        (("cat", "/etc/hostname"), 0, "p-1\n", ""),
        (("cat",), 2, "", "cat: the sandbox knows no arguments '(standard input)'"),
        (("sleep", "soon"), 2, "", "sleep: the sandbox knows no arguments soon"),
        (("sh",), 2, "", "sh: the sandbox has no interactive shell"),
        (("sh", "-c", "exit 256"), 0, "", ""),
        (("sh", "-c", "true; nope"), 127, "", "sh: 1: nope: not found"),
        (("sh", "-c", "exit many"), 127, "", "sh: 1: exit: not found"),
        (("sh", "-c", "env | sort"), 2, "", "sh: the sandbox's shell does not know: env | sort"),
        (("sh", "-c", "echo 'open"), 2, "", "sh: syntax error: No closing quotation"),
        (("sh", "-c", "echo 'a b' 1>&2"), 0, "", "a b\n"),
    ],
)
def test_commands(container: Container, words: tuple[str, ...], exit_code: int, stdout: str, stderr: str) -> None:
    done = _run(container, *words)
    assert done[:2] == (exit_code, stdout)
    assert stderr in done[2]
    assert bool(stderr) == bool(done[2])


def test_the_world_of_a_container(container: Container) -> None:
    assert "GREETING=hello" in _run(container, "env")[1].splitlines()
    assert _run(container, "ps")[1].splitlines()[1].endswith("python -m x")
    assert _run(container, "cat", "/var/log/main.log")[1].endswith("ready\n")


@pytest.mark.parametrize(
    ("token", "request_", "error"),
    [
        ("wrong", {"action": "exec", "uid": "u", "container": "c", "command": ["true"]}, "does not know this token"),
        ("right", {"action": "exec", "uid": "u", "container": "c", "command": ["true"]}, "pod does not exist"),
        ("right", {"action": "forward", "uid": "u", "port": 1}, "pod does not exist"),
    ],
)
def test_the_kubelet_refuses(token: str, request_: dict[str, Any], error: str) -> None:
    async def ask() -> Any:
        port = reserve_port()
        streaming = Streaming(list, "right", {}, lambda endpoint: endpoint)
        await streaming.start(HOST, port)
        try:
            reader, writer = await asyncio.open_connection(HOST, port)
            writer.write(json.dumps({**request_, "token": token}).encode() + b"\n")
            answer = await reader.readline()
            writer.close()
        finally:
            await streaming.stop()
        return json.loads(answer)

    assert error in asyncio.run(ask())["error"]

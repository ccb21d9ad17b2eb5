"""Runs of the real kubectl."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.kubernetes_api.serving import ServedApi, pod, running

KUBECTL = shutil.which("kubectl")
needs_kubectl = pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed")

BRIEF = {"GOGC": "off", "GOMAXPROCS": "1"}
"""Variables for a program written in Go that runs for a moment: it collects no garbage and uses one processor, which
saves a fifth of its processor time."""

Kubectl = Callable[..., subprocess.CompletedProcess[str]]


def runner(home: Path, default: Path) -> Kubectl:
    """A function that runs kubectl with its cache in ``home``; ``stdin`` is an object, sent as JSON."""

    def run(*args: str, stdin: Any = None, kubeconfig: Path = default) -> subprocess.CompletedProcess[str]:
        env = {"HOME": str(home), "PATH": os.environ["PATH"], "KUBECONFIG": str(kubeconfig), **BRIEF}
        text = None if stdin is None else json.dumps(stdin)
        return subprocess.run([str(KUBECTL), *args], env=env, input=text, capture_output=True, text=True, timeout=300)

    return run


def succeeds(kubectl: Kubectl, *args: str, stdin: Any = None) -> str:
    result = kubectl(*args, stdin=stdin)
    assert result.returncode == 0, result.stderr
    assert result.stderr == "" or result.stderr.lower().startswith("warning"), result.stderr
    return result.stdout


def table(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def running_pod(api: ServedApi, name: str, **labels: str) -> dict[str, Any]:
    return api.call(api.store.create, "pods", {**pod(name, "worker-node-1", **labels), "status": running()}, "panda")

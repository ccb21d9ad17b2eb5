"""A whole sandbox, and connections forwarded into it by the real kubectl."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.sandbox.estate.test_lifecycle import Up
from tests.sandbox.kubernetes_api.kubectl_runs import KUBECTL

RABBITMQ = "rabbitmq-panda-0"


def kubeconfig_of(up: Up) -> Path:
    return Path(up.endpoints["kubernetes"]["kubeconfig"])


def environment(home: Path, kubeconfig: Path) -> dict[str, str]:
    """The environment variables for kubectl."""
    return {"HOME": str(home), "PATH": os.environ["PATH"], "KUBECONFIG": str(kubeconfig)}


class Forward:
    """``kubectl port-forward`` of one port; ``port`` is the local port."""

    def __init__(self, up: Up, home: Path, what: str, port: int) -> None:
        env = environment(home, kubeconfig_of(up))
        command = [str(KUBECTL), "port-forward", "--address", "127.0.0.1", what, f":{port}"]
        self._process = subprocess.Popen(
            command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )  # fmt: skip
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.startswith("Forwarding from 127.0.0.1:"), self._process.communicate(timeout=60)
        self.port = int(line.split()[2].rpartition(":")[2])

    def __enter__(self) -> Forward:
        return self

    def __exit__(self, *unused: object) -> None:
        self._process.terminate()
        self._process.communicate(timeout=60)

    def last_words(self) -> str:
        """Wait until kubectl ends by itself, and return its standard error."""
        return self._process.communicate(timeout=60)[1]

"""Transcripts of a terminal: each command, the answer of kubectl, and its exit code.

A line ``$ kubectl ...`` is a command. The lines below it are its output (stdout and stderr), then ``(exit N)`` if the
exit code is not 0. A line ``# ...`` begins a section, which starts on a cluster as new. Column widths are ignored.
``<age>`` and the other names of :data:`PLACEHOLDERS` stand for values that change from run to run, and ``...`` alone on
a line stands for any number of lines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.sandbox.node.estate import grpc_job

PLACEHOLDERS = {
    "age": r"(\d+d)?(\d+h)?(\d+m)?(\d+s)?",
    "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "date": r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000",
    "uid": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "five": r"[a-z0-9]{5}",
    "ip": r"\d+\.\d+\.\d+\.\d+",
    "url": r"https://127\.0\.0\.1:\d+",
    "n": r"\d+",
    "word": r"\S+",
    "text": r".+",
    "clock": r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? \+0000",
    "logtime": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000",
    # alternatives of older and newer kubectl
    "others": r"( out of: \w+)?",
    "wrong": r"(Error from server \(BadRequest\)|error):",
    "from": r"( from \w+ namespace)?",
    "scaling": r"(error: no objects passed to scale|Error from server \(NotFound\):)",
    "attaching": r"(Error from server \(NotImplemented\)|error: unable to upgrade connection):",
}


@dataclass
class Entry:
    """One command of a transcript."""

    arguments: str
    lines: list[str] = field(default_factory=list)
    exit_code: int = 0

    def told_apart(self, text: str, exit_code: int) -> str | None:
        """None if the output and exit code match, else the expected and the actual ones as text."""
        pattern = "".join(_pattern(line) for line in self.lines)
        shown = "".join(f"{_squeezed(line)}\n" for line in text.splitlines() if _squeezed(line))
        if exit_code == self.exit_code and re.fullmatch(pattern, shown):
            return None
        expected = "\n".join(self.lines)
        wanted = f"-- expected, exit {self.exit_code}\n{expected}"
        return f"$ kubectl {self.arguments}\n{wanted}\n-- got, exit {exit_code}\n{shown}"


def read(path: Path) -> Iterator[tuple[str, list[Entry]]]:
    """Yield the sections of a transcript with their titles."""
    title, entries = "", list[Entry]()
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            if entries:
                yield title, entries
            title, entries = line[2:], []
        elif line.startswith("$ kubectl "):
            entries.append(Entry(line.removeprefix("$ kubectl ")))
        elif match := re.fullmatch(r"\(exit (\d+)\)", line):
            entries[-1].exit_code = int(match[1])
        elif line.strip():
            entries[-1].lines.append(line)
    yield title, entries


def _squeezed(line: str) -> str:
    return " ".join(re.sub(r"\x1b\[[\d;]*m", "", line).split())


def _pattern(line: str) -> str:
    if line.strip() == "...":
        return r"(.*\n)*"
    parts = re.split(r"<(\w+)>", _squeezed(line))
    known = [PLACEHOLDERS.get(part, f"<{part}>") if index % 2 else re.escape(part) for index, part in enumerate(parts)]
    return "".join(known) + r"\n"


def write_manifests(folder: Path) -> None:
    """Write the manifest files that the commands of a transcript name."""
    for name, manifest in _manifests().items():
        (folder / f"{name}.json").write_text(json.dumps(manifest), encoding="utf-8")


def _manifests() -> dict[str, Any]:
    job = {"apiVersion": "batch/v1", "kind": "Job", **grpc_job("7-7")}
    bad_template = {"spec": {"containers": [], "restartPolicy": "Always"}}
    notes = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "notes"}}
    port = {"port": 80, "targetPort": 5000}
    policy = {"podSelector": {"matchLabels": {"app.kubernetes.io/instance": "mongodb"}}, "policyTypes": ["Ingress"]}
    return {
        "job": job,
        "bad-job": {**job, "metadata": {"name": "Bad_Name"}, "spec": {"template": bad_template}},
        "misspelt-job": {**job, "spec": {**job["spec"], "backofLimit": 1}},
        "notes": {**notes, "data": {"a": "1"}},
        "notes-changed": {**notes, "data": {"a": "2"}},
        "notes-of-yesterday": {**notes, "metadata": {"name": "notes", "resourceVersion": "1"}, "data": {}},
        "port-12666": _service("first", {**port, "nodePort": 12666}),
        "port-12666-again": _service("second", {**port, "nodePort": 12666}),
        "port-30000": _service("third", {**port, "nodePort": 30000}),
        "policy": {
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "cut"}, "spec": policy,
        },
    }  # fmt: skip


def _service(name: str, port: dict[str, int]) -> dict[str, Any]:
    spec = {"type": "NodePort", "selector": {"app": name}, "ports": [port]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}

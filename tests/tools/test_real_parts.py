"""The parts of ``make real``, as far as they can be checked without docker, kind and a registry."""

from __future__ import annotations

import asyncio
import importlib.util
import re
import shlex
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from environments.sandbox.kubernetes.elsewhere.process import ESTATE
from support.config import Environment
from support.config.overrides import read_overrides
from support.config.schema import tree
from tests.deploy.manifests import lost
from tests.sandbox.estate.test_lifecycle import ROOT

DEPLOY = ROOT / "deploy"
SCRIPT = (ROOT / "scripts" / "real.sh").read_text(encoding="utf-8")
DOCKERFILES = sorted(DEPLOY.rglob("Dockerfile"))
PINNED = re.compile(r"[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}")
KINDS = {
    "ConfigMap", "PersistentVolume", "Role", "PersistentVolumeClaim", "ServiceAccount", "RoleBinding", "Deployment",
    "StatefulSet", "Service",
}  # fmt: skip


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.parent.name)
def test_an_image_is_built_from_what_is_pinned_and_there(path: Path) -> None:
    stages: set[str] = set()
    for line in path.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["FROM"]:
            assert words[1] in stages or PINNED.fullmatch(words[1]), f"{words[1]} is not pinned by digest"
            stages |= set(words[3:4])
        elif words[:1] == ["COPY"]:
            context = ROOT if path.parent.name == "suite" else path.parent
            assert [name for name in words[1:-1] if not (context / name).exists()] == []


def test_the_script_is_one_and_names_what_exists() -> None:
    for script in (ROOT / "scripts" / "real.sh", DEPLOY / "ssh" / "entry.sh"):
        assert subprocess.run(["sh", "-n", script], capture_output=True, text=True, check=False).stderr == ""
    for module in re.findall(r"\$python -m ([\w.]+)", SCRIPT):
        assert importlib.util.find_spec(module), module
    built = dict(re.findall(r"--target \"\$(\w+)\".*? (deploy/\w+)$", SCRIPT, re.MULTILINE))
    assert built == {"target": "deploy/job"} and "in job cleanup; do" in SCRIPT
    assert {"job", "cleanup"} <= set(
        re.findall(r" AS (\w+)", (DEPLOY / "job" / "Dockerfile").read_text(encoding="utf-8"))
    )
    environment = yaml.safe_load((ROOT / "environments" / "cluster.yaml").read_text(encoding="utf-8"))
    images = {environment["sandbox"]["settings"][name] for name in ("job_image", "cleanup_image")}
    assert images == {f"focus-acceptance-{target}:1" for target in ("job", "cleanup")}
    assert "env=cluster" in SCRIPT and "cluster=focus-acceptance\n" in SCRIPT


def test_every_variable_of_the_script_is_one_of_the_suite() -> None:
    named = dict.fromkeys(re.findall(r"(FOCUS__\w+)=", SCRIPT), "1")
    assert len(named) == 6
    assert read_overrides(named, tree(Environment))[1] == []


def test_without_its_programs_it_says_so_and_does_nothing(tmp_path: Path) -> None:
    for name in ("dirname", "sh"):
        (tmp_path / name).symlink_to(Path("/bin") / name if (Path("/bin") / name).exists() else Path("/usr/bin") / name)
    done = subprocess.run(
        ["/bin/sh", ROOT / "scripts" / "real.sh"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "real: docker is not there\n")


def test_the_cluster_of_kind_has_nodes_for_jobs() -> None:
    content = yaml.safe_load((DEPLOY / "kind" / "cluster.yaml").read_text(encoding="utf-8"))
    assert (content.pop("kind"), content.pop("apiVersion")) == ("Cluster", "kind.x-k8s.io/v1alpha4")
    assert content.pop("networking") == {"apiServerAddress": "127.0.0.1"}
    assert [node["role"] for node in content.pop("nodes")] == ["control-plane", "worker", "worker"] and not content


def test_the_manifests_are_what_the_api_takes() -> None:
    """Checks the fields against the models of the official client; starting on a sandbox shows that the API takes
    them."""
    text = ESTATE.read_text(encoding="utf-8")
    for name, value in (
        ("namespace", "focus-acceptance-1"),
        ("image", "registry.example/job:1"),
        ("node", "127.0.0.1"),
    ):
        text = text.replace(f"${name}", value)
    found = list(yaml.safe_load_all(text))
    assert {each["kind"] for each in found} == KINDS and "$" not in text
    for manifest in found:
        assert lost(manifest) == [], manifest["kind"]


def module(name: str) -> ModuleType:
    """Load one of the programs of the images."""
    spec = importlib.util.spec_from_file_location(name, DEPLOY / "job" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def test_the_listener_takes_connections_counts_them_and_ends_when_it_is_told() -> None:
    code = (
        f"import sys, asyncio; sys.path.insert(0, {str(DEPLOY / 'job')!r}); import baby_analyzer\n"
        f"sys.exit(asyncio.run(baby_analyzer.main(['--roi', '1', '5'], '127.0.0.1', (0, 0))))"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = re.fullmatch(
            r"gRPC server listens on port (\d+), its clients .* port (\d+)\n", process.stdout.readline()
        )
        assert told is not None
        ports = int(told[1]), int(told[2])

        def clients() -> int:
            with urllib.request.urlopen(f"http://127.0.0.1:{ports[1]}/", timeout=60) as answer:
                return int(answer.read())

        assert clients() == 0
        with socket.create_connection(("127.0.0.1", ports[0])):
            assert process.stdout.readline() == "client connected (1 now)\n" and clients() == 1
        assert process.stdout.readline() == "client disconnected (0 now)\n"
        process.terminate()
        assert process.wait(60) == 0


def test_the_listener_ends_with_its_window(capsys: pytest.CaptureFixture[str]) -> None:
    listener = module("baby_analyzer")
    words = ["--time-start", "2025-12-01:10:00:00", "--time-end", "2025-12-01:10:00:00"]
    assert asyncio.run(listener.main(words, "127.0.0.1", (0, 0))) == 0
    assert "end of data" in capsys.readouterr().out
    assert asyncio.run(listener.main([*words[:3], "soon"], "127.0.0.1", (0, 0))) == 2
    assert listener.window_s(["--time-start", "2025-12-01:10:00:00", "--time-end", "2025-12-01:12:00:05"]) == 7205


class Api:
    """Answers like an API server, and records deletions."""

    namespace = "site"

    def __init__(self, **answers: Any) -> None:
        self._answers = answers
        self.deleted: list[str] = []

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        if method == "DELETE":
            assert body["propagationPolicy"] == "Background"
            self.deleted.append(path.rpartition("/")[2])
            return {}
        return self._answers["job" if "/jobs/" in path else "pods"]


RUNNING: dict[str, Any] = {"status": {"active": 1}}


@pytest.mark.parametrize(
    ("job", "clients", "reasons"),
    [
        (None, 0, ["the job is gone"]),
        ({"status": {"conditions": [{"type": "Complete", "status": "True"}]}}, 1, ["the job is Complete"]),
        (RUNNING, 0, [None, None, "nobody was connected 3 times"]),
        (RUNNING, 1, [None] * 5),
        (RUNNING, None, [None] * 5),
    ],
)
def test_the_watchdog_removes_what_has_ended_or_nobody_uses(
    monkeypatch: pytest.MonkeyPatch, job: Any, clients: int | None, reasons: list[str | None]
) -> None:
    program = module("cleanup")
    watchdog = program.Watchdog(Api(job=job, pods={"items": []}), "3-17", 3)
    monkeypatch.setattr(watchdog, "_clients", lambda: clients)
    assert [watchdog.reason() for _ in reasons] == reasons


def test_the_watchdog_deletes_all_three_and_asks_the_pod_itself() -> None:
    program, api = module("cleanup"), Api(job=None, pods={"items": [{"status": {}}]})
    pause = type("Pause", (), {"wait": staticmethod(lambda seconds: None)})()
    assert program.Watchdog(api, "3-17", 3).run(pause) == 0
    assert api.deleted == ["grpc-service-3-17", "grpc-job-3-17", "cleanup-job-3-17"]
    assert program.Watchdog(api, "3-17", 3)._clients() is None

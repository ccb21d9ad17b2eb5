"""Runs that reach the cluster over their own tunnel.

The tunnel is closed at the end. The cluster is verified by its name, or each result says that it is not.
"""

from __future__ import annotations

import html
import signal
import sys
from pathlib import Path

import pytest

from tests.endings.test_run_endings import WHILE_A_JOB_RUNS, Behave

TUNNEL = {"FOCUS__KUBERNETES__ACCESS": "ssh_tunnel", "FOCUS__KUBERNETES__TLS_SERVER_NAME": "kubernetes"}
GOES_ON_LISTENING = """
import runpy, sys
from support.clients.ssh.port_forward import LocalForward
LocalForward.close = lambda self: None
sys.argv = ["behave", *sys.argv[1:]]
runpy.run_module("behave", run_name="__main__")
"""


def with_the_fault(folder: Path, *arguments: str) -> Behave:
    """A run with the fault that its tunnels stay open."""
    userdata = ["-D", f"reports={folder / 'reports'}", "-D", "publish=record"]
    return Behave(folder, command=[sys.executable, "-c", GOES_ON_LISTENING, *userdata, *arguments], **TUNNEL)


@pytest.mark.nightly
def test_a_run_over_a_tunnel_is_green(tmp_path: Path) -> None:
    run = Behave(tmp_path, "-D", "publish=record", "--tags=@IN-06a or @IN-07a or @JL-01a", **TUNNEL)
    assert run.end() == (0, "")
    record = run.record()
    assert record["counts"]["passed"] == 3
    assert record["fingerprint"]["unverified_certificates"] == []
    assert run.left_behind() == []


@pytest.mark.nightly
def test_a_wrong_name_ends_the_run_with_one_sentence(tmp_path: Path) -> None:
    run = Behave(tmp_path, "--tags=@IN-06a", **{**TUNNEL, "FOCUS__KUBERNETES__TLS_SERVER_NAME": "other.example"})
    code, errors = run.end()
    assert code == 2
    assert len(errors.splitlines()) == 1, errors
    assert "kubernetes.tls_server_name: hostname mismatch, 'other.example' is not a name of the certificate" in errors


@pytest.mark.nightly
def test_that_nobody_is_verified_is_told_once_in_each_result(tmp_path: Path) -> None:
    off = {f"FOCUS__{section}__VERIFY_TLS": "false" for section in ("FOCUS_SERVER", "KUBERNETES")}
    run = Behave(tmp_path, "--tags=@IN-06a or @CF-10a", FOCUS__KUBERNETES__ACCESS="ssh_tunnel", **off)
    output, errors = run.process.communicate(timeout=300)
    told = ["Focus Server (focus_server.verify_tls is false)", "Kubernetes (kubernetes.verify_tls is false)"]
    note = "note: certificates are not checked where it says false: focus_server.verify_tls, kubernetes.verify_tls\n"
    assert (run.process.returncode, errors) == (0, note)
    assert run.record()["fingerprint"]["unverified_certificates"] == told
    text = " ".join(output.split())
    assert text.count(f"Certificates that were not checked: {', '.join(told)}.") == text.count("verify_tls") // 2 == 1
    summary = (run.reports / "summary.md").read_text(encoding="utf-8").replace("\\", "")
    assert summary.count(", ".join(told)) == 1
    page = html.unescape((run.reports / "site" / "index.html").read_text(encoding="utf-8"))
    assert page.count(", ".join(told)) == 1


@pytest.mark.nightly
def test_a_tunnel_that_goes_on_listening_makes_the_run_red(tmp_path: Path) -> None:
    run = with_the_fault(tmp_path, "--tags=@IN-06a")
    code, _ = run.end()
    (problem,) = run.record()["suite"]["errors"]
    assert code == 1
    assert "was closed and still listens on 127.0.0.1:" in problem["message"]


@pytest.mark.nightly
@pytest.mark.parametrize("fault", [False, True])
def test_a_tunnel_ends_with_a_run_that_is_terminated(tmp_path: Path, fault: bool) -> None:
    arguments = ["-D", "publish=record", WHILE_A_JOB_RUNS]
    run = with_the_fault(tmp_path, *arguments) if fault else Behave(tmp_path, *arguments, **TUNNEL)
    run.read_until("JL-01a")
    run.process.send_signal(signal.SIGTERM)
    code, _ = run.end()
    told = " ".join(error["message"] for error in run.record()["suite"]["errors"])
    assert code == 1
    assert "interrupted" in told
    assert ("still listens on" in told) is fault
    assert run.leaves_nothing(10)

"""Endings of the real suite on the real sandbox: none leaves anything behind.

Wrong use gives one sentence and exit code 2.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import asyncssh
import pytest
import trustme
from hamcrest import greater_than

from support import waits
from tests import warm

ROOT = Path(__file__).resolve().parents[2]
WHILE_A_JOB_RUNS = "--tags=@JL and not (@JL-10 or @JL-11)"
"""These two come first and wait seconds for the end of investigations."""


class Behave:
    """``python -m behave`` with its temporary files in a folder of its own, so that leftovers can be found."""

    def __init__(
        self, own: Path, *arguments: str, command: list[str] | None = None, folder: Path = ROOT, **variables: str
    ) -> None:
        self.reports = own / "reports"
        self.temporary = own / "temporary"
        self.temporary.mkdir()
        command = command or [sys.executable, "-m", "behave", "-D", f"reports={self.reports}", *arguments]
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "TMPDIR": str(self.temporary), "PYTHONUNBUFFERED": "1", **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def read_until(self, text: str) -> None:
        assert self.process.stdout is not None
        assert any(text in line for line in self.process.stdout), f"it ended without saying {text!r}"

    def end(self) -> tuple[int, str]:
        """Wait for the end; return the exit code and standard error."""
        _, errors = self.process.communicate(timeout=600)
        return self.process.returncode, errors

    def record(self) -> dict:
        return json.loads((self.reports / "run.json").read_text())

    def left_behind(self) -> list[str]:
        """Processes and temporary files of this run that still exist."""
        mark = f"TMPDIR={self.temporary}".encode()
        found = [str(path.relative_to(self.temporary)) for path in self.temporary.iterdir()]
        for process in Path("/proc").iterdir():
            if process.name.isdigit() and mark in _read(process / "environ"):
                found.append(_read(process / "cmdline").replace(b"\0", b" ").decode())
        return found

    def leaves_nothing(self, within_s: float) -> bool:
        deadline = time.monotonic() + within_s
        while self.left_behind() and time.monotonic() < deadline:
            threading.Event().wait(0.05)
        return not self.left_behind()


class WarmBehave(Behave):
    """A run that ends by itself, started faster with :mod:`tests.warm`."""

    def __init__(self, own: Path, *arguments: str, **variables: str) -> None:
        self.reports = own / "reports"
        self.temporary = own / "temporary"
        self.temporary.mkdir()
        given = {**os.environ, "TMPDIR": str(self.temporary), **variables}
        words = ["-D", f"reports={self.reports}", *arguments]
        self._ended = warm.run("behave", *words, variables=given, timeout_s=600)

    def end(self) -> tuple[int, str]:
        return self._ended.returncode, self._ended.stderr

    @property
    def said(self) -> str:
        """Its standard output."""
        return self._ended.stdout


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # the process has ended meanwhile, or belongs to another user
        return b""


@pytest.mark.parametrize(
    ("arguments", "variables", "sentence"),
    [
        (
            ["-D", "env=nowhere"],
            {},
            "unknown environment 'nowhere'; available: cluster, local, production, sandbox, staging",
        ),
        ([], {"FOCUS_ENV": "nowhere"}, "unknown environment 'nowhere'"),
        ([], {"FOCUS__LIMITS__REFUSAL": "3"}, "FOCUS__LIMITS__REFUSAL"),
        ([], {"FOCUS__LIMITS__REFUSAL_S": "soon"}, "FOCUS__LIMITS__REFUSAL_S"),
        (
            [],
            {"FOCUS__KNOWN_ISSUES": "[{scenario: JL-99z, ticket: PZ-1, expires: 2030-01-01, reason: r}]"},
            "known_issues: there is no scenario JL-99z; did you mean JL-",
        ),
        (["-D", "sandbox_run_file=/no/such/run.json"], {}, "run file /no/such/run.json: cannot be read"),
        (["features/not/there.feature"], {}, "features/not/there.feature: there is no such file or folder"),
        (["--tags=@JL-99"], {}, "no scenario matches --tags=@JL-99 in features; did you mean @JL-09?"),
        (["-D", "reports=/dev/null/reports"], {}, "reports: cannot write to /dev/null/reports: Not a directory"),
    ],
)
def test_wrong_use_is_one_sentence(
    tmp_path: Path, arguments: list[str], variables: dict[str, str], sentence: str
) -> None:
    run = WarmBehave(tmp_path, *arguments, **variables)
    code, errors = run.end()
    assert code == 2
    assert len(errors.splitlines()) == 1, errors
    assert sentence in errors
    assert run.left_behind() == []


def test_sandbox_that_cannot_start_is_one_sentence(tmp_path: Path) -> None:
    run = WarmBehave(tmp_path, FOCUS__SANDBOX__SETTINGS__NODES="0")
    code, errors = run.end()
    assert code == 2
    assert errors.strip() == "the sandbox did not start: --set nodes=0: must be a number from 1 to 100"
    assert run.left_behind() == []


def test_run_file_whose_endpoints_do_not_answer_is_one_sentence(tmp_path: Path) -> None:
    for name in ("ca.pem", "password", "key", "known_hosts"):
        (tmp_path / name).write_text("x\n")
    kubeconfig = {
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:9"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    (tmp_path / "kubeconfig").write_text(json.dumps(kubeconfig))
    endpoints = {
        "focus_server": {"base_url": "https://127.0.0.1:9/focus-server", "ca_file": "ca.pem"},
        "kubernetes": {"kubeconfig": "kubeconfig", "namespace": "panda"},
        "mongodb": {"uri": "mongodb://u:p@127.0.0.1:9/", "database": "prisma"},
        "ssh": {
            "jump": {"host": "127.0.0.1", "port": 9, "user": "root", "password_file": "password"},
            "target": {"host": "target", "port": 22, "user": "prisma", "key_file": "key"},
            "known_hosts": "known_hosts",
        },
        "control": {"url": "http://127.0.0.1:9"},
    }
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(tmp_path / "key")
    (tmp_path / "known_hosts").write_text("")
    (tmp_path / "run.json").write_text(json.dumps(endpoints))
    run = WarmBehave(tmp_path, "-D", f"sandbox_run_file={tmp_path / 'run.json'}")
    code, errors = run.end()
    assert code == 2
    assert len(errors.splitlines()) == 1, errors
    assert errors.startswith("environment sandbox cannot be reached: ")


def test_an_empty_selection_is_wrong_use(tmp_path: Path) -> None:
    run = WarmBehave(tmp_path, "--tags=@smoke and @negative")
    code, errors = run.end()
    assert code == 2
    assert errors.startswith("nothing ran: no scenario matches --tags=@smoke and @negative in features")
    assert run.leaves_nothing(within_s=10), run.left_behind()


def test_normal_run_leaves_nothing_behind(tmp_path: Path) -> None:
    run = Behave(tmp_path, "--tags=@JL-01a")
    assert run.end() == (0, "")
    assert run.left_behind() == []
    (scenario,) = run.record()["scenarios"]
    assert (scenario["id"], scenario["status"], run.record()["leftovers"]) == ("JL-01a", "passed", [])


def test_certificates_that_are_not_checked_are_told_once(tmp_path: Path) -> None:
    services = ("focus_server", "kubernetes")
    run = WarmBehave(tmp_path, "--tags=@CF-04a", **{f"FOCUS__{name.upper()}__VERIFY_TLS": "false" for name in services})
    told = "note: certificates are not checked where it says false: focus_server.verify_tls, kubernetes.verify_tls\n"
    assert run.end() == (0, told)


def test_interrupted_run_is_recorded_and_leaves_nothing_behind(tmp_path: Path) -> None:
    run = Behave(tmp_path, WHILE_A_JOB_RUNS)
    run.read_until("JL-12a")
    run.process.send_signal(signal.SIGINT)
    assert run.end()[0] == 1
    assert run.left_behind() == []
    assert run.record()["verdict"] == "failed"
    assert "interrupted" in json.dumps(run.record()["suite"])


@pytest.mark.nightly
def test_killed_run_leaves_nothing_behind(tmp_path: Path) -> None:
    run = Behave(tmp_path, WHILE_A_JOB_RUNS)
    run.read_until("JL-12a")
    run.process.kill()
    run.end()
    assert run.leaves_nothing(within_s=20), run.left_behind()


def test_killed_make_leaves_nothing_behind(tmp_path: Path) -> None:
    makefile = tmp_path / "Makefile"
    arguments = f"-D reports={tmp_path / 'reports'} -D history= '{WHILE_A_JOB_RUNS}'"
    makefile.write_text(f"include Makefile\nprobe:\n\t@$(WITH_MAKE) {sys.executable} -m behave {arguments}\n")
    run = Behave(tmp_path, command=["make", "-f", str(makefile), "probe"])
    run.read_until("JL-12a")
    run.process.kill()
    run.process.wait()
    assert run.leaves_nothing(within_s=30), run.left_behind()


def test_a_killed_sandbox_leaves_nothing_behind(tmp_path: Path) -> None:
    run = Behave(tmp_path, command=[sys.executable, "-m", "environments.sandbox", "up"])
    run.read_until("ready")
    run.process.kill()
    run.process.wait()
    assert run.leaves_nothing(within_s=30), run.left_behind()


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGHUP, marks=pytest.mark.nightly)])
def test_a_run_that_is_told_to_end_is_recorded_and_leaves_nothing_behind(
    tmp_path: Path, number: signal.Signals
) -> None:
    run = Behave(tmp_path, WHILE_A_JOB_RUNS)
    run.read_until("JL-12a")
    run.process.send_signal(number)
    assert run.end()[0] == 1
    assert run.left_behind() == []
    assert "interrupted" in json.dumps(run.record()["suite"])


@pytest.mark.nightly
def test_what_a_killed_run_left_in_an_environment_is_swept(tmp_path: Path) -> None:
    run_file, reports = tmp_path / "run.json", tmp_path / "reports"
    command = [sys.executable, "-m", "environments.sandbox", "up", "--run-file", str(run_file)]
    sandbox = subprocess.Popen([*command, "--fault", "idle-jobs-are-kept"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert sandbox.stdout is not None
    try:
        assert any(line.strip() == "ready" for line in sandbox.stdout)
        # This scenario waits for a clean-up that never comes: the run is killed while its investigation is open.
        run = Behave(tmp_path, "--tags=@JL-10a", "-D", f"sandbox_run_file={run_file}")
        while b'"opened"' not in _read(reports / "ledger-sandbox.jsonl"):
            assert run.process.poll() is None
        run.process.kill()
        run.end()
        code, said = _sweep(run_file, reports)
        assert code == 1 and "nothing was removed" in said, said + (reports / "ledger-sandbox.jsonl").read_text()
        code, said = _sweep(run_file, reports, "--yes")
        assert code == 0 and "investigation 1-" in said
        assert _sweep(run_file, reports) == (0, "environment sandbox: nothing of this suite is left\n")
    finally:
        sandbox.terminate()
        sandbox.communicate(timeout=60)


def _sweep(run_file: Path, reports: Path, *more: str) -> tuple[int, str]:
    options = ["sweep", "-e", "sandbox", "--run-file", str(run_file), "--reports", str(reports), *more]
    ended = warm.run("tests.focus_acceptance", *options)
    return ended.returncode, ended.stdout


@pytest.mark.nightly
def test_an_interrupted_load_leaves_a_partial_report_and_nothing_else(tmp_path: Path) -> None:
    run = Behave(tmp_path, "--tags=@CA-01a", FOCUS__CAPACITY__GENERATOR_SHARE="1")
    ledger = run.reports / "ledger-sandbox.jsonl"
    waits.until(
        lambda: _read(ledger).count(b'"opened"'),
        greater_than(60),  # the probes before the load open fewer, one after the other
        within_s=40,
        what="a load that is under way",
    )
    run.process.send_signal(signal.SIGINT)
    code, _ = run.end()
    assert code == 1
    record = run.record()
    assert record["leftovers"] == []
    (path,) = run.reports.glob("infra_gap_report_sandbox_*.json")
    report = json.loads(path.read_text())
    assert report["partial"] is True
    assert report["stopped_because"].startswith("the load ended early: KeyboardInterrupt")
    assert report["gap_analysis"]["verdict"] == "inconclusive"
    assert path.with_suffix(".html").is_file()
    assert run.leaves_nothing(within_s=10)


def test_ctrl_c_while_the_sandbox_starts_ends_in_our_words(tmp_path: Path) -> None:
    run = Behave(tmp_path, "--tags=@JL-01a")
    waits_until_it_is_there(run.temporary)
    run.process.send_signal(signal.SIGINT)
    told, errors = run.process.communicate(timeout=120)
    assert (run.process.returncode, errors) == (1, "")
    assert "INTERRUPTED" in told and "Traceback" not in told and "ABORTED" not in told
    assert {one["status"] for one in run.record()["scenarios"]} <= {"skipped"}
    assert run.record()["suite"]["errors"] == [
        {"where": "run", "message": "the run was interrupted before it was complete"}
    ]
    assert run.leaves_nothing(within_s=20), run.left_behind()


def waits_until_it_is_there(temporary: Path) -> None:
    """Wait until the folder of the starting sandbox exists."""
    deadline = time.monotonic() + 60
    while not list(temporary.glob("focus-sandbox-*")):
        assert time.monotonic() < deadline, "no sandbox was started"
        threading.Event().wait(0.005)


@pytest.mark.parametrize(
    "called_as",
    [
        "sys.modules['__main__'].__spec__ = types.SimpleNamespace(name='behave.__main__')",
        "sys.orig_argv = ['python', '-m', 'support.hooks.launch', '@JL', '-D', 'env=sandbox']",
    ],
)
def test_ctrl_c_while_the_suite_is_loaded_ends_in_our_words(called_as: str) -> None:
    code = f"import os, signal, sys, types; {called_as}; import support; os.kill(os.getpid(), signal.SIGINT)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "interrupted before the run had begun: nothing was touched\n")


def test_ctrl_c_in_any_other_program_means_what_it_means_there() -> None:
    code = "import os, signal, support; os.kill(os.getpid(), signal.SIGINT)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert "KeyboardInterrupt" in done.stderr


@pytest.mark.nightly
def test_a_reader_that_goes_away_interrupts_the_run(tmp_path: Path) -> None:
    run = Behave(tmp_path, WHILE_A_JOB_RUNS)
    run.read_until("JL-12a")
    assert run.process.stdout is not None and run.process.stderr is not None
    run.process.stdout.close()
    errors = run.process.stderr.read()
    assert (run.process.wait(120), errors) == (1, "interrupted: the reader of the output has gone\n")
    assert run.left_behind() == []

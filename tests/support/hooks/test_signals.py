"""Signals that end a run act like Ctrl-C and let writes finish; a run also ends with the process that waits for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from support.files import PROJECT
from support.hooks.signals import held, terminated_like_interrupted


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_run_is_interrupted(name: str) -> None:
    number = getattr(signal, name)
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), terminated_like_interrupted():
        os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before


def test_a_run_that_nohup_protects_goes_on() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with terminated_like_interrupted():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_what_is_being_written_is_written_whole(capsys: pytest.CaptureFixture[str]) -> None:
    written = []
    with terminated_like_interrupted():
        with held():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                os.kill(os.getpid(), number)
                written.append(number)
        assert len(written) == 4
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
    assert capsys.readouterr().err.count("the reports are being written: that is finished first") == 4


WAITS = "import sys; print('ready', flush=True); sys.stdin.read()"
ENDS = f"from support.hooks.signals import end_with_the_one_who_waits as e; e(); {WAITS}"


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_who_waits_ends_and_everything_with_it(end: signal.Signals) -> None:
    started = [sys.executable, "-c"]
    with subprocess.Popen([*started, WAITS], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as waiting:
        variables = {**os.environ, "FOCUS_ENDS_WITH": str(waiting.pid)}
        with subprocess.Popen([*started, ENDS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=variables) as child:
            assert child.stdout is not None and child.stdout.readline() == b"ready\n"
            waiting.send_signal(end)
            assert child.wait(60) == -signal.SIGTERM


def test_without_one_it_goes_on() -> None:
    variables = {name: value for name, value in os.environ.items() if name != "FOCUS_ENDS_WITH"}
    ended = subprocess.run(
        [sys.executable, "-c", ENDS], stdin=subprocess.DEVNULL, env=variables, check=False, timeout=60
    )
    assert ended.returncode == 0


def test_ctrl_break_of_windows_ends_a_run_as_ctrl_c_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "SIGBREAK", signal.SIGUSR1, raising=False)
    with pytest.raises(KeyboardInterrupt), terminated_like_interrupted():
        os.kill(os.getpid(), signal.SIGUSR1)


FORKS = """
import atexit, multiprocessing, sys
from pathlib import Path
from support.hooks.signals import ends_like_a_program

def note(who):
    with Path(sys.argv[1]).open("a") as notes:
        print(who, file=notes)

@ends_like_a_program()
def registers():
    atexit.register(note, "child")

atexit.register(note, "parent")
child = multiprocessing.get_context("fork").Process(target=registers)
child.start()
child.join()
note(f"child ended with {child.exitcode}")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that can fork a process")
def test_a_forked_process_does_at_its_end_what_it_has_registered_and_nothing_of_its_parent(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", FORKS, str(tmp_path / "notes")], cwd=PROJECT, check=True, timeout=60)
    noted = (tmp_path / "notes").read_text(encoding="utf-8")
    assert noted.split("\n") == ["child", "child ended with 0", "parent", ""]

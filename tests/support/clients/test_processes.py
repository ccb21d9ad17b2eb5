"""The identity of a run: that of its first process, also in the processes that it forks, and of no other run."""

from __future__ import annotations

import subprocess
import sys

from support.files import PROJECT

FORK = """
import os
from support.clients.processes import ProcessId
{before}
if (child := os.fork()) == 0:
    print(ProcessId.own().pid == os.getpid(), ProcessId.own().lives())
else:
    os.waitpid(child, 0)
"""


def said_by_a_fork(before: str) -> str:
    command = [sys.executable, "-c", FORK.format(before=before)]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout


def test_a_process_that_a_run_has_forked_uses_the_identity_of_the_run() -> None:
    assert said_by_a_fork("ProcessId.own()") == "False True\n"


def test_a_run_that_was_forked_from_a_prepared_process_is_not_taken_for_it() -> None:
    assert said_by_a_fork("") == "True True\n"

"""`busy()` keeps a machine busy on purpose, for a while. Run as a module, this is one of the processes that do so.

Such a process ends when its time is over, or when its parent is gone, killed or not: its input ends then.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST_S = 900.0
_LOOK_S = 0.02


@dataclass(frozen=True)
class Strain:
    """The load on a machine: the number of busy processes (None: one for each processor), in each run of a series whose
    number `every` divides (0: in none), starting `after_s` seconds after the beginning of the run."""

    processes: int | None = None
    every: int = 3
    after_s: float = 0.0

    def concerns(self, number: int) -> bool:
        return self.every > 0 and number % self.every == 0


OFTEN = Strain()


def burn(longest_s: float, after_s: float = 0.0) -> None:
    """Use a processor until standard input ends, or for `longest_s`; first wait for `after_s`."""
    if select.select([sys.stdin], [], [], after_s)[0]:
        return
    end = time.monotonic() + longest_s
    while time.monotonic() < end and not select.select([sys.stdin], [], [], 0)[0]:
        until = time.monotonic() + _LOOK_S
        while time.monotonic() < until:
            pass


@contextlib.contextmanager
def busy(strain: Strain = OFTEN, longest_s: float = LONGEST_S) -> Iterator[list[int]]:
    """Keep processors busy inside the `with`; yields the ids of the processes that do it."""
    command = [sys.executable, "-m", "tools.repeat.load", str(longest_s), str(strain.after_s)]
    with contextlib.ExitStack() as closing:
        burners = []
        for _ in range(strain.processes or os.cpu_count() or 1):
            burner = closing.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True))
            burners.append(burner)
        try:
            yield [burner.pid for burner in burners]
        finally:
            for burner in burners:
                assert burner.stdin is not None
                burner.stdin.close()


if __name__ == "__main__":
    burn(*map(float, sys.argv[1:]))

"""A machine that is busy on purpose, for a while: `busy()`. Run as a module it is one of the processes that make it so.

It ends when its time is over, and when whoever started it is gone, killed or not: then its input ends.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator

LONGEST_S = 900.0
_LOOK_S = 0.02


def burn(longest_s: float) -> None:
    """Use a processor until standard input ends, or for `longest_s`."""
    end = time.monotonic() + longest_s
    while time.monotonic() < end and not select.select([sys.stdin], [], [], 0)[0]:
        until = time.monotonic() + _LOOK_S
        while time.monotonic() < until:
            pass


@contextlib.contextmanager
def busy(processes: int | None = None, longest_s: float = LONGEST_S) -> Iterator[list[int]]:
    """Keep every processor busy (or as many as told) inside of the `with`; yields the ids of the processes."""
    command = [sys.executable, "-m", "tools.repeat.load", str(longest_s)]
    with contextlib.ExitStack() as closing:
        burners = []
        for _ in range(processes or os.cpu_count() or 1):
            burner = closing.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True))
            burners.append(burner)
        try:
            yield [burner.pid for burner in burners]
        finally:
            for burner in burners:
                assert burner.stdin is not None
                burner.stdin.close()


if __name__ == "__main__":
    burn(float(sys.argv[1]))

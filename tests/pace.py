"""Processor time measurements relative to this machine's speed, so that speed tests give the same result on each."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

_PLAIN = {f"key {number}": [number, str(number), {"deep": number / 7}] for number in range(20_000)}


def took_s(work: Callable[[], object]) -> float:
    """Processor seconds that ``work`` takes in this process; other load on the machine does not count."""
    started_s = time.process_time()
    work()
    return time.process_time() - started_s


def plain_work_s() -> float:
    """Processor seconds that a fixed piece of work takes on this machine: the least of three, as a unit for other
    measurements. About 0.1 s on a processor of 2024."""
    return min(took_s(lambda: json.loads(json.dumps(_PLAIN, indent=1))) for _ in range(3))

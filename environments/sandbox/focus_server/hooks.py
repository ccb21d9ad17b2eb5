"""Hook points: the steps of the server that a fault can replace.

A step looks for functions at its point. While no fault is on it finds none, so that no code of a fault runs. A fault is
one function, registered with :func:`fault` for one point. It is called in place of the step. Its arguments are
``proceed``, which is the step itself or the next fault at the same point, and then the arguments of the step.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

POINTS: Mapping[str, str] = {
    "start.connect": "what the server depends on is looked for at its start",
    "start.tidy": "what an earlier process of the server has left half open is removed at its start",
    "settings.load": "the settings of the server are loaded at its start",
    "settings.report": "a defect of the settings is written to the log",
    "request.handle": "an HTTP request is answered by its route",
    "request.body": "the body of an HTTP request is read",
    "refusal.word": "a refusal becomes a status and a body",
    "channels.tell": "the bounds of the channels are told",
    "fibre.tell": "the metadata of the live fibre are told",
    "fibre.check": "a live investigation needs a connected fibre",
    "recording.count": "a document of the index counts as data, or not",
    "recording.find": "a recording is looked up for a window",
    "recordings.list": "the recordings of a window are listed",
    "metadata.tell": "the answer that opened an investigation is told again",
    "configure": "an investigation is asked for, from the bytes of the request to the answer",
    "configure.read": "the bytes of the request become a request that keeps all rules",
    "configure.refuse": "a request that breaks a rule or the schema is refused",
    "configure.answer": "the answer to a request is composed",
    "answer.keep": "an answer is put into the book of answers",
    "room.check": "the cluster is asked for room for one more",
    "opening.address": "the configured stream address is read and checked",
    "opening.start": "slot, port and objects of an investigation are taken",
    "opening.undo": "a failed opening is rolled back",
    "queues.delete": "the queues of a job that is gone are removed from the broker",
    "slot.reserve": "a slot and its job id are reserved",
    "serial.next": "the serial number of the next job is taken",
    "port.take": "the service that allocates the port is created",
    "object.create": "an object is created in the cluster",
    "service.describe": "the manifest of a service is composed",
    "job.describe": "the manifest of a job is composed",
    "job.window": "the recorded time that a job is started for",
}
"""The step at each point."""

MARKS = "focus-server-fault-marks"
"""The folder for data of faults that outlives the process: one file per fault id, deleted when the fault goes off."""

P = ParamSpec("P")
R = TypeVar("R")
Proceed = Callable[..., Any]


@dataclass(frozen=True)
class _Fault:
    point: str
    function: Proceed
    memory: Callable[[], Any] | None
    from_start: bool


_registered: dict[str, _Fault] = {}
_on: dict[str, tuple[Proceed, Any]] = {}
"""The active faults by id: the function to call, and the memory of the fault."""
_at: dict[str, list[Proceed]] = {}


def hook(point: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a step one of :data:`POINTS`."""
    assert point in POINTS, point

    def decorate(step: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(step)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            proceed: Callable[..., R] = step
            for function in _at.get(point, ()):
                proceed = functools.partial(function, proceed)
            return proceed(*args, **kwargs)

        return run

    return decorate


def fault(
    fault_id: str, *, at: str, memory: Callable[[], Any] | None = None, from_start: bool = False
) -> Callable[[Proceed], Proceed]:
    """Register a function as the fault with this id.

    ``memory`` creates the state that the fault keeps while it is on; the function receives it before ``proceed``. With
    ``from_start`` the fault works only in a process that was started with it.
    """
    assert at in POINTS, at

    def register(function: Proceed) -> Proceed:
        assert fault_id not in _registered, fault_id
        _registered[fault_id] = _Fault(at, function, memory, from_start)
        return function

    return register


def change(fault_id: str, *, at: str) -> Callable[[Proceed], Proceed]:
    """Register a function that receives the result of the step and then its arguments, and returns the new result."""

    def register(function: Proceed) -> Proceed:
        fault(fault_id, at=at)(lambda proceed, *args: function(proceed(*args), *args))
        return function

    return register


def registered() -> Mapping[str, str]:
    """The point of every registered fault, by its id."""
    return {fault_id: registration.point for fault_id, registration in _registered.items()}


async def switch(wanted: Iterable[str], starting: bool = False) -> None:
    """Switch on exactly these faults. A fault that goes off loses its memory, whose ``aclose``, if any, is called."""
    ids = set(wanted)
    dropped = [_on.pop(fault_id)[1] for fault_id in set(_on) - ids]
    for fault_id in ids - set(_on):
        one = _registered[fault_id]
        if starting or not one.from_start:
            memory = one.memory() if one.memory else None
            _on[fault_id] = (functools.partial(one.function, memory) if one.memory else one.function, memory)
    _at.clear()
    for fault_id, (function, _) in sorted(_on.items()):
        _at.setdefault(_registered[fault_id].point, []).append(function)
    for memory in dropped:
        if hasattr(memory, "aclose"):
            await memory.aclose()

"""Faults: room in the cluster that is not checked, or a refusal for lack of room that is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from environments.sandbox.focus_server.faults.plain import PLAIN_REQUEST, also, instead_of, left_out, parsing_failed
from environments.sandbox.focus_server.hooks import Proceed, fault
from environments.sandbox.focus_server.manifests import Investigation
from environments.sandbox.focus_server.opening import Opener
from environments.sandbox.focus_server.refusals import CannotOpen

_OFFERED = re.compile(r"of (\d+)")

fault("capacity-not-checked", at="room.check")(left_out)


@fault("promised-room-given-again", at="room.check")
async def _(proceed: Proceed, opener: Opener) -> None:
    opener.capacity.forget_all()
    await proceed(opener)


fault("beyond-capacity-answered-500", at="room.check")(instead_of(CannotOpen, parsing_failed))


def _telling(of_the_refusal: Callable[[Opener, str], str]) -> Any:
    """Replace the reason in a refusal for lack of room."""

    async def check(proceed: Proceed, opener: Opener) -> None:
        try:
            await proceed(opener)
        except CannotOpen as refused:
            raise CannotOpen(of_the_refusal(opener, str(refused).partition(": ")[2])) from None

    return check


fault("beyond-capacity-not-told-of-what", at="room.check")(_telling(lambda opener, reason: reason.partition(":")[0]))
fault("beyond-capacity-told-of-too-much", at="room.check")(
    _telling(lambda opener, reason: f"{reason}; memory: 0 of 2Ti free")
)
fault("beyond-capacity-told-with-wrong-numbers", at="room.check")(
    _telling(lambda opener, reason: _OFFERED.sub(lambda found: f"of {int(found[1]) + 1}", reason))
)
fault("beyond-capacity-told-of-slices-left", at="room.check")(
    _telling(lambda opener, reason: reason.replace(": 0 of", ": 6 of"))
)
fault("ready-node-called-lost", at="room.check")(
    _telling(lambda opener, reason: f"{reason}; not ready: {min(host for host in opener.node_hosts if 'node' in host)}")
)
fault("lost-node-not-told", at="room.check")(_telling(lambda opener, reason: reason.partition("; not ready")[0]))


async def _start_half_a_job(opener: Opener) -> None:
    """Take the port, but never create the job."""
    job_id = opener.slots.reserve(())
    await opener.take_port(Investigation(job_id, opener.slots.port(job_id.slot), PLAIN_REQUEST))
    opener.slots.settle(job_id)


async def _stop_the_oldest(opener: Opener) -> None:
    oldest = min(opener.view.job_ids(), key=lambda job_id: int(job_id.partition("-")[2]), default=None)
    if oldest is not None:
        await opener.kubernetes.delete("Job", f"grpc-job-{oldest}")


fault("beyond-capacity-starts-half-a-job", at="room.check")(also(CannotOpen, _start_half_a_job))
fault("beyond-capacity-stops-a-job", at="room.check")(also(CannotOpen, _stop_the_oldest))

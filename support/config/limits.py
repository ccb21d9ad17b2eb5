"""The numbers that scenarios assert, as they apply to a real system.

The defaults are the requirements. An environment file may set another number, where everyone can see it.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from support.config.base import Section

HEAT_MAP_VIEW = 3
"""The number of the view that only some sites offer."""


class ClusterTime:
    """Marks a deadline for an action of the cluster. It shrinks with the environment's ``time_scale``."""


class ProcessStart:
    """Marks a deadline of the cluster that includes the start of a server, whose duration does not scale."""


# The upper bounds are no requirements: a number beyond them is a mistake, or disables a requirement.
Deadline = Annotated[float, Field(gt=0, le=86_400), ClusterTime()]
StartDeadline = Annotated[float, Field(gt=0, le=86_400), ClusterTime(), ProcessStart()]
Seconds = Annotated[float, Field(gt=0, le=604_800)]
Milliseconds = Annotated[float, Field(gt=0, le=600_000)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Rate = Annotated[float, Field(gt=0, le=1)]


class Limits(Section):
    """Limits in seconds, milliseconds, counts and rates. Deadlines of the cluster are read through :meth:`deadline`."""

    time_scale: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Factor on the cluster's own durations: 0.02 turns 50 s into one second. Answers of servers are never scaled."""
    overhead_s: Annotated[float, Field(ge=0, le=30)] = 0.0
    """Added to each scaled deadline: the time that machines need, however short the scaled time is."""
    start_overhead_s: Annotated[float, Field(ge=0, le=30)] = 0.0
    """Added as well if a server has to start: loading it takes processor time, which is not scaled."""

    # The life of a job (JL), the reaction of the cluster to a cancel, and the replacement of pods (RS).
    job_visible_s: Deadline = 10.0
    job_running_s: Deadline = 30.0
    port_open_s: Deadline = 30.0
    all_open_s: Deadline = 240.0
    """The time after the last answer of a load within which all its investigations run and have open ports."""
    playback_end_s: Deadline = 60.0
    """A job over a few seconds of data ends. Ends were observed at about 38 s (docs/facts/kubernetes.md 1.7)."""
    idle_cleanup_s: Deadline = 60.0
    finished_cleanup_s: Deadline = 120.0
    failed_released_s: Deadline = 120.0
    release_s: Deadline = 60.0
    cancelled_s: Deadline = 30.0
    pod_gone_s: Deadline = 30.0
    pod_new_s: StartDeadline = 60.0
    pod_ready_s: StartDeadline = 120.0
    server_answers_s: StartDeadline = 60.0
    """The server answers its health check again after one of its pods was replaced (RS-05)."""
    recovery_s: StartDeadline = 60.0
    """A request refused during an outage succeeds again after it (RS-04)."""
    stress_recovery_s: Deadline = 300.0
    """Investigations open as fast as before again after a full load was released (CA-05)."""

    # Refusals.
    refusal_s: Seconds = 2.0
    nothing_started_observation_s: Seconds = 5.0
    outage_answer_s: Seconds = 5.0

    # What an investigation may ask for (CF).
    most_channels: Count = 2222
    highest_frequency_hz: Count = 1000
    """Half of the pulse rate."""

    highest_view: Annotated[int, Field(ge=HEAT_MAP_VIEW - 1, le=HEAT_MAP_VIEW)] = HEAT_MAP_VIEW - 1
    """Views are numbered from 0. If the last one is the heat map, the environment has the capability heat_maps."""

    # Infrastructure (IN).
    mongodb_connect_s: Seconds = 2.0
    mongodb_query_ms: Milliseconds = 200.0
    mongodb_ping_excellent_ms: Milliseconds = 50.0
    mongodb_ping_median_ms: Milliseconds = 100.0
    mongodb_ping_warning_ms: Milliseconds = 200.0
    ping_samples: Annotated[int, Field(ge=10, le=10_000)] = 10
    ssh_connect_s: Seconds = 2.0
    rabbitmq_connect_s: Seconds = 2.0
    max_restarts: Annotated[int, Field(ge=1, le=100)] = 5
    """Restarts of a pod must stay below this number (exclusive)."""
    log_lines: Count = 10

    # Answers (PF, CF-10, MD-01).
    configure_p95_ms: Milliseconds = 300.0
    configure_p99_ms: Milliseconds = 500.0
    answer_under_load_p95_ms: Milliseconds = 5000.0
    """P95 of the answers when the required number is opened at one moment; the desktop client warns above 5 s
    (docs/facts/focus-server.md 4.4)."""
    ack_p95_ms: Milliseconds = 100.0
    ack_concurrent_p95_ms: Milliseconds = 1000.0
    ack_concurrency: Count = 100
    channels_ms: Milliseconds = 1000.0
    live_metadata_ms: Milliseconds = 1000.0
    metadata_ready_s: Seconds = 5.0

    # The recording index (DQ).
    recognition_rate: Rate = 0.8
    stale_recording_h: Annotated[float, Field(ge=24, le=8_760)] = 24.0
    recording_overlap_s: Annotated[float, Field(ge=0, le=3_600)] = 5.0

    # Stability over time (SB-02).
    stability_duration_s: Seconds = 3600.0
    stability_interval_s: Seconds = 300.0
    stability_success_rate: Rate = 0.95
    memory_growth_mb_per_h: Annotated[float, Field(gt=0, le=10_000)] = 10.0
    """A server whose memory grows faster, with statistical confidence, leaks (docs/facts/capacity.md 4.3)."""

    def deadline(self, name: str) -> float:
        """Return the seconds of this environment within which the cluster must have done ``name``.

        ``job_visible`` and ``job_visible_s`` are the same name. Raises :class:`ValueError` for a name that is not a
        deadline of the cluster, because other limits are not scaled.
        """
        field = name if name.endswith("_s") else f"{name}_s"
        if field not in CLUSTER_DEADLINES:
            raise ValueError(
                f"{name!r} is not a deadline of the cluster; those are {', '.join(sorted(CLUSTER_DEADLINES))}"
            )
        value_s: float = getattr(self, field)
        return value_s * self.time_scale + self.overhead_s + self.start_overhead_s * (field in START_DEADLINES)

    @property
    def observation_s(self) -> float:
        """Seconds to watch before concluding that nothing was started. 50 ms allow for the resolution of the watch."""
        return self.nothing_started_observation_s * self.time_scale + 0.05


def _marked(kind: type) -> frozenset[str]:
    fields = Limits.model_fields.items()
    return frozenset(name for name, field in fields if any(isinstance(mark, kind) for mark in field.metadata))


CLUSTER_DEADLINES = _marked(ClusterTime)
START_DEADLINES = _marked(ProcessStart)

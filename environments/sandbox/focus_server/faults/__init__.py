"""Every way this Focus Server can be made to break a requirement.

Each class overrides single steps of the part it is named after, and does what that part does while no fault is on.
"""

from environments.sandbox.focus_server.faults.accepting import FaultyRecordingRules, FaultyRules
from environments.sandbox.focus_server.faults.answering import FaultyRoutes
from environments.sandbox.focus_server.faults.configuring import CONFIGURATION_FAULTS
from environments.sandbox.focus_server.faults.describing import DESCRIPTION_FAULTS
from environments.sandbox.focus_server.faults.objects import FaultyManifests, FaultySlots
from environments.sandbox.focus_server.faults.opening import FaultyOpener
from environments.sandbox.focus_server.faults.serving import FaultyService
from environments.sandbox.focus_server.faults.starting import FaultyStartup

__all__ = [
    "FAULT_IDS",
    "FaultyManifests",
    "FaultyOpener",
    "FaultyRecordingRules",
    "FaultyRoutes",
    "FaultyRules",
    "FaultyService",
    "FaultySlots",
    "FaultyStartup",
]

FAULT_IDS = frozenset(
    {
        "nothing-is-started",
        "two-jobs-for-one-request",
        "historic-window-not-passed",
        "historic-window-passed-shifted",
        "live-job-gets-a-window",
        "job-id-missing-from-answer",
        "job-id-malformed",
        "job-id-repeated",
        "stream-host-not-a-node",
        "stream-port-not-a-port",
        "answered-port-differs",
        "service-selects-another-job",
        "service-missing",
        "port-shared",
        "gpu-not-requested",
        "gpu-requested-twice",
        "memory-not-limited",
        "memory-not-requested",
        "storage-not-mounted",
        "job-is-retried",
        "cleanup-job-missing",
        "slot-not-reused",
        "job-label-missing",
        "live-without-fibre-accepted",
        "fibre-refusal-starts-a-job",
        "fibre-refusal-unclear",
        "missing-recording-accepted",
        "missing-recording-unclear",
        "missing-recording-starts-a-job",
        "window-shifted-2h",
        "window-shifted-3h",
        "lookup-widened-by-a-minute",
        "reversed-window-accepted",
        "equal-times-accepted",
        "negative-time-accepted",
        "future-window-accepted",
        "one-sided-window-accepted",
        "deleted-recordings-count",
        "stale-recordings-count",
        "occupied-port-handed-out",
        "invalid-stream-address-handed-out",
        "refusals-do-not-say-why",
        "refusals-without-allowed-range",
        "stack-trace-in-refusal",
        "client-errors-answered-500",
        "refusals-too-late",
        "refusals-start-a-job",
        "recordings-unsorted",
        "recordings-only-fully-inside",
        "recordings-404-when-none",
        "recordings-bad-window-accepted",
        "answers-500-while-waiting-for-fibre",
        "metadata-of-another-job",
        "metadata-incomplete",
        "metadata-late",
        "unknown-job-id-answered-500",
        "unknown-job-id-unclear",
        "start-takes-too-long",
        "log-full-of-errors-at-start",
        "broken-configuration-not-said",
        "index-not-reached-after-start",
        "roll-back-missing",
        "opening-blocked-after-a-failure",
        "job-refusal-unclear",
        "answers-differ-when-asked-twice",
        "occupied-port-answered-500",
        "disconnect-stops-the-server",
        "slow-client-holds-everybody-up",
        "slow-client-is-cut-off",
        "huge-body-answered-500",
        "huge-body-stops-the-server",
        "health-check-fails-under-load",
        "no-frequency-range-answered-500",
        "wrong-configurations-start-a-job",
        "unknown-address-answered",
        "wrong-method-answered",
        "health-check-talks",
        "channels-reversed",
        "live-metadata-without-distance",
        "fibre-has-other-channels",
        "live-metadata-changes",
        *CONFIGURATION_FAULTS,
        *DESCRIPTION_FAULTS,
    }
)
"""All ids this process implements."""

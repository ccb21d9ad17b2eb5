"""Recording documents as the site's recorder writes them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from environments.sandbox.shared.process import CommandError

SOFTWARE_VERSION = "11.17.10513"
TLV = "TLV-1.3"
_RECORDER_COMMAND = (
    "smart_recorder --storage segy --base-name segy --file-length 10000 --file-duration-limit 5 --records livefs "
    "--mongo-mapper-index --queue-max-bytes 1074000000"
)

RECORDING_INDEXES: tuple[Mapping[str, Any], ...] = (
    {"key": {"start_time": 1}, "name": "start_time_1"},
    {"key": {"end_time": 1}, "name": "end_time_1"},
    {"key": {"deleted": 1}, "name": "deleted_1"},
    {"key": {"uuid": 1}, "name": "uuid_1", "unique": True},
)
"""The indexes that the data quality rules require for a recordings collection."""

_ABSENT = object()
_DATES = ("start_time", "end_time")


def recording(
    start: Any, end: datetime | None | object = _ABSENT, *, deleted: bool = False, own: str = ""
) -> dict[str, Any]:
    """A recording document. It is open without ``end``, which omits the key, and with ``None``, which stores null.

    ``start`` is stored as it is, even if it is not a date: intentionally wrong documents are made here too. ``own`` is
    its uuid, a new one unless it is given.
    """
    own = own or str(uuid.uuid4())
    document: dict[str, Any] = {"uuid": own, "start_time": _as_stored(start)}
    if end is not _ABSENT:
        document["end_time"] = _as_stored(end)
    document["deleted"] = deleted
    stream_start = start if isinstance(start, datetime) else datetime.now(UTC)
    document["fiber_metadata"] = _metadata(own, stream_start, closed=isinstance(end, datetime))
    return document


def _as_stored(value: Any) -> Any:
    """Round dates down to the milliseconds of BSON, because documents stored directly must equal those read back."""
    return value.replace(microsecond=value.microsecond // 1000 * 1000) if isinstance(value, datetime) else value


def described(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A recording document from its description (``POST /recordings``); all keys but the dates replace its fields."""
    if "start_time" not in entry:
        raise CommandError("a recording to seed needs a start_time")
    given = {name: _moment(value) if name in _DATES else value for name, value in entry.items()}
    ends = {"end": given["end_time"]} if "end_time" in given else {}
    document = recording(given["start_time"], **ends, deleted=bool(given.get("deleted", False)))
    document.update({field: value for field, value in given.items() if field not in _DATES})
    if "uuid" in given and "fiber_metadata" not in given:
        document["fiber_metadata"]["uuid"] = given["uuid"]
    return document


def _moment(value: Any) -> Any:
    """A date from ISO 8601 text; any other value is kept as it is, for intentionally wrong documents."""
    if not isinstance(value, str):
        return value
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise CommandError(f"not a time: {value!r}") from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _metadata(own: str, start: datetime, closed: bool) -> dict[str, Any]:
    recorder: dict[str, Any] = {
        "layer_type": "smart_recorder", "uuid": own, "version": TLV, "cmd": _RECORDER_COMMAND,
        "sw_version": SOFTWARE_VERSION, "processors": [], "num_traces": 10000,
    }  # fmt: skip
    if closed:
        recorder |= {"num_samples_per_trace": 9791, "n_features": 1}
    recorder["parent"] = {
        "layer_type": "baby_analyzer", "uuid": _above(own), "version": TLV,
        "cmd": "baby_analyzer --forward livefs", "sw_version": SOFTWARE_VERSION, "processors": [],
        "in_uuids": None, "gaps": None, "parent": _prp2(_above(_above(own)), start),
    }  # fmt: skip
    return recorder


def _above(own: str) -> str:
    """The uuid of the source of a recording, derived from the recording's own uuid."""
    return str(uuid.uuid5(uuid.UUID(own), "parent"))


def _prp2(own: str, start: datetime) -> dict[str, Any]:
    return {
        "layer_type": "prp2_recording", "uuid": own, "version": TLV,
        "cmd": "preprocessor --interrogator 1", "sw_version": SOFTWARE_VERSION, "processors": [], "parent": None,
        "dx": 1.0213698148727417, "prr": 2000, "dtype": "float32", "num_traces": 2048, "num_samples_per_trace": 9791,
        "fiber_start_meters": 0, "fiber_length_meters": 10000, "gauge_length_meters": 10.2137,
        "decimation_factor_x": 4, "late_t_axis_decimation": 4, "fiber_description": "Sandbox fibre",
        "recording_timezone": "Asia/Jerusalem", "recording_machine_name": "sandbox-preprocessor", "n_features": 1,
        "preprocessor_version": "11", "preprocessor_calculation_version": "8",
        "start_time": start - timedelta(days=1), "end_time": start + timedelta(days=29),
        "content_type": None, "feature_names": None, "producer_version": None, "source_uuid": None,
        "original_uuid": None, "algo_metadata": None, "recording_sw_version": None, "cut_sw_version": None,
        "fast_time_pixels": None, "slow_time_pixels": None,
    }  # fmt: skip

"""Formulas of the answer, the manifest of the job, and the selection of recordings."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import bson
import pytest
from bson.datetime_ms import DatetimeMS

from environments.sandbox.focus_server.answers import (
    LIVE_METADATA_TREE,
    channel_to_stream_index,
    configure_answer,
    frequencies_hz,
    lines_dt_s,
    pulse_rate,
)
from environments.sandbox.focus_server.capacity import Capacity
from environments.sandbox.focus_server.manifests import (
    GPU_RESOURCE,
    Investigation,
    JobId,
    JobShape,
    cleanup_job,
    grpc_job,
)
from environments.sandbox.focus_server.opening import is_node_address
from environments.sandbox.focus_server.recordings import RecordingIndex, counts, overlaps, read_recording
from environments.sandbox.focus_server.refusals import CannotOpen
from environments.sandbox.focus_server.schema import ConfigureRequest, Window, parse_configure
from environments.sandbox.focus_server.service import json_ready
from environments.sandbox.focus_server.slots import Serials, Slots
from tests.sandbox.focus_server.estate import payload

NOW = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)


def request(**changes: Any) -> ConfigureRequest:
    return parse_configure(json.dumps(payload(**changes)).encode())


def answer(**changes: Any) -> dict[str, Any]:
    return configure_answer(request(**changes), "1-1603", "http://worker", 12301, LIVE_METADATA_TREE)


@pytest.mark.parametrize(
    ("duration_s", "height", "expected"), [(300, 600, 0.5), (10, 1000, 0.01), (30, 768, 0.0390625)]
)
def test_seconds_per_line(duration_s: int, height: int, expected: float) -> None:
    assert lines_dt_s(request(displayTimeAxisDuration=duration_s, displayInfo={"height": height})) == expected


def test_captured_frequencies_of_a_grown_transform() -> None:
    frequencies = frequencies_hz(request(displayTimeAxisDuration=300, displayInfo={"height": 600}))
    assert len(frequencies) == 256 and frequencies[:2] == [0.0, 1.951219512195122]
    assert frequencies[-1] == pytest.approx(497.5609756097561, abs=1e-9)


def test_captured_frequencies_without_growth() -> None:
    frequencies = frequencies_hz(request(nfftSelection=512))
    assert frequencies[1] == pytest.approx(1000 / 257) and len(frequencies) == 128
    assert len(frequencies_hz(request(nfftSelection=256))) == 64


@pytest.mark.parametrize("duration_s", [1, 10, 3600, 2**40])
@pytest.mark.parametrize("band", [(0, 1), (0, 1000), (100, 101), (250, 750), (999, 1000)])
@pytest.mark.parametrize("nfft", [128, 1024, 2048])
def test_frequencies_stay_in_their_range(nfft: int, band: tuple[int, int], duration_s: int) -> None:
    changes = {"frequencyRange": {"min": band[0], "max": band[1]}, "displayTimeAxisDuration": duration_s}
    frequencies = frequencies_hz(request(nfftSelection=nfft, **changes))
    assert frequencies and frequencies == sorted(frequencies)
    assert band[0] <= frequencies[0] and frequencies[-1] <= band[1]


@pytest.mark.parametrize(("count", "sizes"), [(8, [3, 3, 2]), (50, [17, 17, 16]), (2, [1, 1]), (1, [1])])
def test_channels_are_cut_into_blocks(count: int, sizes: list[int]) -> None:
    index = channel_to_stream_index(request(channels={"min": 11, "max": 10 + count}))
    assert list(index) == [str(channel) for channel in range(11, 11 + count)]
    assert [list(index.values()).count(stream) for stream in sorted(set(index.values()))] == sizes
    assert list(index.values()) == sorted(index.values())


@pytest.mark.parametrize(
    "changes",
    [
        {}, {"view_type": "1", "channels": {"min": 7, "max": 7}},
        {"channels": {"min": 1, "max": 200}, "nfftSelection": 2048},
        {"channels": {"min": 5, "max": 5}}, {"channels": {"min": 1, "max": 2222}},
        {"view_type": "2", "nfftSelection": 1, "displayTimeAxisDuration": None, "frequencyRange": None},
    ],
)  # fmt: skip
def test_answers_are_consistent(changes: dict[str, Any]) -> None:
    body = answer(**changes)
    index = body["channel_to_stream_index"]
    assert body["frequencies_amount"] == len(body["frequencies_list"]) > 0
    assert body["channel_amount"] == len(index)
    assert set(index.values()) == set(range(body["stream_amount"]))
    assert body["lines_dt"] > 0 and body["status"] == "success" and type(body["view_type"]) is int
    assert json.loads(json.dumps(body)) == body


def test_a_single_channel_that_was_asked_for_as_several_is_one_channel_on_one_stream() -> None:
    """As captured on 12 October: six channels in the map, all on the only stream."""
    body = answer(view_type="1", channels={"min": 5, "max": 10})
    assert (body["stream_amount"], body["channel_amount"]) == (1, 1)
    assert body["channel_to_stream_index"] == {str(channel): 0 for channel in range(5, 11)}


def test_pulse_rate_comes_from_the_innermost_level() -> None:
    assert pulse_rate({"prr": 1, "parent": {"parent": {"prr": 500}}}) == 500
    assert pulse_rate({"parent": {"prr": 0}}) == 2000


def test_metadata_becomes_json() -> None:
    assert json_ready({"a": [NOW, None], "b": b"x"}) == {"a": ["2026-01-10T12:00:00+00:00", None], "b": "b'x'"}


def test_manifest_of_a_historic_job() -> None:
    asked = request(nfftSelection=512, start_time=1764946703, end_time=1764953903)
    investigation = Investigation(JobId(7, 1729), 12307, asked)
    job = grpc_job(investigation)
    pod = job["spec"]["template"]["spec"]
    command = " ".join(pod["containers"][0]["command"])
    assert command.endswith(
        "-m baby_analyzer --roi 1 50 -sg 512 --sg-range 0 128 --grpc-streams-num 3 --queue-name focus_baby.7-1729 "
        "--time-start 2025-12-05:14:58:23 --time-end 2025-12-05:16:58:23"
    )
    assert job["metadata"]["labels"] == job["spec"]["template"]["metadata"]["labels"]
    assert job["metadata"]["labels"] == {"app": "grpc-job-7-1729", "job_id": "7-1729"}
    resources = pod["containers"][0]["resources"]
    assert resources["requests"][GPU_RESOURCE] == resources["limits"][GPU_RESOURCE] == "1"
    mounted = {mount["name"] for mount in pod["containers"][0]["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["volumes"]}
    assert (job["spec"]["backoffLimit"], job["spec"]["ttlSecondsAfterFinished"]) == (0, 120)
    assert cleanup_job(investigation)["spec"]["ttlSecondsAfterFinished"] == 10


def test_on_a_cluster_that_is_not_ours_a_job_asks_only_for_what_is_there() -> None:
    shape = JobShape("registry.example/job:1", "registry.example/cleanup:1", gpu=False, host_folders=False)
    investigation = Investigation(JobId(7, 1729), 12307, request(), shape)
    pod = grpc_job(investigation)["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["image"] == "registry.example/job:1"
    assert container["resources"] == {"requests": {"cpu": "100m", "memory": "512Mi"}, "limits": {"memory": "1Gi"}}
    assert [volume["name"] for volume in pod["volumes"]] == ["prisma-config-volume", "storage-san-volume"]
    assert [mount["name"] for mount in container["volumeMounts"]] == [volume["name"] for volume in pod["volumes"]]
    (cleanup,) = cleanup_job(investigation)["spec"]["template"]["spec"]["containers"]
    assert cleanup["image"] == "registry.example/cleanup:1"


class Watched:
    """A cluster whose informers have received everything."""

    def __init__(self) -> None:
        self.changed: dict[str, Any] = {}

    def informer(self, kind: str, log: Any, changed: Any) -> Any:
        self.changed[kind] = changed
        return SimpleNamespace(synced=SimpleNamespace(is_set=lambda: True))


@pytest.mark.parametrize("gpu", [False, True])
def test_nodes_without_slices_have_room_for_jobs_that_ask_for_none(gpu: bool) -> None:
    cluster: Any = Watched()
    capacity = Capacity(cluster, "panda", 0, logging.getLogger(), gpu)
    offered = {"cpu": "1", "memory": "4Gi", "pods": "110"}
    ready = [{"type": "Ready", "status": "True"}]
    node = {"metadata": {"name": "kind"}, "status": {"allocatable": offered, "conditions": ready}}
    cluster.changed["Node"](node, False)
    if gpu:
        with pytest.raises(CannotOpen, match="GPU slices"):
            capacity.check()
        return
    capacity.check()
    assert [str(room) for room in capacity.rooms()] == [
        "cpu: 1 of 1 free", "memory: 4Gi of 4Gi free", "pods on the nodes: 110 of 110 free",
    ]  # fmt: skip
    capacity.expect("grpc-job-1-1", needs_gpu=True)
    assert str(next(capacity.rooms())) == "cpu: 900m of 1 free"


class View:
    """The cluster as the slots see it."""

    leaked = 0

    def busy_slots(self) -> set[int]:
        return {2}

    def services_without_job(self) -> int:
        return self.leaked


def test_slots(tmp_path: Any) -> None:
    view = View()
    slots = Slots(12301, 12304, view, Serials(tmp_path / "serial"))
    first, second = slots.reserve(()), slots.reserve({3})
    assert (first.slot, second.slot, slots.port(second.slot)) == (1, 4, 12304) and second.serial == first.serial + 1
    assert slots.reserve(()).slot == 3
    with pytest.raises(CannotOpen, match="all 4 ports 12301-12304 are in use$"):
        slots.reserve(())
    view.leaked = 1
    with pytest.raises(CannotOpen, match="are in use, 1 of them by services whose job is gone$"):
        slots.reserve(())
    slots.settle(first)
    assert slots.reserve(()).slot == 1


def test_node_addresses() -> None:
    hosts = frozenset({"127.9.0.11", "worker-node-1"})
    assert is_node_address("http://127.9.0.11", hosts) and is_node_address("http://worker-node-1/", hosts)
    for wrong in (
        "http://127.9.0.12",
        "127.9.0.11",
        "http://a@127.9.0.11",
        "http://127.9.0.11:x",
        "http://127.9.0.11/x",
    ):
        assert not is_node_address(wrong, hosts)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"end_time": NOW, "deleted": False}, True),
        ({"end_time": NOW}, True),
        ({"end_time": NOW, "deleted": True}, False),
        ({"end_time": None}, True),
        ({}, True),
        ({"start_time": NOW - timedelta(hours=23, minutes=59)}, True),
        ({"start_time": NOW - timedelta(hours=24, seconds=1)}, False),
        ({"start_time": NOW - timedelta(hours=25), "end_time": NOW}, True),
    ],
)
def test_which_recordings_count(document: dict[str, Any], expected: bool) -> None:
    recording = read_recording({"start_time": NOW - timedelta(minutes=1), **document})
    assert recording is not None and counts(recording, NOW) is expected


def test_overlap_is_plain_and_open_recordings_last_until_now() -> None:
    start_s = int(NOW.timestamp()) - 100
    closed = read_recording({"start_time": NOW - timedelta(seconds=100), "end_time": NOW - timedelta(seconds=59.5)})
    opened = read_recording({"start_time": (NOW - timedelta(seconds=100)).replace(tzinfo=None)})
    assert closed is not None and opened is not None
    for window, expected in {(-5, 0): False, (-5, 1): True, (40, 50): True, (41, 50): False}.items():
        asked = Window(start_s + window[0], start_s + window[1])
        assert overlaps(closed, asked, NOW) is expected
    assert overlaps(opened, Window(start_s + 98, start_s + 99), NOW)
    assert (closed.start_s, closed.end_s, opened.end_s) == (start_s, start_s + 41, -1)


FAR = bson.encode({"start_time": NOW, "end_time": DatetimeMS(253402300800000)})
"""A date after the year 9999. With default options, the driver fails to decode it and all documents with it."""


@pytest.mark.parametrize(
    "document", [{}, {"start_time": 5}, {"start_time": NOW, "end_time": 5}, FAR], ids=["empty", "start", "end", "far"]
)
def test_malformed_documents_are_no_recordings(document: dict[str, Any] | bytes) -> None:
    assert read_recording(_decoded(document) if isinstance(document, bytes) else document) is None


def _decoded(document: bytes) -> dict[str, Any]:
    """Decode a document as the server does in its index."""

    async def decode() -> dict[str, Any]:
        index = RecordingIndex("mongodb://127.0.0.1", "prisma", 1)
        read: dict[str, Any] = bson.decode(document, index._client.codec_options)
        await index.close()
        return read

    return asyncio.run(decode())

"""Shortages on the nodes: unavailable images and pod addresses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from environments.sandbox.node.pod_run import ADDRESSES_LEFT
from tests.sandbox.node.estate import JOBS, Estate, Object, grpc_job


def _waiting(job: str, reason: str) -> Callable[[dict[str, Object]], Any]:
    """A condition: the container of the job's pod waits for this reason. It returns the message."""

    def holds(pods: dict[str, Object]) -> str | None:
        mine = (pod for name, pod in pods.items() if name.startswith(f"{job}-"))
        states = (
            each["state"].get("waiting", {}) for pod in mine for each in pod["status"].get("containerStatuses", ())
        )
        return next((state.get("message", " ") for state in states if state.get("reason") == reason), None)

    return holds


def test_an_image_the_registry_refuses_is_asked_for_again(estate: Estate) -> None:
    estate.set_faults("image-pull-refused")
    estate.open_investigation("21-1", 12321)
    refused = estate.wait("pods", "refused", _waiting("grpc-job-21-1", "ErrImagePull"))
    assert "429 Too Many Requests - Server message: toomanyrequests: " in refused
    backed_off = estate.wait("pods", "backed off", _waiting("grpc-job-21-1", "ImagePullBackOff"))
    assert backed_off.startswith(
        'Back-off pulling image "registry.sandbox/pzlinux:11.0.0": ErrImagePull: failed to pull'
    )
    events = estate.wait("events", "the kubelet's events", lambda events: _told(events, "grpc-job-21-1"))
    assert {"Pulling", "Failed", "BackOff"} <= events
    estate.running_pod("cleanup-job-21-1")
    estate.set_faults()
    estate.running_pod("grpc-job-21-1")


def _told(events: dict[str, Object], name: str) -> set[str] | None:
    found = {event["reason"] for event in events.values() if event["involvedObject"]["name"].startswith(name)}
    return found if "BackOff" in found else None


def test_pods_beyond_the_addresses_get_no_sandbox(estate: Estate) -> None:
    estate.set_faults("pod-network-exhausted")
    for number in range(ADDRESSES_LEFT):
        estate.post(JOBS, grpc_job(f"{number}-2"))

    def without_address(pods: dict[str, Object]) -> list[Object] | None:
        states = [pod["status"] for pod in pods.values()]
        running = sum(status.get("phase") == "Running" for status in states)
        waiting = [status for status in states if "containerStatuses" in status and not status.get("podIP")]
        return waiting if running == ADDRESSES_LEFT else None

    waiting = estate.wait("pods", "as many run as there are addresses", without_address, within_s=20)
    assert waiting and all(
        condition["status"] == "False"
        for status in waiting
        for condition in status["conditions"]
        if condition["type"] == "PodReadyToStartContainers"
    )
    estate.wait("events", "the reason", lambda events: any(
        event["reason"] == "FailedCreatePodSandBox" and "no IP addresses available" in event["message"]
        for event in events.values()
    ))  # fmt: skip

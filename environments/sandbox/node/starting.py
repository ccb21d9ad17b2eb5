"""Selection of the program for an image and a command."""

from __future__ import annotations

from environments.sandbox.node.analyzer import Analyzer, Unknown
from environments.sandbox.node.programs import Container, Host, Program, Resident, image_name
from environments.sandbox.node.watchdog import Watchdog


def start_program(host: Host, container: Container) -> Program:
    """Return the program of a container whose image is in the registry."""
    name = image_name(container.spec["image"]) or ""
    if name == "cleanup-grpc":
        return Watchdog(host, container)
    if name == "pzlinux":
        words = [*container.spec.get("command", ()), *container.spec.get("args", ())]
        return Analyzer(host, container, words) if "baby_analyzer" in words else Unknown(container, words)
    return Resident(host, container, name)

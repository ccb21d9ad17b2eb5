"""The log of a container, and the kept log of its previous process."""

from __future__ import annotations

from pathlib import Path

from environments.sandbox.node.pod_log import PodLog


def test_a_process_without_a_log_has_no_previous_one_either(tmp_path: Path) -> None:
    folder = tmp_path / "pod-logs"
    folder.mkdir()
    log, previous = PodLog(tmp_path, "panda", "pod", "server"), folder / "panda_pod_server.previous.log"
    log.begin()
    log.write("started")
    log.keep_as_previous()
    assert "started" in previous.read_text()
    log.show("of-no-process.log")
    log.keep_as_previous()
    assert not previous.exists()

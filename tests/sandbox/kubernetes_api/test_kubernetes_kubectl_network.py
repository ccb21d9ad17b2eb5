"""Effects of kubectl outside of the API: a network policy cuts connections. The precision of times in its output."""

from __future__ import annotations

import re
import socket
from pathlib import Path

from tests.sandbox.estate.test_lifecycle import Up, wait_until
from tests.sandbox.kubernetes_api.estate_runs import kubeconfig_of
from tests.sandbox.kubernetes_api.kubectl_runs import needs_kubectl, runner, succeeds
from tests.sandbox.kubernetes_api.transcripts import write_manifests

pytestmark = needs_kubectl


def _connects(url: str) -> bool:
    """Whether a connection opens. A dropped one is neither answered nor refused: it times out."""
    match = re.search(r"@?(127\.\d+\.\d+\.\d+):(\d+)", url)
    assert match is not None
    try:
        socket.create_connection((match[1], int(match[2])), timeout=0.5).close()
    except TimeoutError:
        return False
    return True


def test_a_policy_cuts_mongodb_off_until_it_is_deleted(up: Up, home: Path, tmp_path: Path) -> None:
    kubectl = runner(home, kubeconfig_of(up))
    write_manifests(tmp_path)
    mongodb, focus_server = up.endpoints["mongodb"]["uri"], up.endpoints["focus_server"]["base_url"]
    assert _connects(mongodb)
    succeeds(kubectl, "apply", "-f", str(tmp_path / "policy.json"))
    assert wait_until(lambda: not _connects(mongodb), 5)
    assert _connects(focus_server)
    succeeds(kubectl, "delete", "networkpolicy", "cut")
    assert wait_until(lambda: _connects(mongodb), 5)


def test_every_time_but_that_of_newer_events_has_whole_seconds(up: Up, home: Path) -> None:
    kubectl = runner(home, kubeconfig_of(up))
    kinds = succeeds(kubectl, "api-resources", "-o", "name", "--verbs=list,create").split()
    text = succeeds(kubectl, "get", ",".join(kinds), "-A", "-o", "json")
    times = re.findall(r'"(\w+)": "(\d{4}-\d\d-\d\dT[^"]*)"', text)
    assert len(times) > 100
    whole = [time for field, time in times if field not in ("eventTime", "lastObservedTime")]
    assert [time for time in whole if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", time)] == []

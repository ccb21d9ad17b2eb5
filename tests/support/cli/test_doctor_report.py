"""The doctor's remarks beside its diagnosis: the trust store of the clients, and the clock offsets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from support.cli.doctor import report
from support.clients.clock import ClockOffset
from support.infrastructure.doctor import Layer, LayerDiagnosis, LayerFinding

ORDER = LayerFinding(Layer(1, "foundation", "look", lambda: None), None)
BROKEN = LayerFinding(Layer(2, "health", "look at the disk", lambda: None), "it is full")


def told(
    *findings: LayerFinding,
    server: tuple[Path | None, bool] = (None, True),
    cluster: tuple[Path | None, bool] = (None, True),
    kubeconfig: Path | None = None,
    clocks: tuple[ClockOffset, ...] = (),
) -> tuple[int, list[str]]:
    environment: Any = SimpleNamespace(
        identity=SimpleNamespace(title="Staging", name="staging", description="Shared test site."),
        focus_server=SimpleNamespace(ca_file=server[0], verify_tls=server[1], tls_fingerprint=None),
        kubernetes=SimpleNamespace(
            ca_file=cluster[0], verify_tls=cluster[1], kubeconfig=kubeconfig, tls_fingerprint=None, tls_server_name=None
        ),
    )
    made = report(environment, LayerDiagnosis(findings or (ORDER,)), clocks)
    return made.exit_code, [line.strip() for line in made.lines()]


def trusted(lines: list[str]) -> dict[str, str]:
    section = lines[lines.index("certificates trusted") + 1 :]
    return dict(line.split(": ", 1) for line in section if not line.startswith("clocks"))


def test_the_trust_store_of_the_system_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    store = tmp_path / "site.pem"
    store.touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(store))
    code, lines = told()
    system = f"the certificates of the system ({store})"
    assert code == 0
    assert trusted(lines) == {
        "Focus Server": system,
        "Kubernetes": system,
        "MongoDB, where its URI says tls": f"that of the URI, else {system}",
    }


def test_a_folder_of_certificates_is_named_where_there_is_no_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nowhere.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert trusted(told()[1])["Focus Server"] == f"the certificates of the system ({tmp_path})"
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "nowhere"))
    assert trusted(told()[1])["Focus Server"] == "the certificates of the system (there are none)"


def test_files_of_the_environment_are_named_and_a_check_that_is_off_is_said() -> None:
    ca = Path("/site/ca.pem")
    lines = told(server=(ca, True), cluster=(ca, False))[1]
    assert trusted(lines)["Focus Server"] == "only /site/ca.pem"
    assert trusted(lines)["Kubernetes"] == "anybody (verify_tls is false)"


def test_the_authority_of_a_kubeconfig_goes_before_the_system() -> None:
    kubeconfig = Path("/site/kubeconfig")
    plain = trusted(told(kubeconfig=kubeconfig)[1])["Kubernetes"]
    assert plain.startswith("that of its kubeconfig, else the certificates of the system (")
    named = told(kubeconfig=kubeconfig, cluster=(Path("/site/ca.pem"), True))[1]
    assert trusted(named)["Kubernetes"] == "only /site/ca.pem"


def test_the_clock_of_the_cluster_is_told_when_it_was_reached() -> None:
    now, clock = datetime.now(UTC), ClockOffset("the cluster")
    clock.note({"Date": format_datetime(now + timedelta(seconds=630), usegmt=True)}, now, now)
    code, lines = told(ORDER, BROKEN, clocks=(clock,))
    assert code == 1
    assert lines[0] == "Staging: layer 2, health, is broken: look at the disk"
    assert lines[-1].startswith("clocks: the clock of the cluster is ") and lines[-1].endswith(
        "s ahead of this machine"
    )
    assert "about staging: Shared test site." in lines
    assert not any("clocks" in line for line in told()[1])

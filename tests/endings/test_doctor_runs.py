"""The doctor on a real sandbox: healthy, with each of its six layers broken, and with each prerequisite missing."""

from __future__ import annotations

import functools
import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncssh
import jsonschema
import pytest
import requests

from support.clients.sandbox.embedded import EmbeddedSandbox
from support.config import load_environment
from support.infrastructure.doctor import LayerDiagnosis
from tests.endings.site_file import site_of, write_site_file

ROOT = Path(__file__).resolve().parents[2]
doctor = importlib.import_module("support.cli.doctor")  # its package has another attribute with this name
SCHEMA = json.loads((ROOT / "support/infrastructure/doctor.schema.json").read_text(encoding="utf-8"))
NAMES = ("foundation", "health", "speed", "configuration", "access", "orchestration")
# The lowest layer that a fault breaks, the observation, and the place to look.
BROKEN = {
    "authentication-refused": (1, "authentication_failed", "MongoDB cannot be reached or lets nobody in"),
    "base-paths-missing": (2, "base_paths", "MongoDB lacks what the server needs"),
    "mongodb-slow": (3, "the median of 10 answers is", "MongoDB is slow"),
    "another-mongodb-answers": (4, "the server calls itself", "another MongoDB answers than is configured"),
    "ssh-kubectl-missing": (5, "kubectl version --client ended with 127", "engineers do not get in"),
    "node-not-ready": (6, "not ready: worker-node-1", "the cluster is not fit for work"),
}


@pytest.fixture(scope="module")
def run_file() -> Iterator[Path]:
    """A sandbox without a broker, which none of the six layers uses."""
    sandbox = EmbeddedSandbox({**load_environment("sandbox", overrides={}).sandbox.settings, "rabbitmq": "off"})
    try:
        yield sandbox.start().run_file
    finally:
        sandbox.stop()


class Doctor:
    """The doctor, called as a program calls it."""

    def __init__(self, capsys: pytest.CaptureFixture[str], run_file: Path) -> None:
        self._capsys, self._run_file = capsys, run_file
        self._control = json.loads(run_file.read_text())["control"]

    def report(self, fault: str | None = None) -> tuple[int, dict[str, Any]]:
        code, text = self.told(fault, as_json=True)
        report = json.loads(text)
        jsonschema.validate(report, SCHEMA)
        return code, report

    def told(self, fault: str | None = None, *, as_json: bool = False) -> tuple[int, str]:
        if fault is not None:
            self._switch("PUT", fault)
        try:
            code = doctor.run("sandbox", self._run_file, as_json)
        finally:
            if fault is not None:
                self._switch("DELETE", fault)
        return code, self._capsys.readouterr().out

    def _switch(self, method: str, fault: str) -> None:
        headers = {"Authorization": f"Bearer {self._control['token']}"}
        requests.request(
            method, f"{self._control['url']}/faults/{fault}", headers=headers, timeout=60
        ).raise_for_status()


@pytest.fixture
def asked(capsys: pytest.CaptureFixture[str], run_file: Path, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    """The doctor with long time limits, so that a busy machine does not change its findings."""
    monkeypatch.setenv("FOCUS__MONGODB__CONNECT_TIMEOUT_S", "20")
    for limit, value in {"MONGODB_CONNECT_S": "20", "MONGODB_QUERY_MS": "20000", "SSH_CONNECT_S": "20"}.items():
        monkeypatch.setenv(f"FOCUS__LIMITS__{limit}", value)
    return Doctor(capsys, run_file)


def test_in_order(asked: Doctor) -> None:
    code, report = asked.report()
    assert (code, report["verdict"], report["conclusion"]) == (0, "in order", "every layer is in order")
    assert report["diagnosis"] is None
    assert [(layer["number"], layer["name"], layer["ok"]) for layer in report["layers"]] == [
        (number, name, True) for number, name in enumerate(NAMES, 1)
    ]
    assert [one["name"] for one in report["prerequisites"]] == [
        *("variables", "kubeconfig", "key", "known_hosts", "reach Focus Server"),
        *("reach MongoDB", "reach SSH jump host", "reach Kubernetes"),
    ]
    assert all(one["ok"] for one in report["prerequisites"])
    code, text = asked.told()
    assert code == 0
    assert text.startswith("Embedded sandbox: every layer is in order\n  layer 1, foundation: in order\n")
    assert text.count("[ok]") == 8 and "[--]" not in text


def names_the_layer(asked: Doctor, fault: str) -> None:
    number, evidence, advice = BROKEN[fault]
    code, report = asked.report(fault)
    assert (code, report["verdict"]) == (1, "not in order")
    assert (report["diagnosis"]["number"], report["diagnosis"]["name"]) == (number, NAMES[number - 1])
    assert evidence in report["diagnosis"]["evidence"]
    assert report["diagnosis"]["next_step"].startswith(advice)
    assert all(layer["ok"] for layer in report["layers"][: number - 1])
    assert report["conclusion"].startswith(f"layer {number}, {NAMES[number - 1]}, is broken: {advice}")


@pytest.mark.nightly
@pytest.mark.parametrize("fault", BROKEN)
def test_the_broken_layer_is_named(asked: Doctor, fault: str) -> None:
    names_the_layer(asked, fault)
    code, text = asked.told(fault)
    number, _, advice = BROKEN[fault]
    assert code == 1
    assert text.splitlines()[0].startswith(
        f"Embedded sandbox: layer {number}, {NAMES[number - 1]}, is broken: {advice}"
    )


def test_a_doctor_that_names_the_wrong_layer_is_found(asked: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    """This doctor names the highest broken layer instead of the lowest."""
    broken = LayerDiagnosis.broken.fget
    assert broken is not None
    monkeypatch.setattr(LayerDiagnosis, "broken", property(lambda diagnosis: broken(diagnosis)[::-1]))
    with pytest.raises(AssertionError):
        names_the_layer(asked, "authentication-refused")


@pytest.fixture
def site(tmp_path: Path, run_file: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """An environment file like that of a site. Tests change it in place; :func:`examined` writes it."""
    data, variables = site_of(run_file, tmp_path)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(doctor, "load_environment", functools.partial(load_environment, directory=tmp_path))
    return data


def examined(
    site: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> tuple[int, dict[str, str], str]:
    """Run the doctor; return the exit code, the missing prerequisites and the standard error."""
    write_site_file(site, tmp_path / "site.yaml")
    code = doctor.run("site", None, as_json=True)
    output = capsys.readouterr()
    report = json.loads(output.out)
    jsonschema.validate(report, SCHEMA)
    return code, {one["name"]: one["detail"] for one in report["prerequisites"] if not one["ok"]}, output.err


def test_a_site_in_order(site: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site["kubernetes"] |= {"access": "ssh_tunnel", "tls_server_name": "kubernetes"}
    assert examined(site, tmp_path, capsys) == (0, {}, "")


def test_a_variable_that_is_not_set(
    site: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SITE_PASSWORD")
    code, missing, errors = examined(site, tmp_path, capsys)
    assert (code, list(missing)) == (2, ["variables"])
    assert "ssh.jump.password (a secret): environment variable SITE_PASSWORD is not set" in missing["variables"]
    assert missing["variables"] in errors


def without_file(name: str) -> Any:
    return lambda site, folder: (folder / name).unlink()


def stranger(site: dict[str, Any], folder: Path) -> None:
    (folder / "known_hosts").write_text(
        f"elsewhere {asyncssh.generate_private_key('ssh-ed25519').export_public_key().decode()}"
    )


@pytest.mark.parametrize(
    ("change", "name", "sentence"),
    [
        (without_file("kubeconfig"), "kubeconfig", "kubernetes.kubeconfig: file .*kubeconfig does not exist"),
        (without_file("key"), "key", "ssh.target.key_file: file .*key does not exist"),
        (without_file("known_hosts"), "known_hosts", "ssh.known_hosts: file .*known_hosts does not exist"),
        (
            lambda site, folder: site["kubernetes"].update(context="other"),
            "kubeconfig",
            "contexts has no context 'other'; allowed: sandbox, viewer",
        ),
        (lambda site, folder: (folder / "key").write_text("-----BEGIN"), "key", r"ssh\.target\.key_file: "),
        (stranger, "known_hosts", "has no key of .*, the jump host; allowed: a line with its key"),
        (lambda site, folder: site.update(colour=1), "environment file", "unknown key colour"),
    ],
)
def test_a_prerequisite_of_this_machine_that_is_missing(
    site: dict[str, Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: Any,
    name: str,
    sentence: str,
) -> None:
    change(site, tmp_path)
    code, missing, errors = examined(site, tmp_path, capsys)
    assert (code, list(missing)) == (2, [name])
    assert len(errors.splitlines()) == 1, errors
    assert re.search(sentence, missing[name]), missing[name]


def test_a_server_that_is_not_reached(site: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No layer queries the Focus Server itself; an unreachable server is reported all the same."""
    site["focus_server"]["base_url"] = "https://127.0.0.1:9/focus-server"
    code, missing, _ = examined(site, tmp_path, capsys)
    assert (code, list(missing)) == (1, ["reach Focus Server"])
    assert missing["reach Focus Server"].startswith("127.0.0.1:9 cannot be reached: ")


def test_an_environment_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor.run("nowhere", None, as_json=True) == 2
    output = capsys.readouterr()
    report = json.loads(output.out)
    jsonschema.validate(report, SCHEMA)
    assert report["verdict"] == "not usable"
    assert "unknown environment 'nowhere'" in output.err

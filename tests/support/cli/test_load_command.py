"""``focus-acceptance load`` and ``load-worker``: wrong use gives one sentence and exit code 2 before any start."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from support.clients.distributed import processes
from support.config import load_environment

load = importlib.import_module("support.cli.load")
"""The module itself: ``support.cli.load`` may still be a placeholder for one that is loaded later."""
PROFILES = Path(__file__).resolve().parents[3] / "load" / "profiles"


class Became(Exception):
    """Raised instead of replacing the process by one with this command line."""


@pytest.fixture(autouse=True)
def stays(monkeypatch: pytest.MonkeyPatch) -> None:
    def become(file: str, command: list[str]) -> None:
        raise Became(command)

    monkeypatch.setattr(load.os, "execv", become)
    monkeypatch.setattr(load.os, "chdir", lambda folder: None)


def asked(**changed: Any) -> int:
    given: dict[str, Any] = {
        "environment": "sandbox", "profile": PROFILES / "constant.yaml", "workers": None, "expected": None,
        "listen": None, "within_s": 60.0, "run_file": None, "confirm": None, "reports": Path("reports"),
    }  # fmt: skip
    return load.run(**given | changed)


def test_it_becomes_a_run_of_its_scenario(tmp_path: Path) -> None:
    with pytest.raises(Became) as became:
        asked(workers=3, run_file=tmp_path / "run.json", confirm="sandbox", reports=tmp_path)
    command = became.value.args[0]
    assert command[1:3] == ["-m", "behave"] and command[-1] == "load/capacity/many_testers.feature"
    settings = dict(part.split("=", 1) for part in command if "=" in part)
    assert settings == {
        "env": "sandbox", "parallel": "1", "reports": str(tmp_path), "load_workers": "3", "load_within_s": "60",
        "load_profile": str(PROFILES / "constant.yaml"), "sandbox_run_file": str(tmp_path / "run.json"),
        "confirm": "sandbox",
    }  # fmt: skip


def test_workers_from_elsewhere_are_expected_where_it_listens() -> None:
    with pytest.raises(Became) as became:
        asked(expected=7, listen="10.0.0.7:5557")
    assert {"load_workers=7", "load_listen=10.0.0.7:5557"} <= set(became.value.args[0])


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"profile": Path("none.yaml")}, "none.yaml: cannot be read: No such file or directory"),
        ({"environment": "nowhere"}, "unknown environment 'nowhere'"),
        ({"workers": 2, "expected": 2}, "--workers starts them here, --expect-workers waits for others: give one"),
        ({"workers": -1}, "--workers -1 is not allowed; allowed: 1 to 200"),
        ({"workers": 0}, "--workers 0 is not allowed; allowed: 1 to 200"),
        ({"workers": 201}, "--workers 201 is not allowed; allowed: 1 to 200"),
        ({"expected": 0, "listen": "127.0.0.1:1"}, "--expect-workers 0 is not allowed; allowed: 1 to 200"),
        ({"expected": 2}, "--expect-workers needs --listen ADDRESS:PORT"),
        ({"listen": "127.0.0.1:1"}, "--listen is for workers from elsewhere: give --expect-workers with it"),
        ({"expected": 2, "listen": "5557"}, "--listen 5557 is not allowed; allowed: an address and a port"),
        ({"expected": 2, "listen": "127.0.0.1:0"}, "--listen 127.0.0.1:0 is not allowed"),
        ({"expected": 2, "listen": "127.0.0.1:65536"}, "--listen 127.0.0.1:65536 is not allowed"),
        ({"environment": "production"}, "environment production does not permit what is tagged load"),
    ],
)
def test_wrong_use_is_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], sentence: str
) -> None:
    if changed.get("environment") == "production":
        monkeypatch.setattr(load, "load_environment", _without_load)
    assert asked(**changed) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("load: ") and sentence in errors and len(errors.splitlines()) == 1


def _without_load(name: str) -> Any:
    """An environment like production, without its secrets."""
    return load_environment("sandbox", overrides={"FOCUS__SAFETY__LOAD": "false"}).model_copy(
        update={"identity": load_environment("sandbox").identity.model_copy(update={"name": name})}
    )


def test_more_than_the_caps_allow_is_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOCUS__SAFETY__REQUESTS_AT_ONCE", "100")
    assert asked() == 2
    errors = capsys.readouterr().err
    assert errors == (
        f"load: {PROFILES.relative_to(Path.cwd()) / 'constant.yaml'}: 200 investigations at once are refused: "
        "safety.requests_at_once is 100\n"
    )


def test_a_missing_extra_says_how_to_install_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes.importlib.util, "find_spec", lambda name: None)
    assert asked() == 2 and load.run_worker("127.0.0.1:1") == 2
    told = capsys.readouterr().err.splitlines()
    assert [line.partition(": ")[0] for line in told] == ["load", "load-worker"]
    assert all(
        "the package locust, which is not installed; allowed: make extras, or pip install" in one for one in told
    )


def test_a_worker_becomes_one_of_the_master(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Became) as became:
        load.run_worker("load.somewhere:5557")
    assert became.value.args[0][1:] == [str(processes.PROGRAMS / "worker.py"), "--master", "load.somewhere:5557"]
    assert load.run_worker("somewhere") == 2
    assert capsys.readouterr().err.startswith("load-worker: --master somewhere is not allowed; allowed: an address")

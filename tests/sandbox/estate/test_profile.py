"""Profiles in the sandbox: the settings and faults that each applies together."""

from __future__ import annotations

from pathlib import Path

import pytest

from environments.sandbox.shared.errors import UsageError
from environments.sandbox.supervisor import profile
from environments.sandbox.supervisor.catalogue import Fault, load_catalogue
from environments.sandbox.supervisor.profile import load_profile, names
from environments.sandbox.supervisor.settings import parse_settings

CATALOGUE = {"slow": Fault("slow", "JL-01", "n"), "shared": Fault("shared", "JL-06", "n")}
SITE = """notice = "n"
[settings]
answers = "deployed"
configure_ms = 320
[[defect]]
faults = ["slow", "shared"]
[[defect]]
faults = ["slow"]
"""


def test_every_profile_can_be_put_on() -> None:
    assert names() == ["as-required", "as-a-real-control-plane", "as-deployed-2025-12", "production-2025-11-03"]
    for name in names():
        parse_settings(load_profile(name, load_catalogue()).settings)


def test_required_changes_nothing() -> None:
    assert load_profile("as-required", {}) == profile.Profile((), ())


def test_settings_and_faults_of_all_defects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile, "FOLDER", tmp_path)
    (tmp_path / "site.toml").write_text(SITE)
    loaded = load_profile("site", CATALOGUE)
    assert loaded.faults == ("slow", "shared")
    settings = parse_settings([*loaded.settings, "configure_ms=5"])
    assert (settings.answers, settings.configure_ms) == ("deployed", 5)


def test_fault_that_is_not_in_the_catalogue_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile, "FOLDER", tmp_path)
    (tmp_path / "site.toml").write_text(SITE)
    with pytest.raises(UsageError, match="--profile site: no fault shared in faults.toml"):
        load_profile("site", {"slow": CATALOGUE["slow"]})

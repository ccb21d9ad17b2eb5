"""The check that each locked package has a wheel for each supported system and Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tools import check_wheels
from tools.check_wheels import PYTHONS, missing

EACH = [f"cp3{minor}-cp3{minor}" for minor in (11, 12, 13, 14)]
FOR_ALL = ("manylinux_2_17_x86_64.manylinux2014_x86_64", "manylinux_2_28_aarch64", "macosx_11_0_arm64", "win_amd64")


def package(*tags: str, **more: Any) -> dict[str, Any]:
    urls = [{"url": f"https://index.invalid/a-1.0-{tag}.whl"} for tag in tags]
    return {"name": "a", "version": "1.0", "wheels": urls, **more}


@pytest.mark.parametrize(
    "tags",
    [
        ["py3-none-any"],
        ["py2.py3-none-any"],
        [f"cp39-abi3-{platform}" for platform in FOR_ALL],
        [f"{python}-{platform}" for python in EACH for platform in FOR_ALL],
        [f"py3-none-{platform}" for platform in FOR_ALL],
        ["cp310-abi3-macosx_10_9_universal2", *(f"cp310-abi3-{platform}" for platform in FOR_ALL[:2] + FOR_ALL[3:])],
    ],
)
def test_wheels_for_all_are_enough(tags: list[str]) -> None:
    assert list(missing([package(*tags)])) == []


@pytest.mark.parametrize(
    ("tags", "lacking"),
    [
        ([f"cp39-abi3-{platform}" for platform in FOR_ALL[:3]], "Windows with Python 3.11"),
        ([f"cp312-abi3-{platform}" for platform in FOR_ALL], "macOS arm64 with Python 3.11"),
        ([f"{python}-{platform}" for python in EACH[:3] for platform in FOR_ALL], "Linux aarch64 with Python 3.14"),
        ([f"cp39-abi3-{platform}" for platform in (*FOR_ALL[1:], "musllinux_1_2_x86_64")], "Linux x86_64 with"),
        ([f"cp39-abi3-{platform}" for platform in (*FOR_ALL[1:], "manylinux_2_39_x86_64")], "Linux x86_64 with"),
        ([f"cp39-abi3-{platform}" for platform in (*FOR_ALL[:2], "macosx_11_0_x86_64", "win_amd64")], "macOS arm64"),
        (["cp313-cp313t-win_amd64"], "Windows with Python 3.13"),
        ([], "Linux x86_64 with Python 3.11"),
    ],
)
def test_a_missing_wheel_is_named(tags: list[str], lacking: str) -> None:
    (line,) = missing([package(*tags)])
    assert line.startswith("a 1.0 has no wheel for ") and lacking in line


def test_a_wheel_is_needed_only_where_the_marker_holds() -> None:
    assert (
        list(missing([package("cp312-abi3-win_amd64", marker="sys_platform == 'win32' and python_version >= '3.12'")]))
        == []
    )
    (line,) = missing([package("cp312-abi3-win_amd64", marker="sys_platform == 'win32'")])
    assert line == "a 1.0 has no wheel for Windows with Python 3.11"


def test_the_pythons_are_those_of_the_workflow() -> None:
    workflow = (check_wheels.ROOT / ".github" / "workflows" / "acceptance.yml").read_text(encoding="utf-8")
    listed = ", ".join(f'"{major}.{minor}"' for major, minor in PYTHONS)
    assert f"python: [{listed}]" in workflow


def test_without_uv_it_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("UV", "/nowhere/uv")
    assert check_wheels.main([]) == 2
    assert capsys.readouterr().err == "check_wheels: uv was not found; install it, or name it in UV\n"


def test_a_lock_that_is_not_there_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("UV", "true")
    assert check_wheels.main([str(tmp_path / "absent.txt")]) == 2
    assert "there is no lock" in capsys.readouterr().err

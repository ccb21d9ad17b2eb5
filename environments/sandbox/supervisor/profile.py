"""A profile: a named set of settings and faults that makes the estate behave like a certain site."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from environments.sandbox.shared.errors import UsageError
from environments.sandbox.supervisor.catalogue import Fault

FOLDER = Path(__file__).parents[1] / "profiles"
DEFAULT = "as-required"


@dataclass(frozen=True)
class Profile:
    """``settings`` are assignments as for ``--set``, which overrides them; ``faults`` are ids of the catalogue."""

    settings: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


def names() -> list[str]:
    return [DEFAULT, *sorted(path.stem for path in FOLDER.glob("*.toml"))]


def load_profile(name: str, catalogue: Mapping[str, Fault]) -> Profile:
    """Load a profile. ``as-required`` changes nothing; the others are files, which also hold fields for the suite."""
    if name == DEFAULT:
        return Profile()
    if name not in names():
        raise UsageError(f"--profile {name}: no such profile; allowed are {', '.join(names())}")
    content: dict[str, Any] = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    faults = tuple(dict.fromkeys(fault for defect in content.get("defect", ()) for fault in defect["faults"]))
    for fault in faults:
        if fault not in catalogue:
            raise UsageError(f"--profile {name}: no fault {fault} in faults.toml")
    return Profile(tuple(f"{key}={value}" for key, value in content.get("settings", {}).items()), faults)

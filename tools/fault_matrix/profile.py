"""A profile of the sandbox and the scenarios that must fail on it, compared with a run in both directions."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from support.fault_catalogue import CATALOGUE_FILE, CatalogueError, FaultId, ScenarioId
from tools.fault_matrix.judgement import Run

FOLDER = CATALOGUE_FILE.parent / "profiles"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Defect(_Model):
    """One observed deviation. ``scenarios`` fail because of it, each with its text; ``faults`` reproduce it."""

    observed: str
    tickets: tuple[str, ...]
    source: str
    confidence: str
    faults: tuple[FaultId, ...]
    scenarios: Mapping[ScenarioId, str]


class Profile(_Model):
    """A set of documented defects. ``settings`` are settings of the sandbox that override the environment file."""

    notice: str
    settings: Mapping[str, int | float | str] = {}
    defect: tuple[Defect, ...]
    beside: tuple[Defect, ...] = ()
    """Defects that show only with additional faults switched on; a run of the profile alone expects none of them."""

    def defects_behind(self, scenario_id: str) -> list[Defect]:
        """Return the defects that make a scenario fail. An id without a row number stands for all rows of its
        outline."""
        outline = scenario_id.split(".")[0]
        return [each for each in self.defect if scenario_id in each.scenarios or outline in each.scenarios]


def load_profile(name: str, folder: Path = FOLDER) -> Profile:
    """Load a profile. Raises :class:`CatalogueError`, one sentence, if it does not exist or cannot be used."""
    names = sorted(path.stem for path in folder.glob("*.toml"))
    if name not in names:
        raise CatalogueError(f"PROFILE={name}: no such profile; allowed are {', '.join(names)}")
    path = folder / f"{name}.toml"
    try:
        return Profile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"{path.name}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise CatalogueError(f"{path.name}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


@dataclass(frozen=True)
class Comparison:
    """The differences between a run and a profile. There are none when exactly the documented defects were found.

    ``missing`` must fail and did not, ``unexpected`` failed and must not, ``wrong_reason`` failed for something else.
    """

    agreed: Sequence[str]
    missing: Sequence[str]
    unexpected: Mapping[str, str]
    wrong_reason: Mapping[str, str]

    @property
    def agrees(self) -> bool:
        return not (self.missing or self.unexpected or self.wrong_reason)


def compare(profile: Profile, run: Run) -> Comparison:
    """Compare in both directions. A scenario that must fail and was not run is missing."""
    bad = run.bad()
    expected = [name for defect in profile.defect for name in defect.scenarios]
    rows = {row for name in expected for row in run.scenarios if name in (row, row.split(".")[0])}
    not_run = {name for name in expected if not any(name in (row, row.split(".")[0]) for row in rows)}
    wrong = {name: bad[name] for name in rows if name in bad and not _has_its_reason(profile, name, bad[name])}
    return Comparison(
        agreed=sorted(name for name in rows if name in bad and name not in wrong),
        missing=sorted(not_run | {name for name in rows if name not in bad}),
        unexpected={name: reason for name, reason in sorted(bad.items()) if name not in rows},
        wrong_reason=dict(sorted(wrong.items())),
    )


def _has_its_reason(profile: Profile, name: str, reason: str) -> bool:
    outline = name.split(".")[0]
    texts = [defect.scenarios.get(name, defect.scenarios.get(outline)) for defect in profile.defects_behind(name)]
    return any(text is not None and text in reason for text in texts)

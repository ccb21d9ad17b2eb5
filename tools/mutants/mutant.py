"""All mutants, and the equivalent ones: those that change nothing anybody could notice."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from support.files import PROJECT
from tools.mutants.places import Place, places

TARGETS = Path(__file__).parent / "targets.toml"
EQUIVALENT = Path(__file__).parent / "equivalent.toml"
SANDBOX = PROJECT / "environments" / "sandbox"


class MutantsError(Exception):
    """A file cannot be used, or the mutants cannot be tried; the message is one sentence."""


@dataclass(frozen=True)
class Mutant:
    """A change at one place of a module, which is named relative to ``environments.sandbox``; ``process`` runs it."""

    process: str
    module: str
    place: Place

    @property
    def id(self) -> str:
        return self.place.id_in(self.module)

    @property
    def at(self) -> str:
        """Its location, in the notation of equivalent.toml."""
        return f"{self.module}:{self.place.function}"

    def is_part_of(self, name: str) -> bool:
        """Whether it belongs to a module, or to a function "module:function" or anything defined in it."""
        return self.module == name or self.at == name or self.at.startswith(f"{name}.")

    @property
    def full_name(self) -> str:
        return f"environments.sandbox.{self.module}"

    @property
    def file(self) -> Path:
        return file_of(self.module)

    def __str__(self) -> str:
        return f"{self.module}:{self.place.line} {self.place.function or 'module'}: {self.place.words}"


def file_of(module: str) -> Path:
    return (SANDBOX / module.replace(".", "/")).with_suffix(".py")


def every_mutant(targets: Path = TARGETS) -> list[Mutant]:
    """Return all mutants, by module and in text order. Raises :class:`MutantsError` for an unknown target."""
    content = tomllib.loads(targets.read_text(encoding="utf-8"))
    left_out = dict.fromkeys(content["left_out"], False)
    found = []
    for target in content["targets"]:
        for module in (name for pattern in target["modules"] for name in _modules(pattern, targets)):
            for place in places(file_of(module).read_text(encoding="utf-8")):
                mutant = Mutant(target["process"], module, place)
                names = {name for name in left_out if mutant.is_part_of(name)}
                left_out |= dict.fromkeys(names, True)
                found += [] if names else [mutant]
    for name, is_there in left_out.items():
        if not is_there:
            raise MutantsError(f"{targets.name}: left_out: {name}: nothing of it would be changed")
    return found


def _modules(pattern: str, targets: Path) -> Iterator[str]:
    if not pattern.endswith(".*"):
        yield _there(pattern, targets)
        return
    package = pattern.removesuffix(".*")
    for file in sorted((SANDBOX / package).glob("*.py")):
        if not file.stem.startswith("__"):
            yield f"{package}.{file.stem}"


def _there(module: str, targets: Path) -> str:
    if not file_of(module).is_file():
        raise MutantsError(f"{targets.name}: {module}: there is no such module of the sandbox")
    return module


def sampled(mutants: Iterable[Mutant], amount: int, seed: int) -> list[Mutant]:
    """Draw a sample of mutants by their content, so that unrelated changes to the code do not change the sample."""
    return sorted(mutants, key=lambda one: hashlib.sha256(f"{seed} {one.id}".encode()).digest())[:amount]


def read_equivalent(mutants: Iterable[Mutant], file: Path = EQUIVALENT) -> Mapping[str, str]:
    """Return the reason for each equivalent mutant, by id. Raises :class:`MutantsError` for a place that is gone."""
    known = {(mutant.at, mutant.place.words): mutant.id for mutant in mutants}
    reasons: dict[str, str] = {}
    for entry in tomllib.loads(file.read_text(encoding="utf-8")).get("equivalent", []):
        at, reason = entry.get("at", ""), entry.get("reason", "").strip()
        if not reason:
            raise MutantsError(f"{file.name}: {at}: reason: say in words why nobody could notice")
        for words in entry.get("changes", []):
            if (at, words) not in known:
                raise MutantsError(f"{file.name}: {at}: {words!r}: there is no such place any more")
            reasons[known[at, words]] = reason
    return reasons

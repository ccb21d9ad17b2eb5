"""Every mutant there is, and those that change nothing anybody could notice."""

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
    """A file cannot be used, or the mutants cannot be tried; one sentence."""


@dataclass(frozen=True)
class Mutant:
    """One place of one module, by its name below ``environments.sandbox``; ``process`` is the one that runs it."""

    process: str
    module: str
    place: Place

    @property
    def id(self) -> str:
        return self.place.id_in(self.module)

    @property
    def at(self) -> str:
        """Where it is, in the words of equivalent.toml."""
        return f"{self.module}:{self.place.function}"

    def is_part_of(self, name: str) -> bool:
        """Of a module, or of a function "module:function" and of what is defined in it."""
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
    """All of them, by module and in the order of the text. :class:`MutantsError` for a target that is not there."""
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
    """So many, drawn by what they are: a change elsewhere in the code does not draw others."""
    return sorted(mutants, key=lambda one: hashlib.sha256(f"{seed} {one.id}".encode()).digest())[:amount]


def read_equivalent(mutants: Iterable[Mutant], file: Path = EQUIVALENT) -> Mapping[str, str]:
    """The reason by the id of each mutant that changes nothing. :class:`MutantsError` for a place that is gone."""
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

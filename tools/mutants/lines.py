"""The scenarios that enter each line: recorded once into a file, and used to run the right ones first.

The file identifies a line by its place among the lines of its function, and a function by a digest of its code. If a
function has changed since, its lines are unknown, and all scenarios that enter its module are taken to enter it.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from support.files import write_atomically
from tools.fault_matrix.rows import Row
from tools.mutants.functions import Function, functions_of, names_made_of, names_used
from tools.mutants.in_sandbox import MARKER
from tools.mutants.mutant import Mutant, MutantsError, file_of

FILE = Path(__file__).parent / "lines.json"
_DURATION = "duration"
_LONG_S = 3.0
BEFORE_ALL = "start"
"""Used in place of a scenario for lines that a process enters while it starts."""
Entered = Mapping[int, frozenset[str]]


class Lines:
    """``durations_s`` are the durations of the scenarios. ``entered`` maps "module:function" and its digest to the
    scenarios of each line, by the line's place in the function (:class:`Function`)."""

    def __init__(self, durations_s: Mapping[str, float], entered: Mapping[tuple[str, str], Entered]) -> None:
        self.durations_s, self._entered = durations_s, entered
        self._known = {at: lines for (at, _), lines in entered.items()}
        self._functions: dict[str, Mapping[str, Function]] = {}
        self._used: dict[str, Mapping[str, frozenset[str]]] = {}

    def of(self, at: str, digest: str) -> Entered | None:
        """Return the recorded lines of a function with this digest, or None."""
        return self._entered.get((at, digest))

    def order(self, mutant: Mutant, rows: Iterable[Row]) -> tuple[list[Row], list[Row]]:
        """Return the scenarios that run the mutant's line, preceded by those that are not recorded yet, and all others.

        One row of each outline comes first. If a scenario of a requirement enters a line of the function that few
        scenarios enter, the function most likely serves that requirement, and all its scenarios come before those of
        other requirements. Among scenarios that enter the same lines of the function, those come first that enter lines
        of its module that few enter.
        """
        ways, entering = self._ways(mutant)
        known = [row for row in rows if row.id in ways]
        frequency = Counter(line for row in known for line in ways[row.id])
        rarity = {row.id: min(frequency[line] for line in ways[row.id]) for row in known}
        in_module = self._rarity_in(mutant.module)
        rarest: dict[str, int] = {}
        for row in known:
            rarest[row.requirement] = min(rarity[row.id], rarest.get(row.requirement, len(known)))
        turns: Counter[str] = Counter()

        def place(row: Row) -> tuple[int, int, int, int, float]:
            turns[row.id.partition(".")[0]] += 1
            turn = turns[row.id.partition(".")[0]]
            found = rarity[row.id]
            return turn, rarest[row.requirement], found, in_module.get(row.id, len(known)), self._duration_s(row)

        by_duration = sorted(rows, key=lambda row: (row.is_load, self._duration_s(row)))
        first = sorted((row for row in by_duration if row.id in ways and ways[row.id] & entering), key=place)
        new = [row for row in by_duration if row.id not in self.durations_s and not row.is_load]
        first = [*new, *first]
        return first, [row for row in by_duration if row not in first]

    def _rarity_in(self, module: str) -> Mapping[str, int]:
        """For each scenario, take the line of the module that the fewest scenarios enter, and return their number."""
        inside = _asked(_places((at, lines) for at, lines in self._known.items() if at.partition(":")[0] == module))
        ways = _transposed(inside)
        return {name: min(len(inside[place]) for place in places) for name, places in ways.items()}

    def takes_long(self, row: Row) -> bool:
        """Whether it runs after all others, however likely it is to notice something, because it fills a whole site."""
        return row.is_load and self.durations_s.get(row.id, _LONG_S) >= _LONG_S

    def _duration_s(self, row: Row) -> float:
        return self.durations_s.get(row.id, 0.0)

    def _ways(self, mutant: Mutant) -> tuple[Mapping[str, frozenset[object]], frozenset[object]]:
        """Return the lines of the function that each scenario enters, and those of them that belong to the mutant."""
        function = self._functions_of(mutant.module).get(mutant.place.function)
        known = self._entered.get((mutant.at, function.digest)) if function and mutant.place.function else None
        if function is None or known is None:
            return self._ways_through_users(mutant)
        number = function.number(mutant.place.line)
        if BEFORE_ALL in known.get(number, frozenset()):
            return self._ways_through_users(mutant)
        asked = {number: names for number, names in known.items() if BEFORE_ALL not in names}
        return _transposed(asked), frozenset({number})

    def _ways_through_users(self, mutant: Mutant) -> tuple[Mapping[str, frozenset[object]], frozenset[object]]:
        """Return the same for code that runs at the start: the lines of functions in any module that use the name it
        defines, or else all lines of its own module. Lines that the start enters too count only if there are no
        others."""
        names = names_made_of(file_of(mutant.module).read_text(encoding="utf-8"), mutant.place.line)
        using = _places((at, lines) for at, lines in self._known.items() if names & self._used_in(at))
        inside = _places((at, lines) for at, lines in self._known.items() if at.partition(":")[0] == mutant.module)
        found = _asked(using) or _asked(inside) or using or inside
        return _transposed(found), frozenset(found)

    def _used_in(self, at: str) -> frozenset[str]:
        """Return the names that a function uses."""
        module, _, function = at.partition(":")
        if module not in self._used:
            self._used[module] = names_used(file_of(module).read_text(encoding="utf-8"))
        return self._used[module].get(function, frozenset())

    def _functions_of(self, module: str) -> Mapping[str, Function]:
        if module not in self._functions:
            self._functions[module] = functions_of(file_of(module).read_text(encoding="utf-8"))
        return self._functions[module]


def _places(functions: Iterable[tuple[str, Entered]]) -> Mapping[tuple[str, int], frozenset[str]]:
    return {(at, line): names for at, lines in functions for line, names in lines.items()}


def _asked(places: Mapping[tuple[str, int], frozenset[str]]) -> Mapping[tuple[str, int], frozenset[str]]:
    """Keep the places that only scenarios enter."""
    return {place: names for place, names in places.items() if BEFORE_ALL not in names}


def _transposed(scenarios: Mapping[Any, frozenset[str]]) -> Mapping[str, frozenset[Any]]:
    found: dict[str, set[Any]] = defaultdict(set)
    for what, names in scenarios.items():
        for name in names:
            found[name].add(what)
    return {name: frozenset(whats) for name, whats in found.items()}


def recording_in(folder: Path) -> Path:
    """Return the folder in which the processes of a sandbox record the lines they enter."""
    return folder / "recording"


def name_scenario(recording: Path, name: str) -> None:
    """Announce the next scenario to the processes of a sandbox."""
    write_atomically(recording / MARKER, name)


def keep_duration(recording: Path, name: str, duration_s: float) -> None:
    """Note that a scenario has passed, so that its recording counts."""
    write_atomically(recording / name / _DURATION, f"{duration_s:.2f}")


def durations_in(folder: Path) -> dict[str, float]:
    """Return the duration in seconds of each scenario that was recorded below a folder."""
    files = folder.glob(f"*/recording/*/{_DURATION}")
    return {file.parent.name: float(file.read_text(encoding="utf-8")) for file in files}


def read_lines(file: Path = FILE) -> Lines:
    """Return the last recording. Raises :class:`MutantsError` if there is none."""
    if not file.is_file():
        raise MutantsError(f"{file.name}: there is none yet; python -m tools.mutants record makes it")
    content = json.loads(file.read_text(encoding="utf-8"))
    names = list(content["scenarios"])
    entered = {}
    for at, function in content["functions"].items():
        lines = {}
        for mask, numbers in function["entered"].items():
            scenarios = frozenset(name for number, name in enumerate(names) if int(mask, 16) >> number & 1)
            lines.update(dict.fromkeys(numbers, scenarios))
        entered[at, function["digest"]] = lines
    return Lines(content["scenarios"], entered)


def write_lines(folder: Path, modules: Iterable[str], known: Lines | None = None, file: Path = FILE) -> int:
    """Write the file from the recordings of all sandboxes below a folder, and return the number of scenarios in it.

    ``known`` recordings are kept. Functions that have changed since are then left out, because the other scenarios may
    enter them too.
    """
    durations_s = {**(known.durations_s if known else {}), **durations_in(folder)}
    names = [BEFORE_ALL, *sorted(durations_s.keys() - {BEFORE_ALL})]
    lines = _recorded(folder, names)
    functions = {}
    for module in sorted(modules):
        found = lines[str(file_of(module))]
        for name, function in functions_of(file_of(module).read_text(encoding="utf-8")).items():
            at = f"{module}:{name}"
            before = known.of(at, function.digest) if known else {}
            if before is None:
                continue
            entered_by: dict[str, list[int]] = defaultdict(list)
            for number, line in enumerate(function.lines):
                entering = found.get(line, set()) | before.get(number, frozenset())
                if entering:
                    mask = sum(1 << bit for bit, one in enumerate(names) if one in entering)
                    entered_by[f"{mask:x}"].append(number)
            functions[at] = {"digest": function.digest, "entered": entered_by}
    scenarios = {BEFORE_ALL: 0.0, **{name: round(durations_s[name], 2) for name in names if name != BEFORE_ALL}}
    text = json.dumps({"scenarios": scenarios, "functions": functions}, separators=(",", ":"))
    write_atomically(file, text.replace('},"', '},\n"') + "\n")
    return len(names) - 1


def _recorded(folder: Path, names: Iterable[str]) -> Mapping[str, Mapping[int, set[str]]]:
    """Return the scenarios of each line of each file, as recorded below a folder."""
    lines: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for name in names:
        for entered in folder.glob(f"*/recording/{name}/[0-9]*"):
            for place in entered.read_text(encoding="utf-8").splitlines():
                path, _, number = place.rpartition(":")
                lines[path][int(number)].add(name)
    return lines

"""Which scenarios enter which line: recorded once into a file, and used to run the right ones first.

The file knows a line by its distance from the begin of its function, and a function by the text it had: what was
changed since is unknown, and whatever enters its module is then taken to enter it.
"""

from __future__ import annotations

import ast
import hashlib
import itertools
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

from support.files import write_atomically
from tools.fault_matrix.rows import Row
from tools.mutants.in_sandbox import MARKER
from tools.mutants.mutant import Mutant, MutantsError, file_of

FILE = Path(__file__).parent / "lines.json"
_DURATION = "duration"
BEFORE_ALL = "start"
"""In place of a scenario: lines that a process enters while it starts."""
Entered = Mapping[int, frozenset[str]]


@dataclass(frozen=True)
class Function:
    """Its first line, a digest of its text, and the lines in it at which something is executed."""

    first: int
    digest: str
    lines: frozenset[int]


class Lines:
    """``durations_s`` are those of the scenarios; ``entered`` maps "module:function" and its digest to the scenarios of
    each line, counted from the first of the function."""

    def __init__(self, durations_s: Mapping[str, float], entered: Mapping[tuple[str, str], Entered]) -> None:
        self.durations_s, self._entered = durations_s, entered
        self._functions: dict[str, Mapping[str, Function]] = {}

    def order(self, mutant: Mutant, rows: Iterable[Row]) -> tuple[list[Row], list[Row]]:
        """Those that run its line, one of each way through the function first, rare ways before frequent ones; and the
        others."""
        ways = self._ways(mutant)
        groups: dict[object, list[Row]] = defaultdict(list)
        others: list[Row] = []
        for row in rows:
            way = ways.get(row.id)
            (groups[way] if way is not None else others).append(row)
        by_rarity = sorted(groups.values(), key=len)
        for group in (*by_rarity, others):
            group.sort(key=lambda row: self.durations_s.get(row.id, 0.0))
        turns = itertools.zip_longest(*by_rarity)
        return [row for turn in turns for row in turn if row is not None], others

    def _ways(self, mutant: Mutant) -> Mapping[str, frozenset[object]]:
        """For each scenario that enters the line, which lines of the function it enters."""
        function = self._functions_of(mutant.module).get(mutant.place.function)
        known = self._entered.get((mutant.at, function.digest)) if function and mutant.place.function else None
        if function is None or known is None:
            return self._ways_through_module(mutant.module)
        line = max((one for one in function.lines if one <= mutant.place.line), default=function.first)
        entering = known.get(line - function.first, frozenset())
        if BEFORE_ALL in entering:
            return self._ways_through_module(mutant.module)
        return _transposed({name: entering_it & entering for name, entering_it in known.items()})

    def _ways_through_module(self, module: str) -> Mapping[str, frozenset[object]]:
        inside = {at: lines for (at, _), lines in self._entered.items() if at.partition(":")[0] == module}
        return _transposed({at: frozenset().union(*lines.values()) - {BEFORE_ALL} for at, lines in inside.items()})

    def _functions_of(self, module: str) -> Mapping[str, Function]:
        if module not in self._functions:
            self._functions[module] = functions_of(file_of(module).read_text(encoding="utf-8"))
        return self._functions[module]


def _transposed(scenarios: Mapping[object, frozenset[str]]) -> Mapping[str, frozenset[object]]:
    found: dict[str, set[object]] = defaultdict(set)
    for what, names in scenarios.items():
        for name in names:
            found[name].add(what)
    return {name: frozenset(whats) for name, whats in found.items()}


def functions_of(source: str) -> Mapping[str, Function]:
    """By dotted name; what lies in a function within another one belongs to both."""
    executed = {line for code in _codes(compile(source, "", "exec")) for _, _, line in code.co_lines() if line}
    found = {}
    for name, node in _definitions(ast.parse(source), ""):
        last = node.end_lineno or node.lineno
        text = ast.get_source_segment(source, node) or ""
        within = frozenset(line for line in executed if node.lineno <= line <= last)
        found[name] = Function(node.lineno, hashlib.sha256(text.encode()).hexdigest()[:8], within)
    return found


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _definitions(
    node: ast.AST, within: str
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{within}.{child.name}".lstrip(".")
            yield name, child
            yield from _definitions(child, name)
        else:
            yield from _definitions(child, within)


def recording_in(folder: Path) -> Path:
    """Where the processes of the sandbox of this folder write which lines they enter."""
    return folder / "recording"


def name_scenario(recording: Path, name: str) -> None:
    """Tell the processes of a sandbox which scenario comes now."""
    write_atomically(recording / MARKER, name)


def keep_duration(recording: Path, name: str, duration_s: float) -> None:
    """A scenario has passed: what was recorded of it counts."""
    write_atomically(recording / name / _DURATION, f"{duration_s:.2f}")


def durations_in(folder: Path) -> dict[str, float]:
    """The seconds of each scenario that was recorded below a folder."""
    files = folder.glob(f"*/recording/*/{_DURATION}")
    return {file.parent.name: float(file.read_text(encoding="utf-8")) for file in files}


def read_lines(file: Path = FILE) -> Lines:
    """What was recorded last. :class:`MutantsError` when nothing was."""
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


def write_lines(folder: Path, modules: Iterable[str], file: Path = FILE) -> int:
    """Make the file of what the processes of the sandboxes below a folder have recorded; answers how many scenarios
    are in it."""
    durations_s = durations_in(folder)
    names = [BEFORE_ALL, *sorted(durations_s)]
    lines: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for bit, name in enumerate(names):
        for entered in folder.glob(f"*/recording/{name}/[0-9]*"):
            for place in entered.read_text(encoding="utf-8").splitlines():
                path, _, number = place.rpartition(":")
                lines[path][int(number)] |= 1 << bit
    functions = {}
    for module in sorted(modules):
        found = lines[str(file_of(module))]
        for name, function in functions_of(file_of(module).read_text(encoding="utf-8")).items():
            entered_by: dict[str, list[int]] = defaultdict(list)
            for line in sorted(function.lines & found.keys()):
                entered_by[f"{found[line]:x}"].append(line - function.first)
            functions[f"{module}:{name}"] = {"digest": function.digest, "entered": entered_by}
    scenarios = {BEFORE_ALL: 0.0, **{name: round(durations_s[name], 2) for name in sorted(durations_s)}}
    text = json.dumps({"scenarios": scenarios, "functions": functions}, separators=(",", ":"))
    write_atomically(file, text.replace('},"', '},\n"') + "\n")
    return len(durations_s)

"""The bookkeeping of mutants: their list, the equivalent ones, the order of scenarios, the results and the table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tools.fault_matrix.rows import Row
from tools.mutants.functions import functions_of, names_made_of, names_used
from tools.mutants.kept import keep, read_kept
from tools.mutants.lines import BEFORE_ALL, Lines, keep_duration, read_lines, write_lines
from tools.mutants.mutant import Mutant, MutantsError, every_mutant, file_of, read_equivalent, sampled
from tools.mutants.noticed import Noticed
from tools.mutants.places import Place
from tools.mutants.runs import ResultsFile
from tools.mutants.table import as_data, lines_of, outcomes
from tools.mutants.trial import KILLED, SURVIVED, UNTRIED, Result


@pytest.fixture(scope="module")
def mutants() -> list[Mutant]:
    return every_mutant()


def row(name: str) -> Row:
    return Row(name, f"features/{name[:2]}.feature:{ord(name[5])}", frozenset(), 3)


def result(mutant: Mutant, verdict: str, by: str = "") -> Result:
    return Result(mutant.id, mutant.at, 1, "number", mutant.place.words, verdict, by, "", 3, 1.0)


def test_every_mutant_has_an_id_of_its_own_and_compiles(mutants: list[Mutant]) -> None:
    assert len(mutants) > 1000
    assert len({mutant.id for mutant in mutants}) == len(mutants)


def test_the_server_is_changed_but_not_its_faults(mutants: list[Mutant]) -> None:
    modules = {mutant.module for mutant in mutants}
    assert {"focus_server.rules", "focus_server.capacity", "node.watchdog"} <= modules
    assert not any("faults" in module or "openapi" in module for module in modules)


def test_a_sample_is_the_same_each_time_and_holds_when_code_is_added(mutants: list[Mutant]) -> None:
    first = sampled(mutants, 20, seed=1)
    assert first == sampled(mutants, 20, seed=1) != sampled(mutants, 20, seed=2)
    assert sampled(first[::-1], 20, seed=1) == first


def test_every_equivalent_mutant_is_there(mutants: list[Mutant]) -> None:
    assert set(read_equivalent(mutants)) <= {mutant.id for mutant in mutants}


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ('at = "focus_server.rules:gone"\nchanges = ["a -> b"]\nreason = "r"', "there is no such place any more"),
        ('at = "focus_server.rules:"\nchanges = ["a -> b"]\nreason = "r"', "there is no such place any more"),
        ('at = "focus_server.rules:"\nchanges = ["a -> b"]', "say in words why"),
    ],
)
def test_an_equivalent_whose_place_is_gone_is_an_error(
    mutants: list[Mutant], tmp_path: Path, entry: str, says: str
) -> None:
    file = tmp_path / "equivalent.toml"
    file.write_text(f"[[equivalent]]\n{entry}\n", encoding="utf-8")
    with pytest.raises(MutantsError, match=says):
        read_equivalent(mutants, file)


def test_a_target_that_is_gone_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "targets.toml"
    file.write_text('left_out = {}\n[[targets]]\nprocess = "node"\nmodules = ["node.gone"]\n', encoding="utf-8")
    with pytest.raises(MutantsError, match="node.gone: there is no such module"):
        every_mutant(file)


def test_scenarios_of_each_way_through_a_function_come_first_and_rare_ways_before_frequent_ones(
    mutants: list[Mutant],
) -> None:
    mutant = next(one for one in mutants if one.at == "focus_server.rules:check_canvas")
    function = functions_of(file_of(mutant.module).read_text(encoding="utf-8"))["check_canvas"]
    everybody = frozenset({"JL-01a", "JL-01b", "JL-01c", "CF-07b"})
    entered = {(mutant.at, function.digest): {1: everybody, 2: frozenset({"CF-07b"})}}
    lines = Lines({"JL-01a": 3.0, "JL-01b": 1.0, "JL-01c": 2.0, "CF-07b": 9.0, "IN-01a": 0.1}, entered)
    first, others = lines.order(mutant, [row(name) for name in (*sorted(everybody), "IN-01a")])
    assert [one.id for one in first] == ["CF-07b", "JL-01b", "JL-01c", "JL-01a"]
    assert [one.id for one in others] == ["IN-01a"]


def test_of_a_line_that_runs_at_the_start_all_scenarios_of_its_module_come_first() -> None:
    mutant = Mutant("focus_server", "focus_server.rules", Place(0, "", 11, "number", "x"))
    entered = {("focus_server.rules:check_canvas", "any"): {1: frozenset({"CF-07b", BEFORE_ALL})}}
    known = {"JL-01a": 1.0, "CF-07b": 1.0}
    first, others = Lines(known, entered).order(mutant, [row("JL-01a"), row("CF-07b")])
    assert [one.id for one in first] == ["CF-07b"] and [one.id for one in others] == ["JL-01a"]


def test_whoever_enters_rare_lines_of_the_module_comes_before_others_of_the_same_line(mutants: list[Mutant]) -> None:
    mutant = next(one for one in mutants if one.at == "focus_server.rules:check_canvas")
    function = functions_of(mutant.file.read_text(encoding="utf-8"))["check_canvas"]
    line = function.number(mutant.place.line)
    entered = {
        (mutant.at, function.digest): {line: frozenset({"CF-07b", "JL-01a"})},
        ("focus_server.rules:check_nfft", "any"): {1: frozenset({"JL-01a"})},
    }
    first, _ = Lines({"JL-01a": 9.0, "CF-07b": 1.0}, entered).order(mutant, [row("CF-07b"), row("JL-01a")])
    assert [one.id for one in first] == ["JL-01a", "CF-07b"]


def test_docstrings_and_comments_change_neither_a_function_nor_the_numbers_of_its_lines() -> None:
    plain = functions_of("class C:\n    x = 1\n\n    def f(self):\n        return self.x\n")
    text = (
        'class C:\n    """Of a kind."""\n    x = 1\n    """An x."""\n\n    # A comment.\n'
        '    def f(self):\n        """Say\n\n        x."""\n        return self.x\n'
    )
    wordy = functions_of(text)
    assert {name: one.digest for name, one in plain.items()} == {name: one.digest for name, one in wordy.items()}
    assert plain["C.f"].number(5) == wordy["C.f"].number(11) == 1
    assert functions_of(text.replace("self.x", "self.y"))["C.f"].digest != wordy["C.f"].digest


def test_what_fills_a_whole_site_takes_long() -> None:
    lines = Lines({"CA-08a": 13.0, "CA-08b": 1.0, "JL-01a": 9.0}, {})
    load = [replace(row(name), tags=frozenset({"load"})) for name in ("CA-01a", "CA-08a", "CA-08b")]
    assert [one.id for one in (*load, row("JL-01a")) if lines.takes_long(one)] == ["CA-01a", "CA-08a"]


def test_what_is_recorded_of_new_scenarios_joins_what_is_known(tmp_path: Path) -> None:
    file, module = tmp_path / "lines.json", "focus_server.rules"
    path = file_of(module)
    functions = functions_of(path.read_text(encoding="utf-8"))
    canvas, nfft = functions["check_canvas"], functions["check_nfft"]
    recording = tmp_path / "1" / "recording" / "CF-07b"
    recording.mkdir(parents=True)
    (recording / "17").write_text(f"{path}:{canvas.lines[1]}\n{path}:{nfft.lines[1]}\n", encoding="utf-8")
    keep_duration(recording.parent, "CF-07b", 2.0)
    known = Lines({"JL-01a": 1.0}, {(f"{module}:check_canvas", canvas.digest): {1: frozenset({"JL-01a"})}})
    assert write_lines(tmp_path, [module], known, file) == 2
    joined = read_lines(file)
    assert joined.durations_s == {"start": 0.0, "CF-07b": 2.0, "JL-01a": 1.0}
    assert joined.of(f"{module}:check_canvas", canvas.digest) == {1: {"CF-07b", "JL-01a"}}
    assert joined.of(f"{module}:check_nfft", nfft.digest) is None, "the others may enter it too"


def test_a_scenario_of_which_nothing_is_recorded_yet_is_taken_to_enter_the_line() -> None:
    mutant = Mutant("focus_server", "focus_server.rules", Place(0, "", 11, "number", "x"))
    first, others = Lines({"JL-01a": 1.0}, {}).order(mutant, [row("JL-01a"), row("CF-07b")])
    assert [one.id for one in first] == ["CF-07b"] and [one.id for one in others] == ["JL-01a"]


def test_who_uses_a_constant_comes_first(mutants: list[Mutant]) -> None:
    source = "LIMIT: int = 3\nTWICE = 2 * LIMIT\n\n\ndef f(a):\n    return a < TWICE\n\n\ndef g():\n    return 1\n"
    assert names_made_of(source, 1) == {"LIMIT", "TWICE"} and names_made_of(source, 6) == frozenset()
    assert names_used(source) == {"f": {"a", "TWICE"}, "g": frozenset()}
    mutant = next(one for one in mutants if one.place.words.startswith("HIGHEST_FREQUENCY_HZ = "))
    uses, other = "focus_server.rules:check_frequencies", "focus_server.rules:check_canvas"
    entered = {(uses, "any"): {1: frozenset({"CF-02b"})}, (other, "any"): {1: frozenset({"CF-07b"})}}
    first, others = Lines({"CF-07b": 1.0, "CF-02b": 1.0}, entered).order(mutant, [row("CF-07b"), row("CF-02b")])
    assert [one.id for one in first] == ["CF-02b"] and [one.id for one in others] == ["CF-07b"]


def test_results_are_taken_up_again_after_half_a_line(mutants: list[Mutant], tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    file = ResultsFile(path)
    file.begin_with({})
    file.add(result(mutants[0], SURVIVED))
    file.add(result(mutants[0], KILLED, "JL-01a"))
    with path.open("a", encoding="utf-8") as out:
        out.write('{"id": "half')
    known = file.read()
    assert {one.verdict for one in known.values()} == {KILLED}
    file.begin_with(known)
    file.add(result(mutants[1], UNTRIED))
    assert set(file.read()) == {mutants[0].id, mutants[1].id}


def test_the_table_counts_each_mutant_once(mutants: list[Mutant]) -> None:
    first, second, third, fourth = mutants[:4]
    results = {
        one.id: one for one in (result(first, KILLED, "CF-07b.1"), result(second, SURVIVED), result(third, UNTRIED))
    }
    found = list(outcomes(mutants[:4], results, {fourth.id: "no reason"}))
    data = as_data(found)
    assert data["modules"] == [
        {"module": first.module, "places": 4, "killed": 1, "survived": 1, "equivalent": 1, "not tried": 1}
    ]
    assert data["requirements"] == [
        {"requirement": "CF-07", "places": 3, "killed": 1, "survived": 1, "equivalent": 1, "not tried": 0}
    ]
    assert data["survivors"] == [str(second)]
    assert list(lines_of(found))[-1].split()[:6] == ["all", "4", "2", "1", "1", "1"]


def test_what_came_of_them_is_kept_with_the_code(mutants: list[Mutant], tmp_path: Path) -> None:
    first, second, third, fourth = mutants[:4]
    results = {one.id: one for one in (result(first, KILLED, "CF-07b.1"), result(second, SURVIVED))}
    file = tmp_path / "mutants.json"
    keep(list(outcomes(mutants[:4], results, {fourth.id: "no reason"})), file)
    kept = read_kept(mutants[:4], file)
    assert {name: (one.verdict, one.by) for name, one in kept.items()} == {
        first.id: (KILLED, "CF-07b.1"),
        second.id: (SURVIVED, ""),
    }
    assert read_kept([second, third], file).keys() == {second.id}
    assert read_kept(mutants[:4], tmp_path / "none.json") == {}


def test_a_file_of_another_kind_is_an_error(mutants: list[Mutant], tmp_path: Path) -> None:
    file = tmp_path / "mutants.json"
    file.write_text('{"noticed_by": 3}', encoding="utf-8")
    with pytest.raises(MutantsError, match="not what python -m tools.mutants keep writes"):
        read_kept(mutants[:4], file)


def test_whoever_noticed_it_or_its_neighbours_is_asked_first(mutants: list[Mutant]) -> None:
    rules = [one for one in mutants if one.at == "focus_server.rules:check_canvas"]
    itself, neighbour, *_ = rules
    noticed = Noticed([result(itself, KILLED, "CF-07b"), result(neighbour, KILLED, "JL-01b")])
    rows = [row(name) for name in ("JL-01a", "JL-01b", "CF-07b")]
    assert [one.id for one in noticed.first(itself, rows)] == ["CF-07b", "JL-01b", "JL-01a"]
    assert [one.id for one in noticed.first(rules[2], rows)] == ["CF-07b", "JL-01b", "JL-01a"]

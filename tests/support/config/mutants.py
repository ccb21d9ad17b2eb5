"""Mutated environment files, each with the value that it appears to set."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from support.config.loading import ENVIRONMENTS

LEAF = re.compile(r"(?P<indent> *)(?P<key>\w+): (?P<value>[^#\s].*?)(?P<rest>\s+#.*)?")
NO_SUCH_DAY = "day 30 must be in range 1..28 for month 2 in year 2026"
if sys.version_info < (3, 14):
    NO_SUCH_DAY = "day is out of range for month"
"""Python's error message for 30 February."""
NAMES = ("local", "sandbox", "staging", "production")

VALUES = {
    "a truth value": ["on", "yes", "true", "no", "off", "'on'", "y"],
    "a number that is none": [".inf", "-.inf", ".nan", "1e400", "'.inf'", "'nan'", "½", "9" * 5000],
    "a number written otherwise": ["0x10", "1_000", "1:30", "010", "0b11", "0o17", "1e3", "+5", "'30'", "'0x10'", "5."],
    "a number out of its range": ["-1", "0", "99999", "3.7", "999999999999999999999", "1e30"],
    "a text": ["soon", "''", "' '", "a b", "'a\\tb'", '"a\\nb"', "../../etc/passwd", "http://", "ünï"],
    "a date": ["2026-02-30", "2026-01-01", "2026-13-01T00:00:00Z"],
    "nothing": ["~", "null", "[]", "{}"],
    "a list or a section": ["[1, 2]", "{a: 1}", "[[[]]]", "- 5"],
    "a tag": ["!!str 5", "!!binary aGk=", "!!python/tuple [1]", "!!set {a}", "!!omap [a: 1]", "!unknown 5"],
    "an anchor": ["*nowhere", "&a 5", "&a [*a]", "&a {b: *a}"],
    "broken YAML": ["'unclosed", "a: b: c", "@x", "`x`", "%x", '"\\x"', "\t5", "5\x00", "[1, 2", "{a: 1", "\x07"],
    "a variable": ["${NOT_SET}", "${A:-b}", "${", "file:/nowhere"],
    "an address": ["mongodb://h:99999", "mongodb://h:0", "https://h:99999/", "https://u:p@h/", "//h", "http://[::1"],
}
"""Replacement values by kind."""


@dataclass(frozen=True)
class Mutant:
    """A mutated environment file.

    ``path`` is the changed key and ``value`` its new text; both are empty if the file as a whole was changed. ``told``
    must appear in the sentence that refuses it.
    """

    kind: str
    environment: str
    text: str | bytes
    path: tuple[str, ...] = ()
    value: str = ""
    line: int = 0
    told: str = ""

    def __str__(self) -> str:
        where = ".".join(self.path) or self.told
        return f"{self.environment} {self.kind} {where} {self.value[:20]!r}"


def mutants() -> list[Mutant]:
    """The mutants: each value of each file replaced once, by kinds in turn, and files broken as a whole."""
    return [*_of_values(), *_of_files()]


def _of_values() -> Iterator[Mutant]:
    replacements = [(kind, text) for kind, texts in VALUES.items() for text in texts]
    number = 0
    for name in NAMES:
        lines = (ENVIRONMENTS / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
        for index, path in _leaves(lines):
            kind, value = replacements[number % len(replacements)]
            # 7 is coprime to their number: neighbours get different kinds, and each file gets all of them.
            number += 7
            match = LEAF.fullmatch(lines[index])
            assert match is not None
            changed = [*lines]
            changed[index] = f"{match['indent']}{match['key']}: {value}"
            yield Mutant(kind, name, "\n".join(changed) + "\n", path, value, index + 1)


def _leaves(lines: list[str]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The lines that set a key to a value, with the path of their key."""
    above: list[tuple[int, str]] = []
    for index, line in enumerate(lines):
        if not (found := re.match(r"( *)(\w+):", line)):
            continue
        above = [one for one in above if one[0] < len(found[1])]
        above.append((len(found[1]), found[2]))
        if LEAF.fullmatch(line):
            yield index, tuple(key for _, key in above)


def _of_files() -> Iterator[Mutant]:
    whole = (ENVIRONMENTS / "local.yaml").read_text(encoding="utf-8")
    for kind, text, told in (
        ("an empty file", "", "is empty"),
        ("an empty file", "# nothing\n", "is empty"),
        ("an empty file", "---\n", "is empty"),
        ("no mapping", "- identity\n", "is a list"),
        ("no mapping", "identity\n", "is a single value"),
        ("no mapping", "5\n", "is a single value"),
        ("not UTF-8", whole.encode("utf-16"), "not UTF-8 text"),
        ("not UTF-8", whole.encode() + b"\xff", "not UTF-8 text"),
        ("a byte order mark", "\ufeff" + whole, ""),
        ("other line breaks", whole.replace("\n", "\r\n").encode(), ""),
        ("two documents", whole + "---\na: 1\n", "malformed YAML"),
        ("a NUL", whole + "\x00", "malformed YAML"),
        ("a tab", whole.replace("  name:", "\tname:", 1), "malformed YAML"),
        ("nested too deeply", "a: " + "[" * 3000, "cannot be read"),
        ("nested too deeply", "a: " + "{a: " * 3000, "cannot be read"),
        ("an anchor", "a: &x [*x]\n", "refers to itself"),
        ("an anchor", "a: &x\n  b: *x\n", "refers to itself"),
        ("an anchor", "".join(_growing(5)), "has more than"),
        ("a merged section", whole + "<<: {a: 1}\n", "unknown key"),
        ("a key that is no text", whole + "1: 2\n", "unknown key 1"),
        ("a key that is no text", whole + "on: 2\n", "unknown key True"),
        ("a key that is no text", whole + "[a]: 2\n", "malformed YAML"),
        ("a key that is no text", whole + "? {a: 1}\n: 2\n", "malformed YAML"),
        ("a key that is no text", whole + "~: 2\n", "unknown key None"),
        ("a key twice", whole + "endpoints: given\n", "endpoints: duplicate key"),
        ("a key twice", whole.replace("limits:\n", "limits:\n  refusal_s: 2\n", 1), "limits.refusal_s: duplicate key"),
        ("a key twice", whole.replace("limits:\n", "limits:\n  'refusal_s': 9\n", 1), "duplicate key"),
        ("an issue of nobody", _issue(whole, "scenario: JL-1"), "known_issues.0.scenario"),
        ("an issue of nobody", _issue(whole, "ticket: 5"), "known_issues.0.ticket"),
        ("an issue of nobody", _issue(whole, "expires: 2026-02-30"), NO_SUCH_DAY),
        ("an issue of nobody", _issue(whole, "expires: tomorrow"), "known_issues.0.expires"),
    ):
        yield Mutant(kind, "local", text, told=told)
    for key, near in (
        ("idendity", "identity"),
        ("limit", "limits"),
        ("Safety", "safety"),
        ("know_issues", "known_issues"),
    ):
        yield Mutant(
            "a key that is close", "local", f"{whole}{key}: 1\n", told=f"unknown key {key}; did you mean {near}?"
        )
    for key, near in (("refusal", "refusal_s"), ("configure_p95", "configure_p95_ms"), ("refusal-s", "refusal_s")):
        text = whole.replace("limits:\n", f"limits:\n  {key}: 1\n", 1)
        yield Mutant("a key that is close", "local", text, told=f"unknown key {key}; did you mean {near}?")


def _growing(levels: int) -> Iterator[str]:
    """A few lines that become huge when the anchors are expanded."""
    yield "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
    for level in range(1, levels):
        yield f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n"


def _issue(whole: str, wrong: str) -> str:
    entry = {"scenario": "JL-01a", "ticket": "PZ-1", "expires": "2026-01-01", "reason": "r"}
    key, value = wrong.split(": ")
    told = "\n".join(f"    {name}: {text}" for name, text in {**entry, key: value}.items())
    return whole.replace("known_issues: []", "known_issues:\n  -" + told[3:])

"""`python -m tools.gherkin_lint.lint [PATH ...]`: check feature files against the rules of `tools.gherkin_lint.rules`.

Prints `file:line: Gnn message` for each violation. Exit codes: 0 clean, 1 violations, 2 wrong use.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from behave.parser import ParserError, parse_file

from support.gherkin.documents import feature_files
from support.gherkin.model import FeatureFile, LintFinding
from tools.gherkin_lint.rules import FILE_RULES, SUITE_RULES


def lint(paths: Iterable[Path]) -> list[LintFinding]:
    """Return all findings of the feature files, sorted by place. G00: a file cannot be parsed or is empty."""
    sources, findings = [], []
    for path in sorted(paths):
        try:
            feature = parse_file(str(path))
        except ParserError as error:
            findings.append(LintFinding(str(path), error.line or 1, "G00", f"cannot be parsed: {_first_line(error)}"))
            continue
        if feature is None or not FeatureFile(path, feature).scenarios():
            findings.append(LintFinding(str(path), 1, "G00", "holds no scenario"))
        else:
            sources.append(FeatureFile(path, feature))
    findings += [finding for rule in FILE_RULES for source in sources for finding in rule(source)]
    findings += [finding for suite_rule in SUITE_RULES for finding in suite_rule(sources)]
    return sorted(set(findings))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.gherkin_lint.lint", description="Check feature files.")
    parser.add_argument("paths", nargs="*", type=Path, default=[Path("features"), Path("load")])
    try:
        files = feature_files(parser.parse_args(arguments).paths)
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 2
    if not files:
        print("there is no feature file to check", file=sys.stderr)
        return 2
    findings = lint(files)
    for finding in findings:
        print(finding)
    print(f"{len(files)} feature files, {len(findings)} violations", file=sys.stderr)
    return 1 if findings else 0


def _first_line(error: ParserError) -> str:
    """Return the message of behave without the file name at its start."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[1:] or lines or ["syntax error"])[0]


if __name__ == "__main__":
    # behave shows places relative to the working directory; so do we.
    sys.path.insert(0, str(Path.cwd()))
    sys.exit(main())

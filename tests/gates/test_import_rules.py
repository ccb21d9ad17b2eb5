"""Import rules between packages, and forbidden constructs in step bodies and support code.

The gate reads the syntax tree and runs nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.gates.sources import imports_only

ROOT = Path(__file__).resolve().parents[2]
MAX_STATEMENTS = 5

BEHAVE_ALLOWED = (
    "support/hooks/",
    "support/runner.py",
    "support/reporting/formatter.py",
    "support/reporting/writers/console.py",
    "support/gherkin/",
)
STEPS_FORBIDDEN = ("requests", "pymongo", "kubernetes", "paramiko", "subprocess", "socket", "time", "urllib", "http")
BROAD_ALLOWED = {
    "support/runner.py": "the boundary to behave: what cannot be loaded is recorded and makes the run red",
    "support/hooks/failures.py": "the boundary to behave: a failing hook is recorded and makes the run red",
    "support/clients/change_journal.py": "all are tried; what the first said is raised at the end",
}
CONTROL_FLOW = (ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.TryStar, ast.Match)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def python_files(folder: Path, *parts: str) -> list[Path]:
    return sorted(path for part in parts for path in (folder / part).rglob("*.py"))


def relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Imported names with their lines: `a.b` for `import a.b`; `a.b` and the module `a` itself for `from a import
    b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.lineno, node.module or ""
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "." * node.level + (node.module or "")


def is_below(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def forbidden_imports(path: str, tree: ast.AST) -> Iterator[str]:
    for line, name in imported(tree):
        if path.startswith("steps/"):
            if is_below(name, "environments") or name.startswith(".") or is_below(name, "steps"):
                yield f"{path}:{line}: steps import support, not {name}"
            if any(is_below(name, package) for package in STEPS_FORBIDDEN):
                yield f"{path}:{line}: steps leave {name} to support"
        if path.startswith("support/") and is_below(name, "environments.sandbox"):
            yield f"{path}:{line}: support must not import {name}"
        if path.startswith("support/") and is_below(name, "steps"):
            yield f"{path}:{line}: support must not import {name}"
        if path.startswith("support/") and is_below(name, "behave") and not path.startswith(BEHAVE_ALLOWED):
            yield f"{path}:{line}: only hooks, runner, formatters and gherkin import behave"
        if path.startswith("environments/") and (is_below(name, "support") or is_below(name, "steps")):
            yield f"{path}:{line}: the sandbox must not import {name}"


def long_or_clever_steps(path: str, tree: ast.Module) -> Iterator[str]:
    """Step bodies with more than five statements (a docstring does not count), and steps with conditions or loops."""
    if not path.startswith("steps/"):
        return
    for function in [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]:
        count = sum(isinstance(node, ast.stmt) for node in ast.walk(function)) - 1
        count -= 1 if ast.get_docstring(function) is not None else 0
        if count > MAX_STATEMENTS:
            yield f"{path}:{function.lineno}: {function.name} has {count} statements; at most {MAX_STATEMENTS}"
    for node in ast.walk(tree):
        if isinstance(node, (*CONTROL_FLOW, *COMPREHENSIONS)):
            kind = type(node).__name__.lower()
            yield f"{path}:{node.lineno}: {kind} in a step; decisions and repetitions belong in support"


def broad_excepts(path: str, tree: ast.AST) -> Iterator[str]:
    """Handlers that catch everything and continue. A handler that raises at its end is allowed."""
    if not path.startswith(("support/", "steps/")) or path in BROAD_ALLOWED:
        return
    for node in ast.walk(tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        names = {getattr(one, "id", getattr(one, "attr", None)) for one in caught}
        if names & {None, "Exception", "BaseException"} and not isinstance(node.body[-1], ast.Raise):
            yield f"{path}:{node.lineno}: a broad except that goes on"


def sleeps(path: str, tree: ast.AST) -> Iterator[str]:
    """`time.sleep` used for synchronisation, in any spelling."""
    if path.startswith("environments/"):
        return
    for line, name in imported(tree):
        if name == "time.sleep":
            yield f"{path}:{line}: sleep is no synchronisation; use support.waits"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "sleep" and getattr(node.value, "id", "") == "time":
            yield f"{path}:{node.lineno}: sleep is no synchronisation; use support.waits"


LOOKED_AT: dict[Callable[[str, ast.Module], Iterator[str]], tuple[tuple[str, ...], str]] = {
    forbidden_imports: (("support", "steps", "environments"), "import"),
    long_or_clever_steps: (("steps",), "def"),
    broad_excepts: (("support", "steps"), "except"),
    sleeps: (("support", "steps", "tests"), "sleep"),
}
"""The folders a rule applies to, and a word that each violation contains: files without it need not be parsed."""


def violations(root: Path, rule: Callable[[str, ast.Module], Iterator[str]]) -> list[str]:
    found: list[str] = []
    parts, word = LOOKED_AT[rule]
    for path in [*python_files(root, *parts), *root.glob("*.py")]:
        if word in (text := path.read_text(encoding="utf-8")):
            found += rule(relative(path, root), imports_only(path) if rule is forbidden_imports else ast.parse(text))
    return found


@pytest.mark.parametrize("rule", LOOKED_AT, ids=lambda rule: rule.__name__)
def test_the_code_keeps_the_rule(rule: Callable[[str, ast.Module], Iterator[str]]) -> None:
    assert violations(ROOT, rule) == []


def test_the_code_was_really_read() -> None:
    assert (ROOT / "support" / "runner.py") in python_files(ROOT, "support")
    assert python_files(ROOT, "steps"), "there are no step modules to check"
    assert all((ROOT / path).exists() for path in BROAD_ALLOWED)


@pytest.mark.parametrize(
    ("rule", "path", "code"),
    [
        (forbidden_imports, "steps/a.py", "import requests"),
        (forbidden_imports, "steps/a.py", "from pymongo import MongoClient"),
        (forbidden_imports, "steps/a.py", "import kubernetes.client"),
        (forbidden_imports, "steps/a.py", "from environments.sandbox import x"),
        (forbidden_imports, "steps/a.py", "from .b import c"),
        (forbidden_imports, "support/a.py", "from environments import sandbox"),
        (forbidden_imports, "support/a.py", "def f():\n    import environments.sandbox.node"),
        (forbidden_imports, "support/clients/a.py", "from behave import given"),
        (forbidden_imports, "support/reporting/writers/junit.py", "import behave.model"),
        (forbidden_imports, "environments/sandbox/a.py", "from support.waits import until"),
        (long_or_clever_steps, "steps/a.py", "def f():\n" + "    a = 1\n" * 6),
        (long_or_clever_steps, "steps/a.py", "def f(a):\n    if a:\n        b()"),
        (long_or_clever_steps, "steps/a.py", "def f(a):\n    for b in a:\n        b()"),
        (long_or_clever_steps, "steps/a.py", "def f(a):\n    while a:\n        a()"),
        (long_or_clever_steps, "steps/a.py", "def f(a):\n    try:\n        a()\n    finally:\n        a()"),
        (long_or_clever_steps, "steps/a.py", "def f(a):\n    b([c for c in a])"),
        (broad_excepts, "support/a.py", "try:\n    a()\nexcept:\n    pass"),
        (broad_excepts, "support/a.py", "try:\n    a()\nexcept Exception:\n    b()"),
        (broad_excepts, "steps/a.py", "try:\n    a()\nexcept (ValueError, BaseException) as e:\n    raise_later(e)"),
        (sleeps, "support/a.py", "import time\ntime.sleep(1)"),
        (sleeps, "steps/a.py", "from time import sleep"),
        (sleeps, "tests/a.py", "import time\nnap = time.sleep"),
    ],
)
def test_a_rule_finds_what_it_forbids(rule: Callable[[str, ast.Module], Iterator[str]], path: str, code: str) -> None:
    assert list(rule(path, ast.parse(code)))


@pytest.mark.parametrize(
    ("rule", "path", "code"),
    [
        (forbidden_imports, "steps/a.py", "from behave import given\nfrom support.waits import until"),
        (forbidden_imports, "support/hooks/a.py", "from behave.model import Scenario"),
        (forbidden_imports, "support/a.py", "import behaviour\nfrom environments_file import load"),
        (long_or_clever_steps, "steps/a.py", 'def f():\n    """Why."""\n' + "    a = 1\n" * 5),
        (broad_excepts, "support/a.py", "try:\n    a()\nexcept BaseException:\n    undo()\n    raise"),
        (broad_excepts, "support/a.py", "try:\n    a()\nexcept OSError:\n    pass"),
        (sleeps, "support/a.py", "import time\ntime.monotonic()"),
    ],
)
def test_a_rule_leaves_the_rest_alone(rule: Callable[[str, ast.Module], Iterator[str]], path: str, code: str) -> None:
    assert list(rule(path, ast.parse(code))) == []

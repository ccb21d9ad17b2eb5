"""An environment option that no code reads is an error: someone who sets it would believe that it has an effect.

mypy reports the type of each expression, so that reading ``focus_server.ca_file`` does not count as reading
``kubernetes.ca_file``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
from mypy import build, nodes, types
from mypy.find_sources import create_source_list
from mypy.options import Options
from pydantic import BaseModel

from support.config import Environment, Limits

ROOT = Path(__file__).resolve().parents[2]
READERS = ("support", "steps", "tools")
DECLARED_BY = {
    "FocusServerSettings": "FocusServer",
    "KubernetesSettings": "Kubernetes",
    "MongoDBSettings": "MongoDB",
    "SSHSettings": "Ssh",
    "Host": "Host",
    "Workload": "Service",
}
"""The protocols that clients use for their settings, and the models that implement them."""


def models(model: type[BaseModel] = Environment) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        for inner in _classes(field.annotation):
            yield from models(inner)


def _classes(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _classes(argument)


def _names(found: types.Type | None) -> Iterator[str]:
    proper = types.get_proper_type(found)
    if isinstance(proper, types.UnionType):
        for item in proper.items:
            yield from _names(item)
    elif isinstance(proper, types.Instance):
        yield from (base.name for base in proper.type.mro)


def reads_in(folder: Path, *parts: str) -> set[tuple[str, str]]:
    """Class and attribute of each access below ``parts``, except in the declarations and rules of the settings."""
    options = Options()
    options.export_types = options.preserve_asts = True
    options.incremental = False
    options.cache_dir = "/dev/null"
    options.follow_imports = "skip"
    options.ignore_missing_imports = True
    options.mypy_path = [str(folder)]
    options.explicit_package_bases = True
    sources = create_source_list([str(folder / part) for part in parts if (folder / part).exists()], options)
    result = build.build(sources, options)
    settings = {place for path in (folder / "support" / "config").glob("*.py") for place in _attributes(path)}
    return {
        (DECLARED_BY.get(owner, owner), expression.name)
        for expression in result.types
        if isinstance(expression, nodes.MemberExpr)
        and (expression.name, expression.line, expression.column) not in settings
        for owner in _names(result.types.get(expression.expr))
    }


def _attributes(path: Path) -> Iterator[tuple[str, int, int]]:
    """Each attribute access of a file, with its line and column."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            yield node.attr, node.lineno, node.col_offset


@cache
def project_reads() -> frozenset[tuple[str, str]]:
    return frozenset(reads_in(ROOT, *READERS))


@cache
def words() -> frozenset[str]:
    """All string constants in the code, since deadlines are looked up by name."""
    found: set[str] = set()
    for path in (path for part in READERS for path in (ROOT / part).rglob("*.py")):
        if "config" not in path.parts:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.add(node.value)
    return frozenset(found)


@cache
def attributes_in_steps() -> frozenset[str]:
    """Attribute names used in steps: ``context`` has no type, so only the name is known there."""
    return frozenset(name for path in (ROOT / "steps").rglob("*.py") for name, _, _ in _attributes(path))


def is_read(model: type[BaseModel], name: str) -> bool:
    alias = model.model_fields[name].alias
    owners = [base.__name__ for base in model.__mro__]
    if any((owner, each) in project_reads() for owner in owners for each in filter(None, (name, alias))):
        return True
    if [each for _, each in SETTINGS].count(name) == 1 and (name in attributes_in_steps() or name in words()):
        return True
    return model is Limits and (name.removesuffix("_s") in words() or _read_by_limits(name))


def _read_by_limits(name: str) -> bool:
    """Whether :class:`Limits` uses the field itself to compute another limit."""
    text = (ROOT / "support" / "config" / "limits.py").read_text(encoding="utf-8")
    return f"self.{name}" in text


SETTINGS = sorted({(model, name) for model in set(models()) for name in model.model_fields}, key=str)


@pytest.mark.parametrize(("model", "name"), SETTINGS, ids=[f"{model.__name__}.{name}" for model, name in SETTINGS])
def test_a_setting_is_read(model: type[BaseModel], name: str) -> None:
    assert is_read(model, name), f"nothing reads {model.__name__}.{name}: use it or remove it"


def test_the_gate_tells_two_settings_of_one_name_apart(tmp_path: Path) -> None:
    """Only one of the two settings is read here, through the protocol of a client."""
    package = tmp_path / "support"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "made.py").write_text(
        "class Host:\n    ca: str = ''\nclass Kubernetes:\n    ca: str = ''\n"
        "class FocusServerSettings:\n    ca: str = ''\n"
        "def use(host: Host, cluster: Kubernetes, server: FocusServerSettings | None) -> str:\n"
        "    return host.ca + (server.ca if server else '')\n"
    )
    found = reads_in(tmp_path, "support")
    assert ("Host", "ca") in found
    assert ("FocusServer", "ca") in found
    assert ("Kubernetes", "ca") not in found

"""Loads an :class:`Environment` by its name, or reports all reasons why it cannot be loaded."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from support.config import rules
from support.config.documents import SettingsDocument, read_run_file, read_yaml, shown
from support.config.environment import ENDPOINT_SECTIONS, Environment, Provenance
from support.config.errors import ConfigurationError, KeyPath, Problem, refuse, suggestion
from support.config.layers import Layers
from support.config.limits import HEAT_MAP_VIEW
from support.config.models import Capability
from support.config.overrides import read_overrides, unknown_key
from support.config.production import names_production
from support.config.schema import tree
from support.config.secrets import SettingsLayer, without_userinfo

ENVIRONMENTS = Path(__file__).resolve().parents[2] / "environments"
RUN_FILE_SECTIONS = ENDPOINT_SECTIONS
MISSING = "missing"
"""A further key of a run file: the capabilities that this sandbox lacks, each with the reason."""
BROKER_OF_THE_MACHINE = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
"""The program that the sandbox starts if it is installed: Debian's package rabbitmq-server."""


def available(directory: Path = ENVIRONMENTS) -> list[str]:
    """Return the names of the environments in ``directory``."""
    return sorted(path.stem for path in directory.glob("*.yaml"))


def load_environment(
    name: str,
    *,
    run_file: Path | None = None,
    overrides: Mapping[str, str] = os.environ,
    directory: Path = ENVIRONMENTS,
) -> Environment:
    """Load the environment ``name``: its file, overlaid first by the run file and then by the ``FOCUS__`` variables.

    ``overrides`` also provides the values of ``${VARIABLE}``. An environment that takes its endpoints from a run file
    can be loaded without one, to learn the settings for starting its sandbox. Access to an endpoint is then an error.
    Raises :class:`ConfigurationError` with one line for each problem.
    """
    names = available(directory)
    if name not in names:
        known = ", ".join(names) or "none"
        raise ConfigurationError(
            f"{shown(directory)}: unknown environment {name!r}; {suggestion(name, names)}available: {known}"
        )
    document = read_yaml(directory / f"{name}.yaml")
    return _Loader(document, run_file, overrides).load()


class _Loader:
    """The loading of one environment: its layers, and the problems found."""

    def __init__(self, document: SettingsDocument, run_file: Path | None, variables: Mapping[str, str]) -> None:
        self._document = document
        self._root = tree(Environment)
        self._variables = variables
        self._layers = Layers(self._root)
        self._problems = self._layers.problems
        self._file_layer = self._layer(document, "environment file")
        self._run_layer = self._layer(read := read_run_file(run_file), "run file") if run_file is not None else None
        self._run_document = read if run_file is not None else None

    def load(self) -> Environment:
        self._lay()
        from_run_file = self._layers.data.get("endpoints") == "run_file"
        if self._run_layer is not None and not from_run_file:
            self._problems.append(
                Problem(
                    self._run_layer.origin.label,
                    (),
                    f"{self._file_layer.origin.label} takes no run file; its endpoints are not run_file",
                )
            )
        has_endpoints = not from_run_file or self._run_layer is not None
        if not has_endpoints:
            for section in RUN_FILE_SECTIONS:
                self._layers.data.pop(section, None)
        data = self._layers.resolve()
        self._declare_broker(data)
        _declare_heat_maps(data)
        missing = self._missing()
        if isinstance(data.get("capabilities"), list):
            data["capabilities"] = [name for name in data["capabilities"] if name not in missing]
        provenance = Provenance(
            self._document.path, has_endpoints, self._layers.secret_sources, tuple(self._layers.file_secrets), missing
        )
        environment = self._validated(data, provenance)
        if environment is not None:
            self._check_identity(environment)
        if self._problems or environment is None:
            raise refuse(self._problems)
        return environment

    def _declare_broker(self, data: dict[str, Any]) -> None:
        """Declare the broker of a sandbox if its machine has one.

        The run file of the sandbox says so. Before the sandbox has started, the machine is examined. For all other
        environments, the environment file declares the broker.
        """
        settings = (data.get("sandbox") or {}).get("settings") or {}
        if data.get("endpoints") != "run_file" or settings.get("rabbitmq") != "installed":
            return
        there = "rabbitmq" in data if self._run_document is not None else BROKER_OF_THE_MACHINE.is_file()
        if there and isinstance(data.get("capabilities"), list):
            data["capabilities"] = [*data["capabilities"], "rabbitmq"]

    def _missing(self) -> dict[str, str]:
        """Return the capabilities that the run file reports as missing, although the environment file declares them."""
        missing = self._run_document.data.get(MISSING, {}) if self._run_document is not None else {}
        known = get_args(Capability)
        if isinstance(missing, dict) and all(name in known and isinstance(why, str) for name, why in missing.items()):
            return missing
        assert self._run_layer is not None
        allowed = f"capabilities with a reason each, of {', '.join(known)}"
        self._problems.append(
            Problem(self._run_layer.origin.label, (MISSING,), f"{missing!r} is not allowed; {allowed}")
        )
        return {}

    def _layer(self, document: SettingsDocument, kind: Any) -> SettingsLayer:
        return SettingsLayer(kind, document.origin, document.path.absolute().parent, self._variables)

    def _lay(self) -> None:
        self._layers.lay_document(self._document, self._file_layer)
        if self._run_document is not None and self._run_layer is not None:
            for section in sorted(self._run_document.data.keys() - {*RUN_FILE_SECTIONS, MISSING}):
                self._problems.append(
                    Problem(self._run_layer.origin.label, (section,), unknown_key(section, sorted(RUN_FILE_SECTIONS)))
                )
            known = {key: value for key, value in self._run_document.data.items() if key in RUN_FILE_SECTIONS}
            self._layers.lay_document(
                SettingsDocument(self._run_document.path, self._run_document.origin, known), self._run_layer
            )
        found, problems = read_overrides(self._variables, self._root)
        self._problems += problems
        for override in found:
            self._layers.lay_override(override)

    def _validated(self, data: dict[str, Any], provenance: Provenance) -> Environment | None:
        try:
            return Environment.model_validate(data, context=provenance)
        except ValidationError as error:
            reported = {problem.path for problem in self._problems}
            for path, text in _sentences(error, self):
                if not any(path[: len(known)] == known for known in reported if known):
                    reported.add(path)
                    self._problems.append(Problem(self._where(path), path, text))
            return None

    def _check_identity(self, environment: Environment) -> None:
        stem = self._document.path.stem
        if environment.name != stem:
            text = f"{environment.name!r} is not allowed; allowed: {stem!r}, the name of the file"
            self._problems.append(Problem(self._where(("identity", "name")), ("identity", "name"), text))
        for path, text in names_production(environment, self._document.path.parent):
            self._problems.append(Problem(self._where(path), path, text))

    def _where(self, path: KeyPath) -> str:
        """Return the place of a value in the layer that set it, or in the layer that should have set a missing one."""
        present: Any = self._layers.data
        for key in path:
            present = present.get(key) if isinstance(present, dict) else present
        layer = self._layers.owner(path)
        if present is None and self._run_layer is not None and path[0] in RUN_FILE_SECTIONS:
            layer = self._run_layer
        return (layer or self._file_layer).origin.where(path)

    def sentence(self, detail: ErrorDetails) -> tuple[KeyPath, str]:
        """Convert an error of the validation to its key and a sentence that says what is allowed there."""
        path = self._root.known_part(tuple(str(key) for key in detail["loc"]))
        node = self._root.at(path) or self._root
        allowed = str(detail["ctx"]["error"]) if detail["type"] == "value_error" else node.allowed
        if detail["type"] == "missing":
            return path, f"missing; allowed: {allowed}"
        if node.shape == "secret":
            # The check of a URI already says what is wrong, and what is allowed instead.
            is_sentence = detail["type"] == "value_error" and "; allowed: " in allowed
            return path, allowed if is_sentence else f"the value is not allowed; allowed: {allowed}"
        near = suggestion(str(detail["input"]), node.options)
        return path, f"{_written(detail['input'])} is not allowed; {near}allowed: {allowed}"


def _written(value: Any) -> str:
    """Format a value for a sentence, without the password that a URL may hold although it must not."""
    if value is None or isinstance(value, dict):
        return "empty" if value is None else "a section"
    return repr(without_userinfo(value) if isinstance(value, str) else value)


def _sentences(error: ValidationError, loader: _Loader) -> Iterator[tuple[KeyPath, str]]:
    for detail in error.errors(include_url=False):
        if detail["type"] == rules.ERROR_TYPE:
            yield from detail["ctx"]["broken"]
        else:
            yield loader.sentence(detail)


def _declare_heat_maps(data: dict[str, Any]) -> None:
    """Declare heat maps if the highest view is the heat map, so that the limit alone decides on the capability."""
    limits, capabilities = data.get("limits"), data.get("capabilities")
    highest = limits.get("highest_view") if isinstance(limits, dict) else None
    if highest == HEAT_MAP_VIEW and isinstance(capabilities, list) and "heat_maps" not in capabilities:
        data["capabilities"] = [*capabilities, "heat_maps"]

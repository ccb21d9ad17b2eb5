"""A mutated environment file means what it says or is refused by name, and never ends in a traceback.

``python -m pytest -s`` prints how many were accepted and refused, by kind.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from mutants import NAMES, Mutant, mutants

from support.config import ConfigurationError, Environment, load_environment

TRUTH = {"true": True, "yes": True, "y": True, "on": True, "1": True, "false": False, "no": False, "off": False}
HOME_FILES = (".kube/config-panda", ".kube/config-panda-staging", ".ssh/known_hosts")
KEYS = (".ssh/panda_staging_key", ".ssh/panda_production_key")
OF_THE_RUN_FILE = {("kubernetes", "namespace"), ("kubernetes", "kubeconfig")}
"""Keys of the environment that the run file of a sandbox overrides."""
OUTCOMES: Counter[tuple[str, str]] = Counter()


@pytest.fixture(scope="module", autouse=True)
def told() -> Iterator[None]:
    yield
    for (kind, outcome), number in sorted(OUTCOMES.items()):
        print(f"\n{number:4} {outcome:9} {kind}", end="")


@pytest.fixture
def load(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    run_data: dict[str, Any],
    write_run_file: Callable[[Mapping[str, Any] | str], Path],
) -> Callable[[Mutant], Environment]:
    for name in (*HOME_FILES, *KEYS):
        (file := tmp_path / name).parent.mkdir(exist_ok=True)
        file.write_text("content\n", encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    run_file = write_run_file(run_data)
    passwords = {
        f"FOCUS_{name.upper()}_{what}_PASSWORD": f"planted-{what}"
        for name in NAMES
        for what in ("MONGODB", "RABBITMQ", "SSH_JUMP")
    }

    def loaded(mutant: Mutant) -> Environment:
        (folder := tmp_path / "environments").mkdir()
        content = mutant.text if isinstance(mutant.text, bytes) else mutant.text.encode()
        (folder / f"{mutant.environment}.yaml").write_bytes(content)
        given = run_file if mutant.environment == "sandbox" else None
        return load_environment(mutant.environment, run_file=given, overrides=passwords, directory=folder)

    return loaded


@pytest.mark.parametrize("mutant", mutants(), ids=str)
def test_it_means_what_it_says_or_is_refused_by_name(mutant: Mutant, load: Callable[[Mutant], Environment]) -> None:
    try:
        environment = load(mutant)
    except ConfigurationError as error:
        OUTCOMES[mutant.kind, "refused"] += 1
        sentences = str(error).splitlines()
        assert error.exit_code == 2
        assert all(sentence.isprintable() and "Traceback" not in sentence for sentence in sentences)
        assert "planted-" not in str(error)
        assert any(names(mutant, sentence) for sentence in sentences), str(error)
        return
    OUTCOMES[mutant.kind, "accepted"] += 1
    assert mutant.told == "", "it was accepted"
    if mutant.path and not (mutant.environment == "sandbox" and mutant.path[:2] in OF_THE_RUN_FILE):
        assert means(value_at(environment, mutant.path), mutant.value)


def names(mutant: Mutant, sentence: str) -> bool:
    """Whether the sentence that refuses a value has its key, or its line if the file is not valid YAML."""
    if not mutant.path:
        return mutant.told in sentence
    key = ".".join(mutant.path)
    return key in sentence or ("YAML" in sentence and f"line {mutant.line}" in sentence)


def value_at(environment: Environment, path: tuple[str, ...]) -> Any:
    value: Any = json.loads(json.dumps(environment.redacted()))
    for key in path:
        value = value[key]
    return value


def means(value: Any, text: str) -> bool:
    """True if a reader of ``text`` would expect ``value``."""
    plain = json.loads(text) if text.startswith('"') else text.strip("'")
    plain = plain.removeprefix("!!str ").removeprefix("&a ")
    if value is None or value in ([], {}):
        return plain in ("~", "null", "[]", "{}")
    if isinstance(value, bool):
        return TRUTH.get(plain) is value
    if isinstance(value, int | float):
        return float(plain) == value
    if isinstance(value, list):
        return json.loads(text) == value
    return str(value).rstrip("/").endswith(plain.strip().rstrip("/"))

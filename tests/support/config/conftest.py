"""A folder with one small, valid environment, and a run file, for tests that break them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.config import ConfigurationError, Environment, load_environment

RunFile = dict[str, Any]


class Folder:
    """Environment files of a test; ``lab`` is a valid one of kind staging with only its endpoints."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = path / "lab.yaml"
        (path / "known_hosts").write_text("host key\n", encoding="utf-8")
        (path / "kubeconfig").write_text("clusters: []\n", encoding="utf-8")
        self.data: dict[str, Any] = {
            "identity": {
                "name": "lab",
                "title": "Lab",
                "kind": "staging",
                "exclusive": False,
                "description": "A lab.",
            },
            "endpoints": "given",
            "focus_server": {"base_url": "https://127.0.0.1:1/focus-server/"},
            "mongodb": {
                "uri": "${MONGO_URI}",
                "database": "prisma",
                "base_path": "/recordings",
                "reports_as": "mongodb-*:27017",
            },
            "ssh": {"target": {"host": "127.0.0.1", "user": "prisma"}, "known_hosts": "known_hosts"},
            "capabilities": ["mongodb", "ssh"],
        }
        self.variables: dict[str, str] = {"MONGO_URI": "mongodb://127.0.0.1:1"}

    def write(self, text: str | None = None, name: str = "lab.yaml") -> Path:
        """Write ``text``, or the data, as an environment file."""
        target = self.path / name
        target.write_text(text if text is not None else yaml.safe_dump(self.data, sort_keys=False), encoding="utf-8")
        return target

    def load(self, run_file: Path | None = None, **variables: str) -> Environment:
        """Load ``lab`` with the data as it is now."""
        if not self.file.exists():
            self.write()
        return load_environment(
            "lab", run_file=run_file, overrides={**self.variables, **variables}, directory=self.path
        )

    def refusal(self, run_file: Path | None = None, **variables: str) -> list[str]:
        """Load ``lab``, which must fail, and return its error sentences without the folder of the file."""
        with pytest.raises(ConfigurationError) as caught:
            self.load(run_file, **variables)
        return str(caught.value).replace(f"{self.path}/", "").splitlines()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture
def run_data(tmp_path: Path) -> RunFile:
    """The content of a run file in the agreed schema; the files it names exist."""
    files = {name: tmp_path / name for name in ("ca.pem", "kubeconfig", "jump_password", "target_key", "known_hosts")}
    for name, path in files.items():
        path.write_text(f"content of {name}\n", encoding="utf-8")
    host = {"host": "127.0.0.1", "port": 2222}
    return {
        "focus_server": {"base_url": "https://127.0.0.1:4443/focus-server", "ca_file": str(files["ca.pem"])},
        "kubernetes": {"kubeconfig": str(files["kubeconfig"]), "namespace": "panda"},
        "mongodb": {"uri": "mongodb://focus:p%40ss@127.0.0.1:27017/?authSource=prisma", "database": "prisma"},
        "ssh": {
            "jump": {**host, "user": "root", "password_file": str(files["jump_password"])},
            "target": {**host, "user": "prisma", "key_file": str(files["target_key"])},
            "known_hosts": str(files["known_hosts"]),
        },
        "control": {"url": "http://127.0.0.1:9000", "token": "of-the-run-file"},
    }


@pytest.fixture
def write_run_file(tmp_path: Path) -> Callable[[Mapping[str, Any] | str], Path]:
    def write(content: Mapping[str, Any] | str) -> Path:
        path = tmp_path / "run.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return write

"""An environment file like that of a site, with the endpoints of a sandbox on loopback and its secrets in variables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
Document = dict[str, Any]


def site_of(run_file: Path, folder: Path, name: str = "site") -> tuple[Document, dict[str, str]]:
    """The content of the file and the variables. The files it names are copied into ``folder``."""
    endpoints = json.loads(run_file.read_text())
    data = yaml.safe_load((ROOT / "environments" / "sandbox.yaml").read_text(encoding="utf-8"))
    for section in ("focus_server", "kubernetes", "mongodb"):
        data[section] |= endpoints[section]
    for host in ("jump", "target"):
        data["ssh"][host] |= endpoints["ssh"][host]
    data["ssh"]["known_hosts"] = _copied(endpoints["ssh"]["known_hosts"], folder / "known_hosts")
    data["ssh"]["target"]["key_file"] = _copied(data["ssh"]["target"]["key_file"], folder / "key")
    data["kubernetes"]["kubeconfig"] = _copied(data["kubernetes"]["kubeconfig"], folder / "kubeconfig")
    password = Path(data["ssh"]["jump"].pop("password_file")).read_text().strip()
    variables = {"SITE_PASSWORD": password, "SITE_MONGODB": data["mongodb"]["uri"]}
    data["ssh"]["jump"]["password"], data["mongodb"]["uri"] = "${SITE_PASSWORD}", "${SITE_MONGODB}"
    data["identity"] |= {"name": name, "kind": "staging", "exclusive": False, "title": "A site"}
    data |= {"endpoints": "given", "capabilities": ["kubernetes", "ssh", "mongodb"], "limits": {}}
    del data["sandbox"]
    return data, variables


def write_site_file(data: Document, path: Path) -> None:
    path.write_text(yaml.safe_dump(data, sort_keys=False))


def _copied(source: str, target: Path) -> str:
    target.write_bytes(Path(source).read_bytes())
    target.chmod(0o600)
    return str(target)

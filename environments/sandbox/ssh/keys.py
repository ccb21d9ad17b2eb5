"""Host keys, and the known_hosts file that clients verify them with."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import asyncssh

ALGORITHM = "ssh-ed25519"


def host_key(folder: Path, name: str) -> asyncssh.SSHKey:
    """The host key ``ssh_host_<name>_key`` in ``folder``, created if it does not exist."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"ssh_host_{name}_key"
    if not file.exists():
        key = asyncssh.generate_private_key(ALGORITHM, comment=f"{name} host key")
        file.touch(mode=0o600)
        file.write_bytes(key.export_private_key())
        file.with_name(file.name + ".pub").write_bytes(key.export_public_key())
    return asyncssh.read_private_key(file)


def write_known_hosts(file: Path, entries: Iterable[tuple[str, int, asyncssh.SSHKey]]) -> None:
    """Write one line for each (host name, port, key), as OpenSSH does."""
    lines = []
    for name, port, key in entries:
        algorithm, encoded = key.export_public_key().decode().split()[:2]
        lines.append(f"{name if port == 22 else f'[{name}]:{port}'} {algorithm} {encoded}\n")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(lines), encoding="ascii")

"""Keys and certificates of one sandbox run. They are created at the start and never stored in the repository."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

VALID_FOR = timedelta(days=7)


@dataclass(frozen=True)
class Certificate:
    cert_file: Path
    key_file: Path


class CertificateAuthority:
    """A private certificate authority in a folder; ``ca_file`` is the certificate that clients trust."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._authority = trustme.CA(path_length=0, organization_name="focus sandbox")
        self.ca_file = folder / "ca.pem"
        self._authority.cert_pem.write_to_path(self.ca_file)

    def issue(self, name: str, addresses: Sequence[str]) -> Certificate:
        """Issue a server certificate for the DNS name ``name`` and the IP ``addresses``."""
        until = datetime.now(UTC) + VALID_FOR
        leaf = self._authority.issue_cert(name, *addresses, common_name=name, not_after=until)
        issued = Certificate(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        leaf.cert_chain_pems[0].write_to_path(issued.cert_file)
        _write_private(issued.key_file, leaf.private_key_pem.bytes())
        return issued


def write_ssh_key(folder: Path, name: str) -> tuple[Path, Path]:
    """Write an ed25519 key pair in OpenSSH's format; return the private and the public file."""
    folder.mkdir(parents=True, exist_ok=True)
    key = ed25519.Ed25519PrivateKey.generate()
    private, public = folder / name, folder / f"{name}.pub"
    _write_private(private, key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    ))  # fmt: skip
    public.write_bytes(
        key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH) + b"\n"
    )
    return private, public


def write_secret(path: Path, text: str) -> Path:
    """Write a file that only its owner can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _write_private(path, text.encode())
    return path


def _write_private(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)

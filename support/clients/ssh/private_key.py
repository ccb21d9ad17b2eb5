"""Loads private keys in all formats that OpenSSH's client reads, and reports exactly why a file cannot be used."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from support.config.errors import ConfigurationError

_PUBLIC = re.compile(rb"\s*(ssh-|ecdsa-|sk-)|-----BEGIN (RSA )?PUBLIC KEY|---- BEGIN SSH2 PUBLIC KEY|-----BEGIN CERT")
_ALLOWED = "allowed: a private key of type Ed25519, ECDSA or RSA, in OpenSSH, PEM or PKCS#8 format, without passphrase"
_CLASSES = (
    (Ed25519PrivateKey, paramiko.Ed25519Key),
    (EllipticCurvePrivateKey, paramiko.ECDSAKey),
    (RSAPrivateKey, paramiko.RSAKey),
)


def load_private_key(path: Path, setting: str, hide: Callable[[str], None]) -> paramiko.PKey:
    """Load the key from the file in ``setting``, with the certificate beside it if there is one.

    The key is passed to ``hide`` before it is parsed. Raises :class:`ConfigurationError`: one sentence with the
    setting, the file, and what is allowed.
    """
    try:
        data = path.read_bytes().removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
    except OSError as error:
        raise _unusable(setting, path, f"cannot be read: {error.strerror}") from error
    if _wrong_kind(data, path) is None:
        hide(data.decode("utf-8", errors="replace"))
    key = _as_paramiko(_parsed(data, path, setting), path, setting)
    certificate = path.with_name(f"{path.name}-cert.pub")
    if certificate.is_file():
        try:
            key.load_certificate(str(certificate))
        except (paramiko.SSHException, ValueError, OSError) as error:
            raise _unusable(setting, certificate, "is no certificate of this key") from error
    return key


def _parsed(data: bytes, path: Path, setting: str) -> object:
    if problem := _wrong_kind(data, path):
        raise _unusable(setting, path, problem)
    load = load_ssh_private_key if b"BEGIN OPENSSH PRIVATE KEY" in data else load_pem_private_key
    try:
        return load(data.strip() + b"\n", None)
    except TypeError as error:
        # The library raises TypeError if a password is needed.
        raise _unusable(setting, path, "is protected by a passphrase, and nobody is there to type it") from error
    except UnsupportedAlgorithm as error:
        raise _unusable(setting, path, "holds a key of a type that is not supported") from error
    except ValueError as error:
        raise _unusable(setting, path, "is damaged or cut off: no key can be read from it") from error


def _wrong_kind(data: bytes, path: Path) -> str | None:
    if not data.strip():
        return "is empty"
    if data.startswith(b"PuTTY-User-Key-File"):
        return "is in PuTTY's format (puttygen FILE -O private-openssh converts it)"
    if _PUBLIC.match(data):
        private = path.with_suffix("").name if path.suffix == ".pub" else "the file beside it without .pub"
        return f"is a public key or certificate; the private key is {private}"
    return None if b"PRIVATE KEY-----" in data else "is no private key"


def _as_paramiko(key: object, path: Path, setting: str) -> paramiko.PKey:
    for kind, made in _CLASSES:
        if isinstance(key, kind):
            text = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
            try:
                return made.from_private_key(io.StringIO(text))
            except (paramiko.SSHException, ValueError) as error:
                raise _unusable(setting, path, "holds a key that cannot be used") from error
    raise _unusable(setting, path, "holds a key of a type that is not supported")


def _unusable(setting: str, path: Path, problem: str) -> ConfigurationError:
    return ConfigurationError(f"{setting}: file {path} {problem}; {_ALLOWED}")

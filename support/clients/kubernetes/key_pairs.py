"""Checks of the certificates and keys of a kubeconfig, made before connecting with them."""

from __future__ import annotations

import base64
import binascii
import ssl
import tempfile
from pathlib import Path


class Unfit(Exception):
    """Content that cannot be used. The message is the second half of a sentence."""


def from_base64(text: object) -> bytes:
    """Return the content of a ``-data`` entry. Line breaks in it are ignored, as in Go. Raises :class:`Unfit`."""
    try:
        return base64.b64decode("".join(str(text).split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unfit("is no base64: it is cut or damaged") from error


def check_authority(content: bytes) -> None:
    """Raise :class:`Unfit` unless ``content`` holds certificates."""
    try:
        ssl.create_default_context(cadata=content.decode("ascii"))
    except (ssl.SSLError, ValueError) as error:
        raise Unfit("holds no certificate that can be read; allowed: PEM") from error


def check_pair(certificate: bytes, key: bytes) -> None:
    """Raise :class:`Unfit` unless the key belongs to the certificate."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / "certificate", Path(folder) / "key"]
        for file, content in zip(files, (certificate, key), strict=True):
            file.touch(mode=0o600)
            file.write_bytes(content)
        try:
            # With an empty passphrase, a key that needs one does not ask for it at a terminal.
            ssl.create_default_context().load_cert_chain(files[0], files[1], password="")
        except (ssl.SSLError, ValueError) as error:
            raise Unfit("and client-certificate cannot be used: one is damaged, or they are no pair") from error

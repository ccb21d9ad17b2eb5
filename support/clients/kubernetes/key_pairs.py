"""Certificates and keys of a kubeconfig, tried before anything connects with them."""

from __future__ import annotations

import base64
import binascii
import ssl
import tempfile
from pathlib import Path


class Unfit(Exception):
    """Half a sentence about what cannot be used."""


def from_base64(text: object) -> bytes:
    """The content of a ``-data`` entry; line breaks in it are passed over, as Go does. Raises :class:`Unfit`."""
    try:
        return base64.b64decode("".join(str(text).split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unfit("is no base64: it is cut or damaged") from error


def check_authority(content: bytes) -> None:
    """Raises :class:`Unfit` unless it holds certificates."""
    try:
        ssl.create_default_context(cadata=content.decode("ascii"))
    except (ssl.SSLError, ValueError) as error:
        raise Unfit("holds no certificate that can be read; allowed: PEM") from error


def check_pair(certificate: bytes, key: bytes) -> None:
    """Raises :class:`Unfit` unless the key is that of the certificate."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / "certificate", Path(folder) / "key"]
        for file, content in zip(files, (certificate, key), strict=True):
            file.touch(mode=0o600)
            file.write_bytes(content)
        try:
            # An empty passphrase: a key that needs one must not ask for it at a terminal.
            ssl.create_default_context().load_cert_chain(files[0], files[1], password="")
        except (ssl.SSLError, ValueError) as error:
            raise Unfit("and client-certificate cannot be used: one is damaged, or they are no pair") from error

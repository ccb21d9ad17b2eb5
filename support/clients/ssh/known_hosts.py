"""Reads ``known_hosts`` as OpenSSH does (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT): patterns, hashed names, markers.

The library's own reader fails every login at the first line it cannot read, even if that line is about another host.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.config.errors import ConfigurationError

_REVOKED, _AUTHORITY = "@revoked", "@cert-authority"
_DEFAULT_PORT = 22
# One RSA key is used by two signature algorithms.
_ALGORITHMS = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}


@dataclass(frozen=True)
class Entry:
    """One line about a host. ``blob`` is the key in wire format, None if it cannot be read."""

    number: int
    marker: str
    key_type: str
    blob: bytes | None


@dataclass(frozen=True)
class Trust:
    """The lines of known_hosts about one host. ``fallback`` are those for its name without the port, as ssh accepts.

    ``file`` is the name of the file in messages.
    """

    name: str
    entries: tuple[Entry, ...]
    fallback: tuple[Entry, ...] = ()
    file: str = "known_hosts"

    @property
    def is_known(self) -> bool:
        """Whether the file has a key to compare the host's key with."""
        return any(True for _ in self._trusted())

    def objection_to(self, key_type: str, blob: bytes) -> str | None:
        """Return why a server with this host key cannot be trusted to be this host; None if it can."""
        revoked = [entry for entry in (*self.entries, *self.fallback) if entry.marker == _REVOKED]
        for entry in revoked:
            if entry.blob is None:
                return f"line {entry.number} of {self.file} revokes a key of this host and cannot be read"
            if entry.blob == blob:
                return f"its host key is revoked by line {entry.number} of {self.file}"
        if any(entry.blob == blob for entry in self._trusted()):
            return None
        return self._unknown(key_type)

    def algorithms(self, available: Sequence[str]) -> list[str]:
        """Return the host key algorithms to ask for: those with known keys first, as ssh does."""
        known = [name for entry in self._trusted() for name in _ALGORITHMS.get(entry.key_type, (entry.key_type,))]
        first = [name for name in dict.fromkeys(known) if name in available]
        return first + [name for name in available if name not in first]

    def _trusted(self) -> Iterator[Entry]:
        of_host = [entry for entry in self.entries if not entry.marker and entry.blob is not None]
        yield from of_host or [entry for entry in self.fallback if not entry.marker and entry.blob is not None]

    def _unknown(self, key_type: str) -> str:
        for entry in self.entries:
            if entry.blob is None:
                return f"line {entry.number} of {self.file} is about this host and cannot be read: its key is damaged"
        if self.is_known:
            return f"its host key is not the one in {self.file}"
        authorities = [entry.number for entry in (*self.entries, *self.fallback) if entry.marker == _AUTHORITY]
        if authorities:
            # paramiko offers no certificate algorithms for host keys (5.1.0), so no server sends a certificate.
            return (
                f"{self.file} trusts it only by a certificate authority (line {authorities[0]}), and certificates of "
                f"hosts cannot be checked by this suite; add a line for {self.name} with its own {key_type} key, as "
                "ssh-keyscan prints it, when somebody who knows the host has confirmed that key"
            )
        return f"its host key is not in {self.file} ({key_type} of {self.name})"


class KnownHosts:
    """The lines of one file. ``file`` is its name in messages."""

    def __init__(self, text: str, file: str = "known_hosts") -> None:
        self._lines = list(_lines_of(text))
        self._file = file

    def of(self, host: str, port: int) -> Trust:
        """Return the lines about a host, found by its configured name."""
        plain = host.lower()
        name = plain if port == _DEFAULT_PORT else f"[{plain}]:{port}"
        fallback = () if name == plain else tuple(self._about(plain))
        return Trust(name, tuple(self._about(name)), fallback, self._file)

    def _about(self, name: str) -> Iterator[Entry]:
        return (entry for names, entry in self._lines if _matches(name, names))


def read_known_hosts(path: Path) -> KnownHosts:
    """Read the file of the setting ``ssh.known_hosts``. Raises :class:`ConfigurationError`."""
    try:
        text = path.read_bytes().decode("utf-8-sig", errors="replace")
    except OSError as error:
        raise ConfigurationError(f"ssh.known_hosts: file {path} cannot be read: {error.strerror}") from error
    return KnownHosts(text, f"known_hosts ({path})")


def _lines_of(text: str) -> Iterator[tuple[list[str], Entry]]:
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        marker = words.pop(0) if words[0].startswith("@") else ""
        if not words:
            continue
        key_type, encoded = (words[1:3] + ["", ""])[:2]
        # A line with an unknown marker counts as unreadable, as in ssh.
        known = marker in ("", _REVOKED, _AUTHORITY)
        yield words[0].split(","), Entry(number, marker, key_type, _blob(key_type, encoded) if known else None)


def _blob(key_type: str, encoded: str) -> bytes | None:
    """Return the key in wire format; None unless it is complete and of the type that the line names."""
    try:
        blob = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return None
    fields = list(_fields(blob))
    whole = len(fields) >= 2 and sum(len(field) + 4 for field in fields) == len(blob)
    return blob if whole and fields[0] == key_type.encode() else None


def _fields(blob: bytes) -> Iterator[bytes]:
    """Yield the complete length-prefixed fields of a key (RFC 4251, section 5)."""
    position = 0
    while position + 4 <= len(blob):
        length = int.from_bytes(blob[position : position + 4], "big")
        field = blob[position + 4 : position + 4 + length]
        if len(field) < length:
            return
        yield field
        position += 4 + length


def _matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether a list of patterns names the host. A negated pattern that matches excludes it."""
    found = False
    for pattern in patterns:
        negated = pattern.startswith("!")
        if _fits(name, pattern.removeprefix("!")):
            if negated:
                return False
            found = True
    return found


def _fits(name: str, pattern: str) -> bool:
    if pattern.startswith("|1|"):
        return _is_hash_of(name, pattern)
    expression = re.escape(pattern.lower()).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, name) is not None


def _is_hash_of(name: str, pattern: str) -> bool:
    try:
        salt, digest = (base64.b64decode(part, validate=True) for part in pattern.split("|")[2:4])
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(hmac.new(salt, name.encode(), hashlib.sha1).digest(), digest)

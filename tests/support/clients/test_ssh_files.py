"""The local files that SSH needs: the error names the file and its problem before any host is contacted."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from client_doubles import HostAt, SSHAt
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from pydantic import SecretStr

from support.clients.journal import Journal
from support.clients.ssh.client import SSHClient
from support.clients.ssh.known_hosts import KnownHosts
from support.clients.ssh.private_key import load_private_key
from support.config import ConfigurationError

# Fixed, because the names of tests contain them.
ED25519 = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
HOST, PORT = "jump.example.net", 22


def line_of(key: Any) -> str:
    return str(key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode())


def blob_of(key: Any) -> bytes:
    return base64.b64decode(line_of(key).split()[1])


def objection(text: str, key: Any = ED25519, host: str = HOST, port: int = PORT) -> str | None:
    return KnownHosts(text).of(host, port).objection_to(line_of(key).split()[0], blob_of(key))


def hashed(name: str) -> str:
    salt = b"0123456789abcdefghij"
    digest = hmac.new(salt, name.encode(), hashlib.sha1).digest()
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


OURS = f"{HOST} {line_of(ED25519)}"
FOREIGN = [
    "@cert-authority *.corp.example.net ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABB CA",
    f"@revoked old.example.net {line_of(OTHER)}",
    "build.example.net ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI",
    "build.example.net ssh-ed25519 !!!!",
    "build.example.net ssh-ed25519",
    "build.example.net 1024 65537 12345678901234567890",
    "build.example.net ssh-quantum AAAAC3NzaC1lZDI1NTE5",
    "@unknown-marker build.example.net ssh-ed25519 AAAA",
    "|1|not base64|neither ssh-ed25519 AAAA",
    "@revoked",
    "lonely",
    "# a comment",
    "",
]


@pytest.mark.parametrize("foreign", FOREIGN)
def test_a_line_about_another_host_is_passed_over(foreign: str) -> None:
    assert objection(f"{foreign}\n{OURS}\n") is None
    assert objection(f"{OURS}\n{foreign}\n") is None


@pytest.mark.parametrize(
    ("names", "host", "port"),
    [
        (HOST, HOST, 22),
        (HOST.upper(), HOST, 22),
        (HOST, HOST.upper(), 22),
        (f"other.example.net,{HOST}", HOST, 22),
        ("*.example.net", HOST, 22),
        ("jum?.example.net", HOST, 22),
        (f"[{HOST}]:2222", HOST, 2222),
        ("[*.example.net]:2222", HOST, 2222),
        (HOST, HOST, 2222),  # as in OpenSSH: the plain name applies if the one with the port is unknown
        (hashed(HOST), HOST, 22),
        (hashed(f"[{HOST}]:2222"), HOST, 2222),
        (f"*.example.net,!{HOST}x", HOST, 22),
        ("10.0.0.7", "10.0.0.7", 22),
    ],
)
def test_names_are_matched_as_ssh_does(names: str, host: str, port: int) -> None:
    assert objection(f"{names} {line_of(ED25519)} a comment\r\n", host=host, port=port) is None


@pytest.mark.parametrize(
    "names",
    ["other.example.net", f"*.example.net,!{HOST}", f"!{HOST}", "*.example", hashed("other"), "jump", f"[{HOST}]:23"],
)
def test_names_of_others_do_not_match(names: str) -> None:
    told = objection(f"{names} {line_of(ED25519)}")
    assert told is not None
    assert told.startswith("its host key is not in known_hosts (ssh-ed25519 of")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{HOST} {line_of(OTHER)}", "is not the one in known_hosts"),
        (f"@revoked {HOST} {line_of(ED25519)}\n{OURS}", "is revoked by line 1"),
        (f"{OURS}\n@revoked * {line_of(ED25519)}", "is revoked by line 2"),
        (
            f"{OURS}\n@revoked {HOST} ssh-ed25519 AAAA",
            "line 2 of known_hosts revokes a key of this host",
        ),
        (
            f"{HOST} ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI",
            "line 1 .* is about this host and cannot be read",
        ),
        (f"{HOST} ssh-ed25519", "line 1 .* is about this host and cannot be read"),
        (
            f"{HOST} ssh-rsa {line_of(ED25519).split()[1]}",
            "line 1 .* is about this host and cannot be read",
        ),
        (f"\n@cert-authority *.example.net {line_of(OTHER)}", r"certificate authority \(line 2\)"),
        ("", "is not in known_hosts"),
    ],
)
def test_what_speaks_against_a_host_key(text: str, message: str) -> None:
    told = objection(text)
    assert told is not None
    assert re.search(message, told), told


def test_one_of_several_keys_is_enough_and_its_algorithm_is_asked_for_first() -> None:
    rsa_key = rsa.generate_private_key(65537, 2048)
    text = f"{HOST} {line_of(OTHER)}\n{OURS}\n{HOST} {line_of(rsa_key)}\n"
    assert objection(text) is None
    assert objection(text, rsa_key) is None
    only_rsa = KnownHosts(f"{HOST} {line_of(rsa_key)}").of(HOST, PORT)
    assert only_rsa.algorithms(["ssh-ed25519", "rsa-sha2-256", "rsa-sha2-512"]) == [
        "rsa-sha2-512",
        "rsa-sha2-256",
        "ssh-ed25519",
    ]


Writer = Callable[[Any], bytes]
OPENSSH: Writer = lambda key: key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())  # noqa: E731
PKCS8: Writer = lambda key: key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())  # noqa: E731
PEM: Writer = lambda key: key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())  # noqa: E731
EC = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 2048)


@pytest.mark.parametrize(
    ("data", "key"),
    [
        (OPENSSH(ED25519), ED25519),
        (PKCS8(ED25519), ED25519),
        (OPENSSH(EC), EC),
        (PKCS8(EC), EC),
        (PEM(EC), EC),
        (OPENSSH(RSA), RSA),
        (PKCS8(RSA), RSA),
        (PEM(RSA), RSA),
        (OPENSSH(ED25519).replace(b"\n", b"\r\n"), ED25519),
        (OPENSSH(ED25519).rstrip(), ED25519),
        (b"\xef\xbb\xbf" + PKCS8(ED25519), ED25519),
        (b"\n\n" + OPENSSH(ED25519), ED25519),
    ],
)
def test_a_key_in_any_format_of_openssh_is_used(tmp_path: Path, data: bytes, key: Any) -> None:
    path = tmp_path / "key"
    path.write_bytes(data)
    hidden: list[str] = []
    assert load_private_key(path, "ssh.target.key_file", hidden.append).asbytes() == blob_of(key)
    assert [text.split() for text in hidden] == [data.decode("utf-8-sig").split()]


LOCKED = BestAvailableEncryption(b"passphrase")
DSA = dsa.generate_private_key(1024)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (OPENSSH(ED25519)[:150], "is damaged or cut off"),
        (PKCS8(RSA)[:400], "is damaged or cut off"),
        (PEM(RSA)[:400], "is damaged or cut off"),
        (OPENSSH(RSA)[:-80], "is damaged or cut off"),
        (line_of(ED25519).encode(), "is a public key"),
        (ED25519.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), "is a public key"),
        (b"PuTTY-User-Key-File-3: ssh-ed25519\n", "puttygen"),
        (b"hello", "is no private key"),
        (b"\x00\x01\xff\xfe", "is no private key"),
        (ED25519.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, LOCKED), "is protected by a passphrase"),
        (ED25519.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, LOCKED), "is protected by a passphrase"),
        (RSA.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, LOCKED), "is protected by a passphrase"),
        (PKCS8(DSA), "of a type that is not supported"),
    ],
)
def test_a_key_that_cannot_be_used_is_told_with_its_file(tmp_path: Path, data: bytes, problem: str) -> None:
    path = tmp_path / "key"
    path.write_bytes(data)
    with pytest.raises(ConfigurationError) as raised:
        load_private_key(path, "ssh.target.key_file", [].append)
    told = str(raised.value)
    assert told.startswith(f"ssh.target.key_file: file {path} ")
    assert problem in told
    assert "allowed: a private key" in told
    assert "\n" not in told


def settings(folder: Path, **changed: Any) -> SSHAt:
    known, key = folder / "known_hosts", folder / "id"
    known.write_text(OURS)
    key.write_bytes(OPENSSH(ED25519))
    host = {"password": None, "password_file": None, "key_file": None} | changed
    return SSHAt(None, HostAt(HOST, PORT, "prisma", **host), known)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({}, "ssh.target: neither a password nor a key is configured"),
        ({"password_file": Path("/nonexistent")}, "ssh.target.password_file: file /nonexistent cannot be read"),
        ({"key_file": Path("/nonexistent")}, "ssh.target.key_file: file /nonexistent cannot be read"),
        ({"key_file": Path("/")}, "ssh.target.key_file: file / cannot be read"),
    ],
)
def test_a_local_fault_is_told_before_any_host_is_asked(tmp_path: Path, changed: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        SSHClient(settings(tmp_path, **changed), Journal())


def test_known_hosts_that_cannot_be_read_is_told_before_any_host_is_asked(tmp_path: Path) -> None:
    made = settings(tmp_path, password=SecretStr("s"))
    made.known_hosts.unlink()
    with pytest.raises(ConfigurationError, match=r"ssh.known_hosts: file .* cannot be read: No such file"):
        SSHClient(made, Journal())

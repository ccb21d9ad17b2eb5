"""Secrets come from variables and files, are named by their source, and are never shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.config import load_environment

if TYPE_CHECKING:
    from conftest import Folder

LITERAL = "a secret must not be written in an environment file; allowed: ${VARIABLE} or file:PATH"


def test_variables_anywhere_in_a_text(folder: Folder) -> None:
    folder.data["focus_server"]["base_url"] = "https://${SERVER}:${PORT}/focus-server/"
    folder.data["ssh"]["target"]["port"] = "${PORT}"
    lab = folder.load(SERVER="127.0.0.9", PORT="77")
    assert lab.focus_server.base_url == "https://127.0.0.9:77/focus-server"
    assert lab.ssh.target.port == 77


def test_a_password_is_quoted_inside_a_uri(folder: Folder) -> None:
    folder.data["mongodb"]["uri"] = "mongodb://prisma:${PASSWORD}@127.0.0.1:1/?authSource=prisma"
    lab = folder.load(PASSWORD="p/a:s@s")
    assert lab.mongodb.uri.get_secret_value() == "mongodb://prisma:p%2Fa%3As%40s@127.0.0.1:1/?authSource=prisma"
    assert lab.secrets() == [lab.mongodb.uri.get_secret_value(), "p%2Fa%3As%40s", "p/a:s@s"]
    assert lab.secret_sources == {"mongodb.uri": "environment variable PASSWORD"}


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_secret_in_a_file(folder: Folder, ending: str) -> None:
    (folder.path / "secret").write_bytes(b"s3cret " + ending.encode())
    folder.data["ssh"]["target"]["password"] = "file:secret"
    lab = folder.load()
    assert lab.ssh.target.password is not None
    assert lab.ssh.target.password.get_secret_value() == "s3cret "
    assert lab.secret_sources["ssh.target.password"] == "file"


def test_the_home_folder(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder.path))
    (folder.path / "secret").write_text("s3cret\n", encoding="utf-8")
    folder.data["ssh"] |= {"known_hosts": "~/known_hosts"}
    folder.data["ssh"]["target"]["password"] = "file:~/secret"
    lab = folder.load()
    assert lab.ssh.known_hosts == folder.path / "known_hosts"
    assert "s3cret" in lab.secrets()


def test_a_secret_file_named_by_an_override(folder: Folder) -> None:
    (folder.path / "secret").write_text("s3cret\n", encoding="utf-8")
    lab = folder.load(FOCUS__SSH__TARGET__PASSWORD=f"file:{folder.path}/secret")
    assert "s3cret" in lab.secrets()


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("hunter2", LITERAL),
        (12345, LITERAL),
        ("${NOT_THERE}", "environment variable NOT_THERE is not set; it must hold the value"),
        ("${EMPTY}", "environment variable EMPTY is empty; it must hold the value"),
        ("${EMPTY:-hunter2}", "the placeholder of EMPTY is not allowed; allowed: ${NAME}, without a default"),
        ("${EMPTY", "the placeholder of EMPTY is not allowed; allowed: ${NAME}, without a default"),
        ("${}", "the placeholder of no variable is not allowed; allowed: ${NAME}, without a default"),
        ("file:gone", "file gone cannot be read: No such file or directory"),
        ("file:empty", "file empty is empty; it must hold the secret"),
        ("file:binary", "file binary cannot be read: not UTF-8 text"),
        ("file:${NOT_THERE}", "environment variable NOT_THERE is not set; it must hold the value"),
    ],
)
def test_secrets_that_cannot_be_used(folder: Folder, value: object, sentence: str) -> None:
    (folder.path / "empty").write_text("\n", encoding="utf-8")
    (folder.path / "binary").write_bytes(b"\xff\xfe")
    folder.data["ssh"]["target"]["password"] = value
    assert folder.refusal(EMPTY="") == [f"lab.yaml line 19: ssh.target.password (a secret): {sentence}"]


@pytest.mark.parametrize("uri", ["mongodb://prisma:hunter2@127.0.0.1", "mongodb://prisma:hunter2@${MONGO_HOST}"])
def test_a_password_spelled_out_in_a_uri(folder: Folder, uri: str) -> None:
    folder.data["mongodb"]["uri"] = uri
    assert folder.refusal(MONGO_HOST="127.0.0.1") == [f"lab.yaml line 11: mongodb.uri: {LITERAL}"]


def test_a_literal_secret_is_an_error_even_when_it_is_overridden(folder: Folder) -> None:
    folder.data["ssh"]["target"]["password"] = "hunter2"
    assert len(folder.refusal(FOCUS__SSH__TARGET__PASSWORD="other")) == 1


def test_a_uri_without_a_password_is_no_secret(folder: Folder) -> None:
    folder.data["mongodb"]["uri"] = "mongodb://127.0.0.1:27017"
    lab = folder.load()
    assert lab.secret_sources["mongodb.uri"] == "literal"
    assert lab.secrets() == []


def test_nothing_secret_is_shown(
    run_data: dict[str, Any], write_run_file: Callable[[Mapping[str, Any] | str], Path]
) -> None:
    sandbox = load_environment("sandbox", run_file=write_run_file(run_data), overrides={})
    secrets = sandbox.secrets()
    assert {"p%40ss", "p@ss", "content of jump_password"} <= set(secrets)
    shown = json.dumps(sandbox.redacted()) + repr(sandbox) + str(sandbox) + sandbox.model_dump_json()
    assert not [secret for secret in secrets if secret in shown]
    assert sandbox.redacted()["mongodb"]["uri"] == "mongodb://focus:***@127.0.0.1:27017/?authSource=prisma"


def test_passwords_are_redacted(folder: Folder) -> None:
    lab = folder.load(FOCUS__SSH__TARGET__PASSWORD="t@rget")
    assert lab.redacted()["ssh"]["target"]["password"] == "***"
    assert lab.redacted()["ssh"]["jump"] is None
    assert lab.secrets() == ["prisma:t@rget", "t%40rget", "t@rget"]

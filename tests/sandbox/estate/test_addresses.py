"""A machine whose loopback has one address only, as macOS has it, and one whose blocks are all in use."""

from __future__ import annotations

import errno
import socket

import pytest

from environments.sandbox.__main__ import main
from environments.sandbox.shared.errors import StartError
from environments.sandbox.supervisor.addresses import Addresses


def bind_fails_with(monkeypatch: pytest.MonkeyPatch, number: int) -> list[str]:
    """Every address but 127.0.0.1 is refused; the returned list holds those that were tried."""
    tried: list[str] = []

    class Socket(socket.socket):
        def bind(self, address: tuple[str, int]) -> None:  # type: ignore[override]
            if address[0] == "127.0.0.1":
                super().bind(address)
            else:
                tried.append(address[0])
                raise OSError(number, "cannot bind")

    monkeypatch.setattr("environments.sandbox.supervisor.addresses.socket.socket", Socket)
    return tried


def test_a_loopback_of_one_address_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = bind_fails_with(monkeypatch, errno.EADDRNOTAVAIL)
    with pytest.raises(StartError) as raised:
        Addresses()
    assert str(raised.value) == (
        f"{tried[0]} is not an address of this machine: the sandbox needs the whole block 127.0.0.0/8, as Linux has it;"
        " macOS answers on 127.0.0.1 only - use Linux, or a container"
    )
    assert len(tried) == 1


def test_it_is_one_sentence_at_the_start(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    bind_fails_with(monkeypatch, errno.EADDRNOTAVAIL)
    assert main(["up"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("sandbox: 127.") and error.endswith("use Linux, or a container\n")
    assert error.count("\n") == 1


def test_blocks_of_others_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = bind_fails_with(monkeypatch, errno.EADDRINUSE)
    with pytest.raises(StartError, match="no loopback block is free: 234 sandboxes"):
        Addresses()
    assert len(set(tried)) == 234

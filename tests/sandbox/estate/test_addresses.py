"""A machine whose loopback has only one address, as on macOS, and one whose address blocks are all in use."""

from __future__ import annotations

import errno
import fcntl
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from environments.sandbox.__main__ import main
from environments.sandbox.shared.errors import StartError
from environments.sandbox.supervisor.addresses import Addresses
from tests.sandbox.estate.test_cluster_elsewhere import connects
from tests.sandbox.estate.test_lifecycle import Up, wait_until
from tests.sandbox.focus_server.estate import payload


def bind_fails_with(monkeypatch: pytest.MonkeyPatch, number: int) -> list[str]:
    """Make binding fail for each address but 127.0.0.1; the returned list holds the addresses tried."""
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


@pytest.fixture
def sandbox_of_one() -> Iterator[None]:
    """A lock: only one sandbox at a time uses 127.0.0.1, also among tests that run side by side."""
    with (Path(tempfile.gettempdir()) / "focus-acceptance-sandbox-of-one.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def test_a_block_that_is_wanted_and_not_there_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = bind_fails_with(monkeypatch, errno.EADDRNOTAVAIL)
    with pytest.raises(StartError) as raised:
        Addresses("block")
    assert str(raised.value) == (
        f"{tried[0]} is not an address of this machine: addresses=block needs the whole block 127.0.0.0/8, as Linux has"
        " it; where 127.0.0.1 is the only one, as on macOS, use addresses=one"
    )
    assert len(tried) == 1


def test_it_is_one_sentence_at_the_start(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    bind_fails_with(monkeypatch, errno.EADDRNOTAVAIL)
    assert main(["up", "--set", "addresses=block"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("sandbox: 127.") and error.endswith("use addresses=one\n")
    assert error.count("\n") == 1


@pytest.mark.usefixtures("sandbox_of_one")
def test_a_loopback_of_one_address_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = bind_fails_with(monkeypatch, errno.EADDRNOTAVAIL)
    addresses = Addresses("auto")
    with pytest.raises(StartError, match=r"^another sandbox has 127\.0\.0\.1 for itself: with addresses=one there is"):
        Addresses("auto")
    assert addresses.network == "10.244" and len(tried) == 2
    assert {node.address for node in addresses.nodes(2)} == {"127.0.0.1"}
    addresses.release()
    Addresses("one").release()


@pytest.mark.usefixtures("sandbox_of_one")
def test_node_ports_of_others_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ports = ("--set", f"nodeport_first={port}", "--set", f"nodeport_last={port}")
        assert main(["up", "--set", "addresses=one", *ports]) == 2
    assert capsys.readouterr().err == (
        f"sandbox: node port {port} is already taken on 127.0.0.1: Address already in use; choose others with"
        " --set nodeport_first and nodeport_last\n"
    )


@pytest.mark.usefixtures("sandbox_of_one")
def test_with_one_address_no_process_has_another(tmp_path: Path) -> None:
    """Checks the TCP sockets of all processes while a client is connected to an investigation's port."""
    up = Up(tmp_path / "run.json", "--set", "addresses=one")
    try:
        server = up.endpoints["focus_server"]
        opened = requests.post(
            f"{server['base_url']}/configure", json=payload(), verify=server["ca_file"], timeout=60
        ).json()
        place = ("127.0.0.1", int(opened["stream_port"]))
        assert opened["stream_url"] == "http://127.0.0.1" and wait_until(lambda: connects(*place), 20)
        with socket.create_connection(place):
            found = sockets_of([up.process.pid, *up.pids])
    finally:
        up.process.terminate()
        up.process.wait(60)
    listening = [here for here, there in found if there[1] == 0]
    assert place in listening
    assert {address for ends in found for address, port in ends if port} == {"127.0.0.1"}


def sockets_of(pids: list[int]) -> list[tuple[tuple[str, int], tuple[str, int]]]:
    """Both ends of each TCP socket. The remote port of a listening socket is 0."""
    ours = {name for pid in pids for name in open_files(pid)}
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    assert not [line for line in Path("/proc/net/tcp6").read_text().splitlines()[1:] if _inode(line.split()) in ours]
    return [(_end(line[1]), _end(line[2])) for line in lines if _inode(line) in ours]


def open_files(pid: int) -> Iterator[str]:
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            yield link.readlink().name


def _inode(line: list[str]) -> str:
    return f"socket:[{line[9]}]"


def _end(text: str) -> tuple[str, int]:
    """Parse an address, whose bytes are in the machine's order, and a port."""
    address, port = text.split(":")
    return socket.inet_ntoa(int(address, 16).to_bytes(4, sys.byteorder)), int(port, 16)


def test_blocks_of_others_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = bind_fails_with(monkeypatch, errno.EADDRINUSE)
    with pytest.raises(StartError, match="no loopback block is free: 234 sandboxes"):
        Addresses()
    assert len(set(tried)) == 234

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from client_doubles import port_that_refuses
from pydantic import SecretStr
from ssh_estate import BIG, PASSWORD, TARGET_NAME, Estate, running_estate, wait_until

from support.clients.journal import Journal
from support.clients.ssh.client import SSHClient
from support.clients.ssh.errors import SSHError
from support.clients.ssh.port_forward import LocalForward


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    with running_estate(tmp_path_factory.mktemp("ssh")) as made:
        yield made


@pytest.fixture
def refusing(estate: Estate) -> Iterator[Estate]:
    estate.refuse_forwards = True
    yield estate
    estate.refuse_forwards = False


def test_a_command_on_the_jump_host(estate: Estate) -> None:
    journal = Journal()
    with SSHClient(estate.settings(), journal).connect_jump() as session:
        result = session.run("hostname")
        assert session.is_open
        assert 0 < session.connect_duration_s < 5
    assert not session.is_open
    assert (result.exit_status, result.stdout, result.stderr) == (0, "hostname on worker-node\n", "")
    assert "$ hostname" in journal.text()
    assert PASSWORD not in journal.text()
    with pytest.raises(SSHError, match="closed"):
        session.run("hostname")


def test_a_command_on_the_target_through_the_jump_host(estate: Estate) -> None:
    estate.forwarded.clear()
    with SSHClient(estate.settings(), Journal()).connect_target() as session:
        assert session.run("uptime").stdout == "uptime on worker-node\n"
    assert estate.forwarded == [(TARGET_NAME, 22)]


def test_outputs_larger_than_a_window_do_not_block(estate: Estate) -> None:
    with SSHClient(estate.settings(), Journal()).connect_jump() as session:
        result = session.run("both", timeout_s=8)
    assert (result.exit_status, len(result.stdout), len(result.stderr)) == (7, BIG, BIG)


def test_a_command_that_does_not_end_is_given_up(estate: Estate) -> None:
    with SSHClient(estate.settings(), Journal()).connect_jump() as session:
        with pytest.raises(SSHError, match="not done after 0.1 s") as raised:
            session.run("wait", timeout_s=0.1)
        assert raised.value.kind == "timeout"
        assert session.run("still").exit_status == 0


def test_a_lost_connection_is_no_result(estate: Estate) -> None:
    with SSHClient(estate.settings(), Journal()).connect_jump() as session, pytest.raises(SSHError) as raised:
        session.run("vanish")
    assert raised.value.kind == "unreachable"


def test_a_host_that_is_not_the_known_one_is_refused(estate: Estate) -> None:
    with pytest.raises(SSHError, match="host key is not the one") as raised:
        SSHClient(estate.settings("changed"), Journal()).connect_jump()
    assert raised.value.kind == "host_key"


def test_an_unknown_target_is_refused_and_nothing_stays_open(estate: Estate) -> None:
    with pytest.raises(SSHError, match=f"not in known_hosts.*{TARGET_NAME}") as raised:
        SSHClient(estate.settings("jump_only"), Journal()).connect_target()
    assert raised.value.kind == "host_key"
    wait_until(lambda: estate.jump_connections == 0)


def test_a_wrong_login_is_refused(estate: Estate) -> None:
    journal = Journal()
    with pytest.raises(SSHError, match="the server accepts .*password") as raised:
        SSHClient(estate.settings(password=SecretStr("wr0ng-password")), journal).connect_jump()
    assert raised.value.kind == "authentication"
    assert "wr0ng-password" not in journal.text() + str(raised.value)


def test_a_password_file_is_read_without_its_line_end(estate: Estate, tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text(PASSWORD + "\n")
    journal = Journal()
    with SSHClient(estate.settings(password=None, password_file=path), journal).connect_jump() as session:
        assert session.is_open
    assert PASSWORD not in journal.redact(f"it is {PASSWORD}")


def test_a_host_that_is_not_there(estate: Estate) -> None:
    with port_that_refuses() as port, pytest.raises(SSHError) as raised:
        SSHClient(estate.settings(port=port), Journal()).connect_jump()
    assert raised.value.kind == "unreachable"
    with pytest.raises(SSHError, match="no jump host"):
        SSHClient(replace(estate.settings(), jump=None), Journal()).connect_jump()


def test_a_refused_forward_is_told_and_closes_the_jump(refusing: Estate) -> None:
    with pytest.raises(SSHError, match="did not forward to") as raised:
        SSHClient(refusing.settings(), Journal()).connect_target()
    assert raised.value.kind == "forward_refused"
    wait_until(lambda: refusing.jump_connections == 0)


def test_closing_the_target_closes_the_jump_too(estate: Estate) -> None:
    SSHClient(estate.settings(), Journal()).connect_target().close()
    wait_until(lambda: estate.jump_connections == 0)


def test_a_forwarded_port_carries_both_ways(estate: Estate) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def echo_once() -> None:
        connection, _ = listener.accept()
        with connection:
            while chunk := connection.recv(65536):
                connection.sendall(chunk[::-1])

    echo = threading.Thread(target=echo_once, daemon=True)
    echo.start()
    with (
        SSHClient(estate.settings(), Journal()).connect_jump() as session,
        LocalForward(session, "127.0.0.1", listener.getsockname()[1]) as forward,
        socket.create_connection(("127.0.0.1", forward.local_port), 5) as client,
    ):
        client.sendall(b"abc")
        assert client.recv(3) == b"cba"
        client.shutdown(socket.SHUT_WR)
        assert client.recv(3) == b""
    echo.join(60)
    listener.close()
    assert forward.local_port == 0


def test_a_forwarded_port_that_is_refused_says_why(refusing: Estate) -> None:
    with (
        SSHClient(refusing.settings(), Journal()).connect_jump() as session,
        LocalForward(session, "127.0.0.1", 1) as forward,
        socket.create_connection(("127.0.0.1", forward.local_port), 5) as client,
    ):
        assert client.recv(1) == b""
        assert forward.failure is not None
        assert forward.failure.kind == "forward_refused"

"""The hosts report their state at any moment of a connection's life."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor

from tests.sandbox.ssh.ssh_harness import SS, Hosts

ROUNDS = 40


def _come_and_go(hosts: Hosts, stop: threading.Event) -> int:
    """Connect with a valid or invalid greeting and leave, normally or by a reset, until stopped; return the count."""
    count = 0
    while not stop.is_set():
        with socket.create_connection(("127.0.0.1", hosts.jump_port), timeout=60) as connection:
            connection.sendall(b"SSH-2.0-test\r\n" if count % 2 else b"not ssh\r\n")
            connection.recv(100)
            if count % 3 == 0:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        count += 1
    return count


def test_state_is_told_while_connections_close(hosts: Hosts) -> None:
    stop = threading.Event()
    with ThreadPoolExecutor(4) as pool:
        clients = [pool.submit(_come_and_go, hosts, stop) for _ in range(4)]
        try:
            for _ in range(ROUNDS * 5):
                assert hosts.process.request("state")["jump"]["connections"] >= 0
        finally:
            stop.set()
    assert sum(client.result() for client in clients) > ROUNDS


def test_state_is_told_while_logged_in_clients_leave(hosts: Hosts) -> None:
    def leave(client: object) -> None:
        client.close()  # type: ignore[attr-defined]  # a client of the harness

    with ThreadPoolExecutor(1) as pool:
        for _ in range(ROUNDS):
            client = hosts.jump()
            client.run(SS)
            leaving = pool.submit(leave, client)
            while not leaving.done():
                hosts.process.request("state")
            hosts.process.request("state")
    assert hosts.process.request("state")["jump"]["commands_run"] == ROUNDS

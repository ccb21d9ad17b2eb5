"""A running pair of SSH hosts in front of a small API server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from environments.sandbox.shared.certificates import write_ssh_key
from tests.sandbox.process_runner import base_config, reserve_port, start_process
from tests.sandbox.ssh.cluster_stub import ClusterStub
from tests.sandbox.ssh.ssh_harness import JUMP_PASSWORD, TARGET, Hosts


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    folder = tmp_path_factory.mktemp("ssh")
    private, public = write_ssh_key(folder / "keys", "client_key")
    cluster = ClusterStub(folder / "tls")
    jump_port, target_port = reserve_port(), reserve_port()
    config = base_config(
        folder,
        jump={
            "host": "127.0.0.1",
            "port": jump_port,
            "user": "root",
            "password": JUMP_PASSWORD,
            "authorized_key_file": str(public),
        },
        target={"host": "127.0.0.1", "port": target_port, "user": "prisma", "authorized_key_file": str(public)},
        target_name="worker-node-1",
        target_private_address=TARGET,
        forwardable=[f"127.0.0.1:{cluster.port}"],
        target_forwards={},
        host_key_dir=str(folder / "host-keys"),
        known_hosts_file=str(folder / "known_hosts"),
        kubernetes=cluster.access,
    )
    try:
        with start_process("ssh", config) as process:
            yield Hosts(process, cluster, jump_port, target_port, folder / "known_hosts", private)
    finally:
        cluster.stop()


@pytest.fixture
def hosts(running: Hosts) -> Hosts:
    running.process.set_faults()
    running.process.request("reset")
    running.cluster.restore()
    return running

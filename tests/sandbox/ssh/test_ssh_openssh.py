"""The real OpenSSH clients on the two hosts: logins, tunnels, commands, and the messages of refusals."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import paramiko
import pytest

from tests.sandbox.process_runner import RunningProcess, reserve_port, start_process
from tests.sandbox.ssh.openssh import OpenSsh, needs_openssh
from tests.sandbox.ssh.ssh_harness import TARGET, Hosts

pytestmark = needs_openssh

PASSWORD_ONLY = ("-o", "PubkeyAuthentication=no", "-o", "NumberOfPasswordPrompts=1")


@pytest.fixture
def openssh(hosts: Hosts, tmp_path: Path) -> OpenSsh:
    return OpenSsh(hosts, tmp_path)


def test_a_password_opens_the_jump_host(openssh: OpenSsh) -> None:
    done = openssh.run(*PASSWORD_ONLY, "jump", "hostname")
    assert (done.returncode, done.stdout) == (0, "panda-sandbox-host\n"), done.stderr


def test_a_key_opens_the_target_behind_it(openssh: OpenSsh) -> None:
    done = openssh.target("whoami")
    assert (done.returncode, done.stdout, done.stderr) == (0, "prisma\n", "")


@pytest.mark.parametrize(
    ("command", "exit_code", "stdout", "stderr"),
    [
        ("cat /etc/hostname /nowhere", 1, "worker-node-1\n", "cat: /nowhere: No such file or directory\n"),
        ("nosuchthing -x", 127, "", "bash: nosuchthing: command not found\n"),
        ("kubectl get nodes -o name", 0, "node/worker-node-1\n", ""),
        ("kubectl get pods nope -n panda", 1, "", 'Error from server (NotFound): pods "nope" not found\n'),
        ("k9s info", 1, "", "k9s: the sandbox answers only k9s version\n"),
    ],
)
def test_a_command_and_its_exit_code(openssh: OpenSsh, command: str, exit_code: int, stdout: str, stderr: str) -> None:
    done = openssh.target(command)
    assert (done.returncode, done.stdout, done.stderr) == (exit_code, stdout, stderr)


def _wrong_password(openssh: OpenSsh) -> subprocess.CompletedProcess[str]:
    return openssh.run(*PASSWORD_ONLY, "jump", "true", password="wrong")


def _wrong_key(openssh: OpenSsh) -> subprocess.CompletedProcess[str]:
    other = openssh.known_hosts.with_name("other_key")
    paramiko.ECDSAKey.generate().write_private_key_file(str(other))
    return OpenSsh(openssh.hosts, openssh.known_hosts.parent, other).target("true")


def _unknown_host(openssh: OpenSsh) -> subprocess.CompletedProcess[str]:
    openssh.known_hosts.write_text("", encoding="utf-8")
    return openssh.run("jump", "true")


def _changed_host_key(openssh: OpenSsh) -> subprocess.CompletedProcess[str]:
    openssh.hosts.process.set_faults("ssh-target-host-key-changed")
    return openssh.target("true")


def _forbidden_jump(openssh: OpenSsh) -> subprocess.CompletedProcess[str]:
    openssh.hosts.process.set_faults("ssh-jump-forwarding-forbidden")
    return openssh.target("true")


@pytest.mark.parametrize(
    ("fails", "messages"),
    [
        (_wrong_password, ["root@127.0.0.1: Permission denied (publickey,password)."]),
        (_wrong_key, [f"prisma@{TARGET}: Permission denied (publickey)."]),
        (
            _unknown_host,
            ["host key is known for", "you have requested strict checking", "Host key verification failed."],
        ),
        (
            _changed_host_key,
            ["WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!", "Offending", "Host key verification failed."],
        ),
        (
            _forbidden_jump,
            ["channel 0: open failed: administratively prohibited: open failed", "stdio forwarding failed"],
        ),
    ],
)
def test_who_is_not_let_in_is_told_so(
    openssh: OpenSsh, fails: Callable[[OpenSsh], subprocess.CompletedProcess[str]], messages: list[str]
) -> None:
    done = fails(openssh)
    assert (done.returncode, done.stdout) == (255, "")
    assert [message for message in messages if message not in done.stderr] == [], done.stderr


@pytest.fixture
def tunnel(openssh: OpenSsh) -> Iterator[Callable[[str], tuple[subprocess.Popen[str], int]]]:
    """``ssh -N -L`` to a destination: the running client and the port it listens on."""
    started: list[subprocess.Popen[str]] = []

    def open_to(destination: str) -> tuple[subprocess.Popen[str], int]:
        port = _free_port()
        options = ("-v", "-N", "-o", "ExitOnForwardFailure=yes", "-L", f"127.0.0.1:{port}:{destination}", "jump")
        client = subprocess.Popen(
            openssh.command("ssh", *options), env=openssh.environment(), stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(client)
        assert _heard(client, "Entering interactive session")
        return client, port

    yield open_to
    for client in started:
        client.kill()  # the client may miss a SIGTERM that arrives while it handles a channel
        client.communicate(timeout=60)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _heard(client: subprocess.Popen[str], words: str) -> bool:
    assert client.stderr is not None
    return any(words in line for line in client.stderr)


def test_a_tunnel_leads_to_the_kubernetes_api(
    openssh: OpenSsh, tunnel: Callable[[str], tuple[subprocess.Popen[str], int]]
) -> None:
    cluster = openssh.hosts.cluster
    _, port = tunnel(f"127.0.0.1:{cluster.port}")
    tls = ssl.create_default_context(cafile=cluster.access["ca_file"])
    raw = socket.create_connection(("127.0.0.1", port), timeout=60)
    with tls.wrap_socket(raw, server_hostname="127.0.0.1") as connection:
        connection.sendall(b"GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")


def test_a_tunnel_to_elsewhere_is_prohibited(tunnel: Callable[[str], tuple[subprocess.Popen[str], int]]) -> None:
    client, port = tunnel("127.0.0.1:9")
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        assert connection.recv(1) == b""
    assert _heard(client, "open failed: administratively prohibited: open failed")
    assert client.poll() is None


@pytest.fixture
def doomed(hosts: Hosts) -> Iterator[Hosts]:
    """A pair of hosts that the test may stop."""
    ports = {role: reserve_port() for role in ("jump", "target")}
    config = {**hosts.process.config, "known_hosts_file": f"{hosts.known_hosts}-doomed"}
    config.update({role: {**config[role], "port": port} for role, port in ports.items()})
    process: RunningProcess = start_process("ssh", config)
    known_hosts = Path(config["known_hosts_file"])
    yield Hosts(process, hosts.cluster, ports["jump"], ports["target"], known_hosts, hosts.key_file)
    process.kill()


def test_a_session_that_the_host_closes(doomed: Hosts, tmp_path: Path) -> None:
    openssh, jump = OpenSsh(doomed, tmp_path), doomed.jump()
    client = subprocess.Popen(
        openssh.command("ssh", "-v", "-N", "jump"), env=openssh.environment(), stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert _heard(client, "Entering interactive session")
    doomed.process.kill()
    words = client.communicate(timeout=60)[1]
    assert client.returncode == 255 and "Connection to 127.0.0.1 closed by remote host." in words
    with jump, pytest.raises(paramiko.SSHException, match="SSH session not active"):
        transport = jump.paramiko.get_transport()
        assert transport is not None
        transport.join(60)
        jump.run("true")


def test_sftp_brings_and_fetches_files(openssh: OpenSsh, tmp_path: Path) -> None:
    sent = os.urandom(200_000)
    (tmp_path / "sent").write_bytes(sent)
    commands = (
        "pwd",
        "put sent",
        "mkdir logs",
        "rename sent logs/kept",
        "ls logs",
        "get logs/kept fetched",
        "chmod 600 logs/kept",
    )
    done = openssh.sftp(*commands)
    assert done.returncode == 0, done.stderr
    assert "Remote working directory: /home/prisma\n" in done.stdout and "\nlogs/kept" in done.stdout
    assert (tmp_path / "fetched").read_bytes() == sent
    done = openssh.sftp("rm logs/kept", "rmdir logs", "ls -a")
    assert done.returncode == 0 and "logs" not in done.stdout.split("ls -a")[1]


def test_what_sftp_brought_is_there_for_the_shell_until_a_reset(openssh: OpenSsh, tmp_path: Path) -> None:
    (tmp_path / "note").write_text("by scp\n", encoding="utf-8")
    copied = openssh.run("-J", "jump", "note", f"{TARGET}:", program="scp")
    assert (copied.returncode, copied.stderr) == (0, "")
    assert openssh.target("cat note /home/prisma/note").stdout == "by scp\n" * 2
    openssh.hosts.process.request("reset")
    assert openssh.target("cat note").stderr == "cat: note: No such file or directory\n"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("get nope", 'File "/home/prisma/nope" not found.'),
        ("put config /etc/config", "Permission denied"),
        ("get /etc/shadow", 'File "/etc/shadow" not found.'),
        ("get ../../../../../etc/shadow", "not found."),
        ("ln -s /etc/passwd link", "Operation unsupported"),
        ("put large", 'write remote "/home/prisma/large": Failure'),
        ("rmdir /home", "Failure"),
    ],
)
def test_sftp_refusals(openssh: OpenSsh, tmp_path: Path, command: str, message: str) -> None:
    with (tmp_path / "large").open("wb") as large:
        large.truncate(17 * 1024 * 1024)
    done = openssh.sftp(command)
    assert done.returncode == 1
    assert message in done.stderr, done.stderr


def test_the_jump_host_serves_no_sftp(openssh: OpenSsh) -> None:
    done = openssh.run("-b", "/dev/null", "jump", program="sftp")
    assert done.returncode == 255 and "subsystem request failed on channel 0" in done.stderr


def test_paramiko_brings_and_fetches_files(hosts: Hosts, tmp_path: Path) -> None:
    sent = tmp_path / "sent"
    sent.write_bytes(os.urandom(100_000))
    with hosts.target() as target, target.paramiko.open_sftp() as sftp:
        assert sftp.normalize(".") == "/home/prisma"
        assert sftp.put(str(sent), "kept").st_size == 100_000
        assert sftp.listdir() == ["kept"]
        sftp.get("kept", str(tmp_path / "fetched"))
        with pytest.raises(FileNotFoundError):
            sftp.stat("nope")
        with pytest.raises(PermissionError):
            sftp.open("/etc/shadow")
        with pytest.raises(OSError, match="No space left"):
            sftp.truncate("kept", 2**40)
    assert (tmp_path / "fetched").read_bytes() == sent.read_bytes()

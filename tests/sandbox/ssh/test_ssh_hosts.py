"""The SSH hosts: login, the way through the jump host, plain commands, and each fault."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from environments.sandbox.ssh.keys import host_key
from support.waits import Stopwatch
from tests.sandbox.ssh.ssh_harness import SS, TARGET, Client, Hosts


def test_the_jump_host_takes_its_password(hosts: Hosts) -> None:
    with hosts.jump() as jump:
        answer = jump.run("hostname")
        assert (answer.exit_code, answer.stdout, answer.stderr) == (0, "panda-sandbox-host\n", "")
        assert jump.run("whoami").stdout == "root\n"


@pytest.mark.parametrize(("user", "password"), [("root", "wrong"), ("prisma", "a jump password")])
def test_the_jump_host_refuses_wrong_logins(hosts: Hosts, user: str, password: str) -> None:
    with pytest.raises(paramiko.AuthenticationException):
        hosts.jump(password, user)


def test_the_target_is_reached_through_the_jump_host_with_the_key(hosts: Hosts) -> None:
    with hosts.target() as target:
        assert target.run("hostname").stdout == "worker-node-1\n"
        assert target.run("whoami").stdout == "prisma\n"


def test_the_target_takes_public_keys_only(hosts: Hosts) -> None:
    with pytest.raises(paramiko.BadAuthenticationType) as caught:
        hosts.target(username="prisma", password="prisma")
    assert caught.value.allowed_types == ["publickey"]


def test_the_target_refuses_another_key(hosts: Hosts) -> None:
    with pytest.raises(paramiko.AuthenticationException):
        hosts.target(username="prisma", pkey=paramiko.ECDSAKey.generate())


@pytest.mark.parametrize("destination", [("127.0.0.1", 9), (TARGET, 23), ("localhost", 22), ("example.invalid", 443)])
def test_other_destinations_are_administratively_prohibited(hosts: Hosts, destination: tuple[str, int]) -> None:
    with hosts.jump() as jump, pytest.raises(paramiko.ChannelException) as caught:
        jump.open_to(*destination)
    assert caught.value.code == 1


def test_the_kubernetes_api_is_reached_over_a_tunnel(hosts: Hosts) -> None:
    for client in (hosts.jump(), hosts.target()):
        with client:
            channel = client.open_to("127.0.0.1", hosts.cluster.port)
            assert _https_get(channel, hosts.cluster.access["ca_file"], "/version").startswith(b"HTTP/1.1 200")


def _https_get(channel: paramiko.Channel, ca_file: str, path: str) -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = ssl.create_default_context(cafile=ca_file).wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    for action in (tls.do_handshake, lambda: tls.write(request), lambda: tls.read(4096)):
        while True:
            try:
                result = action()
                break
            except ssl.SSLWantReadError:
                channel.sendall(outgoing.read())
                incoming.write(channel.recv(16384))
        channel.sendall(outgoing.read())
    assert isinstance(result, bytes)
    return result


@pytest.mark.parametrize(
    ("command", "exit_code", "stdout", "stderr"),
    [
        ("true", 0, "", ""),
        ("false", 1, "", ""),
        ("echo 'a  b' c", 0, "a  b c\n", ""),
        ("echo -n a", 1, "", "echo: option -n is not supported\n"),
        ("cat /etc/hostname", 0, "worker-node-1\n", ""),
        ("cat /etc/shadow", 1, "", "cat: /etc/shadow: No such file or directory\n"),
        ("free -h", 127, "", "bash: free: command not found\n"),
        ("echo a | base64", 2, "", "bash: |: not supported by the sandbox's shell\n"),
        ("echo $HOME", 2, "", "bash: $HOME: not supported by the sandbox's shell\n"),
        ("echo 'a", 2, "", "bash: -c: No closing quotation\n"),
        ("k9s info", 1, "", "k9s: the sandbox answers only k9s version\n"),
        ("ss -l", 1, "", f"ss: the sandbox answers only {SS}\n"),
    ],
)
def test_commands(shared_target: Client, command: str, exit_code: int, stdout: str, stderr: str) -> None:
    answer = shared_target.run(command)
    assert (answer.exit_code, answer.stdout, answer.stderr) == (exit_code, stdout, stderr)


def test_commands_with_changing_output(shared_target: Client) -> None:
    assert "load average: " in shared_target.run("uptime").stdout
    assert "Version:" in shared_target.run("k9s version").stdout


@pytest.fixture(scope="module")
def shared_target(running: Hosts) -> Iterator[Client]:
    with running.target() as target:
        yield target


def test_kubectl_is_not_on_the_jump_host(hosts: Hosts) -> None:
    with hosts.jump() as jump:
        assert jump.run("kubectl version --client").exit_code == 127


def test_ss_counts_the_real_connections(hosts: Hosts) -> None:
    with hosts.jump() as watcher:
        before = len(watcher.run(SS).stdout.splitlines())
        with hosts.target() as target:
            assert len(watcher.run(SS).stdout.splitlines()) == before + 1
            lines = target.run("ss -Htn state established '( sport = :22 )'").stdout.splitlines()
            assert len(lines) == hosts.state()["target"]["connections"]
        assert len(watcher.run(SS).stdout.splitlines()) == before


def test_state_counts_commands_and_a_reset_forgets_them(hosts: Hosts) -> None:
    with hosts.jump() as jump:
        jump.run("hostname")
        state = hosts.state()["jump"]
        assert (state["commands_run"], state["commands"]) == (1, ["hostname"])
        hosts.process.request("reset")
        assert hosts.state()["jump"]["commands_run"] == 0


def test_a_long_command_and_an_abandoned_one_leave_nothing_behind(hosts: Hosts) -> None:
    long = "x" * 50_000
    with hosts.jump() as jump:
        assert jump.run(f"echo {long}").stdout == long + "\n"
        transport = jump.paramiko.get_transport()
        assert transport is not None
        transport.open_session().exec_command(f"echo {long}")
        assert jump.run("true").exit_code == 0
    with hosts.jump() as jump:
        assert jump.run("true").exit_code == 0
    assert "Traceback" not in hosts.process.log_tail(100_000)


def test_a_host_key_that_is_there_is_used_again(tmp_path: Path) -> None:
    made = host_key(tmp_path, "jump")
    assert host_key(tmp_path, "jump").public_data == made.public_data
    assert (tmp_path / "ssh_host_jump_key").stat().st_mode & 0o777 == 0o600


def test_fault_host_key_changed(hosts: Hosts) -> None:
    hosts.process.set_faults("ssh-target-host-key-changed")
    with pytest.raises(paramiko.BadHostKeyException):
        hosts.target()
    hosts.process.set_faults()
    hosts.target().close()


def test_fault_target_login_refused(hosts: Hosts) -> None:
    hosts.process.set_faults("ssh-target-login-refused")
    with pytest.raises(paramiko.AuthenticationException):
        hosts.target()


def test_fault_jump_login_refused(hosts: Hosts) -> None:
    hosts.process.set_faults("ssh-jump-login-refused")
    with pytest.raises(paramiko.AuthenticationException):
        hosts.jump()


def test_fault_jump_forwarding_forbidden(hosts: Hosts) -> None:
    hosts.process.set_faults("ssh-jump-forwarding-forbidden")
    with pytest.raises(paramiko.ChannelException) as caught:
        hosts.target()
    assert caught.value.code == 1


def test_fault_commands_missing_and_noise(hosts: Hosts) -> None:
    with hosts.target() as target:
        hosts.process.set_faults("ssh-kubectl-missing", "ssh-k9s-missing")
        for name in ("kubectl", "k9s"):
            answer = target.run(f"{name} version --client")
            assert (answer.exit_code, answer.stderr) == (127, f"bash: {name}: command not found\n")
        hosts.process.set_faults("ssh-commands-write-errors")
        answer = target.run("hostname")
        assert (answer.exit_code, answer.stdout) == (0, "worker-node-1\n")
        assert answer.stderr.startswith("mesg: ttyname failed")


def test_fault_slow_login(hosts: Hosts) -> None:
    hosts.process.set_faults("ssh-slow-login")
    watch = Stopwatch()
    with hosts.target():
        assert watch.wall_s() >= 2.5


def test_fault_sessions_stay_open(hosts: Hosts) -> None:
    with hosts.jump() as watcher:
        before = len(watcher.run(SS).stdout.splitlines())
        hosts.process.set_faults("ssh-sessions-stay-open")
        with hosts.jump() as other:
            other.run("true")
        assert len(watcher.run(SS).stdout.splitlines()) == before + 1
        hosts.process.set_faults()
        assert len(watcher.run(SS).stdout.splitlines()) == before

"""Runs of the real OpenSSH clients against the two hosts."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.sandbox.ssh.ssh_harness import JUMP_PASSWORD, TARGET, Hosts

needs_openssh = pytest.mark.skipif(
    not all(map(shutil.which, ("ssh", "sftp", "scp"))), reason="the OpenSSH clients are not installed"
)
TIMEOUT_S = 120.0


class OpenSsh:
    """OpenSSH programs with their configuration.

    ``jump`` is the jump host, :data:`TARGET` the target behind it; ``key_file`` is the only key that is tried.
    """

    def __init__(self, hosts: Hosts, folder: Path, key_file: Path | None = None) -> None:
        self.hosts, self._folder = hosts, folder
        self.known_hosts = folder / "known_hosts"
        shutil.copy(hosts.known_hosts, self.known_hosts)
        self._config = folder / "config"
        self._config.write_text(
            f"Host *\n  UserKnownHostsFile {self.known_hosts}\n  GlobalKnownHostsFile /dev/null\n"
            f"  StrictHostKeyChecking yes\n  IdentityFile {key_file or hosts.key_file}\n  IdentitiesOnly yes\n"
            "  IdentityAgent none\n  UpdateHostKeys no\n"
            f"Host jump\n  HostName 127.0.0.1\n  Port {hosts.jump_port}\n  User root\n"
            f"Host {TARGET}\n  User prisma\n",
            encoding="utf-8",
        )

    def command(self, program: str, *arguments: str) -> list[str]:
        return [program, "-F", str(self._config), *arguments]

    def environment(self, password: str = JUMP_PASSWORD) -> dict[str, str]:
        """The environment variables. OpenSSH reads a password from a terminal or from SSH_ASKPASS, never from standard
        input."""
        ask = self._folder / "askpass"
        ask.write_text(f"#!/bin/sh\necho '{password}'\n", encoding="utf-8")
        ask.chmod(0o700)
        own = {"SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force", "HOME": str(self._folder)}
        return {**own, "PATH": os.environ["PATH"], "DISPLAY": "none"}

    def run(
        self, *arguments: str, program: str = "ssh", password: str = JUMP_PASSWORD
    ) -> subprocess.CompletedProcess[str]:
        """Run a program with its output in files.

        A pipe would also wait for the ``ssh -W`` that the program started, which may still be leaving the jump host
        when the program has ended.
        """
        with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
            ended = subprocess.run(
                self.command(program, *arguments), env=self.environment(password), cwd=self._folder,
                stdin=subprocess.DEVNULL, stdout=output, stderr=errors, timeout=TIMEOUT_S, check=False,
            )  # fmt: skip
            output.seek(0)
            errors.seek(0)
            return subprocess.CompletedProcess(ended.args, ended.returncode, output.read(), errors.read())

    def sftp(self, *commands: str) -> subprocess.CompletedProcess[str]:
        batch = self._folder / "batch"
        batch.write_text("\n".join(commands) + "\n", encoding="utf-8")
        return self.run("-J", "jump", "-b", str(batch), TARGET, program="sftp")

    def target(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command on the target, through the jump host."""
        return self.run("-J", "jump", TARGET, command)

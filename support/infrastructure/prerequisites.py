"""Prerequisites of an examination: variables and files of this machine, and a network path to each service."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from support.clients.journal import Journal
from support.clients.kubernetes.api import kubernetes_address
from support.clients.mongodb.uri import hosts_of
from support.clients.settings import Host
from support.clients.ssh.known_hosts import read_known_hosts
from support.clients.ssh.private_key import load_private_key
from support.config import ConfigurationError, Environment
from support.config.errors import Problem
from support.redaction import PROCESS

_REACH_S = 5.0
_VARIABLE = re.compile(r"environment variable (\w+)")


@dataclass(frozen=True)
class Prerequisite:
    """One line of the check list: what was found, or ``trouble`` if something is wrong."""

    name: str
    detail: str = ""
    trouble: str | None = None

    def __str__(self) -> str:
        return f"{self.name}: {self.trouble or self.detail}"


def of_refusal(error: ConfigurationError) -> list[Prerequisite]:
    """Return the check list of an environment that cannot be loaded: its problems, grouped by what has to be fixed."""
    found: dict[str, list[str]] = {name: [] for name in ("variables", "kubeconfig", "key", "known_hosts")}
    for problem in error.problems:
        found.setdefault(_name_of(problem), []).append(str(problem))
    if not error.problems:
        found["environment file"] = [str(error)]
    return [
        Prerequisite(name, "nothing is wrong with it so far", "; ".join(texts) or None) for name, texts in found.items()
    ]


def _name_of(problem: Problem) -> str:
    if _VARIABLE.match(problem.text):
        return "variables"
    names = {"kubeconfig": "kubeconfig", "key_file": "key", "known_hosts": "known_hosts"}
    return next((names[key] for key in problem.path if key in names), "environment file")


class Prerequisites:
    """Prerequisites of a loaded environment, checked one by one."""

    def __init__(self, environment: Environment, journal: Journal) -> None:
        self._environment, self._journal = environment, journal

    def of_this_machine(self) -> list[Prerequisite]:
        """Check variables and files, reading them as the clients will. Contacts no host."""
        looks: tuple[tuple[str, Callable[[], str]], ...] = (
            ("variables", self._variables),
            ("kubeconfig", self._kubeconfig),
            ("key", self._key),
            ("known_hosts", self._known_hosts),
        )
        return [_looked(name, look) for name, look in looks]

    def of_the_way(self) -> list[Prerequisite]:
        """Check that each service accepts a TCP connection, which is closed at once."""
        return [_reached(name, host, port) for name, host, port in self._endpoints()]

    def _variables(self) -> str:
        texts = self._environment.secret_sources.values()
        names = sorted({match[1] for text in texts for match in _VARIABLE.finditer(text)})
        return f"set: {', '.join(names)}" if names else "none is needed"

    def _kubeconfig(self) -> str:
        cluster = self._environment.kubernetes
        host, port = kubernetes_address(cluster)
        source = cluster.kubeconfig or "no file: address and token of the environment"
        context = f", context {cluster.context}" if cluster.context else ""
        return f"{source}{context}, API at {host}:{port}"

    def _key(self) -> str:
        keys = []
        for name, host in self._hosts():
            if host.key_file is not None:
                load_private_key(host.key_file, f"ssh.{name}.key_file", PROCESS.hide)
                keys.append(f"{host.key_file} for the {name} host")
        return ", ".join(keys) or "no host takes one"

    def _known_hosts(self) -> str:
        path = self._environment.ssh.known_hosts
        known = read_known_hosts(path)
        for name, host in self._hosts():
            trust = known.of(host.host, host.port)
            if not trust.is_known:
                raise ConfigurationError(
                    f"ssh.known_hosts: file {path} has no key of {trust.name}, the {name} host; allowed: a line with "
                    "its key, which ssh-keyscan shows and its administrator confirms"
                )
        return f"{path} knows {' and '.join(f'the {name} host' for name, _ in self._hosts())}"

    def _hosts(self) -> Iterator[tuple[str, Host]]:
        ssh = self._environment.ssh
        if ssh.jump is not None:
            yield "jump", ssh.jump
        yield "target", ssh.target

    def _endpoints(self) -> Iterator[tuple[str, str, int]]:
        """Yield the services that this machine connects to directly. The layers cover those behind the jump host."""
        environment = self._environment
        server = urlsplit(environment.focus_server.base_url)
        yield "Focus Server", server.hostname or "", server.port or (443 if server.scheme == "https" else 80)
        for host, port in hosts_of(environment.mongodb.uri.get_secret_value()):
            yield "MongoDB", host, port
        first, login = next(self._hosts())
        yield f"SSH {first} host", login.host, login.port
        if environment.kubernetes.access == "direct":
            yield "Kubernetes", *kubernetes_address(environment.kubernetes)
        if environment.rabbitmq is not None:
            yield "RabbitMQ", environment.rabbitmq.host, environment.rabbitmq.port


def _looked(name: str, look: Callable[[], str]) -> Prerequisite:
    try:
        return Prerequisite(name, look())
    except ConfigurationError as error:
        return Prerequisite(name, trouble=str(error))


def _reached(name: str, host: str, port: int) -> Prerequisite:
    started_s = time.monotonic()
    try:
        socket.create_connection((host, port), _REACH_S).close()
    # A host name that cannot be encoded raises UnicodeError, a ValueError.
    except (OSError, ValueError) as error:
        return Prerequisite(f"reach {name}", trouble=f"{host}:{port} cannot be reached: {error}")
    return Prerequisite(f"reach {name}", f"{host}:{port}, connected in {(time.monotonic() - started_s) * 1000:.0f} ms")

"""The credential plugin of a kubeconfig (``exec``), run with a time limit and only when its credentials have expired.

The official client would run it without a time limit, leave it the terminal, and not report its failure (version
37.0.2). Its contract: https://kubernetes.io/docs/reference/access-authn-authz/authentication/ ("client-go credential
plugins").
"""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from support.redaction import PROCESS, is_name_of_a_secret, shortened

Section = Mapping[str, Any]

TIMEOUT_S = 30.0
"""Long enough for a plugin that asks an identity provider. No plugin may ask a person."""
_RENEWED_BEFORE = timedelta(seconds=10)
_MOST_WORDS = 400
_KIND = "ExecCredential"
_GIVEN = re.compile(rb'"(?:token|clientKeyData)"\s*:\s*"((?:[^"\\]|\\.)+)')


class PluginError(Exception):
    """A plugin gave no credentials.

    The message is half a sentence that follows the plugin's command. It quotes the plugin, but holds no secret.
    """


@dataclass(frozen=True)
class Credential:
    """The credentials from a plugin: a token, or a certificate with its key, in PEM format. Other fields are empty."""

    token: str = field(default="", repr=False)
    certificate: str = ""
    key: str = field(default="", repr=False)
    expires: datetime | None = None

    @property
    def holds(self) -> bool:
        """Whether it is valid for some time yet."""
        return self.expires is None or datetime.now(UTC) < self.expires - _RENEWED_BEFORE


class ExecPlugin:
    """One plugin, which runs in ``folder``, that of the kubeconfig. Safe to use from several threads."""

    def __init__(self, section: Section, folder: Path, cluster: Section) -> None:
        self._section, self._folder, self._cluster = section, folder, cluster
        self._lock = threading.Lock()
        self._known: Credential | None = None

    def credential(self) -> Credential:
        """Return the known credential while it is valid, else one from a new run of the plugin.

        Raises :class:`PluginError`, and OSError if the plugin cannot be run.
        """
        with self._lock:
            if self._known is None or not self._known.holds:
                self._known = self._credential_in(self._said(self._run()))
            return self._known

    def _run(self) -> str:
        """Run the plugin and return its standard output. It gets no terminal and no input: no person would answer."""
        section = self._section
        if section.get("interactiveMode") == "Always":
            raise PluginError("wants to ask somebody (interactiveMode: Always), and nobody is there to answer")
        arguments = section.get("args") or []
        if not isinstance(arguments, list):
            raise PluginError("has args that are no list")
        process: subprocess.Popen[bytes] = subprocess.Popen(
            [str(section["command"]), *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self._folder,
            env=self._environment(),
            **_own_group(),
        )
        with process:
            try:
                output, complaint = process.communicate(timeout=TIMEOUT_S)
            except BaseException as error:  # Ctrl-C too: the plugin must not be waited for
                _end(process)
                if isinstance(error, subprocess.TimeoutExpired):
                    said = _words(error.stderr or b"", error.stdout or b"")
                    raise PluginError(f"was not done after {TIMEOUT_S:g} s and was ended{said}") from None
                raise
        if process.returncode != 0:
            raise PluginError(f"ended with {process.returncode}{_words(complaint, output)}")
        return output.decode("utf-8", errors="replace")

    def _environment(self) -> dict[str, str]:
        added = self._section.get("env") or []
        try:
            variables = {str(item["name"]): str(item["value"]) for item in added}
        except (TypeError, KeyError) as error:
            raise PluginError("has an env that is no list of name and value") from error
        spec: dict[str, Any] = {"interactive": False}
        if self._section.get("provideClusterInfo"):
            spec["cluster"] = self._cluster
        info = {"apiVersion": self._section.get("apiVersion"), "kind": _KIND, "spec": spec}
        return {**os.environ, **variables, "KUBERNETES_EXEC_INFO": json.dumps(info)}

    def _said(self, output: str) -> Section:
        """Return the ``status`` of the plugin's answer."""
        try:
            answer = json.loads(output)
        except ValueError as error:
            raise PluginError("did not answer with JSON") from error
        if not isinstance(answer, dict) or answer.get("kind") != _KIND:
            raise PluginError(f"did not answer with an object of kind {_KIND}")
        if answer.get("apiVersion") != self._section.get("apiVersion"):
            version, wanted = answer.get("apiVersion"), self._section.get("apiVersion")
            raise PluginError(f"answered in version {version}, and the kubeconfig wants {wanted}")
        status = answer.get("status")
        return status if isinstance(status, dict) else {}

    def _credential_in(self, status: Section) -> Credential:
        token, certificate, key = (
            str(status.get(name) or "").strip() for name in ("token", "clientCertificateData", "clientKeyData")
        )
        if not token and not (certificate and key):
            raise PluginError("gave neither a token nor a certificate with its key")
        return Credential(token, certificate, key, _moment(status.get("expirationTimestamp")))


_plugins: dict[str, ExecPlugin] = {}
_making = threading.Lock()


def plugin_of(section: Section, folder: Path, cluster: Section) -> ExecPlugin:
    """Return the plugin of these settings, one for the process, shared by all clients that log in with it."""
    asked = json.dumps([str(folder), section, cluster], sort_keys=True, default=str)
    with _making:
        return _plugins.setdefault(asked, ExecPlugin(section, folder, cluster))


def _moment(value: object) -> datetime | None:
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise PluginError("gave an expirationTimestamp that is no time") from error
    return moment.replace(tzinfo=moment.tzinfo or UTC)


def secrets_given_to(section: Section) -> Iterator[str]:
    """Yield the values of the plugin's variables and arguments that are named like secrets; it may repeat them."""
    variables, arguments = section.get("env"), section.get("args")
    for item in variables if isinstance(variables, list) else ():
        if isinstance(item, dict) and is_name_of_a_secret(str(item.get("name", ""))):
            yield str(item.get("value") or "")
    words = [str(word) for word in arguments] if isinstance(arguments, list) else []
    for word, after in itertools.pairwise([*words, ""]):
        name, equals, value = word.partition("=")
        if name.startswith("-") and is_name_of_a_secret(name):
            yield value if equals else after


def _words(complaint: bytes, output: bytes) -> str:
    """Return the plugin's standard error in one line, without the secrets that its standard output holds."""
    given = (found.decode("utf-8", errors="replace") for found in _GIVEN.findall(output))
    PROCESS.hide(*(secret.replace("\\n", "\n") for secret in given))
    text = " ".join(complaint.decode("utf-8", errors="replace").split())
    return f" and said: {shortened(text, _MOST_WORDS)}" if text else " and said nothing"


def _own_group() -> dict[str, Any]:
    """Start the plugin in a process group of its own, so that it can be ended together with its child processes."""
    return {"process_group": 0} if sys.platform != "win32" else {}


def _end(process: subprocess.Popen[bytes]) -> None:
    if sys.platform != "win32":
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()

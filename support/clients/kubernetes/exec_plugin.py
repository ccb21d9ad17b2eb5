"""The credential plugin of a kubeconfig (``exec``): run once for as long as its credentials hold, and with an end.

The official client would run it without a time limit, leave it the terminal, and keep its failure for itself (version
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
"""Long enough for one that asks an identity provider; none may ask a person."""
_RENEWED_BEFORE = timedelta(seconds=10)
_MOST_WORDS = 400
_KIND = "ExecCredential"
_GIVEN = re.compile(rb'"(?:token|clientKeyData)"\s*:\s*"((?:[^"\\]|\\.)+)')


class PluginError(Exception):
    """It gave no credentials; half a sentence that follows its command, with its own words and no secret."""


@dataclass(frozen=True)
class Credential:
    """What a plugin gave: a token, or a certificate with its key, in PEM format; the others are empty."""

    token: str = field(default="", repr=False)
    certificate: str = ""
    key: str = field(default="", repr=False)
    expires: datetime | None = None

    @property
    def holds(self) -> bool:
        """Whether it can be used for a while yet."""
        return self.expires is None or datetime.now(UTC) < self.expires - _RENEWED_BEFORE


class ExecPlugin:
    """One plugin; ``folder`` is that of the kubeconfig, where it runs. Safe to use from several threads."""

    def __init__(self, section: Section, folder: Path, cluster: Section) -> None:
        self._section, self._folder, self._cluster = section, folder, cluster
        self._lock = threading.Lock()
        self._known: Credential | None = None

    def credential(self) -> Credential:
        """What it gives, or gave as long as that holds. Raises :class:`PluginError`; OSError when it cannot be run."""
        with self._lock:
            if self._known is None or not self._known.holds:
                self._known = self._credential_in(self._said(self._run()))
            return self._known

    def _run(self) -> str:
        """Its standard output. It has no terminal and no input: nobody is there to answer it."""
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
            except BaseException as error:  # Ctrl-C too: it must not be waited for
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
        """The status of its answer."""
        try:
            answer = json.loads(output)
        except ValueError as error:
            raise PluginError("did not answer with JSON") from error
        if not isinstance(answer, dict) or answer.get("kind") != _KIND:
            raise PluginError(f"did not answer with an object of kind {_KIND}")
        if answer.get("apiVersion") != self._section.get("apiVersion"):
            told, wanted = answer.get("apiVersion"), self._section.get("apiVersion")
            raise PluginError(f"answered in version {told}, and the kubeconfig wants {wanted}")
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
    """The plugin of these settings: one for the process, however many clients log in by it."""
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
    """What the kubeconfig gives to a plugin under the name of a secret: variables and arguments. It may repeat them."""
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
    """What it said on standard error, in one line; without what it gave on standard output before it failed."""
    given = (found.decode("utf-8", errors="replace") for found in _GIVEN.findall(output))
    PROCESS.hide(*(secret.replace("\\n", "\n") for secret in given))
    text = " ".join(complaint.decode("utf-8", errors="replace").split())
    return f" and said: {shortened(text, _MOST_WORDS)}" if text else " and said nothing"


def _own_group() -> dict[str, Any]:
    """So that it ends with everything it has started."""
    return {"process_group": 0} if sys.platform != "win32" else {}


def _end(process: subprocess.Popen[bytes]) -> None:
    if sys.platform != "win32":
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()

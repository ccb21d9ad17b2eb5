"""Checks of a kubeconfig before the official client reads it, which may raise any error for wrong content, or none.

Content that kubectl refuses, or handles differently from the client, is refused here in one sentence that names the
file and the key.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import yaml

from support.clients.kubernetes.credentials import PluginToken, TokenError, TokenFile, TokenSource, usable
from support.clients.kubernetes.exec_plugin import PluginError, plugin_of, secrets_given_to
from support.clients.kubernetes.key_pairs import Unfit, check_authority, check_pair, from_base64
from support.config.errors import ConfigurationError

Section = Mapping[str, Any]
Hide = Callable[[str], None]
T = TypeVar("T")
_SERVERS, _PROXIES = ("https", "http"), ("http", "https")
_SECRETS = ("token", "password", "client-key-data")
_NOT_DONE = {
    "auth-provider": "was removed from kubectl in 1.26; allowed: exec, token, tokenFile or client-certificate",
    "as": "asks to act as somebody else, which this suite does not do",
}
_FOR_PLUGINS = ("server", "tls-server-name", "insecure-skip-tls-verify", "proxy-url")
_EXTENSION = "client.authentication.k8s.io/exec"


@dataclass(frozen=True)
class Checked:
    """A checked kubeconfig. ``config`` is for the official client: only the chosen context, with absolute file paths.

    ``token`` is the source of a token that may change; the official client does not read a token again.
    """

    config: dict[str, Any]
    proxy: str | None
    token: TokenSource | None


def check_kubeconfig(path: Path, context: str | None, hide: Hide) -> Checked:
    """Check a kubeconfig. Raises :class:`ConfigurationError` with one sentence that names the file and the key."""
    return _KubeconfigCheck(path, hide).run(context)


class _KubeconfigCheck:
    def __init__(self, path: Path, hide: Hide) -> None:
        self._path, self._hide = path, hide

    def run(self, context: str | None) -> Checked:
        config = self._read()
        name = context or config.get("current-context")
        if not isinstance(name, str) or not name:
            raise self._unusable("current-context", "is missing; allowed: the name of a context")
        chosen = self._named(config, "contexts", "context", name)
        cluster_name, user_name = str(chosen.get("cluster") or ""), str(chosen.get("user") or "")
        cluster = self._named(config, "clusters", "cluster", cluster_name)
        user = self._named(config, "users", "user", user_name) if user_name else {}
        at_cluster, at_user = f"clusters[{cluster_name}].cluster", f"users[{user_name}].user"
        for key in _SECRETS:
            self._hide(str(user.get(key) or ""))
        proxy = self._proxy(cluster, at_cluster)
        reached = self._cluster(cluster, at_cluster)
        known, token = self._user(user, at_user, reached, cluster)
        return Checked(_config(reached, known), proxy, token)

    def _read(self) -> Section:
        try:
            config = yaml.safe_load(self._path.read_bytes())
        except OSError as error:
            raise ConfigurationError(f"kubernetes.kubeconfig: {self._path} cannot be read: {error.strerror}") from error
        # The library's own errors show the line, which may hold a token.
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None)
            line = f" at line {mark.line + 1}" if mark is not None else ""
            raise ConfigurationError(f"kubernetes.kubeconfig: {self._path} is no YAML{line}") from error
        if not isinstance(config, dict):
            raise ConfigurationError(
                f"kubernetes.kubeconfig: {self._path} is no kubeconfig; allowed: clusters, contexts and users"
            )
        return config

    def _named(self, config: Section, plural: str, single: str, name: str) -> Section:
        entries = config.get(plural)
        entries = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
        found = [entry.get(single) for entry in entries if entry.get("name") == name]
        if len(found) > 1:
            raise self._unusable(plural, f"has {len(found)} entries with the name {name!r}; allowed: one")
        if found:
            if isinstance(found[0], dict):
                return found[0]
            raise self._unusable(f"{plural}[{name}]", f"has no {single}")
        known = ", ".join(str(entry.get("name")) for entry in entries) or "none"
        raise self._unusable(plural, f"has no {single} {name!r}; allowed: {known}")

    def _cluster(self, cluster: Section, at: str) -> dict[str, Any]:
        """Return the cluster's checked section for the official client."""
        self._check_address(cluster.get("server"), f"{at}.server", _SERVERS)
        careless = cluster.get("insecure-skip-tls-verify")
        if careless is not None and not isinstance(careless, bool):
            # The official client takes any text as true, even "false".
            raise self._unusable(f"{at}.insecure-skip-tls-verify", f"is {careless!r}; allowed: true or false")
        reached = {key: cluster[key] for key in _FOR_PLUGINS if cluster.get(key) is not None}
        authority = self._content_of(cluster, "certificate-authority", at)
        if authority is not None:
            self._tried(f"{at}.certificate-authority", lambda: check_authority(authority))
            reached |= self._placed(cluster, "certificate-authority", authority)
        return reached

    def _user(
        self, user: Section, at: str, reached: Section, cluster: Section
    ) -> tuple[dict[str, Any], TokenSource | None]:
        """Return the user's checked section for the official client, and the source of a token that may change."""
        for field, why in _NOT_DONE.items():
            if user.get(field):
                raise self._unusable(f"{at}.{field}", why)
        known: dict[str, Any] = {field: user[field] for field in ("username", "password") if user.get(field)}
        certificate = self._content_of(user, "client-certificate", at)
        key = self._content_of(user, "client-key", at)
        self._hide((key or b"").decode("utf-8", errors="replace"))
        if self._pair(certificate, key, at):
            known |= self._placed(user, "client-certificate", certificate or b"")
            known |= self._placed(user, "client-key", key or b"")
        if user.get("token"):
            return known | {"token": self._token(lambda: usable(str(user["token"]), self._hide), f"{at}.token")}, None
        if user.get("tokenFile"):
            source = TokenFile(self._path.parent / Path(str(user["tokenFile"])), self._hide)
            return known | {"token": self._token(source.token, f"{at}.tokenFile", str(user["tokenFile"]))}, source
        return self._of_plugin(known, user, at, reached, cluster) if user.get("exec") is not None else (known, None)

    def _of_plugin(
        self, known: dict[str, Any], user: Section, at: str, reached: Section, cluster: Section
    ) -> tuple[dict[str, Any], TokenSource | None]:
        key, section = f"{at}.exec", user["exec"]
        if not isinstance(section, dict) or not section.get("command"):
            raise self._unusable(key, "has no command")
        for secret in secrets_given_to(section):
            self._hide(secret)
        plugin = plugin_of(section, self._path.parent.absolute(), _for_plugin(reached, cluster))
        try:
            given = plugin.credential()
        except PluginError as error:
            raise self._unusable(key, f"names the command {section['command']}, which {error}") from error
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "a text of it holds a character of no use"
            raise self._unusable(key, f"names the command {section['command']}, which cannot be run: {why}") from error
        self._hide(given.key)
        if not given.token:
            return known | self._pair(given.certificate.encode(), given.key.encode(), key), None
        source = PluginToken(plugin, self._hide)
        return known | {"token": self._token(source.token, key)}, source

    def _content_of(self, section: Section, key: str, at: str) -> bytes | None:
        data, file = section.get(f"{key}-data"), section.get(key)
        if data:
            return self._tried(f"{at}.{key}-data", lambda: from_base64(data))
        if not file:
            return None
        path = self._path.parent / Path(str(file))
        try:
            return path.read_bytes()
        except (OSError, ValueError) as error:
            raise self._unreadable(f"{at}.{key}", path, error) from error

    def _placed(self, section: Section, key: str, content: bytes) -> dict[str, str]:
        """Return the entry in the form of the kubeconfig: content of a file stays in that file.

        The official client writes each ``-data`` entry to a temporary file, which remains if this process is killed.
        """
        if section.get(f"{key}-data"):
            return {f"{key}-data": _base64(content)}
        return {key: str((self._path.parent / Path(str(section[key]))).absolute())}

    def _pair(self, certificate: bytes | None, key: bytes | None, at: str) -> dict[str, str]:
        if (certificate is None) != (key is None):
            raise self._unusable(at, "has only one of client-certificate and client-key; allowed: both or none")
        if certificate is None or key is None:
            return {}
        self._tried(f"{at}.client-key", lambda: check_pair(certificate, key))
        return {"client-certificate-data": _base64(certificate), "client-key-data": _base64(key)}

    def _token(self, read: Callable[[], str], key: str, file: str = "") -> str:
        try:
            return read()
        except TokenError as error:
            whose = "which" if error.is_empty else "whose token"
            raise self._unusable(key, f"names file {file}, {whose} {error}" if file else str(error)) from error
        except (OSError, ValueError) as error:
            raise self._unreadable(key, self._path.parent / file, error) from error

    def _tried(self, key: str, check: Callable[[], T]) -> T:
        try:
            return check()
        except Unfit as error:
            raise self._unusable(key, str(error)) from error

    def _check_address(self, value: object, key: str, schemes: tuple[str, ...]) -> None:
        try:
            parts = urlsplit(str(value or ""))
            usable_one = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable_one = False
        if not usable_one:
            allowed = " or ".join(f"{scheme}://" for scheme in schemes)
            raise self._unusable(key, f"cannot be used; allowed: {allowed} with a host and a port from 1 to 65535")

    def _proxy(self, cluster: Section, at: str) -> str | None:
        proxy = cluster.get("proxy-url")
        if not proxy:
            return None
        if "@" in str(proxy):
            password = str(proxy).partition("://")[2].rpartition("@")[0].partition(":")[2]
            for spelling in (password, unquote(password)):
                self._hide(spelling)
        self._check_address(proxy, f"{at}.proxy-url", _PROXIES)
        return str(proxy)

    def _unreadable(self, key: str, path: Path, error: Exception) -> ConfigurationError:
        why = error.strerror if isinstance(error, OSError) else "it is the name of no file"
        return self._unusable(key, f"names file {path}, which cannot be read: {why}")

    def _unusable(self, key: str, problem: str) -> ConfigurationError:
        return ConfigurationError(f"kubernetes.kubeconfig: {self._path}: {key} {problem}")


def _config(cluster: Section, user: Section) -> dict[str, Any]:
    """Return a kubeconfig with one context and nothing else."""
    return {
        "current-context": "chosen",
        "contexts": [{"name": "chosen", "context": {"cluster": "chosen", "user": "chosen"}}],
        "clusters": [{"name": "chosen", "cluster": dict(cluster)}],
        "users": [{"name": "chosen", "user": dict(user)}],
    }


def _for_plugin(reached: Section, cluster: Section) -> dict[str, Any]:
    """Return the description of the cluster for a plugin (``spec.cluster`` of ExecCredential)."""
    extensions = cluster.get("extensions")
    extensions = extensions if isinstance(extensions, list) else []
    own = [one.get("extension") for one in extensions if isinstance(one, dict) and one.get("name") == _EXTENSION]
    description = dict(reached)
    if file := description.pop("certificate-authority", None):
        description["certificate-authority-data"] = _base64(Path(file).read_bytes())
    return description | ({"config": own[0]} if own else {})


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")

"""A kubeconfig, checked before the official client reads it: that meets wrong content with any error, or silence."""

from __future__ import annotations

import base64
import binascii
import ssl
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from kubernetes.config import ConfigException
from kubernetes.config.exec_provider import ExecProvider
from kubernetes.config.kube_config import ConfigNode

from support.config.errors import ConfigurationError

Section = Mapping[str, Any]
Hide = Callable[[str], None]
_CERTIFICATES = {"certificate-authority": "cluster", "client-certificate": "user", "client-key": "user"}
_PROXIES = ("http", "https")
_SECRETS = ("token", "password", "client-key-data")


@dataclass(frozen=True)
class Checked:
    """What the official client does not tell of the kubeconfig."""

    proxy: str | None


def check_kubeconfig(path: Path, context: str | None, hide: Hide) -> Checked:
    """Raises :class:`ConfigurationError` with one sentence that names the file and the key."""
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
        at = {"cluster": f"clusters[{cluster_name}].cluster", "user": f"users[{user_name}].user"}
        for key in _SECRETS:
            self._hide(str(user.get(key) or ""))
        self._check_address(cluster.get("server"), f"{at['cluster']}.server", ("https", "http"))
        contents = {
            key: self._certificate({"cluster": cluster, "user": user}[of], key, at[of])
            for key, of in _CERTIFICATES.items()
        }
        self._check_pair(contents, at["user"])
        self._check_token_file(user, at["user"])
        self._check_plugin(user, at["user"], cluster)
        return Checked(self._proxy(cluster, at["cluster"]))

    def _read(self) -> Section:
        try:
            config = yaml.safe_load(self._path.read_bytes())
        except OSError as error:
            raise ConfigurationError(f"kubernetes.kubeconfig: {self._path} cannot be read: {error.strerror}") from error
        # The library's own errors show the line, and that may hold a token.
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
        for entry in entries:
            if entry.get("name") == name:
                found = entry.get(single)
                if isinstance(found, dict):
                    return found
                raise self._unusable(f"{plural}[{name}]", f"has no {single}")
        known = ", ".join(str(entry.get("name")) for entry in entries) or "none"
        raise self._unusable(plural, f"has no {single} {name!r}; allowed: {known}")

    def _check_address(self, value: object, key: str, schemes: tuple[str, ...]) -> None:
        try:
            parts = urlsplit(str(value or ""))
            usable = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            allowed = " or ".join(f"{scheme}://" for scheme in schemes)
            raise self._unusable(key, f"cannot be used; allowed: {allowed} with a host and a port from 1 to 65535")

    def _certificate(self, section: Section, key: str, at: str) -> bytes | None:
        data, file = section.get(f"{key}-data"), section.get(key)
        if data:
            try:
                return base64.b64decode(str(data), validate=True)
            except (binascii.Error, ValueError) as error:
                raise self._unusable(f"{at}.{key}-data", "is no base64: it is cut or damaged") from error
        return self._content(file, f"{at}.{key}") if file else None

    def _content(self, file: object, key: str) -> bytes:
        path = self._path.parent / Path(str(file))
        try:
            return path.read_bytes()
        except OSError as error:
            raise self._unusable(key, f"names file {path}, which cannot be read: {error.strerror}") from error

    def _check_pair(self, contents: Mapping[str, bytes | None], at: str) -> None:
        authority = contents["certificate-authority"]
        if authority is not None:
            try:
                ssl.create_default_context(cadata=authority.decode("ascii"))
            except (ssl.SSLError, ValueError) as error:
                problem = "holds no certificate that can be read; allowed: PEM"
                raise self._unusable("certificate-authority", problem) from error
        certificate, key = contents["client-certificate"], contents["client-key"]
        if (certificate is None) != (key is None):
            raise self._unusable(at, "has only one of client-certificate and client-key; allowed: both or none")
        if certificate is not None and key is not None:
            self._check_client(certificate, key, at)

    def _check_client(self, certificate: bytes, key: bytes, at: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            files = [Path(folder) / "certificate", Path(folder) / "key"]
            for file, content in zip(files, (certificate, key), strict=True):
                file.touch(mode=0o600)
                file.write_bytes(content)
            try:
                # An empty passphrase: a key that needs one must not ask for it at a terminal.
                ssl.create_default_context().load_cert_chain(files[0], files[1], password="")
            except (ssl.SSLError, ValueError) as error:
                raise self._unusable(
                    f"{at}.client-key", "and client-certificate cannot be used: one is damaged, or they are no pair"
                ) from error

    def _check_token_file(self, user: Section, at: str) -> None:
        if user.get("tokenFile") and not user.get("token"):
            token = self._content(user["tokenFile"], f"{at}.tokenFile").strip()
            self._hide(token.decode("utf-8", "replace"))
            if not token:
                raise self._unusable(f"{at}.tokenFile", f"names file {user['tokenFile']}, which is empty")

    def _check_plugin(self, user: Section, at: str, cluster: Section) -> None:
        """Run the plugin once: the official client keeps its failure for itself and goes on as nobody."""
        plugin = user.get("exec")
        if plugin is None or user.get("token") or user.get("tokenFile"):
            return
        key = f"{at}.exec"
        if not isinstance(plugin, dict) or not plugin.get("command"):
            raise self._unusable(key, "has no command")
        try:
            node = ConfigNode("exec", plugin, str(self._path))  # type: ignore[no-untyped-call]
            whole = ConfigNode("cluster", dict(cluster), str(self._path))  # type: ignore[no-untyped-call]
            provider = ExecProvider(node, str(self._path.parent.absolute()), whole)  # type: ignore[no-untyped-call]
            status = provider.run()  # type: ignore[no-untyped-call]
        except OSError as error:
            command = plugin["command"]
            raise self._unusable(key, f"names the command {command}, which cannot be run: {error.strerror}") from error
        except (ConfigException, LookupError, TypeError, ValueError, AttributeError) as error:
            # At a terminal the plugin has said why itself, and the library stumbles over having no words of it.
            told = "it failed" if isinstance(error, AttributeError) else " ".join(str(error).split())
            raise self._unusable(key, f"{plugin['command']} gave no credentials: {told}") from error
        for name in ("token", "clientKeyData"):
            self._hide(str(status.get(name) or ""))
        if not status.get("token") and not (status.get("clientCertificateData") and status.get("clientKeyData")):
            raise self._unusable(key, f"{plugin['command']} gave neither a token nor a certificate with its key")

    def _proxy(self, cluster: Section, at: str) -> str | None:
        proxy = cluster.get("proxy-url")
        if not proxy:
            return None
        self._hide(urlsplit(str(proxy)).password or "") if "@" in str(proxy) else None
        self._check_address(proxy, f"{at}.proxy-url", _PROXIES)
        return str(proxy)

    def _unusable(self, key: str, problem: str) -> ConfigurationError:
        return ConfigurationError(f"kubernetes.kubeconfig: {self._path}: {key} {problem}")

"""The access data in a kubeconfig, read with the official client."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from kubernetes import config as official
from kubernetes.client import Configuration

from environments.sandbox.shared.errors import UsageError
from environments.sandbox.shared.variables import KUBERNETES_VARIABLE as VARIABLE

_TOKENS = ("authorization", "BearerToken")
_MALFORMED = (official.ConfigException, yaml.YAMLError, OSError, LookupError, TypeError, ValueError, AttributeError)

Access = Mapping[str, str]
"""``url`` and ``ca_file``, and either ``token`` or ``cert_file`` with ``key_file``."""


def read_access(path: Path, folder: Path) -> Access:
    """Read the access data of the current context. Data embedded in the kubeconfig is written to files in ``folder``.

    Raises :class:`UsageError` with the problem; its message shows nothing of the content.
    """
    configuration = Configuration()
    load: Any = official.load_kube_config
    try:
        load(str(path), client_configuration=configuration, persist_config=False, temp_file_path=str(folder))
    except _MALFORMED as error:
        raise UsageError(f"{VARIABLE}: {path} cannot be used as a kubeconfig ({type(error).__name__})") from None
    if not str(configuration.host).startswith("https://") or not configuration.ssl_ca_cert:
        raise UsageError(f"{VARIABLE}: {path} must name an https server and the authority of its certificate")
    keys: Mapping[str, str] = configuration.api_key
    token = next((keys[name].removeprefix("Bearer ").strip() for name in _TOKENS if keys.get(name)), "")
    own = {"token": token, "cert_file": configuration.cert_file, "key_file": configuration.key_file}
    if not token and not (configuration.cert_file and configuration.key_file):
        raise UsageError(f"{VARIABLE}: {path} must hold a token, or a client certificate with its key")
    shared = {"url": str(configuration.host).rstrip("/"), "ca_file": str(configuration.ssl_ca_cert)}
    return {**shared, **{name: str(value) for name, value in own.items() if value}}

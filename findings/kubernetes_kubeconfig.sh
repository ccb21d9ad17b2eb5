#!/bin/sh
# kubernetes 37.0.2 (the official client) reads a kubeconfig otherwise than kubectl 1.34, without a word:
# of two users of one name the first is taken; a file whose name holds a colon is taken for two; a plugin that fails
# leaves the client without credentials, and its words are not told.
#
# Seen 2026-11-27 with Python 3.11:
#   of two users named u: token first
#   site:north/kubeconfig: ConfigException
#   credentials of a plugin that ends with 3: {}
# The suite checks a kubeconfig itself first (support/clients/kubernetes/kubeconfig.py).
#
# Installs pinned public packages into a new folder and connects to nothing. Ends with 1 when it changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "kubernetes==37.0.2"
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import logging, pathlib, sys

import yaml
from kubernetes import config
from kubernetes.client.configuration import Configuration

logging.disable(logging.CRITICAL)


def loaded(path, users):
    content = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": {"server": "https://k.example"}}],
        "users": [{"name": "u", "user": user} for user in users],
    }
    pathlib.Path(path).parent.mkdir(exist_ok=True)
    pathlib.Path(path).write_text(yaml.safe_dump(content))
    made = Configuration()
    config.load_kube_config(config_file=path, client_configuration=made, persist_config=False)
    return made


token = loaded("b", [{"token": "first"}, {"token": "second"}]).api_key.get("BearerToken")
try:
    loaded("site:north/kubeconfig", [{"token": "t"}])
    colon = "read"
except Exception as error:
    colon = type(error).__name__
plugin = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", "exit 3"]}}
nobody = loaded("d", [plugin]).api_key
print("of two users named u: token", str(token).removeprefix("Bearer "))
print("site:north/kubeconfig:", colon)
print("credentials of a plugin that ends with 3:", nobody)
sys.exit(0 if (token, colon, nobody) == ("Bearer first", "ConfigException", {}) else 1)
PYTHON

#!/bin/sh
# kubernetes 37.0.2 (the official client) writes what a kubeconfig holds inline (certificate-authority-data and the like)
# into files of the temporary folder, and removes them at the end of the process with atexit. A child of multiprocessing
# ends without atexit, as Python documents: each child that reads such a kubeconfig leaves its file behind, for ever.
#
# Seen 2026-11-28 with Python 3.11:
#   files left by a process of its own: 0
#   files left by a child of multiprocessing: 1
# The suite's processes run what is registered with atexit themselves (support/hooks/signals.py).
#
# Installs pinned public packages into a new folder and connects to nothing. Ends with 1 when it changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "kubernetes==37.0.2"
mkdir "$folder/own" "$folder/child"
cat > "$folder/read.py" <<'PYTHON'
import base64, multiprocessing, sys

from kubernetes import config
from kubernetes.client.configuration import Configuration

AUTHORITY = base64.b64encode(b"any text will do: it is only written").decode()
CONTENT = {
    "current-context": "c",
    "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
    "clusters": [{"name": "k", "cluster": {"server": "https://k.example", "certificate-authority-data": AUTHORITY}}],
    "users": [{"name": "u", "user": {"token": "t"}}],
}


def read():
    made = Configuration()
    config.load_kube_config_from_dict(CONTENT, client_configuration=made, persist_config=False)
    assert made.ssl_ca_cert


if sys.argv[1] == "own":
    read()
else:
    child = multiprocessing.get_context("fork").Process(target=read)
    child.start()
    child.join()
    assert child.exitcode == 0
PYTHON
for who in own child; do TMPDIR="$folder/$who" "$folder/venv/bin/python" "$folder/read.py" "$who"; done
own=$(find "$folder/own" -type f | wc -l) child=$(find "$folder/child" -type f | wc -l)
echo "files left by a process of its own: $own"
echo "files left by a child of multiprocessing: $child"
[ "$own $child" = "0 1" ]

#!/bin/sh
# kr8s 0.20.15 asks another namespace and another cluster than kubectl does with the same kubeconfig: with api(context=...)
# it takes server and user of that context and the namespace of the current one; of two files that name a cluster alike
# it takes the last, where Kubernetes documents that the first file to set a value wins.
#
# Seen 2026-11-28 with Python 3.11, two servers on loopback:
#   api(context="other"), whose namespace is "theirs": /api/v1/namespaces/mine/pods of the first server
#   two files, the first says server one and namespace "mine": /api/v1/namespaces/second/pods of the second server
# Who lists or deletes does it in the wrong place, and nothing says so. The suite takes one file and chooses the context
# itself (support/clients/kubernetes/kubeconfig.py), and its namespace stands in the environment.
#
# Installs a pinned public package into a new folder; talks to servers of its own on 127.0.0.1 only. Ends with 1 when the
# behaviour changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "kr8s==0.20.15"
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import kr8s
import yaml
from kr8s.objects import Pod

VERSION = {"major": "1", "minor": "34", "gitVersion": "v1.34.0"}
NO_PODS = {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": []}
asked = []


class Cluster(BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path.partition("?")[0]
        if path.endswith("/pods"):
            asked.append((self.server.name, path))
        body = json.dumps(VERSION if path.startswith("/version") else NO_PODS).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *ignored):
        pass


def cluster(name):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Cluster)
    server.name = name
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def write(path, server, **namespaces):
    contexts = [
        {"name": name, "context": {"cluster": "k", "user": "u", "namespace": namespace}}
        for name, namespace in namespaces.items()
    ]
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": contexts,
        "clusters": [{"name": "k", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {}}],
    }
    Path(path).write_text(yaml.safe_dump(content))


def place(**chosen):
    asked.clear()
    list(Pod.list(api=kr8s.api(**chosen)))
    return asked[0]


write("one", cluster("first"), c="mine", other="theirs")
write("two", cluster("second"), c="second")
context, files = place(kubeconfig="one", context="other"), place(kubeconfig="one:two")
print(f'api(context="other"), whose namespace is "theirs": {context[1]} of the {context[0]} server')
print(f'two files, the first says server one and namespace "mine": {files[1]} of the {files[0]} server')
assert context == ("first", "/api/v1/namespaces/mine/pods"), context
assert files == ("second", "/api/v1/namespaces/second/pods"), files
PYTHON

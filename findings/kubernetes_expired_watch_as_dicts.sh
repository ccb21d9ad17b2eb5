#!/bin/sh
# kubernetes 37.0.2 (the official client): a watch whose resourceVersion has expired ends with KeyError 'raw_object' where
# Watch().stream was asked for plain dictionaries (deserialize=False); with models it begins again, as documented.
#
# Seen 2026-11-28 with Python 3.11. The server answers the first watch with the event ERROR, code 410, and the next with
# a pod:
#   deserialize=True:  2 requests, pod 'a'
#   deserialize=False: 1 request, KeyError: 'raw_object'
# The event ERROR is looked at as if it had been made into a model. Neither the retry nor the ApiException of the
# documentation comes, and a watch that has run well for minutes ends with a KeyError. The suite reads events itself.
#
# Installs pinned public packages into a new folder; talks to a server of its own on 127.0.0.1 only. Ends with 1 when the
# behaviour changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "kubernetes==37.0.2"
"$folder/venv/bin/python" - <<'PYTHON'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from kubernetes import client, watch

EXPIRED = {
    "type": "ERROR",
    "object": {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "too old resource version: 5 (900)",
        "reason": "Expired",
        "code": 410,
    },
}
POD = {
    "type": "ADDED",
    "object": {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "a", "resourceVersion": "901"}},
}
asked = []


class Pods(BaseHTTPRequestHandler):
    def do_GET(self):
        asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(EXPIRED if len(asked) == 1 else POD).encode() + b"\n")

    def log_message(self, *ignored):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Pods)
threading.Thread(target=server.serve_forever, daemon=True).start()
core = client.CoreV1Api(client.ApiClient(client.Configuration(host=f"http://127.0.0.1:{server.server_port}")))
seen = {}
for deserialize in (True, False):
    asked.clear()
    try:
        events = watch.Watch().stream(core.list_namespaced_pod, "b", resource_version="5", deserialize=deserialize)
        told = f"pod {next(events)['raw_object']['metadata']['name']!r}"
    except Exception as error:
        told = f"{type(error).__name__}: {error}"
    seen[deserialize] = (len(asked), told)
    print(f"deserialize={deserialize}: {len(asked)} request(s), {told}")
assert seen == {True: (2, "pod 'a'"), False: (1, "KeyError: 'raw_object'")}
PYTHON

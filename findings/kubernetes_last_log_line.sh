#!/bin/sh
# kubernetes 37.0.2 (the official client): Watch().stream over read_namespaced_pod_log never gives the last line of a log
# that does not end with a line break, although the log and the container have ended.
#
# Seen 2026-11-28 with Python 3.11, a server that answers with the log "started\nready" and ends:
#   read_namespaced_pod_log: 'started\nready'
#   Watch().stream:          ['started']
# What a program writes last, without a line break, is often why it ended. The suite reads whole logs.
#
# Installs pinned public packages into a new folder; talks to a server of its own on 127.0.0.1 only. Ends with 1 when the
# behaviour changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "kubernetes==37.0.2"
"$folder/venv/bin/python" - <<'PYTHON'
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from kubernetes import client, watch


class Logs(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(b"started\nready")

    def log_message(self, *ignored):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Logs)
threading.Thread(target=server.serve_forever, daemon=True).start()
core = client.CoreV1Api(client.ApiClient(client.Configuration(host=f"http://127.0.0.1:{server.server_port}")))
whole = core.read_namespaced_pod_log("a", "b")
lines = list(watch.Watch().stream(core.read_namespaced_pod_log, "a", "b"))
print(f"read_namespaced_pod_log: {whole!r}\nWatch().stream:          {lines!r}")
assert whole == "started\nready" and lines == ["started"]
PYTHON

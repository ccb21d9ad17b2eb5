#!/bin/sh
# pymongo 4.20.0: with timeoutMS, a server is looked for until timeoutMS is over, whatever serverSelectionTimeoutMS says.
# The specification of the drivers (client side operations timeout) takes the lesser of the two, as the driver for Java
# does. Without timeoutMS the limit of the search is kept, but for the half second between two looks.
#
# Seen 2026-11-27 with Python 3.11:
#   serverSelectionTimeoutMS=200: ServerSelectionTimeoutError after 0.5 s
#   serverSelectionTimeoutMS=200, timeoutMS=3000: ServerSelectionTimeoutError after 3.0 s
# The sandbox's server looks for MongoDB with a time limit of its own, before it asks
# (environments/sandbox/focus_server/recordings.py).
#
# Installs a pinned public package into a new folder and talks to a port on loopback. Ends with 1 when it changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "pymongo==4.20.0"
"$folder/venv/bin/python" - <<'PYTHON'
import socket
import sys
import time

import pymongo

with socket.create_server(("127.0.0.1", 0)) as closed:
    port = closed.getsockname()[1]


def looked_for_s(**limits):
    with pymongo.MongoClient("127.0.0.1", port, directConnection=True, **limits) as client:
        began_s = time.monotonic()
        try:
            client.admin.command("ping")
        except pymongo.errors.ServerSelectionTimeoutError as error:
            took_s = time.monotonic() - began_s
            print(f"{', '.join(f'{k}={v}' for k, v in limits.items())}: {type(error).__name__} after {took_s:.1f} s")
            return took_s
    return 0.0


alone_s = looked_for_s(serverSelectionTimeoutMS=200)
beside_s = looked_for_s(serverSelectionTimeoutMS=200, timeoutMS=3000)
sys.exit(0 if 0.2 <= alone_s < 1.5 and beside_s >= 2.9 else 1)
PYTHON

#!/bin/sh
# pika 1.4.4: a login that takes longer than stack_timeout ends BlockingConnection with AMQPConnectorStackTimeout, which
# is none of pika's AMQPError family: `except pika.exceptions.AMQPError`, as its documentation shows, lets it through.
# An address where nobody listens gives AMQPConnectionError, of that family, whose text is empty.
#
# Seen 2026-11-27 with Python 3.11:
#   login out of time: AMQPConnectorStackTimeout, an AMQPError: False
#   nobody listens: AMQPConnectionError, an AMQPError: True, its text: ''
# The suite catches both families (support/clients/amqp/client.py).
#
# Installs a pinned public package into a new folder and talks to ports on loopback. Ends with 1 when it changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "pika==1.4.4"
"$folder/venv/bin/python" - <<'PYTHON'
import logging
import socket
import sys

import pika

logging.disable(logging.CRITICAL)


def outcome(port):
    try:
        pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", port, stack_timeout=0.5))
    except Exception as error:
        return error
    return None


with socket.create_server(("127.0.0.1", 0)) as busy:
    late = outcome(busy.getsockname()[1])
with socket.create_server(("127.0.0.1", 0)) as closed:
    port = closed.getsockname()[1]
absent = outcome(port)
family = pika.exceptions.AMQPError
print(f"login out of time: {type(late).__name__}, an AMQPError: {isinstance(late, family)}")
print(f"nobody listens: {type(absent).__name__}, an AMQPError: {isinstance(absent, family)}, its text: {str(absent)!r}")
same = type(late).__name__ == "AMQPConnectorStackTimeout" and not isinstance(late, family)
sys.exit(0 if same and isinstance(absent, family) and str(absent) == "" else 1)
PYTHON

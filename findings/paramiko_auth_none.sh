#!/bin/sh
# paramiko 5.1.0: ServiceRequestingTransport.auth_none raises TypeError instead of asking the server.
#
# Seen 2026-11-27 with Python 3.11 and asyncssh 2.24.1 as the server:
#   ServiceRequestingTransport: TypeError: 'NoneType' object is not callable
#   Transport: BadAuthenticationType, allowed: keyboard-interactive, password
# The documented way to learn what a server accepts (auth_none, then BadAuthenticationType.allowed_types) works with
# Transport only. The suite asks by send_auth_request with a function that adds nothing (support/clients/ssh/login.py).
#
# Installs pinned public packages into a new folder and talks to a server on loopback. Ends with 1 when it changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "paramiko==5.1.0" "asyncssh==2.24.1"
"$folder/venv/bin/python" - <<'PYTHON'
import asyncio, logging, socket, sys, threading

import asyncssh
import paramiko
from paramiko.transport import ServiceRequestingTransport

logging.disable(logging.CRITICAL)


class Server(asyncssh.SSHServer):
    def password_auth_supported(self):
        return True


async def listen():
    key = asyncssh.generate_private_key("ssh-ed25519")
    return await asyncssh.create_server(Server, "127.0.0.1", 0, server_host_keys=[key])


loop = asyncio.new_event_loop()
threading.Thread(target=loop.run_forever, daemon=True).start()
port = asyncio.run_coroutine_threadsafe(listen(), loop).result(10).get_port()


def asked(kind):
    transport = kind(socket.create_connection(("127.0.0.1", port)))
    try:
        transport.start_client(timeout=10)
        transport.auth_none("somebody")
        return "let in"
    except paramiko.BadAuthenticationType as error:
        return f"BadAuthenticationType, allowed: {', '.join(sorted(error.allowed_types))}"
    except TypeError as error:
        return f"TypeError: {error}"
    finally:
        transport.close()


found = asked(ServiceRequestingTransport), asked(paramiko.Transport)
print("ServiceRequestingTransport:", found[0])
print("Transport:", found[1])
wanted = (
    "TypeError: 'NoneType' object is not callable",
    "BadAuthenticationType, allowed: keyboard-interactive, password",
)
sys.exit(0 if found == wanted else 1)
PYTHON

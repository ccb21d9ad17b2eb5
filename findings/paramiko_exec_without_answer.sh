#!/bin/sh
# paramiko 5.1.0: exec_command waits without end for a host that does not answer the request to run a command; the
# timeout of SSHClient.exec_command and of the channel is for what is read afterwards.
#
# Seen 2026-11-27 with Python 3.11:
#   exec_command(timeout=1) after 5 s: still waiting
# The suite closes the channel when the time of the command is over (support/clients/ssh/client.py).
#
# Installs pinned public packages into a new folder and talks to a server on loopback. Ends with 1 when it changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "paramiko==5.1.0"
"$folder/venv/bin/python" - <<'PYTHON'
import logging, os, socket, threading

import paramiko

logging.disable(logging.CRITICAL)


class Deaf(paramiko.ServerInterface):
    def check_auth_password(self, username, password):
        return paramiko.common.AUTH_SUCCESSFUL

    def get_allowed_auths(self, username):
        return "password"

    def check_channel_request(self, kind, chanid):
        return paramiko.common.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel, command):
        threading.Event().wait()


listener = socket.create_server(("127.0.0.1", 0))


def serve():
    transport = paramiko.Transport(listener.accept()[0])
    transport.add_server_key(paramiko.RSAKey.generate(2048))
    transport.start_server(server=Deaf())


threading.Thread(target=serve, daemon=True).start()
client = paramiko.SSHClient()
client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
client.connect("127.0.0.1", listener.getsockname()[1], "x", "x", allow_agent=False, look_for_keys=False)
asking = threading.Thread(target=lambda: client.exec_command("hostname", timeout=1), daemon=True)
asking.start()
asking.join(5)
print("exec_command(timeout=1) after 5 s:", "still waiting" if asking.is_alive() else "ended", flush=True)
os._exit(0 if asking.is_alive() else 1)
PYTHON

#!/bin/sh
# paramiko 5.1.0: how a command was ended by a signal is not told: exit-signal (RFC 4254, section 6.10) is dropped.
#
# Seen 2026-11-27 with Python 3.11 and asyncssh 2.24.1 as the server:
#   recv_exit_status: -1
# The same -1 stands for a connection that was lost. The suite hears the message by a transport of its own
# (support/clients/ssh/login.py) and says which signal it was.
#
# Installs pinned public packages into a new folder and talks to a server on loopback. Ends with 1 when it changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "paramiko==5.1.0" "asyncssh==2.24.1"
"$folder/venv/bin/python" - <<'PYTHON'
import asyncio, logging, sys, threading

import asyncssh
import paramiko

logging.disable(logging.CRITICAL)


class Server(asyncssh.SSHServer):
    def password_auth_supported(self):
        return True

    def validate_password(self, username, password):
        return True


async def command(process):
    process.exit_with_signal("KILL", False, "Killed")


async def listen():
    key = asyncssh.generate_private_key("ssh-ed25519")
    return await asyncssh.create_server(Server, "127.0.0.1", 0, server_host_keys=[key], process_factory=command)


loop = asyncio.new_event_loop()
threading.Thread(target=loop.run_forever, daemon=True).start()
port = asyncio.run_coroutine_threadsafe(listen(), loop).result(10).get_port()
client = paramiko.SSHClient()
client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
client.connect("127.0.0.1", port, "somebody", "x", allow_agent=False, look_for_keys=False)
_, stdout, _ = client.exec_command("killed")
status = stdout.channel.recv_exit_status()
told = [name for name in dir(stdout.channel) if "signal" in name]
client.close()
print("recv_exit_status:", status)
sys.exit(0 if status == -1 and not told else 1)
PYTHON

#!/bin/sh
# sshconf 0.2.7 reads ssh_config otherwise than ssh_config(5), without a word: what stands in a Match block becomes part of
# the Host before it, `Port=2200` (a form that OpenSSH takes) is no option at all, and `Host north south` is one host of
# that name, which neither "north" nor "south" finds.
#
# Seen 2026-11-28 with Python 3.11:
#   host("tap"): {'port': ['2200', '99'], 'match': 'host pump', 'user': 'keeper'}
#   host("valve"): {}
#   hosts: ('tap', 'valve', 'north south'), host("north"): {}
# `ssh -G` of OpenSSH gives port 2200 and no user for "tap", 2200 for "valve" and 2201 for "north". A user or a port that is
# meant for one machine is used for another. The suite reads no ssh_config (support/clients/ssh/login.py).
#
# Installs a pinned public package into a new folder and connects to nothing. Ends with 1 when the behaviour changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "sshconf==0.2.7"
cd "$folder"
cat > config <<'CONFIG'
Host tap
    Port 2200

Match host pump
    User keeper
    Port 99

Host valve
    Port=2200

Host north south
    Port 2201
CONFIG
venv/bin/python - <<'PYTHON'
from sshconf import read_ssh_config

read = read_ssh_config("config")
print(f'host("tap"): {read.host("tap")}')
print(f'host("valve"): {read.host("valve")}')
print(f'hosts: {read.hosts()}, host("north"): {read.host("north")}')
assert read.host("tap") == {"port": ["2200", "99"], "match": "host pump", "user": "keeper"}
assert read.host("valve") == {}
assert read.hosts() == ("tap", "valve", "north south") and read.host("north") == {}
PYTHON

#!/bin/sh
# `import asyncssh` (2.24.1) starts other programs on Linux: it asks ctypes.util.find_library (CPython 3.11) for two optional
# libraries, and that function runs ldconfig, then a C compiler and a linker, with a temporary file for their output. This
# happens at every import, although nothing is compiled and nobody connects.
#
# Seen 2026-11-29 with Python 3.11 on Debian 12, gcc installed, neither library installed but nettle:
#   ldconfig -p
#   gcc -loqs
#   ld -loqs
#   ldconfig -p
#   gcc -lliboqs
#   ld -lliboqs
#   ldconfig -p
# Seven programs for each process that speaks SSH. Where starting programs is forbidden or logged (a seccomp profile, an
# audited host), an import is the cause. The embedded sandbox pays for it at each start.
#
# Installs a pinned public package into a new folder and connects to nothing. Ends with 1 when the behaviour changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "asyncssh==2.24.1"
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
from pathlib import Path

started = []


def note(event, arguments):
    if event == "subprocess.Popen":
        command = [str(word) for word in arguments[1]]
        started.append([Path(command[0]).name, *(word for word in command[1:] if word == "-p" or word.startswith("-l"))])


sys.addaudithook(note)
import asyncssh

for command in started:
    print(*command)
assert asyncssh.__version__ == "2.24.1"
assert ["ldconfig", "-p"] in started
assert ["ld", "-loqs"] in started and ["ld", "-lliboqs"] in started
PYTHON

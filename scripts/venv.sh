#!/bin/sh
# Find a Python and let it make or refresh .venv: scripts/venv.sh run|test|extras
# PYTHON selects one; otherwise the tested versions are tried first, then newer ones.
set -eu
cd "$(dirname "$0")/.."
new_enough='import sys; sys.exit(sys.version_info[:2] < (3, 11))'
works() { command -v "$1" >/dev/null 2>&1 && "$1" -c "$new_enough" >/dev/null 2>&1; }

if [ -n "${PYTHON:-}" ]; then
    works "$PYTHON" || {
        echo "set-up: PYTHON=$PYTHON is no Python of version 3.11 or newer" >&2
        exit 2
    }
    exec "$PYTHON" tools/setup.py "$1"
fi
for candidate in python3.12 python3.11 python3.13 python3.14 python3 python python3.15 python3.16; do
    if works "$candidate"; then
        exec "$candidate" tools/setup.py "$1"
    fi
done
echo "set-up: no Python of version 3.11 or newer was found; install one, or name it: make PYTHON=/path/to/python3.13" >&2
exit 2

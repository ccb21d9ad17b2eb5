#!/bin/sh
# Make or refresh .venv from a hash-locked requirements file: scripts/venv.sh run|test
# Needs only a Python from 3.11 to 3.13 and a package index.
set -eu
what=$1
lock=requirements/$what.txt
supported='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))'

find_python() {
    for candidate in "${PYTHON:-}" python3.12 python3.11 python3.13 python3 python; do
        [ -n "$candidate" ] || continue
        if command -v "$candidate" >/dev/null 2>&1 && "$candidate" -c "$supported" >/dev/null 2>&1; then
            echo "$candidate"
            return
        fi
    done
    echo "set-up: no Python from 3.11 to 3.13 was found; install one, or name it: make PYTHON=/path/to/python3.12" >&2
    exit 2
}

if ! .venv/bin/python -c "$supported" >/dev/null 2>&1; then
    python=$(find_python)
    echo "set-up: making .venv with $python"
    if ! "$python" -m venv --clear .venv >/dev/null 2>&1; then
        echo "set-up: $python cannot make virtual environments; install its venv module (on Debian: python3-venv)" >&2
        exit 2
    fi
fi
echo "set-up: installing $lock"
pip_says=$(mktemp)
trap 'rm -f "$pip_says"' EXIT
if ! .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock" >"$pip_says" 2>&1 ||
    ! .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . >>"$pip_says" 2>&1; then
    cat "$pip_says" >&2
    echo "set-up: installing $lock failed; the lines above say why (is a package index reachable?)" >&2
    exit 2
fi
touch ".venv/.$what-ready"

#!/bin/sh
# Renew the hash-locked requirements for all systems and Pythons, and check that each package has a wheel on all of them.
# Uses uv from UV or the PATH, or else installs it from the package index into a temporary folder. No lock contains the
# address of an index.
set -eu
cd "$(dirname "$0")/.."
if ! uv=$(command -v "${UV:-uv}"); then
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    .venv/bin/python -m venv "$folder"
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check uv
    uv=$folder/bin/uv
fi
lock() { # NAME EXTRA...: write the lock NAME, with the versions of the locks made before it
    name=$1
    shift
    extras=$(printf -- '--extra %s ' "$@")
    # shellcheck disable=SC2086  # several words on purpose
    "$uv" pip compile --universal --generate-hashes --no-header --no-annotate --python-version 3.11 --quiet $upgrade \
        ${given:+-c "$given"} pyproject.toml requirements/build.in $extras -o "requirements/$name.txt"
}
upgrade=${UPGRADE:+--upgrade}
given=
lock test sandbox amqp dev
given=requirements/test.txt
lock run sandbox amqp
lock extras sandbox amqp grpc load
UV=$uv .venv/bin/python tools/check_wheels.py

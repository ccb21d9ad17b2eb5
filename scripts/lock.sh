#!/bin/sh
# Renew the hash-locked requirements; needs uv. No index address goes into them.
set -eu
for what in run test; do
    extras="--extra sandbox"
    [ "$what" = run ] || extras="$extras --extra dev"
    # shellcheck disable=SC2086  # two words on purpose
    uv pip compile --universal --generate-hashes --no-header --no-annotate --python-version 3.11 \
        pyproject.toml requirements/build.in $extras -o "requirements/$what.txt" --quiet
done

#!/bin/sh
# Makes docs/examples anew: a run of a few examples against a sandbox whose jobs crash.
set -eu
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'kill "$sandbox" 2>/dev/null || true; wait "$sandbox" 2>/dev/null || true; rm -rf "$folder"' EXIT
.venv/bin/focus-acceptance sandbox up --run-file "$folder/run-file.json" --fault job-crashes > "$folder/console" &
sandbox=$!
until grep -qx ready "$folder/console"; do kill -0 "$sandbox"; sleep 0.1; done
TMPDIR="$folder" .venv/bin/python -m behave -D sandbox_run_file="$folder/run-file.json" -D reports="$folder/reports" \
    --tags='@JL-01a or @JL-05c or @JL-14a or @CF-04a' > "$folder/run" || true
.venv/bin/python -m tools.examples "$folder/reports" docs/examples

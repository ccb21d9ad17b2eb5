#!/bin/sh
# Regenerate docs/examples: run a few examples against a sandbox whose jobs crash, and loads that lack a resource.
set -eu
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'kill "$sandbox" 2>/dev/null || true; wait "$sandbox" 2>/dev/null || true; rm -rf "$folder"' EXIT

# run FAULT TAGS: run against a sandbox with this fault; the reports are in $folder/reports
run() {
    rm -rf "$folder/reports"
    .venv/bin/focus-acceptance sandbox up --run-file "$folder/run-file.json" --fault "$1" > "$folder/console" &
    sandbox=$!
    until grep -qx ready "$folder/console"; do kill -0 "$sandbox"; sleep 0.1; done
    TMPDIR="$folder" .venv/bin/python -m behave -D sandbox_run_file="$folder/run-file.json" -D reports="$folder/reports" \
        --tags="$2" > "$folder/run" || true
    kill "$sandbox"
    wait "$sandbox" || true
}

if [ "${1-}" != gap-reports ]; then
    run job-crashes '@JL-01a or @JL-05c or @JL-14a or @CF-04a'
    .venv/bin/python -m tools.examples "$folder/reports" docs/examples
fi
for example in gpu_slices:gpu-slices-short-unnoticed pod_quota:pod-quota-short-unnoticed mongodb_pool:mongodb-pool-exhausted; do
    run "${example#*:}" '@CA-03a'
    .venv/bin/python -m tools.examples "$folder/reports" docs/examples "${example%%:*}"
done

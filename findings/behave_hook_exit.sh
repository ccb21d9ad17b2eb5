#!/bin/sh
# behave 1.3.3: a hook that ends the run by sys.exit(2) is reported as "ABORTED: By user.", and the exit status is 1.
#
# Seen 2026-11-27 with Python 3.11:
#   ABORTED: HOOK-ERROR in before_all: SystemExit
#   ABORTED: By user.
#   exit status 1
# The status the hook asked for is nowhere: wrong use (2) cannot be told from a failed scenario (1). The suite's own runner
# ends such a run itself (support/runner).
#
# Installs pinned public packages into a new folder. Ends with 1 when the behaviour changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "behave==1.3.3"
mkdir -p "$folder/features/steps"
cat > "$folder/features/one.feature" <<'FEATURE'
Feature: Something
  Scenario: It runs
    Given it runs
FEATURE
cat > "$folder/features/steps/steps.py" <<'PYTHON'
from behave import given


@given("it runs")
def it_runs(context):
    pass
PYTHON
cat > "$folder/features/environment.py" <<'PYTHON'
import sys


def before_all(context):
    sys.exit(2)
PYTHON
cd "$folder"
status=0
venv/bin/behave --no-color > told.txt 2>&1 || status=$?
grep ABORTED told.txt
echo "exit status $status"
test "$status" = 1
grep -q "ABORTED: HOOK-ERROR in before_all: SystemExit" told.txt
grep -q "ABORTED: By user." told.txt

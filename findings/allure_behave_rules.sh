#!/bin/sh
# allure-behave 2.16.2 with behave 1.3.3: the scenarios of a Rule are not in the Allure results, and nothing says so.
#
# Seen 2026-11-28 with Python 3.11:
#   a scenario below the feature: 1 scenario passed, 1 result file
#   the same scenario in a Rule:  1 scenario passed, 0 result files
# A suite that is ordered by rules has an empty Allure report, which looks like a run without failures. The suite writes
# its Allure results from its own record of the run (support/reporting/writers/allure.py).
#
# Installs pinned public packages into a new folder. Ends with 1 when the behaviour changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "behave==1.3.3" "allure-behave==2.16.2"
for kind in plain ruled; do
    mkdir -p "$folder/$kind/steps"
    cat > "$folder/$kind/steps/steps.py" <<'PYTHON'
from behave import then


@then("the tap is closed")
def is_closed(context):
    pass
PYTHON
done
cat > "$folder/plain/one.feature" <<'FEATURE'
Feature: A tap
  Scenario: It can be closed
    Then the tap is closed
FEATURE
cat > "$folder/ruled/one.feature" <<'FEATURE'
Feature: A tap
  Rule: It holds the water
    Scenario: It can be closed
      Then the tap is closed
FEATURE
cd "$folder"
for kind in plain ruled; do
    venv/bin/python -m behave -f allure_behave.formatter:AllureFormatter -o "results-$kind" "$kind" > "$kind.txt" 2>&1
    grep -q "1 scenario passed" "$kind.txt"
done
plain=$(find results-plain -name '*-result.json' | wc -l)
ruled=$(find results-ruled -name '*-result.json' | wc -l)
echo "below the feature: $plain result files; in a rule: $ruled"
[ "$plain" -eq 1 ] && [ "$ruled" -eq 0 ]

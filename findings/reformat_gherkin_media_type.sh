#!/bin/sh
# reformat-gherkin 3.0.1 takes the media type of a doc string out of a feature that it lays out anew, and says "All done".
# Its comparison of what was parsed before and after, which only --fast leaves out, does not notice.
#
# Seen 2026-11-28 with Python 3.11 and gherkin-official 24.0.0, the parser that it uses itself:
#   exit status 0, All done
#   media type: json, then none
# The lint of this suite (tools/gherkin_lint) tells how a feature should be laid out, and changes none.
#
# Installs pinned public packages into a new folder. Ends with 1 when the behaviour changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "reformat-gherkin==3.0.1" "gherkin-official==24.0.0"
cd "$folder"
cat > before.feature <<'FEATURE'
Feature: Taps

  Example: A tap is described
    Given the tap
      """json
      {"open": true}
      """
FEATURE
cp before.feature after.feature
venv/bin/reformat-gherkin after.feature 2> told.txt
grep -q "All done" told.txt
echo "exit status 0, All done"
cat > told.py <<'PYTHON'
import sys

from gherkin.parser import Parser

documents = [Parser().parse(open(name).read()) for name in ("before.feature", "after.feature")]
steps = [one["feature"]["children"][0]["scenario"]["steps"][0] for one in documents]
types = [step["docString"].get("mediaType", "none") for step in steps]
print("media type: " + ", then ".join(types))
sys.exit(types != ["json", "none"])
PYTHON
venv/bin/python told.py

#!/bin/sh
# behave 1.3.3: a setup.cfg whose [behave] section is empty takes the userdata and formatters of pyproject.toml away, and
# leaves the other settings of that file in force.
#
# Seen 2026-11-27 with Python 3.11:
#   pyproject.toml alone:             tags ['not @slow'], userdata {'place': 'here'}, formatters ['mine']
#   with an empty setup.cfg beside:   tags ['not @slow'], userdata {}, formatters []
# Each file that is read brings these tables along, empty where it has none. The suite refuses settings from outside of its
# own pyproject.toml (support/runner).
#
# Installs pinned public packages into a new folder. Ends with 1 when the behaviour changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "behave==1.3.3"
mkdir "$folder/project"
cd "$folder/project"
HOME=$folder
export HOME
cat > pyproject.toml <<'TOML'
[tool.behave]
tags = ["not @slow"]

[tool.behave.userdata]
place = "here"

[tool.behave.formatters]
mine = "behave.formatter.plain:PlainFormatter"
TOML
cat > ask.py <<'PYTHON'
from behave.configuration import Configuration

seen = Configuration([])
print(f"tags {list(seen.tags)}, userdata {dict(seen.userdata)}, formatters {sorted(seen.more_formatters)}")
PYTHON
alone=$(../venv/bin/python ask.py)
printf '[behave]\n' > setup.cfg
beside=$(../venv/bin/python ask.py)
echo "pyproject.toml alone:             $alone"
echo "with an empty setup.cfg beside:   $beside"
test "$alone" = "tags ['not @slow'], userdata {'place': 'here'}, formatters ['mine']"
test "$beside" = "tags ['not @slow'], userdata {}, formatters []"

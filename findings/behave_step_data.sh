#!/bin/sh
# behave 1.3.3 gives a step other data than the Gherkin reference says and Gherkin's own parser (gherkin-official 42.0.1)
# gives: in a table \n and \\ stay as they are written, \\| does not end a cell, and the blanks at the end of a line of a
# doc string are dropped.
#
# Seen 2026-11-28 with Python 3.11:
#   | a\nb | C:\\new | x\\|y |
#     Gherkin: ['a\nb', 'C:\\new', 'x\\', 'y']        (repr: a line break, one backslash, four cells)
#     behave:  ['a\\nb', 'C:\\\\new', 'x\\|y']        (repr: \n, two backslashes, three cells)
#   a doc string whose line ends with two blanks
#     Gherkin: 'two blanks  '
#     behave:  'two blanks'
# A feature that another runner shares, or that a tool reads for a report, checks something else. The suite's features have
# no backslash in a table and no doc string.
#
# Installs pinned public packages into a new folder. Ends with 1 when the behaviour changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "behave==1.3.3" "gherkin-official==42.0.1"
"$folder/venv/bin/python" - <<'PYTHON'
from behave.parser import parse_feature
from gherkin.parser import Parser

ROW = r"| a\nb | C:\\new | x\\|y |"
BLANKS = "  "
TEXT = f'''Feature: Taps
  Scenario: They are told
    Given these taps
      {ROW}
    And this text
      """
      two blanks{BLANKS}
      """
'''
table, text = Parser().parse(TEXT)["feature"]["children"][0]["scenario"]["steps"]
gherkin = [cell["value"] for cell in table["dataTable"]["rows"][0]["cells"]], text["docString"]["content"]
table, text = parse_feature(TEXT).scenarios[0].steps
behave = table.table.headings, str(text.text)
print(f"{ROW}\n  Gherkin: {gherkin[0]}\n  behave:  {behave[0]}")
print(f"a doc string whose line ends with two blanks\n  Gherkin: {gherkin[1]!r}\n  behave:  {behave[1]!r}")
assert gherkin == (["a\nb", "C:\\new", "x\\", "y"], "two blanks  "), gherkin
assert behave == (["a\\nb", "C:\\\\new", "x\\|y"], "two blanks"), behave
PYTHON

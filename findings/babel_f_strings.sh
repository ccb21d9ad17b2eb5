#!/bin/sh
# Babel 2.19.0: which texts pybabel extracts from a file depends on the Python it runs with: calls of gettext inside an
# f-string are found with Python 3.12 and passed over without a word with 3.11.
#
# Seen 2026-11-27 with Python 3.11.7 and 3.12.1:
#   3.11: msgid "plain"
#   3.12: msgid "inside" msgid "plain"
# Since 3.12 an f-string is several tokens (PEP 701); before, it is one text. A catalogue that is compared with the code is
# complete on one machine and not on the next; so no text of the site is marked inside an f-string.
#
# Needs python3.11 and python3.12. Installs pinned public packages into new folders. Ends with 1 when the behaviour changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/code"
cat > "$folder/code/texts.py" <<'PYTHON'
def told(_, name):
    print(f"{_('inside')} {name}")
    print(_("plain"))
PYTHON
for version in 3.11 3.12; do
    "python$version" -m venv "$folder/$version"
    "$folder/$version/bin/pip" install --quiet --disable-pip-version-check "babel==2.19.0"
    "$folder/$version/bin/pybabel" --quiet extract --no-location --omit-header --output-file "$folder/$version.pot" "$folder/code"
    echo "$version: $(grep msgid "$folder/$version.pot" | tr '\n' ' ')"
done
! grep -q '"inside"' "$folder/3.11.pot"
grep -q '"plain"' "$folder/3.11.pot"
grep -q '"inside"' "$folder/3.12.pot"

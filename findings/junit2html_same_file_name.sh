#!/bin/sh
# junit2html 31.1.4: of several reports with one file name in different folders (shard-1/junit.xml, shard-2/junit.xml) the
# matrix keeps the last. Failures of the others do not count for --max-failures, and nothing says so.
#
# Seen 2026-11-28 with Python 3.11, a failed case in shard-1, a passed one in shard-2, --max-failures 1:
#   shard-1/junit.xml shard-2/junit.xml: exit status 0
#   shard-2/junit.xml shard-1/junit.xml: exit status 1
#   shard-1/a.xml shard-2/b.xml: exit status 1
# Reports are kept by the last part of their path. The suite joins the records of its shards itself (support/sharding).
#
# Installs a pinned public package into a new folder. Ends with 1 when the behaviour changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "junit2html==31.1.4"
cd "$folder"
mkdir shard-1 shard-2
cat > shard-1/junit.xml <<'XML'
<testsuites>
  <testsuite name="taps" tests="1" failures="1">
    <testcase classname="taps" name="the first tap is closed" time="1"><failure message="it drips"/></testcase>
  </testsuite>
</testsuites>
XML
cat > shard-2/junit.xml <<'XML'
<testsuites>
  <testsuite name="pumps" tests="1" failures="0">
    <testcase classname="pumps" name="the first pump runs" time="1"/>
  </testsuite>
</testsuites>
XML
cp shard-1/junit.xml shard-1/a.xml
cp shard-2/junit.xml shard-2/b.xml
# status REPORT...: the exit status of junit2html for the reports.
status() {
    ended=0
    venv/bin/junit2html --summary-matrix "$@" --max-failures 1 > told.txt || ended=$?
    echo "$ended"
}
first=$(status shard-1/junit.xml shard-2/junit.xml)
last=$(status shard-2/junit.xml shard-1/junit.xml)
named=$(status shard-1/a.xml shard-2/b.xml)
echo "shard-1/junit.xml shard-2/junit.xml: exit status $first"
echo "shard-2/junit.xml shard-1/junit.xml: exit status $last"
echo "shard-1/a.xml shard-2/b.xml: exit status $named"
[ "$first $last $named" = "0 1 1" ]

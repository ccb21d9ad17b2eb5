#!/bin/sh
# junit2html 31.1.4: --max-failures and --max-skipped ("Exit non-zero if ... or more test cases are ...") give wrong
# verdicts. The exit status is the number of the failed cases, so 256 failures end with 0; and the number of the skipped
# cases is compared with the limit of the failures.
#
# Seen 2026-11-28 with Python 3.11:
#   255 failed, --max-failures 1: exit status 255
#   256 failed, --max-failures 1: exit status 0
#   1 skipped, --max-skipped 5: exit status 1
#   3 skipped, --max-failures 9 --max-skipped 2: exit status 0
# A gate of a pipeline that is built on these options passes when a multiple of 256 cases fails. The suite's gate is the
# exit status of the run itself (support/runner.py).
#
# Installs a pinned public package into a new folder. Ends with 1 when the behaviour changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "junit2html==31.1.4"
cd "$folder"
# report COUNT ELEMENT: a JUnit report of COUNT test cases, each with ELEMENT.
report() {
    echo "<testsuites><testsuite name='taps' tests='$1'>"
    for number in $(seq "$1"); do echo "<testcase classname='taps' name='tap $number' time='1'>$2</testcase>"; done
    echo "</testsuite></testsuites>"
}
# status REPORT OPTION...: the exit status of junit2html for the report.
status() {
    ended=0
    venv/bin/junit2html --summary-matrix "$@" > told.txt || ended=$?
    echo "$ended"
}
report 255 "<failure message='it drips'/>" > failed-255.xml
report 256 "<failure message='it drips'/>" > failed-256.xml
report 1 "<skipped/>" > skipped-1.xml
report 3 "<skipped/>" > skipped-3.xml
below=$(status failed-255.xml --max-failures 1)
round=$(status failed-256.xml --max-failures 1)
within=$(status skipped-1.xml --max-skipped 5)
beyond=$(status skipped-3.xml --max-failures 9 --max-skipped 2)
echo "255 failed, --max-failures 1: exit status $below"
echo "256 failed, --max-failures 1: exit status $round"
echo "1 skipped, --max-skipped 5: exit status $within"
echo "3 skipped, --max-failures 9 --max-skipped 2: exit status $beyond"
[ "$below $round $within $beyond" = "255 0 1 0" ]

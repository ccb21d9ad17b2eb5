"""pymongo's own tests of the commands that this server supports, run against it.

Known failures are listed in ``pymongo_expected_failures.txt``, one test per line with the reason. The list may only
shrink: this test fails if a listed test passes, or if a test that is not listed fails.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.sandbox.mongodb.conftest import mongodb_config
from tests.sandbox.mongodb.downloads import pymongo_tests
from tests.sandbox.process_runner import start_process

EXPECTED_FAILURES = Path(__file__).with_name("pymongo_expected_failures.txt")
GROUPS: tuple[tuple[str, ...], ...] = (
    ("collection", "cursor", "bulk"),
    ("read_concern", "database", "run_command", "command_monitoring", "session", "examples", "comment", "raw_bson",
     "threads", "dbref", "decimal128"),
)  # fmt: skip
"""Files of pymongo's ``test/``, in groups that run at the same time."""
NOT_ABOUT_THE_SERVER = ("handshake", "metadata", "srv", "DNS", "sigstop", "interrupt", "fork", "service_name")
"""Parts of names of tests that concern the client's machine or DNS, or stop the server's process themselves."""
NOT_KEPT = (
    "find_one_and", "let", "rename", "validate_collection", "bypass_document_validation", "update_many_pipeline",
    "update_one_pipeline", "aggregate_out", "client_bulkWrite", "command_bulkWrite", "BulkAuthorization",
    "TestDatabaseAggregation", "collation", "index_2dsphere", "index_geo2d", "index_hashed",
    "index_text", "index_filter", "gridfs", "query_array_of_documents",
)  # fmt: skip
"""Parts of names of tests for commands, options and stages that this server refuses by name."""
ROOT = {"user": "tests", "password": "of-the-driver", "database": "admin", "roles": ["root"]}
GROUP_TIMEOUT_S = 900


def run_group(folder: Path, files: tuple[str, ...], scratch: Path) -> dict[str, str]:
    """The outcome of each test of these files: "passed", "skipped" or the failure."""
    scratch.mkdir()
    report = scratch / "report.xml"
    with start_process("mongodb", mongodb_config(scratch, users=[ROOT])) as server:
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(scratch), "PYTHONDONTWRITEBYTECODE": "1",
            "DB_IP": "127.0.0.1", "DB_PORT": str(server.ready["port"]),
            "DB_USER": ROOT["user"], "DB_PASSWORD": ROOT["password"], "PYTHONPATH": str(Path(__file__).parent),
        }  # fmt: skip
        command = [
            sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "pymongo_plugin", "-W", "ignore",
            "--tb=line", f"--rootdir={folder}", f"--junitxml={report}",
            "-k", f"not ({' or '.join(NOT_ABOUT_THE_SERVER + NOT_KEPT)})",
            *(f"test/test_{name}.py" for name in files),
        ]  # fmt: skip
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=GROUP_TIMEOUT_S
        )
    assert report.exists(), f"pymongo's tests did not run: {done.stdout[-2000:]} {done.stderr[-2000:]}"
    return outcomes(report)


def outcomes(report: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}".removeprefix("test.test_")
        problems = [child for child in case if child.tag in ("failure", "error")]
        if problems:
            found[name] = " ".join((problems[0].get("message") or problems[0].text or "failed").split())[:300]
        elif name not in found:
            found[name] = "skipped" if case.find("skipped") is not None else "passed"
    return found


def expected_failures() -> dict[str, str]:
    """The listed reasons by test."""
    lines = EXPECTED_FAILURES.read_text(encoding="utf-8").splitlines()
    entries = [line.split("  # ", 1) for line in lines if line and not line.startswith("#")]
    assert all(len(entry) == 2 and entry[1].strip() for entry in entries), "every line: test, two spaces, # reason"
    return {name.strip(): reason for name, reason in entries}


def test_the_list_has_no_test_twice_and_is_in_order() -> None:
    names = [line.split("  # ")[0] for line in EXPECTED_FAILURES.read_text().splitlines() if line[:1] not in ("", "#")]
    assert names == sorted(set(names))


@pytest.mark.nightly
def test_the_drivers_own_tests_pass(tmp_path: Path) -> None:
    folder = pymongo_tests()
    with ThreadPoolExecutor(len(GROUPS)) as pool:
        runs = [pool.submit(run_group, folder, files, tmp_path / files[0]) for files in GROUPS]
        results = {name: outcome for run in runs for name, outcome in run.result().items()}
    listed = set(expected_failures())
    failed = {name: outcome for name, outcome in results.items() if outcome not in ("passed", "skipped")}
    passed = {name for name, outcome in results.items() if outcome == "passed"}
    skipped = len(results) - len(failed) - len(passed)
    print(f"pymongo's own tests: {len(passed)} passed, {len(failed)} expected failures, {skipped} skipped")
    surprises = [f"{name}: {failed[name]}" for name in sorted(set(failed) - listed)]
    assert not surprises, "these failures are not on the list:\n" + "\n".join(surprises)
    assert not listed & passed, f"these pass now; take them from {EXPECTED_FAILURES.name}: {sorted(listed & passed)}"
    assert listed <= set(results), f"these are on the list and did not run: {sorted(listed - set(results))}"
    assert len(passed) > 250

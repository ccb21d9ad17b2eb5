"""Distribution of tests among xdist processes: whole files, the longest first, tests that share a sandbox together."""

from __future__ import annotations

import pytest
from xdist.scheduler import LoadScopeScheduling

USUAL_SANDBOX = (
    *("tests/sandbox/estate/test_control.py", "tests/sandbox/estate/test_lifecycle.py"),
    *("tests/sandbox/kubernetes_api/test_kubernetes_kubectl_estate.py",),
    *("tests/sandbox/kubernetes_api/test_kubernetes_kubectl_network.py",),
    *("tests/sandbox/kubernetes_api/test_kubernetes_kubectl_transcript.py",),
    *("tests/sandbox/kubernetes_api/test_kubernetes_python_streams.py",),
)
"""Test files that use :func:`tests.sandbox.conftest.usual_sandbox`; in one process, they start that sandbox only
once."""
LONGEST = (
    *USUAL_SANDBOX,
    "tests/sandbox/focus_server/test_focus_server_faults.py",
    "tests/endings/test_run_endings.py",
    "tests/mutants/test_sample.py",
    "tests/support/config/test_config_mutants.py",
    "tests/endings/test_kills.py",
    "tests/sandbox/focus_server/test_focus_server_contract.py",
    "tests/reports/test_every_ending.py",
    "tests/reports/test_report_strict_runner.py",
    "tests/reports/test_site_browser.py",
    "tests/sandbox/mongodb/test_mongodb_elsewhere.py",
    "tests/sandbox/rabbitmq/test_rabbitmq.py",
    "tests/reports/test_site.py",
    "tests/endings/test_secrets.py",
    "tests/reports/test_repeat_series.py",
    "tests/support/clients/test_deadlines.py",
    "tests/endings/test_outages_after_a_kill.py",
    "tests/gates/test_settings_are_read.py",
    "tests/support/clients/test_mongodb_deadlines.py",
    "tests/sandbox/estate/test_cluster_elsewhere.py",
    "tests/endings/test_production_policy.py",
    "tests/support/redaction/test_redaction_time.py",
    "tests/sandbox/mongodb/test_mongodb_frames.py",
    "tests/sandbox/kubernetes_api/test_kubernetes_writing_back.py",
    "tests/support/capacity/test_under_load.py",
    "tests/support/domain/test_warm_behave.py",
    "tests/sandbox/node/test_node_cleanup.py",
    "tests/sandbox/estate/test_shortages.py",
    "tests/support/data_quality/test_remedies.py",
    "tests/sandbox/focus_server/test_focus_server_http.py",
    "tests/support/clients/test_many_testers.py",
    "tests/support/capacity/test_stability.py",
    "tests/reports/test_publish.py",
    "tests/reports/test_site_languages.py",
    "tests/endings/test_shards.py",
    "tests/deploy/test_suite_in_a_cluster.py",
    "tests/sandbox/ssh/test_ssh_hosts.py",
)
"""Test files that take ten seconds or more. They start first, so that no process is left waiting for one at the end."""


def file_of(name: str) -> str:
    return name.partition("::")[0]


class WholeFiles(LoadScopeScheduling):
    """Like ``--dist loadfile``, in the order of the collection."""

    def _split_scope(self, nodeid: str) -> str:
        return "the usual sandbox" if file_of(nodeid) in USUAL_SANDBOX else file_of(nodeid)


def longest_first(items: list[pytest.Item]) -> None:
    """Order the tests by file, longest first, and keep the order of the rest."""
    place = {file: number for number, file in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(file_of(item.nodeid), len(place)))

"""The roles of ``deploy/suite`` are exact: with them the suite passes, and without any single verb a scenario fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.deploy.manifests import ROLES, base, collection_of, rules_of
from tests.endings.test_run_endings import ROOT, Behave
from tests.sandbox.estate.test_lifecycle import Up
from tools.rights import CLUSTER, STAGES, Request

pytestmark = pytest.mark.nightly
ACCESS = ("Namespace", "ServiceAccount", "RoleBinding", "ClusterRoleBinding", *ROLES)
MAIN = "from tools.cli import main; main()"
WHOLE = [
    ("looking", "@IN and not (@disruptive or @load or @IN-09)"),  # IN-09 and loads open investigations
    ("testing", "not @disruptive and not (@wip or @quarantine)"),
    ("disrupting", "@disruptive and not (@wip or @quarantine)"),
]
AT_START = "IN-06b"
"""Any scenario would do: without this right the run does not begin, and gives the reason (exit code 2)."""
NEEDED_BY = {
    Request(CLUSTER, "namespaces", "list"): "IN-06a",
    Request(CLUSTER, "nodes", "list"): AT_START,
    Request(CLUSTER, "pods", "list"): "CA-08a",
    Request("panda", "configmaps", "get"): "PV-08a",
    Request("panda", "configmaps", "patch"): "PV-08a",
    Request("panda", "deployments.apps", "list"): "RS-02a",
    Request("panda", "deployments.apps/scale", "patch"): "RS-01a",
    Request("panda", "events", "list"): "JL-12b",
    Request("panda", "jobs.batch", "delete"): "JL-01a",
    Request("panda", "jobs.batch", "list"): AT_START,
    Request("panda", "jobs.batch", "watch"): "JL-01a",
    Request("panda", "networkpolicies.networking.k8s.io", "create"): "RS-01b",
    Request("panda", "networkpolicies.networking.k8s.io", "delete"): "RS-01b",
    Request("panda", "networkpolicies.networking.k8s.io", "list"): "RS-01b",
    Request("panda", "persistentvolumeclaims", "list"): "JL-07c",
    Request("panda", "pods", "create"): "JL-09c",
    Request("panda", "pods", "delete"): "JL-08c",
    Request("panda", "pods", "list"): AT_START,
    Request("panda", "pods", "watch"): "JL-01a",
    Request("panda", "pods.metrics.k8s.io", "list"): "SB-02a",
    Request("panda", "pods/log", "get"): "IN-07a",
    Request("panda", "resourcequotas", "create"): "SB-04a",
    Request("panda", "resourcequotas", "delete"): "SB-04a",
    Request("panda", "resourcequotas", "list"): "SB-04a",
    Request("panda", "services", "create"): "PV-07a",
    Request("panda", "services", "delete"): "JL-01a",
    Request("panda", "services", "list"): AT_START,
    Request("panda", "services", "watch"): "JL-01a",
    Request("panda", "statefulsets.apps", "list"): "RS-05b",
    Request("panda", "statefulsets.apps/scale", "patch"): "RS-05d",
}
"""Each right with a scenario that fails without it."""
OF_A_NAMESPACE = Request("panda", "pods", "list")
"""A right of this stage only: later stages may list the pods of the whole cluster, which includes these."""


class Site:
    """A sandbox with the roles of ``deploy/suite`` for its accounts."""

    def __init__(self, folder: Path) -> None:
        self.up = Up(folder / "run.json")
        kubeconfig = json.loads(Path(self.up.endpoints["kubernetes"]["kubeconfig"]).read_text(encoding="utf-8"))
        cluster = kubeconfig["clusters"][0]["cluster"]
        self._url, self._http = cluster["server"], requests.Session()
        self._http.trust_env, self._http.verify = False, cluster["certificate-authority"]
        self._http.headers["Authorization"] = f"Bearer {kubeconfig['users'][0]['user']['token']}"
        for manifest in base():
            if manifest["kind"] in ACCESS:
                self._call("POST", collection_of(manifest), manifest)
        self.kubeconfigs = {stage: folder / f"kubeconfig-{stage}" for stage in STAGES}
        for stage, path in self.kubeconfigs.items():
            user = {"name": "focus-acceptance", "user": {"token": self._token(stage)}}
            path.write_text(json.dumps({**kubeconfig, "users": [user]}), encoding="utf-8")

    def _call(self, method: str, path: str, body: Any, content_type: str = "application/json") -> Any:
        answer = self._http.request(method, self._url + path, json=body, headers={"Content-Type": content_type})
        assert answer.ok, answer.text
        return answer.json()

    def _token(self, account: str) -> str:
        path = f"/api/v1/namespaces/focus-acceptance/serviceaccounts/{account}/token"
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        return str(self._call("POST", path, body)["status"]["token"])

    @contextmanager
    def without(self, request: Request) -> Iterator[None]:
        """Remove this right from the roles for the length of the block."""
        role = next(each for each in base() if each["kind"] in ROLES and request in dict(rules_of(each)))
        rules = [rule for permitted, rule in rules_of(role) if permitted != request]
        path = f"{collection_of(role)}/{role['metadata']['name']}"
        self._call("PATCH", path, {"rules": rules}, "application/merge-patch+json")
        try:
            yield
        finally:
            self._call("PATCH", path, {"rules": role["rules"]}, "application/merge-patch+json")

    def run(self, folder: Path, tags: str, account: str, *arguments: str) -> Behave:
        (folder / "run").mkdir()
        return Behave(
            folder / "run", f"--tags={tags}", "-D", f"sandbox_run_file={self.up.run_file}", *arguments,
            FOCUS__KUBERNETES__KUBECONFIG=str(self.kubeconfigs[account]),
        )  # fmt: skip

    def sweep(self, reports: Path) -> None:
        """Undo changes that a run could not undo for want of a right."""
        command = [sys.executable, "-c", MAIN, "sweep", "-e", "sandbox", "--yes", "--run-file", str(self.up.run_file)]
        variables = {**os.environ, "FOCUS__KUBERNETES__KUBECONFIG": str(self.kubeconfigs["disrupting"])}
        if reports.is_dir():
            subprocess.run(
                [*command, "--reports", str(reports)],
                cwd=ROOT,
                env=variables,
                check=True,
                capture_output=True,
                timeout=120,
            )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    one = Site(tmp_path_factory.mktemp("roles"))
    yield one
    one.up.process.terminate()
    one.up.process.wait(60)


NOTHING: dict[str, Any] = {"scenarios": [], "suite": {"errors": []}, "leftovers": []}


def told(run: Behave) -> tuple[int, str]:
    """The exit code and all text of the run about failures."""
    code, errors = run.end()
    record = run.record() if (run.reports / "run.json").is_file() else NOTHING
    said = [one["reason"] or "" for one in record["scenarios"]]
    said += [one["message"] for one in record["suite"]["errors"]]
    return code, "\n".join([errors, *said, *map(str, record["leftovers"])])


@pytest.mark.parametrize(("stage", "tags"), WHOLE)
def test_with_exactly_its_roles_a_stage_passes(site: Site, tmp_path: Path, stage: str, tags: str) -> None:
    code, said = told(site.run(tmp_path, tags, stage, "-D", "slow=yes"))
    assert code == 0, said


def test_looking_is_enough_for_the_doctor(site: Site, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-c",
        "from tools.cli import main; main()",
        "doctor",
        "--run-file",
        str(site.up.run_file),
    ]
    run = Behave(tmp_path, command=command, FOCUS__KUBERNETES__KUBECONFIG=str(site.kubeconfigs["looking"]))
    assert run.end()[0] == 0


def test_every_right_is_needed_by_a_scenario() -> None:
    given = {request for role in base() if role["kind"] in ROLES for request, _ in rules_of(role)}
    assert given == NEEDED_BY.keys()


@pytest.mark.parametrize("request_", NEEDED_BY, ids=lambda one: f"{one.verb} {one.resource} in {one.place}")
def test_without_a_single_verb_a_scenario_fails_and_names_it(site: Site, tmp_path: Path, request_: Request) -> None:
    scenario, account = NEEDED_BY[request_], "looking" if request_ == OF_A_NAMESPACE else "disrupting"
    with site.without(request_):
        run = site.run(tmp_path, f"@{scenario}", account, "-D", "slow=yes")
        code, said = told(run)
    site.sweep(run.reports)
    plural, _, subresource = request_.resource.partition("/")
    name, _, group = plural.partition(".")
    resource = f"{name}/{subresource}" if subresource else name
    where = "at the cluster scope" if request_.place == CLUSTER else f'in the namespace "{request_.place}"'
    refusal = f'cannot {request_.verb} resource "{resource}" in API group "{group}" {where}'
    assert code == (2 if scenario == AT_START else 1), said
    assert f'User "system:serviceaccount:focus-acceptance:{account}" {refusal}' in said, said

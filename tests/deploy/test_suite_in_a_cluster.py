"""Tests of the image, manifests and roles for the suite in a cluster, as far as they need no cluster."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
import yaml

from support.clients.kubernetes.kubeconfig import check_kubeconfig
from support.config import Environment, load_environment
from support.config.overrides import read_overrides
from support.config.schema import tree
from tests.deploy.manifests import (
    OVERLAYS,
    ROOT,
    SUITE,
    Object,
    base,
    collection_of,
    lost,
    one,
    permitted,
    recorded,
    rendered,
    templates,
)  # fmt: skip
from tests.sandbox.kubernetes_api.kubectl_runs import Kubectl, needs_kubectl, succeeds
from tests.sandbox.kubernetes_api.serving import ServedApi
from tools.rights import STAGES, as_toml, by_stage, main

DOCKERFILE = (SUITE / "Dockerfile").read_text(encoding="utf-8")
SITES = ("staging", "production")


def secrets_of(site: str) -> list[Object]:
    return list(yaml.safe_load_all((SUITE / "overlays" / site / "secrets.template.yaml").read_text(encoding="utf-8")))


EVERYTHING = [*base(), *(secret for site in SITES for secret in secrets_of(site))]


@pytest.mark.parametrize("manifest", EVERYTHING, ids=lambda each: f"{each['kind']}-{each['metadata']['name']}")
def test_a_manifest_holds_nothing_that_the_official_client_does_not_know(manifest: Object) -> None:
    assert lost(manifest) == []


def test_a_misspelt_field_of_a_manifest_is_found() -> None:
    job = one(base(), "Job", "focus-acceptance-shards")
    job["spec"]["template"]["spec"]["containers"][0]["volumeMount"] = [{"name": "reports"}]
    assert lost(job) == [".spec.template.spec.containers.volumeMount"]


def test_the_api_server_takes_every_manifest_under_strict_validation(api: ServedApi, http: requests.Session) -> None:
    for manifest in EVERYTHING[: len(base())]:
        answer = http.post(f"{api.url}{collection_of(manifest)}?fieldValidation=Strict", json=manifest)
        assert answer.status_code == 201, (manifest["kind"], answer.text)


@needs_kubectl
@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda path: path.name)
def test_kubectl_applies_an_overlay_and_finds_nothing_to_change_afterwards(
    api: ServedApi, kubectl: Kubectl, overlay: Path
) -> None:
    created = succeeds(kubectl, "apply", "-k", str(overlay)).splitlines()
    assert len(created) == len(base()) and all(line.endswith(" created") for line in created)
    assert all(line.endswith(" unchanged") for line in succeeds(kubectl, "apply", "-k", str(overlay)).splitlines())


@needs_kubectl
@pytest.mark.parametrize(
    ("overlay", "account", "is_nightly"),
    [("staging", "disrupting", True), ("production", "testing", False), ("sandbox", "looking", False)],
)
def test_an_overlay_says_who_tests_which_site(overlay: str, account: str, is_nightly: bool) -> None:
    objects = rendered(SUITE / "overlays" / overlay)
    settings = one(objects, "ConfigMap", "focus-acceptance")["data"]
    assert settings["FOCUS_ENV"] == overlay
    assert any(name.startswith("FOCUS__") for name in settings) is (overlay in SITES)
    pods = dict(templates(objects))
    for name in ("shards", "alone", "nightly"):
        assert pods[f"focus-acceptance-{name}"]["serviceAccountName"] == account
    assert pods["focus-acceptance-merge"]["automountServiceAccountToken"] is False
    assert (pods["focus-acceptance-shards"].get("automountServiceAccountToken") is False) is (overlay == "sandbox")
    assert one(objects, "CronJob", "focus-acceptance-nightly")["spec"]["suspend"] is not is_nightly


def test_the_shards_are_as_many_as_the_job_has_indexes() -> None:
    objects = base()
    settings = one(objects, "ConfigMap", "focus-acceptance")["data"]
    spec = one(objects, "Job", "focus-acceptance-shards")["spec"]
    assert (spec["completionMode"], spec["completions"], spec["parallelism"]) == ("Indexed", 3, 3)
    assert int(settings["SHARDS"]) == spec["completions"]
    (container,) = spec["template"]["spec"]["containers"]
    assert shlex.join(container["args"]).replace("'", "") == (
        "shard run --of $(SHARDS) --environment $(FOCUS_ENV) --reports /reports"
    )


@pytest.mark.parametrize(("name", "spec"), list(templates(base())))
def test_a_pod_has_no_more_than_it_needs(name: str, spec: Object) -> None:
    assert spec["securityContext"]["runAsNonRoot"] is True and spec["securityContext"]["runAsUser"] == 65532
    assert not any(volume.get("hostPath") for volume in spec["volumes"]) and "hostNetwork" not in spec
    for container in spec["containers"]:
        own = container["securityContext"]
        assert own["readOnlyRootFilesystem"] is True and own["allowPrivilegeEscalation"] is False
        assert own["capabilities"] == {"drop": ["ALL"]}
        mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
        assert {"/reports", "/tmp"} <= mounts
    assert {mount["name"] for mount in spec["containers"][0]["volumeMounts"]} == {v["name"] for v in spec["volumes"]}


@pytest.mark.parametrize("site", SITES)
def test_the_settings_and_secrets_are_those_of_the_site(
    site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = dict(one(base(), "ConfigMap", "focus-acceptance")["data"])
    assert int(settings.pop("SHARDS")) > 0 and read_overrides(settings, tree(Environment))[1] == []
    assert settings["FOCUS__KUBERNETES__KUBECONFIG"] == "/etc/focus-acceptance/kubeconfig"
    given, files = secrets_of(site)
    text = (ROOT / "environments" / f"{site}.yaml").read_text(encoding="utf-8")
    wanted = set(re.findall(r"\$\{(\w+)\}", text))
    assert set(given["stringData"]) == wanted and not any(given["stringData"].values())
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("kubeconfig", *(f".ssh/{each}" for each in files["stringData"])):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    inside = {"FOCUS__KUBERNETES__KUBECONFIG": str(tmp_path / "kubeconfig"), **dict.fromkeys(wanted, "x")}
    environment = load_environment(site, overrides={**settings, **inside})
    assert environment.kubernetes.access == "direct" and environment.kubernetes.namespace == "panda"


def test_the_kubeconfig_is_that_of_the_pods_account(tmp_path: Path) -> None:
    text = one(base(), "ConfigMap", "focus-acceptance-kubeconfig")["data"]["kubeconfig"]
    account = "/var/run/secrets/kubernetes.io/serviceaccount"
    assert text.count(account) == 2
    (tmp_path / "token").write_text("of-the-pod\n")
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.crt")
    (tmp_path / "kubeconfig").write_text(text.replace(account, str(tmp_path)))
    hidden: list[str] = []
    checked = check_kubeconfig(tmp_path / "kubeconfig", "in-cluster", hidden.append)
    assert checked.token is not None and checked.token.token() == "of-the-pod" and "of-the-pod" in hidden


@pytest.mark.parametrize("stage", STAGES)
def test_a_role_permits_exactly_what_the_suite_was_seen_to_ask_for(stage: str) -> None:
    given = permitted(base(), stage)
    assert sorted(given) == sorted(recorded()[stage])


def test_looking_only_reads() -> None:
    assert {request.verb for request in recorded()["looking"]} <= {"get", "list", "watch"}


def test_an_account_has_the_roles_of_its_stage_and_of_those_before_it() -> None:
    bindings = [each for each in base() if each["kind"] in ("RoleBinding", "ClusterRoleBinding")]
    for number, stage in enumerate(STAGES):
        bound = {each["roleRef"]["name"] for each in bindings if any(s["name"] == stage for s in each["subjects"])}
        assert bound == {f"focus-acceptance-{earlier}" for earlier in STAGES[: number + 1]}
    assert {each["metadata"]["name"] for each in base() if each["kind"] == "ServiceAccount"} == set(STAGES)


def copied() -> list[str]:
    """The paths of the repository that the image copies."""
    lines = DOCKERFILE.replace("\\\n", " ").splitlines()
    words = [shlex.split(line, comments=True) for line in lines]
    return [name.rstrip("/") for line in words if line[:1] == ["COPY"] for name in line[1:-1]]


def test_the_image_is_of_the_locked_packages_and_nobody_special() -> None:
    assert "--require-hashes -r requirements/run.txt" in DOCKERFILE and "--no-deps --no-build-isolation" in DOCKERFILE
    assert re.search(r"^USER (\d+):\1$", DOCKERFILE, re.MULTILINE)
    ignored = (SUITE / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert sorted(line[1:] for line in ignored if line.startswith("!")) == sorted(copied())
    assert all((ROOT / name).exists() for name in copied())


def test_what_the_image_copies_is_enough_to_plan_a_run(tmp_path: Path) -> None:
    for name in copied():
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        copy: Any = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        copy(ROOT / name, target)
    command = [sys.executable, "-P", "-c", "from tools.cli import main; main()", "shard", "plan", "--shards", "3"]
    planned = subprocess.run(
        command,
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert planned.returncode == 0, planned.stderr
    assert yaml.safe_load(planned.stdout)["schema"] == "focus-acceptance/shards/1"


def event(user: str, verb: str, **about: str) -> str:
    return json.dumps({"user": {"username": user}, "verb": verb, "objectRef": about}) + "\n"


def test_the_table_is_made_of_audit_logs(tmp_path: Path) -> None:
    first, second = tmp_path / "first.log", tmp_path / "second.log"
    look = event("focus-acceptance", "list", resource="pods", namespace="panda")
    scale = {"resource": "deployments", "apiGroup": "apps", "subresource": "scale", "namespace": "panda"}
    first.write_text(look + event("somebody", "delete", resource="pods", namespace="panda"))
    second.write_text(look + event("focus-acceptance", "patch", **scale))
    stages = by_stage({"looking": first, "disrupting": second}, "focus-acceptance")
    text = as_toml(stages)
    assert '[looking]\npanda = [\n    "list pods",\n]\n' in text and "delete" not in text
    assert '[disrupting]\npanda = [\n    "patch deployments.apps/scale",\n]\n' in text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["looking"], "rights: looking: allowed is STAGE=LOG"),
        (["breaking={}"], "allowed is STAGE=LOG with a stage of looking, testing, disrupting"),
        (["looking={}/none"], "none: cannot be read"),
        (["looking={}/wrong"], "wrong line 1: no event of an audit log"),
        (["looking={}/nobody"], "rights: focus-acceptance asks for nothing in any of the logs"),
    ],
)
def test_what_is_no_audit_log_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    (tmp_path / "wrong").write_text("[]\n")
    (tmp_path / "nobody").write_text("")
    assert main([each.format(tmp_path) for each in arguments]) == 2
    told = capsys.readouterr().err
    assert says in told and len(told.splitlines()) == 1

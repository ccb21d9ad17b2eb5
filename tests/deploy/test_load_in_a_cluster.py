"""Tests of the image and manifests for load from many testers in a cluster, as far as they need no cluster."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import requests
import typer.main
import yaml

from support.config.load_profile import read_load_profile, require_within
from tests.deploy.manifests import ROOT, SUITE, Object, base, collection_of, lost, one, rendered
from tests.sandbox.kubernetes_api.kubectl_runs import Kubectl, needs_kubectl, succeeds
from tests.sandbox.kubernetes_api.serving import ServedApi
from tools.cli import app

OVERLAY = SUITE / "load-overlays" / "staging"
DOCKERFILE = (SUITE / "Dockerfile.load").read_text(encoding="utf-8")
OWN = [
    each
    for name in ("master", "workers")
    for each in yaml.safe_load_all((SUITE / "load" / f"{name}.yaml").read_text(encoding="utf-8"))
]


def arguments(job: Object) -> dict[str, str]:
    """The container's options with their values; the command itself has an empty key."""
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["focus-acceptance"]
    command, *options = container["args"]
    return {"": command, **dict(option.split("=", 1) for option in options)}


@pytest.mark.parametrize("manifest", OWN, ids=lambda each: f"{each['kind']}-{each['metadata']['name']}")
def test_a_manifest_holds_nothing_that_the_official_client_does_not_know(manifest: Object) -> None:
    assert lost(manifest) == []


def test_the_api_server_takes_both_jobs_under_strict_validation(api: ServedApi, http: requests.Session) -> None:
    for manifest in (one(base(), "Namespace", "focus-acceptance"), *(each for each in OWN if each["kind"] == "Job")):
        answer = http.post(f"{api.url}{collection_of(manifest)}?fieldValidation=Strict", json=manifest)
        assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("name", ["focus-acceptance-load", "focus-acceptance-load-workers"])
def test_the_command_line_knows_every_option_of_a_job(name: str) -> None:
    given = arguments(one(OWN, "Job", name))
    command = typer.main.get_command(app).commands[given.pop("")]  # type: ignore[attr-defined]
    known = {option for parameter in command.params for option in parameter.opts}
    assert set(given) <= known
    needed = {parameter.opts[0] for parameter in command.params if parameter.required}
    assert needed <= set(given)


def test_as_many_workers_come_as_the_master_expects_where_it_listens() -> None:
    master, workers = (one(OWN, "Job", f"focus-acceptance-load{part}") for part in ("", "-workers"))
    spec = workers["spec"]
    assert spec["completionMode"] == "Indexed" and spec["backoffLimitPerIndex"] == 0
    assert spec["completions"] == spec["parallelism"] == int(arguments(master)["--expect-workers"])
    service = one(OWN, "Service", "focus-acceptance-load")
    (port,) = service["spec"]["ports"]
    about = service["metadata"]
    assert arguments(workers)["--master"] == f"{about['name']}.{about['namespace']}:{port['port']}"
    assert arguments(master)["--listen"] == f"$(POD_IP):{port['port']}"
    template = master["spec"]["template"]
    assert service["spec"]["selector"].items() <= template["metadata"]["labels"].items()
    (container,) = template["spec"]["containers"]
    assert [(one["name"], one["containerPort"]) for one in container["ports"]] == [(port["targetPort"], port["port"])]
    assert container["env"] == [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]


def test_the_profile_of_the_master_is_within_the_caps_of_staging(monkeypatch: pytest.MonkeyPatch) -> None:
    file = Path(arguments(one(OWN, "Job", "focus-acceptance-load"))["--profile"])
    text = (ROOT / "environments" / "staging.yaml").read_text(encoding="utf-8")
    assert "safety:" in text and file.parts[0] == "load"
    caps = dict(re.findall(r"^  (requests_at_once|openings_in_all): (\d+)", text, re.MULTILINE))
    require_within(read_load_profile(ROOT / file), str(file), {name: int(number) for name, number in caps.items()})
    assert set(caps) == {"requests_at_once", "openings_in_all"}


def test_a_worker_has_nothing_that_it_could_betray() -> None:
    spec = one(OWN, "Job", "focus-acceptance-load-workers")["spec"]["template"]["spec"]
    assert spec["automountServiceAccountToken"] is False and "serviceAccountName" not in spec
    (container,) = spec["containers"]
    assert "envFrom" not in container and [each["name"] for each in spec["volumes"]] == ["scratch"]
    own = container["securityContext"]
    assert own["readOnlyRootFilesystem"] is True and own["allowPrivilegeEscalation"] is False
    assert own["capabilities"] == {"drop": ["ALL"]} and spec["securityContext"]["runAsNonRoot"] is True


@needs_kubectl
def test_the_overlay_has_the_load_in_place_of_the_shards() -> None:
    objects = rendered(OVERLAY)
    jobs = {each["metadata"]["name"] for each in objects if each["kind"] in ("Job", "CronJob")}
    assert jobs == {"focus-acceptance-load", "focus-acceptance-load-workers"}
    images = {
        container["image"]
        for each in objects
        if each["kind"] == "Job"
        for container in each["spec"]["template"]["spec"]["containers"]
    }
    assert images == {"registry.example/focus-acceptance-load:1"}
    assert one(objects, "ConfigMap", "focus-acceptance")["data"]["FOCUS_ENV"] == "staging"
    assert {"Role", "ClusterRole", "PersistentVolumeClaim", "Service"} <= {each["kind"] for each in objects}


@needs_kubectl
def test_kubectl_applies_the_overlay_and_finds_nothing_to_change_afterwards(api: ServedApi, kubectl: Kubectl) -> None:
    created = succeeds(kubectl, "apply", "-k", str(OVERLAY)).splitlines()
    assert created and all(line.endswith(" created") for line in created)
    assert all(line.endswith(" unchanged") for line in succeeds(kubectl, "apply", "-k", str(OVERLAY)).splitlines())


def test_the_image_is_that_of_the_suite_with_the_locked_extras() -> None:
    lines = [shlex.split(line, comments=True) for line in DOCKERFILE.splitlines()]
    copied = [name.rstrip("/") for line in lines if line[:1] == ["COPY"] for name in line[1:-1]]
    ignored = (SUITE / "Dockerfile.load.dockerignore").read_text(encoding="utf-8").splitlines()
    assert sorted(line[1:] for line in ignored if line.startswith("!")) == sorted(copied)
    assert all((ROOT / name).exists() for name in copied) and "load" in copied
    assert "--require-hashes -r requirements/extras.txt" in DOCKERFILE
    assert [line for line in lines if line][-1] == ["USER", "65532:65532"]

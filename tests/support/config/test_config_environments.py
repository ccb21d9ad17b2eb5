"""The environment files of the repository: they load, have the expected values, and keep production safe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.config import ConfigurationError, Environment, available, load_environment
from support.config.loading import ENVIRONMENTS
from support.selection import reason_to_skip


@pytest.fixture
def site_variables(tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """Set all secrets that a site needs: passwords in variables, keys in files."""

    def variables(name: str) -> dict[str, str]:
        prefix = f"FOCUS_{name.upper()}_"
        secret_file = tmp_path / "secret"
        secret_file.write_text("key\n", encoding="utf-8")
        files = ("KUBERNETES__KUBECONFIG", "SSH__TARGET__KEY_FILE", "SSH__KNOWN_HOSTS")
        return {
            f"{prefix}MONGODB_PASSWORD": "mongo p@ss",
            f"{prefix}RABBITMQ_PASSWORD": "rabbit-secret",
            f"{prefix}SSH_JUMP_PASSWORD": "jump-secret",
        } | {f"FOCUS__{file}": str(secret_file) for file in files}

    return variables


def test_there_are_five() -> None:
    assert available() == ["cluster", "local", "production", "sandbox", "staging"]


@pytest.mark.parametrize("name", ["staging", "production"])
def test_a_site_loads_with_its_secrets(name: str, site_variables: Callable[[str], dict[str, str]]) -> None:
    site = load_environment(name, overrides=site_variables(name))
    assert site.kind == name
    assert site.kubernetes.access == "ssh_tunnel"
    assert "prisma:mongo%20p%40ss@" in site.mongodb.uri.get_secret_value()
    assert {"mongo p@ss", "mongo%20p%40ss", "rabbit-secret", "jump-secret"} <= set(site.secrets())
    prefix = f"environment variable FOCUS_{name.upper()}"
    assert site.secret_sources == {
        "mongodb.uri": f"{prefix}_MONGODB_PASSWORD",
        "rabbitmq.password": f"{prefix}_RABBITMQ_PASSWORD",
        "ssh.jump.password": f"{prefix}_SSH_JUMP_PASSWORD",
        "ssh.target.key_file": "file",
    }
    assert site.limits.time_scale == 1
    assert site.source == ENVIRONMENTS / f"{name}.yaml"


def test_what_is_allowed_where(site_variables: Callable[[str], dict[str, str]]) -> None:
    def allowed(name: str) -> tuple[bool, bool, bool]:
        safety = load_environment(name, overrides=site_variables(name)).safety
        return safety.load, safety.disruptive, safety.writes_database

    assert allowed("production") == (False, False, False)
    assert allowed("staging") == (True, True, False)
    assert allowed("sandbox") == (True, True, True)


@pytest.mark.parametrize("permission", ["load", "disruptive", "writes_database"])
def test_production_permits_nothing(permission: str, site_variables: Callable[[str], dict[str, str]]) -> None:
    variables = site_variables("production") | {f"FOCUS__SAFETY__{permission.upper()}": "true"}
    with pytest.raises(ConfigurationError) as caught:
        load_environment("production", overrides=variables)
    assert str(caught.value) == (
        f"environment variable FOCUS__SAFETY__{permission.upper()}: safety.{permission}: true is not allowed; "
        "allowed: false, because identity.kind is production"
    )


def test_production_cannot_be_called_something_else(site_variables: Callable[[str], dict[str, str]]) -> None:
    variables = site_variables("production") | {"FOCUS__IDENTITY__KIND": "staging"}
    with pytest.raises(ConfigurationError) as caught:
        load_environment("production", overrides=variables)
    assert str(caught.value) == (
        "environment variable FOCUS__IDENTITY__KIND: identity.kind: must not be overridden; it "
        "decides which rules hold, "
        "and only the environment file may say it"
    )


@pytest.mark.parametrize(
    ("variable", "path", "as_written"),
    [
        ("FOCUS__FOCUS_SERVER__BASE_URL", "focus_server.base_url", "https://{host}/focus-server"),
        ("FOCUS__KUBERNETES__API_SERVER", "kubernetes.api_server", "https://{host}:6443"),
        ("FOCUS__MONGODB__URI", "mongodb.uri", "mongodb://a:b@127.0.0.1:1,{host}:27017/x"),
        ("FOCUS__SSH__TARGET__HOST", "ssh.target.host", "{host}"),
    ],
)
def test_no_other_environment_names_a_host_of_production(
    variable: str, path: str, as_written: str, site_variables: Callable[[str], dict[str, str]]
) -> None:
    production = yaml.safe_load((ENVIRONMENTS / "production.yaml").read_text(encoding="utf-8"))
    host = production["ssh"]["target"]["host"]
    variables = site_variables("staging") | {variable: as_written.format(host=host)}
    with pytest.raises(ConfigurationError) as caught:
        load_environment("staging", overrides=variables)
    assert str(caught.value) == (
        f"environment variable {variable}: {path}: host {host} is not allowed; "
        "it belongs to the production environment production"
    )


@pytest.mark.parametrize("name", ["staging", "production"])
def test_missing_secrets_are_all_named(name: str, site_variables: Callable[[str], dict[str, str]]) -> None:
    given = {key: value for key, value in site_variables(name).items() if key.startswith("FOCUS__")}
    with pytest.raises(ConfigurationError) as caught:
        load_environment(name, overrides=given)
    lines = str(caught.value).splitlines()
    assert [line.split(": ", 1)[1] for line in lines] == [
        f"{path}: environment variable FOCUS_{name.upper()}_{variable} is not set; it must hold the value"
        for path, variable in (
            ("mongodb.uri", "MONGODB_PASSWORD"),
            ("ssh.jump.password (a secret)", "SSH_JUMP_PASSWORD"),
            ("rabbitmq.password (a secret)", "RABBITMQ_PASSWORD"),
        )
    ]
    assert all(f"{name}.yaml line " in line for line in lines)


def test_local_needs_nothing() -> None:
    local = load_environment("local", overrides={})
    assert local.focus_server.base_url == "http://localhost:5000"
    assert local.capabilities == {"mongodb"}
    assert local.secrets() == []
    with pytest.raises(ConfigurationError, match=r"local\.yaml: kubernetes: this environment does not have it$"):
        _ = local.kubernetes


def test_the_sandbox_can_be_read_before_it_runs() -> None:
    sandbox = load_environment("sandbox", overrides={})
    assert sandbox.sandbox.settings["gpu_slices"] == 240
    assert not sandbox.has_endpoints
    with pytest.raises(
        ConfigurationError, match=r"sandbox\.yaml: mongodb: it comes from the run file, and none was given$"
    ):
        _ = sandbox.mongodb


def test_the_sandbox_takes_its_endpoints_from_the_run_file(
    run_data: dict[str, Any], write_run_file: Callable[[Mapping[str, Any] | str], Path], tmp_path: Path
) -> None:
    sandbox = load_environment("sandbox", run_file=write_run_file(run_data), overrides={})
    assert sandbox.has_endpoints
    assert sandbox.focus_server.base_url == "https://127.0.0.1:4443/focus-server"
    assert sandbox.focus_server.ca_file == tmp_path / "ca.pem"
    assert sandbox.kubernetes.kubeconfig == tmp_path / "kubeconfig"
    assert sandbox.kubernetes.services.rabbitmq.workload_kind == "StatefulSet"
    assert sandbox.mongodb.base_path == "/prisma/root/recordings/segy"
    assert sandbox.ssh.jump is not None
    assert sandbox.ssh.jump.password_file == tmp_path / "jump_password"
    assert sandbox.ssh.target.key_file == tmp_path / "target_key"
    assert sandbox.control is not None
    assert sandbox.control.url == "http://127.0.0.1:9000"
    assert sandbox.control.token is not None
    assert sandbox.control.token.get_secret_value() == "of-the-run-file"
    assert "of-the-run-file" in sandbox.secrets()
    assert sandbox.secret_sources["mongodb.uri"] == "run file"


def test_the_requirements_are_the_numbers_of_every_environment(site_variables: Callable[[str], dict[str, str]]) -> None:
    def numbers(environment: Environment) -> dict[str, Any]:
        return (
            environment.limits.model_dump(exclude={"time_scale", "overhead_s", "start_overhead_s", "highest_view"})
            | environment.capacity.model_dump()
        )

    sites = [load_environment(name, overrides=site_variables(name)) for name in ("staging", "production")]
    environments = [*sites, load_environment("local", overrides={}), load_environment("sandbox", overrides={})]
    assert all(numbers(environment) == numbers(environments[0]) for environment in environments)
    assert {environment.capacity.target_jobs for environment in environments} == {200}


@pytest.mark.parametrize("name", ["local", "production", "sandbox", "staging"])
def test_every_limit_is_written_down(name: str) -> None:
    written = yaml.safe_load((ENVIRONMENTS / f"{name}.yaml").read_text(encoding="utf-8"))
    sandbox = load_environment("sandbox", overrides={})
    assert set(written["limits"]) == set(type(sandbox.limits).model_fields)
    assert set(written["capacity"]) == set(type(sandbox.capacity).model_fields)


def test_what_the_run_file_says_is_missing_is_not_declared_and_the_skip_says_why(
    run_data: dict[str, Any], write_run_file: Callable[[Any], Path]
) -> None:
    path = write_run_file(run_data | {"missing": {"gpu": "no node offers slices"}})
    found = load_environment("sandbox", run_file=path, overrides={})
    assert "gpu" not in found.capabilities and "gpu" in load_environment("sandbox", overrides={}).capabilities
    assert reason_to_skip(["needs_gpu"], found) == (
        "environment sandbox does not declare the capability gpu: no node offers slices"
    )


def test_the_heat_map_is_declared_by_the_highest_view(site_variables: Callable[[str], dict[str, str]]) -> None:
    variables = site_variables("staging")
    assert "heat_maps" not in load_environment("staging", overrides=variables).capabilities
    offered = load_environment("staging", overrides={**variables, "FOCUS__LIMITS__HIGHEST_VIEW": "3"})
    assert offered.limits.highest_view == 3 and "heat_maps" in offered.capabilities


@pytest.mark.parametrize(
    ("setting", "value", "allowed"),
    [
        (
            "FOCUS__LIMITS__HIGHEST_VIEW",
            "4",
            "limits.highest_view: 4 is not allowed; allowed: a whole number, at least 2, at most 3",
        ),
        ("FOCUS__CAPABILITIES", "[heat_maps]", "heat_maps is not allowed; it is declared by limits.highest_view of 3"),
    ],
)
def test_another_view_and_a_heat_map_without_one_are_refused(
    site_variables: Callable[[str], dict[str, str]], setting: str, value: str, allowed: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_environment("staging", overrides={**site_variables("staging"), setting: value})
    assert allowed in str(refused.value)

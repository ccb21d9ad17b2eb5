"""``FOCUS__SECTION__KEY`` overrides any key, and reports an override that it cannot apply."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Folder


def test_values_are_yaml_except_where_text_is_wanted(folder: Folder) -> None:
    lab = folder.load(
        FOCUS__SAFETY__LOAD="yes",
        FOCUS__LIMITS__JOB_VISIBLE_S="12.5",
        FOCUS__SSH__TARGET__PORT="2200",
        FOCUS__SSH__TARGET__PASSWORD="12345",
        FOCUS__MONGODB__DATABASE="0010",
        FOCUS__MONGODB__REQUIRED_COLLECTIONS="[base_paths, tasks]",
        FOCUS__REFUSAL_STATUSES="[400]",
        FOCUS__FOCUS_SERVER__VERIFY_TLS="false",
    )
    assert lab.safety.load is True
    assert lab.limits.job_visible_s == 12.5
    assert lab.ssh.target.port == 2200
    assert lab.ssh.target.password is not None
    assert lab.ssh.target.password.get_secret_value() == "12345"
    assert lab.mongodb.database == "0010"
    assert lab.mongodb.required_collections == ("base_paths", "tasks")
    assert lab.refusal_statuses == {400}
    assert lab.focus_server.verify_tls is False


def test_a_section_can_be_made_of_overrides(folder: Folder) -> None:
    lab = folder.load(
        FOCUS__RABBITMQ__HOST="127.0.0.1",
        FOCUS__RABBITMQ__USER="guest",
        FOCUS__RABBITMQ__PASSWORD="secret-9",
        FOCUS__RABBITMQ__EXCHANGE="prisma",
    )
    assert lab.rabbitmq is not None
    assert lab.secret_sources["rabbitmq.password"] == "environment variable FOCUS__RABBITMQ__PASSWORD"


def test_an_override_replaces_what_could_not_be_resolved(folder: Folder) -> None:
    folder.variables.clear()
    lab = folder.load(FOCUS__MONGODB__URI="mongodb://127.0.0.1:5")
    assert lab.mongodb.uri.get_secret_value() == "mongodb://127.0.0.1:5"
    assert lab.secret_sources["mongodb.uri"] == "environment variable FOCUS__MONGODB__URI"


def test_a_password_may_look_like_a_placeholder(folder: Folder) -> None:
    lab = folder.load(FOCUS__SSH__TARGET__PASSWORD="a${b}c")
    assert lab.ssh.target.password is not None
    assert lab.ssh.target.password.get_secret_value() == "a${b}c"


def test_an_overridden_list_is_the_override_s_alone(folder: Folder) -> None:
    issue = {"scenario": "DQ-01a", "ticket": "PZ-1", "expires": "2026-01-01", "reason": "${GONE}"}
    folder.data["known_issues"] = [issue]
    lab = folder.load(
        FOCUS__KNOWN_ISSUES="[{scenario: JL-01a, ticket: PZ-2, expires: 2026-02-01, reason: 'as ${written}'}]"
    )
    assert [(known.scenario, known.reason) for known in lab.known_issues] == [("JL-01a", "as ${written}")]


def test_other_variables_are_none_of_its_business(folder: Folder) -> None:
    folder.load(FOCUS_ENV="production", FOCUS_SOMETHING="x", focus_ENV="x")


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        (
            "FOCUS__SAFETY__LAOD",
            "true",
            "safety.laod: unknown key laod; did you mean load? allowed: disruptive, load, load_between, "
            "openings_in_all, openings_per_minute, requests_at_once, writes_database",
        ),
        ("FOCUS__SAFETY__LOAD__NOW", "true", "safety.load.now: unknown key; safety.load has no keys below it"),
        (
            "FOCUS__SAFETY",
            "{load: true}",
            "safety: a whole section cannot be overridden; name one of its keys: disruptive, load, load_between, "
            "openings_in_all, openings_per_minute, requests_at_once, writes_database",
        ),
        ("FOCUS__SAFETY__LOAD", "perhaps", "safety.load: 'perhaps' is not allowed; allowed: true or false"),
        ("FOCUS__SAFETY__LOAD", "[", "safety.load: '[' is not a YAML value; allowed: true or false"),
        (
            "FOCUS__LIMITS__LOG_LINES",
            "0",
            "limits.log_lines: 0 is not allowed; allowed: a whole number, at least 1, at most 1000000",
        ),
        (
            "FOCUS__IDENTITY__NAME",
            "x",
            "identity.name: must not be overridden; it decides which "
            "rules hold, and only the environment file may say it",
        ),
        ("FOCUS__SSH__KNOWN_HOSTS", "/nowhere/hosts", "ssh.known_hosts: file /nowhere/hosts does not exist"),
        (
            "FOCUS__MONGODB__URI",
            "http://u:hidden@x",
            "mongodb.uri: the value is not allowed; allowed: a URI that begins with mongodb:// or mongodb+srv://",
        ),
        (
            "FOCUS__FOCUS_SERVER__BASE_URL",
            "https://u:hidden@x",
            "focus_server.base_url: "
            "'https://u:***@x' is not allowed; allowed: an http or https URL with a host, without user, "
            "query and fragment",
        ),
    ],
)
def test_what_is_wrong_is_said_of_the_variable(folder: Folder, variable: str, value: str, sentence: str) -> None:
    assert folder.refusal(**{variable: value}) == [f"environment variable {variable}: {sentence}"]


def test_an_unknown_section_lists_the_sections(folder: Folder) -> None:
    (told,) = folder.refusal(FOCUS__MONGO__URI="x")
    assert told.startswith(
        "environment variable FOCUS__MONGO__URI: mongo.uri: unknown key mongo; did you mean "
        "mongodb? allowed: capabilities, "
    )


def test_an_empty_part_is_an_unknown_key(folder: Folder) -> None:
    (told,) = folder.refusal(FOCUS__SAFETY____LOAD="true")
    assert "unknown key ; allowed: disruptive, load, load_between, openings_in_all" in told

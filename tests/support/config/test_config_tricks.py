"""Settings that disable a requirement or do not mean what they seem to are refused or reported."""

from __future__ import annotations

import pytest
from conftest import Folder
from mutants import NO_SUCH_DAY

from support.config import load_environment


def changed(folder: Folder, key: str, text: str) -> str:
    """The text of ``lab`` with ``section.key: text`` inserted literally."""
    *sections, name = key.split(".")
    target = folder.data
    for section in sections:
        target = target.setdefault(section, {})
    target[name] = "PLACE"
    path = folder.write()
    written = path.read_text().replace("PLACE", text)
    path.write_text(written)
    return folder.refusal()[0]


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("limits.refusal_s", ".inf", ".inf is not allowed; YAML reads it as inf"),
        ("limits.refusal_s", "-.inf", "is not allowed; YAML reads it as -inf"),
        ("limits.refusal_s", ".nan", "YAML reads it as nan"),
        ("limits.refusal_s", "1e400", "at most 604800"),
        (
            "limits.refusal_s",
            "0x10",
            "0x10 is not allowed; YAML reads it as 16; allowed: a decimal number, or '0x10' in",
        ),
        ("limits.refusal_s", "1_000", "1_000 is not allowed; YAML reads it as 1000"),
        ("limits.refusal_s", "1:30", "1:30 is not allowed; YAML reads it as 90"),
        ("limits.refusal_s", "010", "010 is not allowed; YAML reads it as 8"),
        ("limits.refusal_s", "0b11", "0b11 is not allowed; YAML reads it as 3"),
        ("limits.refusal_s", "on", "True is not allowed; allowed: a number; YAML makes a truth value of on"),
        ("limits.max_restarts", "yes", "True is not allowed; allowed: a number; YAML makes a truth value of on"),
        ("limits.refusal_s", "1000000", "at most 604800"),
        ("limits.configure_p95_ms", "1000000", "at most 600000"),
        ("limits.max_restarts", "1000", "at most 100"),
        ("capacity.recovery_factor", "11", "at most 10"),
        (
            "capacity.first_stream_port",
            "12800",
            "12800 is not allowed; allowed: at most 12700, capacity.last_stream_port",
        ),
        ("focus_server.read_timeout_s", "4000", "at most 3600"),
        ("sandbox.settings.nodes", "yes", "sandbox.settings.nodes: True is not allowed; allowed: a number or a text"),
        ("capacity.steps", "[yes, 200]", "capacity.steps.0: True is not allowed; allowed: a whole number, at least 1"),
        ("identity.title", "2026-02-30", f"identity.title: 2026-02-30 cannot be read: {NO_SUCH_DAY}"),
    ],
)
def test_a_number_that_is_none_or_out_of_its_range(folder: Folder, key: str, text: str, message: str) -> None:
    assert message in changed(folder, key, text)


@pytest.mark.parametrize("status", [500, 503, 200, 302, 99])
def test_only_a_client_error_is_a_refusal(folder: Folder, status: int) -> None:
    folder.data["refusal_statuses"] = [400, status]
    folder.write()
    assert "at least 400, at most 499" in folder.refusal()[0]


def test_no_status_at_all_is_no_refusal(folder: Folder) -> None:
    folder.data["refusal_statuses"] = []
    folder.write()
    assert "refusal_statuses" in folder.refusal()[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x [*x]\n", "line 1: a.0: an anchor refers to itself"),
        ("a: &x\n  b: *x\n", "an anchor refers to itself"),
        ("a: b\x00c\n", "malformed YAML"),
        ("a: \ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "malformed YAML"),
        ("[" * 3000, "cannot be read"),
    ],
)
def test_a_file_that_no_reader_gets_through(folder: Folder, text: str, message: str) -> None:
    folder.write(text)
    (told,) = folder.refusal()
    assert message in told
    assert "\n" not in told


@pytest.mark.parametrize("name", ["focus__safety__load", "Focus__Limits__refusal_s"])
def test_a_variable_in_lower_case_is_not_overlooked(folder: Folder, name: str) -> None:
    (told,) = folder.refusal(**{name: "true"})
    assert (
        told
        == f"environment variable {name}: is written in lower case and would be overlooked; allowed: {name.upper()}"
    )


@pytest.mark.parametrize("value", ["0x10", "1_000", "1:30", ".inf", "on"])
def test_a_variable_means_what_it_seems_to(folder: Folder, value: str) -> None:
    (told,) = folder.refusal(FOCUS__LIMITS__REFUSAL_S=value)
    assert "is not allowed" in told


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("FOCUS__REFUSAL_STATUSES", "[400, 0x1a6]", "refusal_statuses.1: 0x1a6 is not allowed; YAML reads it as 422"),
        ("FOCUS__CAPACITY__STEPS", "[1, 1:40, 200]", "capacity.steps.1: 1:40 is not allowed; YAML reads it as 100"),
        (
            "FOCUS__KNOWN_ISSUES",
            "[{expires: 2026-02-30}]",
            f"known_issues.0.expires: 2026-02-30 cannot be read: {NO_SUCH_DAY}",
        ),
        ("FOCUS__KNOWN_ISSUES", "[{ticket: a, ticket: b}]", "known_issues.0.ticket: duplicate key"),
        ("FOCUS__REFUSAL_STATUSES", "!!set {400}", "refusal_statuses: !!set is not allowed; allowed: a list"),
        ("FOCUS__KNOWN_ISSUES", "&x [*x]", "known_issues.0: an anchor refers to itself"),
        ("FOCUS__KNOWN_ISSUES", "[" * 3000, "known_issues: cannot be read: it is nested too deeply"),
    ],
)
def test_each_value_of_a_variable_means_what_it_seems_to(folder: Folder, name: str, value: str, message: str) -> None:
    (told,) = folder.refusal(**{name: value})
    assert told.startswith(f"environment variable {name}: {message}")


def test_a_limit_looser_than_required_is_told(folder: Folder) -> None:
    folder.data["limits"] = {
        "configure_p95_ms": 800,
        "recognition_rate": 0.5,
        "refusal_s": 1,
        "stability_success_rate": 1,
        "memory_growth_mb_per_h": 20,
    }
    folder.data["capacity"] = {"success_rate": 0.9}
    folder.data["refusal_statuses"] = [400, 409, 422]
    folder.write()
    assert folder.load().looser_than_required() == [
        "judged by a limit of 800 ms, the requirement is 300 ms (limits.configure_p95_ms)",
        "judged by a limit of 0.5, the requirement is 0.8 (limits.recognition_rate)",
        "judged by a limit of 20 MB/h, the requirement is 10 MB/h (limits.memory_growth_mb_per_h)",
        "judged by a limit of 0.9, the requirement is 0.95 (capacity.success_rate)",
        "refusals may be answered 409 as well, the requirement is 400 or 422",
    ]


@pytest.mark.parametrize("name", ["sandbox", "local"])
def test_what_is_required_is_not_called_looser(name: str) -> None:
    assert load_environment(name, overrides={}).looser_than_required() == []

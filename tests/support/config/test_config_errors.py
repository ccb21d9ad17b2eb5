"""Each kind of invalid environment has its own error sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.config import ConfigurationError, Environment, load_environment
from support.config.errors import KeyPath, Problem
from support.config.schema import SchemaNode, tree
from support.redaction import PROCESS

if TYPE_CHECKING:
    from conftest import Folder

WriteRunFile = Callable[[Mapping[str, Any] | str], Path]


def test_unknown_environment(folder: Folder) -> None:
    folder.write()
    folder.write(name="site.yaml")
    with pytest.raises(ConfigurationError) as caught:
        load_environment("labb", overrides={}, directory=folder.path)
    assert str(caught.value) == f"{folder.path}: unknown environment 'labb'; did you mean lab? available: lab, site"


def test_a_name_is_not_a_path(folder: Folder) -> None:
    folder.write()
    with pytest.raises(ConfigurationError, match=r"unknown environment '\.\./lab'"):
        load_environment("../lab", overrides={}, directory=folder.path)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "a: [1\nb: 2\n",
            "lab.yaml line 2 column 2: malformed YAML: expected ',' or ']', but got ':' "
            "while parsing a flow sequence of line 1",
        ),
        ("a:\n\tb: 1\n", "lab.yaml line 2 column 1: malformed YAML: found character '\\t' that cannot start any token"),
        ("", "lab.yaml: an environment file is a mapping of sections, this one is empty"),
        ("- a\n", "lab.yaml: an environment file is a mapping of sections, this one is a list"),
        ("words\n", "lab.yaml: an environment file is a mapping of sections, this one is a single value"),
    ],
)
def test_malformed_yaml(folder: Folder, text: str, sentence: str) -> None:
    folder.write(text)
    assert folder.refusal() == [sentence]


def test_not_text(folder: Folder) -> None:
    folder.file.write_bytes(b"a: \xff\xfe\n")
    assert folder.refusal() == ["lab.yaml: cannot be read: not UTF-8 text"]


def test_duplicate_keys_are_all_named(folder: Folder) -> None:
    folder.write("identity:\n  name: lab\n  name: other\nsafety: {}\nsafety: {}\n")
    assert folder.refusal() == [
        "lab.yaml line 3: identity.name: duplicate key; already given in line 2",
        "lab.yaml line 5: safety: duplicate key; already given in line 4",
    ]


def test_unknown_keys(folder: Folder) -> None:
    folder.data["mongodb"]["databse"] = "x"
    folder.data["colour"] = "blue"
    folder.data["known_issues"] = [
        {"scenario": "DQ-01a", "ticket": "PZ-1", "expires": "2026-01-01", "reason": "r", "until": "x"}
    ]
    assert folder.refusal() == [
        "lab.yaml line 15: mongodb.databse: unknown key databse; did you mean database? "
        "allowed: base_path, connect_timeout_s, database, reports_as, required_collections, uri",
        "lab.yaml line 24: colour: unknown key colour; allowed: capabilities, capacity, control, "
        "endpoints, focus_server, "
        "identity, known_issues, kubernetes, limits, mongodb, parallel, rabbitmq, refusal_statuses, "
        "safety, sandbox, ssh, stream_client, stream_method",
        "lab.yaml line 30: known_issues.0.until: unknown key until; "
        "allowed: also, expires, notice, reason, scenario, ticket",
    ]


def test_an_unknown_key_that_yaml_does_not_read_as_text(folder: Folder) -> None:
    folder.write("on: 1\n")
    assert folder.refusal()[0].startswith("lab.yaml: True: unknown key True; allowed: capabilities, ")


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (
            "identity.kind",
            "stagin",
            "'stagin' is not allowed; did you mean staging? allowed: one of sandbox, local, staging, production",
        ),
        ("identity.exclusive", "maybe", "'maybe' is not allowed; allowed: true or false"),
        ("identity.title", "", "'' is not allowed; allowed: a text, not empty"),
        ("identity.name", "other", "'other' is not allowed; allowed: 'lab', the name of the file"),
        ("identity.name", "A b", "'A b' is not allowed; allowed: a text, matching ^[a-z][a-z0-9_-]*$"),
        (
            "focus_server.base_url",
            "ftp://x",
            "'ftp://x' is not allowed; allowed: an http or https URL with a host, without user, query and fragment",
        ),
        *(
            (
                "focus_server.tls_fingerprint",
                value,
                f"{value!r} is not allowed; allowed: sha256: and 64 hexadecimal digits, with colons between each two "
                "of them or without",
            )
            for value in ("sha256:12ab", "ab" * 32, f"sha1:{'ab' * 20}", f"sha256:{'xy' * 32}", "sha256:")
        ),
        *(
            (
                "safety.load_between",
                value,
                f"{value!r} is not allowed; allowed: two times of a day and a time zone, such as 22:00-05:00 "
                f"Asia/Jerusalem{why}",
            )
            for value, why in (
                ("at night", ""),
                ("22:00-05:00", ""),
                ("22-05 Asia/Jerusalem", ""),
                ("22:00-25:00 UTC", "; 25:00 is no time of a day"),
                ("22:00-22:00 UTC", ", with an end that is not its start"),
                ("22:00-05:00 Asia/Nowhere", "; there is no time zone Asia/Nowhere"),
                ("22:00-05:00 Asia", "; there is no time zone Asia"),
            )
        ),
        ("stream_client", "http", "'http' is not allowed; allowed: one of tcp, grpc"),
        ("stream_method", "StreamData", r"'StreamData' is not allowed; allowed: a text, matching ^/[\w.]+/\w+$"),
        ("focus_server.read_timeout_s", "soon", "'soon' is not allowed; allowed: a number, above 0, at most 3600"),
        (
            "focus_server",
            5,
            "5 is not allowed; allowed: a section with the keys base_url, ca_file, "
            "connect_timeout_s, read_timeout_s, tls_fingerprint, verify_tls",
        ),
        ("ssh.target.port", 70000, "70000 is not allowed; allowed: a whole number, at least 1, at most 65535"),
        ("ssh.target.user", None, "empty is not allowed; allowed: a text, not empty"),
        ("ssh.known_hosts", "nowhere", "file nowhere does not exist"),
        ("capacity.target_jobs", 40, "40 is not allowed; allowed: a whole number, at least 200, at most 10000"),
        ("capacity.steps", [1, 50], "[1, 50] is not allowed; allowed: growing numbers that end with target_jobs 200"),
        ("limits.ping_samples", 3, "3 is not allowed; allowed: a whole number, at least 10, at most 10000"),
        ("limits.time_scale", 0.02, "0.02 is not allowed; allowed: 1.0, because identity.kind is staging"),
        ("endpoints", "run_file", "run_file is not allowed; allowed: given, because identity.kind is staging"),
        ("control", {"url": "http://127.0.0.1"}, "is not allowed, because identity.kind is staging"),
        ("sandbox.settings", {"nodes": 2}, "are not allowed, because identity.kind is staging"),
        ("sandbox.copies", 2, "2 is not allowed; allowed: 0, because identity.kind is staging"),
        (
            "sandbox.at_real_time",
            {"parallel": 12, "copies": 6},
            "is not allowed, because identity.kind is staging",
        ),
        ("sandbox.copies", 17, "17 is not allowed; allowed: a whole number, at least 0, at most 16"),
        (
            "identity.exclusive",
            True,
            "must be true exactly when capabilities has exclusive_cluster; allowed here: false",
        ),
    ],
)
def test_wrong_values(folder: Folder, path: str, value: object, sentence: str) -> None:
    *sections, key = path.split(".")
    target = folder.data
    for section in sections:
        target = target.setdefault(section, {})
    target[key] = value
    (told,) = folder.refusal()
    assert told.startswith("lab.yaml line ")
    assert told.split(": ", 1)[1] == f"{path}: {sentence}"


def test_an_unknown_capability(folder: Folder) -> None:
    folder.data["capabilities"] = ["mongodb", "fiber"]
    (told,) = folder.refusal()
    assert told.startswith(
        "lab.yaml line 22: capabilities.1: 'fiber' is not allowed; did you mean fibre? allowed: one of fibre, "
    )


def test_missing_keys(folder: Folder) -> None:
    del folder.data["identity"]["title"], folder.data["mongodb"]["uri"], folder.data["endpoints"]
    assert folder.refusal() == [
        "lab.yaml line 1: identity.title: missing; allowed: a text, not empty",
        "lab.yaml: endpoints: missing; allowed: one of run_file, given",
        "lab.yaml line 8: mongodb.uri: missing; allowed: a text",
    ]


def test_a_capability_without_its_section(folder: Folder) -> None:
    del folder.data["ssh"], folder.data["focus_server"]
    folder.data["capabilities"] += ["gpu", "kubernetes"]
    assert folder.refusal() == [
        "lab.yaml: focus_server: missing; every environment has one",
        "lab.yaml: kubernetes: missing; the environment declares gpu, kubernetes, which needs it",
        "lab.yaml: ssh: missing; the environment declares ssh, which needs it",
    ]


def _service(name: str) -> dict[str, Any]:
    return {"deployment": name, "service": name, "service_type": "ClusterIP", "port": 1, "pod_selector": f"app={name}"}


def test_how_the_cluster_is_reached(folder: Folder) -> None:
    services = {name: _service(name) for name in ("focus_server", "mongodb", "rabbitmq")}
    folder.data["kubernetes"] = {"access": "ssh_tunnel", "namespace": "panda", "services": services}
    folder.data["capabilities"] = ["kubernetes"]
    del folder.data["ssh"]
    assert [line.split(": ", 1)[1] for line in folder.refusal()] == [
        "kubernetes.kubeconfig: missing; allowed: a kubeconfig, or api_server with token",
        "kubernetes.access: ssh_tunnel is not allowed without an ssh section",
    ]


def test_the_name_of_a_certificate(folder: Folder) -> None:
    folder.data["kubernetes"] = {"access": "direct", "tls_server_name": "https://kubernetes:6443"}
    assert [line.split(": ", 1)[1] for line in folder.refusal() if "tls_server_name" in line] == [
        "kubernetes.tls_server_name: 'https://kubernetes:6443' is not allowed; allowed: a name or an IP address as the "
        "certificate has it, without scheme and port"
    ]


def test_whom_to_trust_is_said_once(folder: Folder) -> None:
    pin = ":".join(["AB"] * 32)
    services = {name: _service(name) for name in ("focus_server", "mongodb", "rabbitmq")}
    cluster = {"access": "direct", "namespace": "panda", "services": services, "kubeconfig": "kubeconfig"}
    folder.data["kubernetes"] = cluster | {"verify_tls": False, "tls_server_name": "kubernetes"}
    for server, sentence in (
        ({"verify_tls": False}, "is not allowed beside verify_tls: false; allowed: one of them"),
        ({"ca_file": "known_hosts"}, "is not allowed beside ca_file; allowed: one of them"),
        ({"base_url": "http://127.0.0.1:1"}, "is not allowed for an http address; allowed: only with https"),
    ):
        folder.data["focus_server"] = {"base_url": "https://127.0.0.1:1", "tls_fingerprint": f"sha256:{pin}"} | server
        folder.write()
        assert [line.split(": ", 1)[1] for line in folder.refusal()] == [
            f"focus_server.tls_fingerprint: {sentence}",
            "kubernetes.tls_server_name: is not allowed beside verify_tls: false, which checks no name",
        ]
    folder.data["focus_server"] = {"base_url": "https://127.0.0.1:1", "tls_fingerprint": f"SHA256:{pin}"}
    folder.data["kubernetes"] = cluster | {"verify_tls": False}
    folder.write()
    lab = folder.load()
    assert lab.focus_server.tls_fingerprint == f"sha256:{'ab' * 32}"
    assert lab.unverified_certificates() == ["Kubernetes (kubernetes.verify_tls is false)"]
    folder.data["focus_server"] = {"base_url": "https://127.0.0.1:1", "verify_tls": False}
    folder.write()
    assert folder.load().unverified_certificates() == [
        "Focus Server (focus_server.verify_tls is false)",
        "Kubernetes (kubernetes.verify_tls is false)",
    ]


def test_one_way_to_log_in(folder: Folder) -> None:
    folder.data["ssh"]["target"] |= {"password": "${MONGO_URI}", "key_file": "known_hosts"}
    assert folder.refusal() == [
        "lab.yaml line 16: ssh.target: has password and key_file; allowed: at most one way to log in"
    ]


def test_a_scenario_is_known_once_for_one_reason(folder: Folder) -> None:
    issue = {"scenario": "DQ-01a", "ticket": "PZ-1", "expires": "2026-01-01", "reason": "r"}
    folder.data["known_issues"] = [issue, dict(issue)]
    assert folder.refusal() == ["lab.yaml line 23: known_issues: DQ-01a is listed 2 times for 'r'; allowed: once"]
    folder.data["known_issues"] = [issue, {**issue, "reason": "another"}]
    folder.write()
    assert len(folder.load().known_issues) == 2


def test_all_problems_are_told_at_once(folder: Folder) -> None:
    folder.data["identity"]["kind"] = "x"
    folder.data["mongodb"]["uri"] = "${NOT_THERE}"
    folder.data["colour"] = 1
    assert len(folder.refusal(FOCUS__SAFETY__LOAD="perhaps", FOCUS__NOTHING="1")) == 5


def test_the_time_scale_of_a_sandbox_is_said_twice_alike(folder: Folder) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_environment("sandbox", overrides={"FOCUS__LIMITS__TIME_SCALE": "0.1"})
    assert "sandbox.settings.time_scale: 0.02 is not allowed; allowed: 0.1, the same as limits.time_scale" in str(
        caught.value
    )


class TestRunFile:
    """Errors of a run file, which name that file."""

    def _refusal(self, path: Path, **variables: str) -> list[str]:
        with pytest.raises(ConfigurationError) as caught:
            load_environment("sandbox", run_file=path, overrides=variables)
        return str(caught.value).replace(f"{path.parent}/", "").splitlines()

    def test_not_there(self, tmp_path: Path) -> None:
        assert self._refusal(tmp_path / "run.json") == ["run file run.json: cannot be read: No such file or directory"]

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            (
                '{"a": 1,\n ]',
                "run file run.json line 2 column 2: malformed JSON: Expecting property name enclosed in double quotes",
            ),
            ("[]", "run file run.json: a run file is an object of sections, this one is a list"),
            ('{"ssh": {}, "ssh": {}}', "run file run.json: duplicate key ssh"),
        ],
    )
    def test_malformed(self, write_run_file: WriteRunFile, text: str, sentence: str) -> None:
        assert self._refusal(write_run_file(text)) == [sentence]

    def test_missing_keys(self, run_data: dict[str, Any], write_run_file: WriteRunFile) -> None:
        del run_data["mongodb"]["uri"], run_data["ssh"]["target"]["user"], run_data["focus_server"]["base_url"]
        assert self._refusal(write_run_file(run_data)) == [
            "run file run.json: focus_server.base_url: missing; allowed: a text",
            "run file run.json: mongodb.uri: missing; allowed: a text",
            "run file run.json: ssh.target.user: missing; allowed: a text, not empty",
        ]

    def test_missing_sections(self, run_data: dict[str, Any], write_run_file: WriteRunFile) -> None:
        del run_data["control"], run_data["kubernetes"]["kubeconfig"]
        assert self._refusal(write_run_file(run_data)) == [
            "run file run.json: control: missing; the environment declares fibre_control, link_control, which needs it",
            "run file run.json: kubernetes.kubeconfig: missing; allowed: a kubeconfig, or api_server with token",
        ]

    def test_unknown_keys(self, run_data: dict[str, Any], write_run_file: WriteRunFile) -> None:
        run_data["safety"] = {"load": True}
        run_data["control"]["uri"] = "x"
        assert self._refusal(write_run_file(run_data)) == [
            "run file run.json: safety: unknown key safety; "
            "allowed: control, focus_server, kubernetes, mongodb, rabbitmq, ssh",
            "run file run.json: control.uri: unknown key uri; did you mean url? allowed: token, url",
        ]

    @pytest.mark.parametrize("told", [["gpu"], {"gpus": "why"}, {"gpu": 7}, "gpu"])
    def test_what_it_says_is_missing(self, run_data: dict[str, Any], write_run_file: WriteRunFile, told: Any) -> None:
        (said,) = self._refusal(write_run_file(run_data | {"missing": told}))
        assert said.startswith(f"run file run.json: missing: {told!r} is not allowed; capabilities with a reason each")

    def test_files_that_are_gone(self, run_data: dict[str, Any], write_run_file: WriteRunFile, tmp_path: Path) -> None:
        (tmp_path / "ca.pem").unlink()
        assert self._refusal(write_run_file(run_data)) == [
            "run file run.json: focus_server.ca_file: file ca.pem does not exist"
        ]

    def test_only_for_an_environment_that_wants_one(
        self, folder: Folder, run_data: dict[str, Any], write_run_file: WriteRunFile
    ) -> None:
        del run_data["control"], run_data["kubernetes"]
        assert folder.refusal(write_run_file(run_data)) == [
            "run file run.json: lab.yaml takes no run file; its endpoints are not run_file"
        ]


def keys_of(node: SchemaNode, path: KeyPath = ()) -> Iterator[KeyPath]:
    below = {**node.children, **({"first": node.item} if node.item else {})}
    for key, child in below.items():
        yield (*path, key)
        yield from keys_of(child, (*path, key))


def test_what_is_said_of_a_secret_is_not_taken_for_it() -> None:
    """Regression: "password: environment variable X is not set" was printed as "password: *** variable X is not
    set"."""
    keys = [*keys_of(tree(Environment))]
    said = [str(Problem("lab.yaml line 3", key, "a text is allowed here, not a number")) for key in keys]
    said += [str(Problem(f"environment variable FOCUS__{'__'.join(key).upper()}", key, "a text")) for key in keys]
    assert [PROCESS.redact(sentence) for sentence in said] == said
    assert "lab.yaml line 3: ssh.jump.password (a secret): a text is allowed here, not a number" in said
    assert "lab.yaml line 3: ssh.jump.host: a text is allowed here, not a number" in said

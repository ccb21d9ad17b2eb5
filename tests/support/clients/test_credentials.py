"""Credentials for a cluster: plugins that run once and within a time limit, and tokens that change during a run."""

from __future__ import annotations

import json
import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from client_doubles import KubernetesAt, Reply, http_server
from kubeconfig_doubles import CREDENTIAL, client, kubeconfig, refusal, script, version

from support.clients.journal import Journal
from support.clients.kubernetes import credentials, exec_plugin
from support.clients.kubernetes.access import kubernetes_address
from support.clients.kubernetes.client import ClusterError
from support.waits import Stopwatch

VERSION = {"gitVersion": "v1.34.1"}
COUNTING = "#!/bin/sh\necho run >> runs\n" + CREDENTIAL.partition("\n")[2]


def runs(folder: Path) -> int:
    path = folder / "runs"
    return len(path.read_text().splitlines()) if path.exists() else 0


def in_seconds(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_plugin_runs_once_for_every_client_and_the_tunnel(tmp_path: Path) -> None:
    plugin = script(tmp_path, COUNTING % '{"token": "t0ken-of-the-plugin"}')
    with http_server(lambda received: Reply.json(VERSION)) as server:
        path = kubeconfig(tmp_path, server.url, plugin)
        for _ in range(2):
            connected = client(path)
            kubernetes_address(settings_of(path))
            for _ in range(3):
                connected.version()
            assert version(server) == "Bearer t0ken-of-the-plugin"
    assert runs(tmp_path) == 1


def settings_of(path: Path) -> Any:
    return KubernetesAt(None, kubeconfig=path, token=None)


def test_a_token_that_ends_is_asked_for_again_before_it_does(tmp_path: Path) -> None:
    status = json.dumps({"token": "short-lived-token", "expirationTimestamp": in_seconds(5)})
    with http_server(lambda received: Reply.json(VERSION)) as server:
        connected = client(kubeconfig(tmp_path, server.url, script(tmp_path, COUNTING % status)))
        connected.version()
        assert runs(tmp_path) > 1
    status = json.dumps({"token": "long-lived-token", "expirationTimestamp": in_seconds(3600)})
    other = tmp_path / "other"
    other.mkdir()
    with http_server(lambda received: Reply.json(VERSION)) as server:
        connected = client(kubeconfig(other, server.url, script(other, COUNTING % status)))
        connected.version()
        assert runs(other) == 1


def test_a_plugin_that_fails_later_is_told_as_a_failure_of_the_cluster(tmp_path: Path) -> None:
    status = json.dumps({"token": "short-lived-token", "expirationTimestamp": in_seconds(5)})
    plugin = script(tmp_path, COUNTING % status)
    with http_server(lambda received: Reply.json(VERSION)) as server:
        connected = client(kubeconfig(tmp_path, server.url, plugin))
        script(tmp_path, "#!/bin/sh\necho 'session expired' >&2\nexit 1\n")
        with pytest.raises(ClusterError, match="cannot be renewed: .* ended with 1 and said: session expired"):
            connected.version()


@pytest.mark.parametrize(
    "text",
    [
        "#!/bin/sh\necho 'waiting for the browser' >&2\nsleep 60\n",
        "#!/bin/sh\necho 'waiting for the browser' >&2\nsleep 60 & wait\n",
        "#!/bin/sh\necho 'waiting for the browser' >&2\nwhile true; do echo more; sleep 0.1; done\n",
    ],
)
def test_a_plugin_that_does_not_end_is_ended_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(exec_plugin, "TIMEOUT_S", 0.5)
    watch = Stopwatch()
    told = refusal(kubeconfig(tmp_path, "https://k.example", script(tmp_path, text)))
    assert watch.given_s() < 5
    assert "plugin, which was not done after 0.5 s and was ended and said: waiting for the browser" in told
    pause = threading.Event()
    while at_work_in(tmp_path) and watch.given_s() < 5:
        pause.wait(0.05)  # until the kernel has removed them
    assert not at_work_in(tmp_path)


def at_work_in(folder: Path) -> list[Path]:
    """The processes whose working directory is ``folder``."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        try:
            found += [link] if link.readlink() == folder else []
        except OSError:  # has ended meanwhile, or belongs to another user
            continue
    return found


def test_a_plugin_has_no_input_and_is_told_so(tmp_path: Path) -> None:
    """A plugin that asks for a password reads the end of its input instead of waiting."""
    asks = '#!/bin/sh\nread answer || { echo "no password was given" >&2; exit 4; }\n'
    told = refusal(kubeconfig(tmp_path, "https://k.example", script(tmp_path, asks)))
    assert "ended with 4 and said: no password was given" in told
    plugin = script(tmp_path, CREDENTIAL % '{"token": "t"}')
    plugin["exec"]["interactiveMode"] = "Always"
    told = refusal(kubeconfig(tmp_path, "https://k.example", plugin))
    assert "wants to ask somebody (interactiveMode: Always), and nobody is there to answer" in told


def test_a_plugin_is_told_what_kubectl_tells_it(tmp_path: Path) -> None:
    """Arguments, variables, the folder of the kubeconfig, and the cluster with its extension."""
    text = '#!/bin/sh\necho "$1 $REGION $(pwd) $KUBERNETES_EXEC_INFO" > told\n' + CREDENTIAL.partition("\n")[2]
    plugin = script(tmp_path, text % '{"token": "t"}')
    plugin["exec"] |= {
        "args": ["get-token"],
        "env": [{"name": "REGION", "value": "north"}],
        "provideClusterInfo": True,
        "command": "./plugin",
    }
    extension = {"name": "client.authentication.k8s.io/exec", "extension": {"audience": "site"}}
    client(kubeconfig(tmp_path, "https://k.example", plugin, extensions=[extension]))
    words = (tmp_path / "told").read_text().split(" ", 3)
    assert words[:3] == ["get-token", "north", str(tmp_path)]
    info = json.loads(words[3])
    assert (info["apiVersion"], info["kind"]) == ("client.authentication.k8s.io/v1", "ExecCredential")
    assert info["spec"] == {
        "interactive": False,
        "cluster": {"server": "https://k.example", "config": {"audience": "site"}},
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"args": "get-token"}, "has args that are no list"),
        ({"env": [{"name": "REGION"}]}, "has an env that is no list of name and value"),
        ({"env": {"REGION": "north"}}, "has an env that is no list of name and value"),
        ({"apiVersion": "client.authentication.k8s.io/v1beta1"}, "answered in version client.authentication.k8s.io/v1"),
        ({"command": "no\0such"}, "cannot be run: a text of it holds a character of no use"),
    ],
)
def test_a_plugin_that_is_described_wrong_is_told(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    plugin = script(tmp_path, CREDENTIAL % '{"token": "t"}')
    plugin["exec"] |= change
    assert message in refusal(kubeconfig(tmp_path, "https://k.example", plugin))


@pytest.mark.parametrize("moment", ["tomorrow", "2026-13-01T00:00:00Z"])
def test_an_end_of_a_token_that_is_no_time_is_told(tmp_path: Path, moment: str) -> None:
    plugin = script(tmp_path, CREDENTIAL % json.dumps({"token": "t", "expirationTimestamp": moment}))
    told = refusal(kubeconfig(tmp_path, "https://k.example", plugin))
    assert "gave an expirationTimestamp that is no time" in told


def test_a_certificate_of_a_plugin_is_tried_and_its_key_hidden(tmp_path: Path) -> None:
    authority = trustme.CA()
    issued, stranger = (authority.issue_cert("client.example") for _ in range(2))
    pems = [made.private_key_pem.bytes().decode() for made in (issued, stranger)]
    for key, fits in zip(pems, (True, False), strict=True):
        status = {"clientCertificateData": issued.cert_chain_pems[0].bytes().decode(), "clientKeyData": key}
        (tmp_path / "answer").write_text(
            json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status})
        )
        plugin = script(tmp_path, f"#!/bin/sh\n# {fits}\ncat answer\n")
        plugin["exec"]["env"] = [{"name": "FITS", "value": str(fits)}]
        path, journal = kubeconfig(tmp_path, "https://k.example", plugin), Journal()
        if fits:
            client(path, journal)
            assert key.strip() not in journal.redact(key.strip())
        else:
            assert "they are no pair" in refusal(path)


def test_a_token_file_that_changes_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "READ_AGAIN_S", 0.0)
    (tmp_path / "token.txt").write_text("token-of-the-first-hour\n")
    with http_server(lambda received: Reply.json(VERSION)) as server:
        journal = Journal()
        connected = client(kubeconfig(tmp_path, server.url, {"tokenFile": "token.txt"}), journal)
        connected.version()
        assert version(server) == "Bearer token-of-the-first-hour"
        (tmp_path / "token.txt").write_text("token-of-the-second-hour\n")
        connected.version()
        assert version(server) == "Bearer token-of-the-second-hour"
        assert "token-of-the-second-hour" not in journal.redact("it is token-of-the-second-hour")
        (tmp_path / "token.txt").unlink()
        with pytest.raises(ClusterError, match="cannot be renewed: .*No such file"):
            connected.version()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\xef\xbb\xbftoken-after-a-mark\r\n", "Bearer token-after-a-mark"),
        (b"token-with-crlf\r\n\r\n", "Bearer token-with-crlf"),
        (b"\n\n  token-in-the-middle  \n", "Bearer token-in-the-middle"),
    ],
)
def test_a_token_file_as_other_systems_write_it(tmp_path: Path, content: bytes, expected: str) -> None:
    (tmp_path / "token.txt").write_bytes(content)
    with http_server(lambda received: Reply.json(VERSION)) as server:
        client(kubeconfig(tmp_path, server.url, {"tokenFile": "token.txt"})).version()
        assert version(server) == expected


def test_a_token_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "utf16.txt").write_bytes("t0ken".encode("utf-16"))
    for name, message in (
        ("folder", "which cannot be read: Is a directory"),
        ("nowhere", "which cannot be read: No such file"),
        ("no\0name", "which cannot be read: it is the name of no file"),
        ("utf16.txt", "whose token holds a control character"),
    ):
        assert message in refusal(kubeconfig(tmp_path, "https://k.example", {"tokenFile": name}))


@pytest.mark.skipif(os.geteuid() == 0, reason="everything can be read by root")
def test_a_token_file_of_somebody_else_is_told(tmp_path: Path) -> None:
    (tmp_path / "token.txt").write_text("t")
    (tmp_path / "token.txt").chmod(0)
    assert "Permission denied" in refusal(kubeconfig(tmp_path, "https://k.example", {"tokenFile": "token.txt"}))


def test_many_threads_run_a_plugin_once(tmp_path: Path) -> None:
    plugin = exec_plugin.plugin_of(
        script(tmp_path, COUNTING % '{"token": "t"}')["exec"], tmp_path, {"server": "https://k.example"}
    )
    threads = [threading.Thread(target=plugin.credential) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert runs(tmp_path) == 1

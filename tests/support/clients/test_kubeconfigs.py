"""Real-world kubeconfigs: an unusable one gives one sentence with file and key before any connection is made."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import trustme
import yaml
from client_doubles import Reply, http_server, port_that_refuses
from kubeconfig_doubles import CREDENTIAL, client, kubeconfig, refusal, script, version

from support.clients.journal import Journal
from support.clients.kubernetes.client import ClusterError
from support.config import ConfigurationError
from support.redaction import PROCESS

TOKEN = "sha256~t0ken-of-the-file"
AUTHORITY = trustme.CA()
CA = base64.b64encode(AUTHORITY.cert_pem.bytes()).decode()
CLIENT = AUTHORITY.issue_cert("client.example")
CERTIFICATE = base64.b64encode(CLIENT.cert_chain_pems[0].bytes()).decode()
KEY = base64.b64encode(CLIENT.private_key_pem.bytes()).decode()
STRANGER = base64.b64encode(AUTHORITY.issue_cert("x.example").private_key_pem.bytes()).decode()


@pytest.mark.parametrize("end", ["", "\n", "\r\n", " \n\n", "\t"])
def test_white_space_around_a_token_of_a_file_is_no_part_of_it(tmp_path: Path, end: str) -> None:
    (tmp_path / "token.txt").write_bytes((TOKEN + end).encode())
    journal = Journal()
    with http_server(lambda received: Reply.json({"gitVersion": "v1.34.1"})) as server:
        assert client(kubeconfig(tmp_path, server.url, {"tokenFile": "token.txt"}), journal).version() == "v1.34.1"
        assert version(server) == f"Bearer {TOKEN}"
    assert TOKEN not in journal.redact(f"it is {TOKEN}")


@pytest.mark.parametrize("middle", ["\n", "\x00", "\x7f", " ", "é", "\u2028"])
@pytest.mark.parametrize("from_file", [True, False])
def test_a_token_that_no_header_may_hold_is_refused_without_being_shown(
    tmp_path: Path, middle: str, from_file: bool
) -> None:
    token = f"{TOKEN}{middle}secret-rest"
    (tmp_path / "token.txt").write_bytes(token.encode())
    user = {"tokenFile": "token.txt"} if from_file else {"token": token}
    path = kubeconfig(tmp_path, "https://k.example", user)
    journal = Journal()
    with pytest.raises(ConfigurationError, match="token holds a control character") as raised:
        client(path, journal)
    assert TOKEN not in str(raised.value)
    assert "secret-rest" not in journal.redact(token)


def test_an_empty_token_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "token.txt").write_text("\n")
    path = kubeconfig(tmp_path, "https://k.example", {"tokenFile": "token.txt"})
    assert "users[u].user.tokenFile names file token.txt, which is empty" in refusal(path)


CLUSTERS: list[tuple[dict[str, Any], str]] = [
    ({"certificate-authority-data": CA[:-5]}, "clusters[k].cluster.certificate-authority-data is no base64"),
    ({"certificate-authority-data": "!!!"}, "clusters[k].cluster.certificate-authority-data is no base64"),
    ({"certificate-authority-data": CA[:400]}, "certificate-authority holds no certificate"),
    ({"certificate-authority-data": base64.b64encode(b"hello").decode()}, "certificate-authority holds no certificate"),
    ({"certificate-authority": "missing.pem"}, "missing.pem, which cannot be read: No such file"),
    ({"server": "https://127.0.0.1:99999"}, "clusters[k].cluster.server cannot be used; allowed: https://"),
    ({"server": "https://127.0.0.1:port"}, "clusters[k].cluster.server cannot be used"),
    ({"server": "127.0.0.1:6443"}, "clusters[k].cluster.server cannot be used"),
    ({"server": "https://[::1"}, "clusters[k].cluster.server cannot be used"),
    ({"server": None}, "clusters[k].cluster.server cannot be used"),
    ({"proxy-url": "socks5://127.0.0.1:1080"}, "clusters[k].cluster.proxy-url cannot be used; allowed: http://"),
    ({"proxy-url": "http://127.0.0.1:99999"}, "clusters[k].cluster.proxy-url cannot be used"),
    ({"proxy-url": "proxy.example:3128"}, "clusters[k].cluster.proxy-url cannot be used"),
    ({"insecure-skip-tls-verify": "false"}, "insecure-skip-tls-verify is 'false'; allowed: true or false"),
    ({"insecure-skip-tls-verify": 1}, "insecure-skip-tls-verify is 1; allowed: true or false"),
    ({"certificate-authority": "no\0name"}, "which cannot be read: it is the name of no file"),
]


@pytest.mark.parametrize(("cluster", "message"), CLUSTERS)
def test_a_cluster_that_cannot_be_used(tmp_path: Path, cluster: dict[str, Any], message: str) -> None:
    assert message in refusal(kubeconfig(tmp_path, **({"server": "https://k.example"} | cluster)))


USERS: list[tuple[dict[str, Any], str]] = [
    ({"tokenFile": "missing"}, "users[u].user.tokenFile names file"),
    ({"client-certificate-data": CERTIFICATE}, "users[u].user has only one of"),
    ({"client-certificate-data": CERTIFICATE, "client-key-data": STRANGER}, "they are no pair"),
    (
        {"client-certificate-data": CERTIFICATE, "client-key-data": KEY[:-5]},
        "user.client-key-data is no base64",
    ),
    ({"client-certificate-data": CERTIFICATE[:400], "client-key-data": KEY}, "client-certificate cannot be used"),
    ({"exec": {"apiVersion": "v1", "command": "no-such-plugin"}}, "no-such-plugin, which cannot be run: No such file"),
    ({"exec": {"apiVersion": "v1"}}, "users[u].user.exec has no command"),
    ({"exec": "login"}, "users[u].user.exec has no command"),
    ({"auth-provider": {"name": "azure"}}, "users[u].user.auth-provider was removed from kubectl in 1.26"),
    ({"token": "t", "as": "admin"}, "users[u].user.as asks to act as somebody else"),
    ({"client-certificate-data": CERTIFICATE[:-5], "client-key-data": KEY}, "client-certificate-data is no base64"),
    ({"client-certificate": "missing.pem", "client-key-data": KEY}, "missing.pem, which cannot be read: No such file"),
]


@pytest.mark.parametrize(("user", "message"), USERS)
def test_a_user_that_cannot_be_used(tmp_path: Path, user: dict[str, Any], message: str) -> None:
    assert message in refusal(kubeconfig(tmp_path, "https://k.example", user))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "#!/bin/sh\necho 'token expired: run login' >&2\nexit 3\n",
            "ended with 3 and said: token expired: run login",
        ),
        ("#!/bin/sh\necho hello\n", "plugin, which did not answer with JSON"),
        ("#!/bin/sh\necho '{}'\n", "did not answer with an object of kind ExecCredential"),
        (CREDENTIAL % "{}", "gave neither a token nor a certificate"),
        (CREDENTIAL % '{"clientCertificateData": "x"}', "gave neither a token nor a certificate"),
        ("#!/no/such/interpreter\n", "cannot be run"),
    ],
)
def test_a_plugin_tells_in_its_own_words_why_it_gave_no_credentials(tmp_path: Path, text: str, message: str) -> None:
    told = refusal(kubeconfig(tmp_path, "https://k.example", script(tmp_path, text)))
    assert "users[u].user.exec" in told
    assert message in told


def test_the_token_of_a_plugin_is_used_and_hidden(tmp_path: Path) -> None:
    plugin = script(tmp_path, CREDENTIAL % f'{{"token": "{TOKEN}"}}')
    journal = Journal()
    with http_server(lambda received: Reply.json({"gitVersion": "v1.34.1"})) as server:
        client(kubeconfig(tmp_path, server.url, plugin), journal).version()
        assert version(server) == f"Bearer {TOKEN}"
    assert TOKEN not in journal.redact(TOKEN)


def test_a_plugin_that_repeats_its_secrets_is_told_without_them(tmp_path: Path) -> None:
    """The secrets given to the plugin and those it printed before it failed. They stand alone, so only their source
    marks them as secrets."""
    said = '#!/bin/sh\necho \'{"status": {"token": "g1ven-token"}}\'\necho $CLIENT_SECRET $* g1ven-token >&2\nexit 1\n'
    user = script(tmp_path, said)
    user["exec"] |= {
        "args": ["get", "--client-secret", "g1ven-argument", "--api-token=g1ven-word"],
        "env": [{"name": "CLIENT_SECRET", "value": "g1ven-variable"}],
    }
    told = refusal(kubeconfig(tmp_path, "https://k.example", user), journal=Journal((), PROCESS))
    assert "and said: *** get --client-secret *** --api-token=*** ***" in PROCESS.redact(told)


def test_a_secret_at_the_edge_of_what_a_plugin_says_is_not_cut_in_half(tmp_path: Path) -> None:
    PROCESS.hide("at-the-edge-0123456789")
    user = script(tmp_path, f"#!/bin/sh\necho {'x' * 390} at-the-edge-0123456789 >&2\nexit 1\n")
    assert refusal(kubeconfig(tmp_path, "https://k.example", user)).endswith("x ***")


@pytest.mark.parametrize("as_file", [True, False])
def test_the_key_of_a_client_is_hidden_by_each_of_its_lines(tmp_path: Path, as_file: bool) -> None:
    user = {"client-certificate-data": CERTIFICATE, "client-key-data": KEY}
    if as_file:
        (tmp_path / "key.pem").write_bytes(base64.b64decode(KEY))
        user = {"client-certificate-data": CERTIFICATE, "client-key": "key.pem"}
    journal = Journal()
    client(kubeconfig(tmp_path, "https://k.example", user), journal)
    line = base64.b64decode(KEY).decode().splitlines()[1]
    assert journal.redact(f"a {line} b {KEY} c") == "a *** b *** c"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: [", "is no YAML at line 1"),
        ("a: b: token-in-a-line", "is no YAML"),
        ("- a", "is no kubeconfig"),
        ("", "is no kubeconfig"),
        ("{}", "current-context is missing"),
        ("current-context: x", "contexts has no context 'x'; allowed: none"),
        ("current-context: x\ncontexts: [{name: x}]", "contexts[x] has no context"),
        ("current-context: x\ncontexts: [{name: x, context: {cluster: k}}]", "clusters has no cluster 'k'"),
        ("current-context: x\ncontexts: [{name: y}, z]", "contexts has no context 'x'; allowed: y"),
        (
            "current-context: x\nclusters: 3\ncontexts: [{name: x, context: {cluster: k}}]",
            "clusters has no cluster 'k'",
        ),
    ],
)
def test_a_file_that_is_no_kubeconfig(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(content)
    told = refusal(path)
    assert message in told
    assert "token-in-a-line" not in told


def test_a_kubeconfig_that_cannot_be_read(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in refusal(tmp_path / "nowhere")
    assert "cannot be read: Is a directory" in refusal(tmp_path)


@pytest.mark.parametrize("plural", ["contexts", "clusters", "users"])
def test_two_entries_of_one_name_are_refused_as_by_kubectl(tmp_path: Path, plural: str) -> None:
    path = kubeconfig(tmp_path, "https://k.example")
    content = yaml.safe_load(path.read_text())
    content[plural] *= 2
    path.write_text(yaml.safe_dump(content))
    assert f"{plural} has 2 entries with the name" in refusal(path)


def test_base64_in_several_lines_is_read_as_by_kubectl(tmp_path: Path) -> None:
    wrapped = "\n".join(CA[start : start + 64] for start in range(0, len(CA), 64)) + "\n"
    client(kubeconfig(tmp_path, "https://k.example", **{"certificate-authority-data": wrapped}))


@pytest.mark.parametrize("mark", ["\ufeff", ""])
def test_a_kubeconfig_with_a_byte_order_mark_and_a_colon_in_its_name_is_read(tmp_path: Path, mark: str) -> None:
    """The official client splits names at colons, as it accepts several files."""
    folder = tmp_path / "site:north"
    folder.mkdir()
    with http_server(lambda received: Reply.json({"gitVersion": "v1.34.1"})) as server:
        path = kubeconfig(folder, server.url)
        path.write_text(mark + path.read_text(), encoding="utf-8")
        assert client(path).version() == "v1.34.1"


def test_a_user_and_password_are_sent_as_such(tmp_path: Path) -> None:
    """The API server no longer accepts them (Kubernetes 1.19); a proxy in front of it may."""
    journal = Journal()
    with http_server(lambda received: Reply.json({"gitVersion": "v1.34.1"})) as server:
        client(kubeconfig(tmp_path, server.url, {"username": "me", "password": "pr0xy-pass"}), journal).version()
        assert version(server) == "Basic " + base64.b64encode(b"me:pr0xy-pass").decode()
    assert "pr0xy-pass" not in journal.redact("it is pr0xy-pass")


def test_a_context_that_the_environment_names_must_exist(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, "https://k.example")
    assert "contexts has no context 'other'; allowed: c" in refusal(path, context="other")


class Proxy:
    """A server that answers the first request and keeps its head."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.head = b""
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection, self._listener:
            self.head = connection.recv(65536)
            body = b'{"gitVersion": "v1.30.0"}'
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body)


@pytest.mark.parametrize("user", ["", "me:pr0xy-pass@", "me:pr0xy%40pass%3A@"])
def test_the_proxy_of_the_cluster_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: str) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    proxy, journal = Proxy(), Journal()
    path = kubeconfig(tmp_path, "http://k.example:6443", **{"proxy-url": f"http://{user}127.0.0.1:{proxy.port}"})
    assert client(path, journal).version() == "v1.30.0"
    assert proxy.head.startswith(b"GET http://k.example:6443/version/")
    assert (b"proxy-authorization: basic " in proxy.head.lower()) is bool(user)
    if user:
        meant = unquote(user.removesuffix("@"))
        assert base64.b64encode(meant.encode()) in proxy.head
        for password in (meant.partition(":")[2], user.removesuffix("@").partition(":")[2]):
            assert password not in journal.redact(f"it is {password}")


def test_a_proxy_that_is_not_there_is_told_as_such(tmp_path: Path) -> None:
    with port_that_refuses() as port:
        path = kubeconfig(tmp_path, "http://k.example", **{"proxy-url": f"http://me:pr0xy-pass@127.0.0.1:{port}"})
        with pytest.raises(ClusterError, match="the proxy of the cluster was not reached: .*refused") as raised:
            client(path).version()
    assert "pr0xy-pass" not in str(raised.value)


def test_no_proxy_of_the_process_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with http_server(lambda received: Reply.json({"gitVersion": "v1.34.1"})) as server:
        assert client(kubeconfig(tmp_path, server.url)).version() == "v1.34.1"


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: path.write_text(""), "holds no certificate"),
        (lambda path: path.write_bytes(AUTHORITY.cert_pem.bytes()[:200]), "holds no certificate"),
        (lambda path: None, "cannot be read: No such file"),
    ],
)
def test_the_ca_file_of_the_settings_is_read(tmp_path: Path, write: Callable[[Path], object], message: str) -> None:
    path = tmp_path / "ca.pem"
    write(path)
    with pytest.raises(ConfigurationError, match=f"kubernetes.ca_file: file {path} {message}"):
        client(kubeconfig(tmp_path, "https://k.example"), ca_file=path)


def test_a_kubeconfig_alone_does_not_switch_the_check_of_the_certificate_off(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, "https://k.example", **{"insecure-skip-tls-verify": True})
    assert (
        "insecure-skip-tls-verify switches the check of the certificate off, and the environment does not"
        in refusal(path)
    )
    client(path, verify_tls=False)
    client(path, tls_fingerprint=f"sha256:{'0' * 64}")
    AUTHORITY.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    client(path, ca_file=tmp_path / "ca.pem")

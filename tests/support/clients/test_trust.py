"""The one trust store of all clients, and helpful explanations of TLS failures."""

from __future__ import annotations

import hashlib
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme
from client_doubles import FocusServerAt, KubernetesAt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from support.clients import tls
from support.clients.focus_server.client import ConnectionFailed, FocusServerClient
from support.clients.focus_server.load_client import LoadClient
from support.clients.focus_server.raw_connection import RawConnection
from support.clients.journal import Journal
from support.clients.kubernetes.client import ClusterError, KubernetesClient
from support.clients.safety import Budget, SafetyPolicy
from support.config import ConfigurationError


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b'{"gitVersion": "v1.34.1"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        return


@contextmanager
def server(configure: Any, answers: type[_Answers] = _Answers) -> Iterator[str]:
    """A TLS server whose certificate ``configure`` loads into its context."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    configure(context)
    made = HTTPServer(("127.0.0.1", 0), answers)
    made.socket = context.wrap_socket(made.socket, server_side=True)
    made.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{made.server_address[1]}"
    finally:
        made.shutdown()
        made.server_close()
        thread.join()


def plainly(url: str) -> bool:
    try:
        return FocusServerClient(FocusServerAt(url), Journal(), Budget.on_loopback()).ack().status == 200
    except ConnectionFailed as failure:
        assert failure.kind == "tls"
        return False


def under_load(url: str) -> bool:
    (connection,) = LoadClient(FocusServerAt(url), Journal(), Budget.on_loopback()).connections(
        "GET", "/ack", [None], warm=False
    )
    return connection.send().status == 200


def raw(url: str) -> bool:
    try:
        with RawConnection(FocusServerAt(url), "/configure", {}, Journal(), Budget.on_loopback()) as connection:
            connection.send(connection.head + connection.body)
            return connection.answer().status == 200
    except ConnectionFailed:
        return False


def cluster(url: str) -> bool:
    try:
        return KubernetesClient(KubernetesAt(url), Journal(), Budget.on_loopback()).version() == "v1.34.1"
    except ClusterError:
        return False


@pytest.mark.parametrize("trusts", [plainly, under_load, raw, cluster])
def test_every_client_trusts_whom_the_system_trusts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusts: Any
) -> None:
    authority = trustme.CA()
    store = tmp_path / "system.pem"
    authority.cert_pem.write_to_path(str(store))
    with server(authority.issue_cert("127.0.0.1").configure_cert) as url:
        assert not trusts(url)
        monkeypatch.setenv("SSL_CERT_FILE", str(store))
        assert trusts(url)


def test_what_is_trusted_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = tmp_path / "system.pem"
    trustme.CA().cert_pem.write_to_path(str(store))
    monkeypatch.setenv("SSL_CERT_FILE", str(store))
    assert tls.described(None, True) == f"the certificates of the system ({store})"
    assert tls.described(Path("/site/ca.pem"), True) == "only /site/ca.pem"
    assert tls.described(Path("/site/ca.pem"), False) == "anybody (verify_tls is false)"


@pytest.mark.parametrize("content", [b"", b"hello", b"-----BEGIN CERTIFICATE-----\nMIIB\n", b"\xff\xfe\x00"])
def test_a_ca_file_without_a_certificate_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=f"focus_server.ca_file: file {path} holds no certificate"):
        FocusServerClient(FocusServerAt("https://127.0.0.1:1", path), Journal(), Budget.on_loopback())
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        FocusServerClient(FocusServerAt("https://127.0.0.1:1", tmp_path / "nowhere"), Journal(), Budget.on_loopback())


def old_fashioned(folder: Path) -> tuple[Path, Path, Path]:
    """An authority without the key identifiers and key usage that RFC 5280 requires, as many sites have, and its
    server."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]) for name in ("site CA", "server")]
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    extensions: list[x509.ExtensionType] = [x509.BasicConstraints(ca=True, path_length=None), address]
    paths = folder / "authority.pem", folder / "server.pem", folder / "key.pem"
    for path, name, key, extension in zip(paths, names, keys, extensions, strict=False):
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(names[0]).public_key(key.public_key())
        builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        made = builder.serial_number(7).add_extension(extension, critical=False).sign(keys[0], hashes.SHA256())
        path.write_bytes(made.public_bytes(Encoding.PEM))
    paths[2].write_bytes(keys[1].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return paths


def test_the_stricter_rules_of_python_3_13_are_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority, certificate, key = old_fashioned(tmp_path)
    make = ssl.create_default_context

    def strict(*arguments: Any, **options: Any) -> ssl.SSLContext:
        made = make(*arguments, **options)
        made.verify_flags |= ssl.VERIFY_X509_STRICT
        return made

    monkeypatch.setattr(ssl, "create_default_context", strict)
    with (
        server(lambda context: context.load_cert_chain(certificate, key)) as url,
        pytest.raises(ConnectionFailed, match=r"since version 3.13, Python refuses .* it wants") as raised,
    ):
        FocusServerClient(FocusServerAt(url, authority), Journal(), Budget.on_loopback()).ack()
    assert raised.value.kind == "tls"
    assert tls.explained("certificate has expired") == "certificate has expired"


CLIENTS = {
    "plain": lambda settings: FocusServerClient(settings, Journal(), Budget.on_loopback()).ack(),
    "load": lambda settings: _sent_under_load(settings),
    "raw": lambda settings: _sent_raw(settings),
    "cluster": lambda settings: KubernetesClient(
        KubernetesAt(settings.base_url, tls_fingerprint=settings.tls_fingerprint), Journal(), SafetyPolicy("site")
    ).version(),
}
SECTION = {"cluster": "kubernetes"}


def _sent_under_load(settings: FocusServerAt) -> None:
    client = LoadClient(settings, Journal(), Budget.on_loopback())
    (connection,) = client.connections("GET", "/ack", [None], warm=False)
    reply = connection.send()
    if reply.status is None:
        raise ConnectionFailed(tls.explained(reply.error, "focus_server"), "tls", 0)


def _sent_raw(settings: FocusServerAt) -> None:
    with RawConnection(settings, "/configure", {}, Journal(), Budget.on_loopback()) as connection:
        connection.send(connection.head + connection.body)
        assert connection.answer().status == 200


@pytest.mark.parametrize("client", CLIENTS)
def test_a_pinned_certificate_is_trusted_whoever_issued_it_and_no_other(client: str) -> None:
    """The issuer is unknown here, and the certificate names another host."""
    certificate = trustme.CA().issue_cert("another.example")
    der = ssl.PEM_cert_to_DER_cert(certificate.cert_chain_pems[0].bytes().decode())
    pin, other = f"sha256:{hashlib.sha256(der).hexdigest()}", f"sha256:{'0' * 64}"
    section = SECTION.get(client, "focus_server")
    with server(certificate.configure_cert) as url:
        CLIENTS[client](FocusServerAt(url, tls_fingerprint=pin))
        with pytest.raises((ConnectionFailed, ClusterError)) as raised:
            CLIENTS[client](FocusServerAt(url, tls_fingerprint=other))
    told = f"{section}.tls_fingerprint: {other} is not that of the certificate that answers, {pin}; allowed: "
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


def test_no_token_is_sent_to_a_certificate_that_is_not_the_pinned_one() -> None:
    seen: list[Any] = []

    class Notes(_Answers):
        def do_GET(self) -> None:
            seen.append(self.headers.get("authorization"))
            super().do_GET()

    certificate = trustme.CA().issue_cert("127.0.0.1")
    with server(certificate.configure_cert, Notes) as url, pytest.raises(ClusterError):
        KubernetesClient(
            KubernetesAt(url, tls_fingerprint=f"sha256:{'0' * 64}"), Journal(), SafetyPolicy("site")
        ).version()
    assert seen == []

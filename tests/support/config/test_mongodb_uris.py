"""Real-world MongoDB URIs: their errors, and the secret parts of them."""

from __future__ import annotations

import pytest

from support.config.mongodb_uri import problem_of, secrets_of


@pytest.mark.parametrize(
    "uri",
    [
        "mongodb://localhost",
        "mongodb://localhost:27017",
        "mongodb://10.0.0.1:27017,10.0.0.2:27018/prisma?replicaSet=rs0",
        "mongodb://[::1]:27017/",
        "mongodb://u:p%40ss%3Aw%2Frd@host-1.example.net:27017/prisma?authSource=admin",
        "mongodb://u:p+w@host_1:1/?authSource=admin&tls=true",
        "mongodb+srv://u:p@cluster.example.net/prisma?retryWrites=true",
        "mongodb://u:p@h/?authMechanismProperties=SERVICE_NAME:x@y",
        "mongodb://u@h/",
    ],
)
def test_a_usable_uri(uri: str) -> None:
    assert problem_of(uri) is None


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("", "allowed: a URI that begins with mongodb://"),
        ("localhost:27017", "allowed: a URI that begins with mongodb://"),
        ("http://u:s3cret@h", "allowed: a URI that begins with mongodb://"),
        ("mongodb://", "it names no host"),
        ("mongodb://u:s3cret@", "it names no host"),
        ("mongodb://u:s3cret@/prisma", "it names no host"),
        ("mongodb://u:s3cret@h:99999", "the port is none"),
        ("mongodb://u:s3cret@h:0", "the port is none"),
        ("mongodb://u:s3cret@h:", "the port is none"),
        ("mongodb://u:s3cret@h:27017x/", "the port is none"),
        ("mongodb://h:1,h:x", "the port is none"),
        ("mongodb+srv://h:27017", "names no port"),
        ("mongodb://u:s3/cret@h", "percent-encodings, such as %2F"),
        ("mongodb://u:123/s3cret@h", "percent-encodings, such as %2F"),
        ("mongodb://u:s3?cret@h", "percent-encodings, such as %2F"),
        ("mongodb://u:s3#cret@h", "percent-encodings, such as %2F"),
        ("mongodb://u:s3@cret@h", "percent-encodings, such as %2F"),
        ("mongodb://u:s3://cret@h", "percent-encodings, such as %2F"),
        ("mongodb://u:s3:cret@h", "%3A"),
        ("mongodb://u:s3%cret@h", "%25"),
        ("mongodb://u:s3 cret@h", "a blank or a control character"),
        ("mongodb://u:s3cret@h\n", "a blank or a control character"),
        ("mongodb://u:s3cret@h\x00", "a blank or a control character"),
        ("mongodb://u:s3cret@h/?tls", "an option has no value"),
        ("mongodb://u:s3cret@-", "the host is none"),
    ],
)
def test_what_is_wrong_with_a_uri_is_told_without_its_secrets(uri: str, message: str) -> None:
    told = problem_of(uri)
    assert told is not None
    assert message in told
    assert "s3" not in told


@pytest.mark.parametrize(
    ("uri", "secret"),
    [
        ("mongodb://u:s3cret@h:1/", "s3cret"),
        ("mongodb://u:s3%2Fcret@h:1/", "s3/cret"),
        ("mongodb://u:s3%2Fcret@h:1/", "s3%2Fcret"),
        ("mongodb://t0ken@h:1/", "t0ken"),
        ("mongodb://u:s3/cret@h:1/", "s3/cret"),
        ("mongodb://u:s3?cret@h:1/", "s3?cret"),
        ("mongodb://u:123/s3cret@h:1/", "123/s3cret"),
        ("mongodb://u:s3://cret@h:1/", "s3://cret"),
        ("mongodb://u:s3@cret@h:1/", "s3@cret"),
        ("mongodb://u:s3:cret@h:1/", "s3:cret"),
        ("mongodb://h:1/?tlsCertificateKeyFilePassword=s3cret", "s3cret"),
        ("mongodb://h:1/?tls=true&tlsCertificateKeyFilePassword=s3%26cret", "s3&cret"),
        ("mongodb://h:1/?authMechanismProperties=AWS_SESSION_TOKEN:s3cret,X:y", "s3cret"),
        ("u:s3cret@h", "s3cret"),
    ],
)
def test_what_of_a_uri_is_secret(uri: str, secret: str) -> None:
    assert secret in list(secrets_of(uri))


def test_a_uri_without_a_secret_has_none() -> None:
    assert list(secrets_of("mongodb://h:1/prisma?authSource=admin&tls=true")) == []

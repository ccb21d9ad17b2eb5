"""Secrets are hidden in each spelling, and recognised even if they were not registered."""

from __future__ import annotations

import base64
import html
import itertools
import json
import shlex
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
import yaml

from support.files import write_atomically
from support.redaction import PROCESS, Redactor, shortened
from support.redaction.numbers import FORMS

SECRET = "p'ä\"ss://w@rd/1 %&<x>"


def lower(text: str) -> str:
    return "".join(f"%{part[:2].lower()}{part[2:]}" if number else part for number, part in enumerate(text.split("%")))


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        json.dumps({"password": SECRET}),
        json.dumps({"a": json.dumps({"password": SECRET})}),
        json.dumps({"a": json.dumps({"b": json.dumps({"x": SECRET})})}),
        json.dumps({"x": SECRET}, ensure_ascii=False),
        yaml.safe_dump({"x": SECRET}),
        yaml.safe_dump({"x": SECRET}, allow_unicode=True),
        yaml.safe_dump({"x": SECRET}, default_style="'", allow_unicode=True),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        lower(quote(SECRET, safe="")),
        html.escape(SECRET),
        html.escape(json.dumps(SECRET)),
        repr({"x": SECRET}),
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(f"user:{SECRET}".encode()).decode(),
        base64.b64encode(f"me:{SECRET}".encode()).decode(),
        base64.b64encode(f"a config with {SECRET} in it".encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        f"\n{SECRET}\n",
    ],
)
def test_a_known_secret_is_hidden_in_every_spelling(text: str) -> None:
    shown = Redactor(SECRET).known(text)
    assert "***" in shown
    for form in (SECRET, "ss://w@rd", "ss%3A%2F%2Fw%40rd", "ss%3a%2f%2fw%40rd"):
        assert form not in shown
    core = base64.b64encode(b"\0" * 3 + SECRET.encode()).decode()[8:20]
    assert core not in shown


WRITERS = {
    "JSON": json.dumps,
    "JSON with every letter": lambda text: json.dumps(text, ensure_ascii=False),
    "YAML": lambda text: yaml.safe_dump({"a": text}, width=1_000_000),
    "YAML with quotes": lambda text: yaml.safe_dump({"a": text}, width=1_000_000, default_style="'"),
    "Python": lambda text: repr({"a": text}),
    "HTML": html.escape,
    "a URI": lambda text: quote(text, safe=""),
    "a form": quote_plus,
    "a shell": shlex.quote,
    "CSV": lambda text: text.replace('"', '""'),
}


@pytest.mark.parametrize("first", WRITERS)
def test_a_known_secret_is_hidden_however_often_it_was_written(first: str) -> None:
    """The secret is written three times, with all combinations of writers."""
    redactor = Redactor(SECRET)
    for second, third in itertools.product(WRITERS, repeat=2):
        text = WRITERS[third](WRITERS[second](WRITERS[first](SECRET)))
        shown = redactor.known(f"before {text} after")
        assert "rd" not in shown and "***" in shown, (second, third)
        assert shown.startswith("before ") and shown.endswith(" after")


def test_a_secret_that_is_cut_in_half_is_hidden() -> None:
    PROCESS.hide("planted-5ecret-in-half")
    assert shortened("it is planted-5ecret-in-half and more", 12) == "it is ***"


UNKNOWN = [
    '{"name": "DB_PASSWORD", "value": "hunter2 two"}',
    "{'name': 'DB_PASSWORD', 'value': 'hunter2 two'}",
    json.dumps({"a": '{"name": "DB_PASSWORD", "value": "hunter2"}'}),
    "- name: DB_PASSWORD\n  value: hunter2\n",
    "- name: AWS_SECRET_ACCESS_KEY\n  value: 'hunter2'\n",
    repr("- name: DB_PASSWORD\n  value: hunter2\n"),
    json.dumps(repr("- name: DB_PASSWORD\r\n\tvalue: hunter2\n")),
    repr("password:\n  hunter2\n"),
    repr("passphrase:\thunter2"),
    "AWS_SECRET_ACCESS_KEY=hunter2",
    "aws_secret_access_key = hunter2",
    "x-api-key: hunter2",
    "X-Api-Key=hunter2&x=y",
    '{"apiKey": "hunter2"}',
    "passphrase: hunter2",
    "Set-Cookie: session=hunter2; Path=/",
    "cookie: a=b; hunter2=c",
    "curl -u me:hunter2 https://h/x",
    "curl --user 'me:hunter2' https://h/x",
    "curl --proxy-user me:hunter2 https://h/x",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n-----END OPENSSH PRIVATE KEY-----",
    "-----BEGIN RSA PRIVATE KEY-----\\nhunter2\\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\nhunter2",
    "amqp://me:x://hunter2@broker:5672/",
    "mongodb://me:hunter2/x@h:1/",
    "mongodb://me:a@hunter2@h:1/",
    "https://hunter2-token-of-a-user@h/x",
    "mongodb://h:1/?tls=true&tlsCertificateKeyFilePassword=hunter2&x=y",
    '{"password": "hunter2 two"}',
    "Authorization: Bearer hunter2hunter2",
    "Authorization: Basic hunter2",
    '{\\"token\\": \\"hunter2\\"}',
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJodW50ZXIyIn0.hunter2",
    "PGPASSWORD=hunter2 psql",
    "--client-secret hunter2",
    "Authorization: Token hunter2",
    "authorization=ApiKey hunter2",
    "curl -u :hunter2 https://h/x",
    "authMechanismProperties=AWS_SESSION_TOKEN:hunter2,SERVICE_NAME:x",
]


@pytest.mark.parametrize("text", UNKNOWN)
def test_a_secret_nobody_told_of_is_recognised(text: str) -> None:
    shown = Redactor().redact(text)
    assert "hunter2" not in shown
    assert "***" in shown


@pytest.mark.parametrize(
    "text",
    [
        '{"secretName": "rabbitmq-panda", "job_id": "1-16", "url": "http://127.0.0.1:12301/x"}',
        "- name: LOG_LEVEL\n  value: debug\n",
        '{"name": "grpc-job-1-16", "value": "5"}',
        "GET https://127.0.0.1:41234/focus-server/ack?x=a@b",
        "root@127.0.0.1:22: no SSH connection",
        '{"token": null, "password": "***"}',
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "tokens: see https://h/docs",
        "ls -u root",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert Redactor("other-secret").redact(text) == text


@pytest.mark.parametrize("secret", ["5cats-and-d0gs", "100%5cats", "a\\%5cb-c-d", "\udcff-not-utf-8", "''\"quoted''"])
@pytest.mark.parametrize("before", ["", "%", "\\", "%5c"])
def test_what_reads_like_an_escape_is_none(secret: str, before: str) -> None:
    for written in (secret, json.dumps(secret)[1:-1], json.dumps(json.dumps(secret))[3:-3]):
        assert Redactor(secret).known(f"a {before}{written} b") in (f"a {before}*** b", "a *** b")


def test_secrets_that_overlap_are_hidden_together() -> None:
    assert Redactor("abcd-efgh", "efgh-ijkl").known("x abcd-efgh-ijkl y") == "x *** y"


def test_json_stays_json() -> None:
    text = json.dumps({"token": None, "secret": 5, "password": {"a": 1}, "name": SECRET})
    assert json.loads(Redactor(SECRET).known(text))["name"] == "***"


def test_a_password_of_digits_leaves_the_numbers_and_times_of_a_report_alone() -> None:
    written = {
        "count": 2026, "share": 0.2026, "names": ["2026", "x2026"], "deep": [{"n": -2026, "t": "2026"}],
        "started": "2026-11-28T10:00:00.202Z",
    }  # fmt: skip
    shown = json.loads(Redactor("2026").known(json.dumps(written), form=FORMS[".json"]))
    assert shown == written | {"names": ["***", "x***"], "deep": [{"n": -2026, "t": "***"}]}
    junit = '<testsuite tests="2026" time="2026.5"><testcase name="2026 of 2026" time="1.0"/></testsuite>'
    assert Redactor("2026").known(junit, form=FORMS[".xml"]) == junit.replace("2026 of 2026", "*** of ***")
    metrics = '# HELP jobs 2026\njobs{site="2026"} 2026\n'
    assert Redactor("2026").known(metrics, form=FORMS[".prom"]) == '# HELP jobs ***\njobs{site="***"} 2026\n'


def test_a_secret_of_a_letter_is_hidden_as_a_word_and_leaves_json_alone() -> None:
    written = {"n": 74, "share": -74.5, "tab": "a\tb", "word": "t and that", "is": True, "none": None}
    shown = json.loads(Redactor("t").known(json.dumps(written)))
    assert shown == written | {"word": "*** and that"}


def test_files_that_programs_read_can_be_read_where_a_password_is_a_number(tmp_path: Path) -> None:
    PROCESS.hide("77345621")
    for name in ("run.json", "ledger.jsonl"):
        write_atomically(tmp_path / name, json.dumps({"n": 77345621, "of": "77345621"}))
        assert json.loads((tmp_path / name).read_text(encoding="utf-8")) == {"n": 77345621, "of": "***"}


def test_a_file_holds_no_known_secret_and_is_for_its_owner(tmp_path: Path) -> None:
    PROCESS.hide("planted-5ecret-of-a-test")
    path = tmp_path / "report.json"
    write_atomically(path, '{"a": "planted-5ecret-of-a-test"}')
    assert path.read_text() == '{"a": "***"}'
    assert path.stat().st_mode & 0o777 == 0o600

"""The planted secrets, their places, and the search for them in the output.

Each planted secret contains ``pl4nted`` and the name of its place, so that it is found in any output. The exception is
the private key of a client: it is found by its lines.
"""

from __future__ import annotations

import base64
import html
import json
import shlex
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus

import trustme
import yaml

MARK = "pl4nted"
KNOWN = f"{MARK}:/kn0wn@\"'&<ü> %s+"
"""A password known to the suite, with all characters that some notation escapes."""


def told(place: str) -> str:
    """A secret for one place, unknown to the suite."""
    return f"{MARK}-{place}-0123456789"


def written(secret: str) -> list[str]:
    """The notations in which different writers may write a secret."""
    once = json.dumps(secret)
    twice = json.dumps({"a": json.dumps({"b": secret})})
    percent = quote(secret, safe="")
    padded = [base64.b64encode(b"x" * shift + secret.encode() + b"y").decode() for shift in range(3)]
    return [
        *(secret, repr(secret), once, json.dumps(secret, ensure_ascii=False), twice, json.dumps(twice)),
        *(yaml.safe_dump({"a": secret}), yaml.safe_dump({"a": secret}, allow_unicode=True, default_style="'")),
        *(percent, percent.lower().replace("mark", MARK), quote(secret), quote_plus(secret), quote(percent, safe="")),
        *(html.escape(secret), html.escape(secret, quote=False), html.escape(once), shlex.quote(secret)),
        *(f"curl -u me:{secret}", f"mongodb://me:{percent}@h:1/", f"amqp://me:{secret}@h/"),
        *(base64.b64encode(f"me:{secret}".encode()).decode(), base64.urlsafe_b64encode(secret.encode()).decode()),
        *padded,
        *(secret.encode().hex(), secret.encode().hex().upper()),
    ]


LOGIN = trustme.CA().issue_cert("me")
"""The certificate and key of a client, as in a kubeconfig. They are secret although they contain no mark."""
KEY = LOGIN.private_key_pem.bytes().decode()


def hidden_forms() -> list[bytes]:
    """Byte sequences that no output may contain: the mark and each line of the key, plain, in hexadecimal, and in
    base64 at each alignment."""
    lines = [line for line in KEY.splitlines() if not line.startswith("-----")]
    return [form for secret in (MARK, *lines) for form in _forms(secret.encode())]


def _forms(secret: bytes) -> Iterator[bytes]:
    yield from (secret, secret.hex().encode(), secret.hex().upper().encode())
    for shift in range(3):
        # A base64 letter is six bits: letters at the edges also hold bits of the neighbouring bytes and are left out.
        first, end = -(-shift * 8 // 6), (shift + len(secret)) * 8 // 6
        yield base64.b64encode(b"\0" * shift + secret + b"\0\0")[first:end]


SPELLINGS = " ".join(written(KNOWN))


def into_cluster(path: str, kind: str, content: bytes) -> bytes:
    """Plant secrets into pods, events, configurations and logs."""
    if path.endswith("/log"):
        return content + "".join(f"INFO {line}\n" for line in _log_lines()).encode()
    if "json" not in kind or not content.strip():
        return content
    return json.dumps(_planted(json.loads(content))).encode() + b"\n" * content.endswith(b"\n")


def _log_lines() -> Iterator[str]:
    yield from (line for text in written(KNOWN) for line in text.splitlines())
    yield f"connecting with Authorization: Bearer {told('bearer')} and x-api-key: {told('log-key')}"
    yield f"AWS_SECRET_ACCESS_KEY={told('log-variable')} passphrase: {told('log-passphrase')}"
    yield f"curl --user me:{told('log-curl')} https://h/ ; amqp://me:{told('log-url')}@broker/"
    yield f"{told('plugin-token')} has logged in with {repr(KEY)}, which is {base64.b64encode(KEY.encode()).decode()}"
    yield from KEY.splitlines()[1:-1]
    yield f"mongodb with {told('session')}"


def _planted(value: Any) -> Any:
    if isinstance(value, list):
        return [_planted(item) for item in value]
    if not isinstance(value, dict):
        return value
    planted = {key: _planted(item) for key, item in value.items()}
    if "containers" in planted:
        for container in planted["containers"]:
            container["env"] = [
                {"name": "DB_PASSWORD", "value": told("env")},
                {"name": "AWS_SECRET_ACCESS_KEY", "value": told("env-key")},
                *([{"name": "NOTE", "value": SPELLINGS}] if planted.get("restartPolicy") == "Never" else []),
            ]
    if "reason" in planted and "message" in planted and "involvedObject" in planted:
        planted["message"] += f" token={told('event')} {SPELLINGS}"
    if planted.get("kind") == "ConfigMap":
        planted["data"]["credentials"] = f"password: {told('configuration')}"
        settings = planted["data"].get("default_config.py", "")
        if MARK not in settings:  # the configuration may have been planted before and written back
            planted["data"]["default_config.py"] = settings + f'password = "{told("settings")}"\n'
    return planted


def into_server(path: str, kind: str, content: bytes) -> bytes:
    """Plant secrets into the Focus Server's answers that are objects, and into their messages."""
    answer = json.loads(content) if "json" in kind and content else None
    if not isinstance(answer, dict):
        return content
    answer["connection"] = f"rtsp://me:{told('answer')}@recorder/"
    for key in ("message", "detail", "error"):
        if isinstance(answer.get(key), str):
            answer[key] += f"; password={told('message')}; {SPELLINGS}"
    return json.dumps(answer).encode()


HEADERS = {
    "Set-Cookie": f"session={told('cookie')}; Path=/",
    "X-Api-Key": told("header"),
    "Authorization": f"Bearer {told('authorization')}",
}

BANNER = f"Welcome; token={told('banner')}\n"
COMPLAINT = f"{KEY}\n{SPELLINGS}\nPGPASSWORD={told('complaint')} psql\n"
OUTPUT = f"export AWS_SESSION_TOKEN={told('output')}\n{SPELLINGS}\n{KEY.splitlines()[1]}\n"
"""Output of the SSH hosts before a login, and in addition to that of a command."""

PLUGIN = f"""#!/bin/sh
echo "got {told("plugin-token")} for $CLIENT_SECRET; password={told("plugin-words")}; $*" >&2
cat <<'END'
{
    json.dumps(
        {
            "apiVersion": "client.authentication.k8s.io/v1",
            "kind": "ExecCredential",
            "status": {"token": told("plugin-token"), "clientKeyData": KEY},
        }
    )
}
END
exit ${{PLUGIN_ENDS_WITH:-0}}
"""
"""A credential plugin that prints its input and its output."""

"""The base of all sections of an environment, which are immutable and have no unknown keys, and their field types."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from support.config.mongodb_uri import problem_of

_NUMBERS = (int, float, int | None, float | None)
_NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?:\.(?!-)[A-Za-z0-9-]{1,63})*")


class Section(BaseModel):
    """A section of an environment file.

    A validator raises :class:`ValueError` with a text that says what is allowed. The loader makes the sentence from it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _a_truth_value_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Reject a truth value as a number: Python treats true as 1."""
        field = cls.model_fields[info.field_name or ""]
        if isinstance(value, bool) and field.annotation in _NUMBERS:
            raise ValueError("a number; YAML makes a truth value of on, off, yes and no")
        return value


def _http_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment or parts.username is not None:
        raise ValueError("an http or https URL with a host, without user, query and fragment")
    return value.rstrip("/")


def _mongodb_uri(value: SecretStr) -> SecretStr:
    if problem := problem_of(value.get_secret_value()):
        raise ValueError(problem.removeprefix("allowed: "))
    return value


def _fingerprint(value: str) -> str:
    """Accept the digits as ``openssl x509 -fingerprint -sha256`` writes them, or without the colons."""
    digits = value.strip().lower().removeprefix("sha256:").replace(":", "")
    if not value.strip().lower().startswith("sha256:") or not re.fullmatch(r"[0-9a-f]{64}", digits):
        raise ValueError("sha256: and 64 hexadecimal digits, with colons between each two of them or without")
    return f"sha256:{digits}"


def _server_name(value: str) -> str:
    if not _NAME.fullmatch(value) and not _is_address(value):
        raise ValueError("a name or an IP address as the certificate has it, without scheme and port")
    return value


def _is_address(value: str) -> bool:
    try:
        return bool(ipaddress.ip_address(value))
    except ValueError:
        return False


HttpUrl = Annotated[str, AfterValidator(_http_url)]
MongoUri = Annotated[SecretStr, AfterValidator(_mongodb_uri)]
Fingerprint = Annotated[str, AfterValidator(_fingerprint)]
ServerName = Annotated[str, AfterValidator(_server_name)]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Port = Annotated[int, Field(ge=1, le=65535)]

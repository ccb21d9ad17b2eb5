"""What all sections of an environment have in common: they cannot be changed and have no unknown keys."""

from __future__ import annotations

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


class Section(BaseModel):
    """A section of an environment file.

    The text of a :class:`ValueError` raised by a validator is what would be allowed: the loader makes the sentence.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _a_truth_value_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Python takes true for 1."""
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


HttpUrl = Annotated[str, AfterValidator(_http_url)]
MongoUri = Annotated[SecretStr, AfterValidator(_mongodb_uri)]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Port = Annotated[int, Field(ge=1, le=65535)]

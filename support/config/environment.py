"""An environment: what a run of the suite knows about its target, and what it may do to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, PrivateAttr, SecretStr, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from support.config import requirement, rules
from support.config.base import Section
from support.config.documents import shown
from support.config.errors import ConfigurationError, KeyPath
from support.config.models import (
    Control,
    FocusServer,
    Kubernetes,
    MongoDB,
    RabbitMQ,
    Ssh,
)
from support.config.secrets import masked, spellings
from support.config.sections import Sections

S = TypeVar("S", bound=Section)
ENDPOINT_SECTIONS = ("focus_server", "kubernetes", "mongodb", "ssh", "control", "rabbitmq")


@dataclass(frozen=True)
class Provenance:
    """The source of an environment, passed to the validation as its context."""

    source: Path
    has_endpoints: bool = True
    secret_sources: dict[str, str] = field(default_factory=dict)
    file_secrets: tuple[str, ...] = field(default=(), repr=False)
    missing: dict[str, str] = field(default_factory=dict)


class Environment(Sections):
    """One target. Created by :func:`support.config.load_environment` and never changed afterwards.

    Access to a section that the environment does not have raises :class:`ConfigurationError`: what is not declared is
    not used, so the access is a mistake of the caller or of the environment file.
    """

    _provenance: Provenance = PrivateAttr(default=Provenance(Path("nowhere")))

    @model_validator(mode="after")
    def _follows_the_rules(self, info: ValidationInfo) -> Environment:
        if isinstance(info.context, Provenance):
            self._provenance = info.context
        if broken := rules.broken_by(self, self.has_endpoints):
            text = "; ".join(f"{'.'.join(path)}: {sentence}" for path, sentence in broken)
            raise PydanticCustomError(rules.ERROR_TYPE, "{text}", {"text": text, "broken": broken})
        return self

    @property
    def source(self) -> Path:
        """The environment file."""
        return self._provenance.source

    @property
    def has_endpoints(self) -> bool:
        """False only for an environment that takes its endpoints from a run file which was not given yet."""
        return self._provenance.has_endpoints

    @property
    def missing(self) -> dict[str, str]:
        """Capabilities that the environment file declares and the sandbox of the run file lacks, with the reasons."""
        return dict(self._provenance.missing)

    @property
    def secret_sources(self) -> dict[str, str]:
        """The key path and source of each secret: ``environment variable X``, ``file``, ``run file`` or ``literal``."""
        return dict(self._provenance.secret_sources)

    @property
    def focus_server(self) -> FocusServer:
        return self._declared("focus_server", self.focus_server_section)

    @property
    def kubernetes(self) -> Kubernetes:
        return self._declared("kubernetes", self.kubernetes_section)

    @property
    def mongodb(self) -> MongoDB:
        return self._declared("mongodb", self.mongodb_section)

    @property
    def ssh(self) -> Ssh:
        return self._declared("ssh", self.ssh_section)

    @property
    def broker(self) -> RabbitMQ:
        return self._declared("rabbitmq", self.rabbitmq)

    @property
    def control(self) -> Control | None:
        """The control interface of the sandbox, or None."""
        return self.control_section

    def secrets(self) -> list[str]:
        """Return all secret values in use, the longest first. None of them may be printed or written."""
        values = {
            spelling for _, secret in _secret_fields(self, ()) for spelling in spellings(secret.get_secret_value())
        }
        values |= set(self._provenance.file_secrets)
        # A header of basic authentication encodes user and password together.
        values |= {f"{user}:{password}" for user, password in self._logins()}
        return sorted(values, key=lambda value: (-len(value), value))

    def _logins(self) -> Iterator[tuple[str, str]]:
        hosts = () if self.ssh_section is None else (self.ssh_section.jump, self.ssh_section.target)
        for login in (*hosts, self.rabbitmq):
            if login is not None and login.password is not None:
                yield login.user, login.password.get_secret_value()

    def looser_than_required(self) -> list[str]:
        """Describe each limit that is looser than the requirements."""
        return list(requirement.looser_than_required(self))

    def unverified_certificates(self) -> list[str]:
        """Name each service whose certificate is not checked, with the setting responsible, for the result of a run."""
        server, cluster = self.focus_server_section, self.kubernetes_section
        found = []
        if server is not None and not server.verify_tls and server.base_url.startswith("https:"):
            found.append("Focus Server (focus_server.verify_tls is false)")
        if cluster is not None and not cluster.verify_tls:
            found.append("Kubernetes (kubernetes.verify_tls is false)")
        return found

    def redacted(self) -> dict[str, Any]:
        """Return all settings as plain JSON data for the record, with ``***`` for each secret."""
        data: dict[str, Any] = self.model_dump(mode="json", by_alias=True)
        for path, secret in _secret_fields(self, ()):
            parent = data
            for key in path[:-1]:
                parent = parent[key]
            parent[path[-1]] = masked(secret.get_secret_value())
        for unordered in ("capabilities", "refusal_statuses"):
            data[unordered] = sorted(data[unordered])
        return data

    def _declared(self, name: str, section: S | None) -> S:
        if section is None:
            reason = (
                "this environment does not have it"
                if self.has_endpoints
                else "it comes from the run file, and none was given"
            )
            raise ConfigurationError(f"{shown(self.source)}: {name}: {reason}")
        return section


def _secret_fields(section: BaseModel, path: KeyPath) -> Iterator[tuple[KeyPath, SecretStr]]:
    for name, info in type(section).model_fields.items():
        value, below = getattr(section, name), (*path, info.alias or name)
        if isinstance(value, SecretStr):
            yield below, value
        elif isinstance(value, BaseModel):
            yield from _secret_fields(value, below)

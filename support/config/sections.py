"""The sections of an environment file, checked one by one."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from support.config.base import Section
from support.config.limits import Limits
from support.config.models import (
    MOST_PARALLEL,
    Capability,
    Capacity,
    Control,
    DeclaredIssue,
    FocusServer,
    Identity,
    Kind,
    Kubernetes,
    MongoDB,
    RabbitMQ,
    Safety,
    Sandbox,
    Ssh,
)

STREAM_METHOD = "/pandadatastream.DataStreamService/StreamData"
"""The method as clients were seen to call it (docs/facts/kubernetes.md 1.10)."""
RefusalStatus = Annotated[int, Field(strict=True, ge=400, le=499)]
"""The status of a refusal. A fault of the server (5xx) is no refusal."""


class Sections(Section):
    """The content of an environment file. The rules between its keys are in :mod:`support.config.rules`."""

    identity: Identity
    endpoints: Literal["run_file", "given"]
    focus_server_section: FocusServer | None = Field(default=None, alias="focus_server")
    kubernetes_section: Kubernetes | None = Field(default=None, alias="kubernetes")
    mongodb_section: MongoDB | None = Field(default=None, alias="mongodb")
    ssh_section: Ssh | None = Field(default=None, alias="ssh")
    control_section: Control | None = Field(default=None, alias="control")
    rabbitmq: RabbitMQ | None = None
    sandbox: Sandbox = Field(default_factory=Sandbox)
    capabilities: frozenset[Capability]
    safety: Safety = Field(default_factory=Safety)
    limits: Limits = Field(default_factory=Limits)
    refusal_statuses: Annotated[frozenset[RefusalStatus], Field(min_length=1)] = frozenset({400, 422})
    capacity: Capacity = Field(default_factory=Capacity)
    parallel: Annotated[int, Field(ge=1, le=MOST_PARALLEL)] = 1
    """The number of scenarios that run side by side if they do not exclude each other. ``-D parallel`` overrides it."""
    stream_client: Literal["tcp", "grpc"] = "tcp"
    """The way to keep a job alive: hold a connection to its stream, or open the stream and discard its data."""
    stream_method: Annotated[str, StringConstraints(pattern=r"^/[\w.]+/\w+$")] = STREAM_METHOD
    """The path of the server-streaming call that opens a stream. Its request is empty, which asks for stream 0."""
    known_issues: tuple[DeclaredIssue, ...] = ()

    @property
    def name(self) -> str:
        return self.identity.name

    @property
    def title(self) -> str:
        return self.identity.title

    @property
    def kind(self) -> Kind:
        return self.identity.kind

    @property
    def is_embedded(self) -> bool:
        """Whether the whole estate runs on this machine, beside the suite."""
        return self.identity.kind == "sandbox"

    @property
    def exclusive(self) -> bool:
        """Whether no one else opens jobs there."""
        return self.identity.exclusive

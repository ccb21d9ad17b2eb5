"""The sections of an environment file: the identity of a target, its services and what may be done to it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, StrictFloat, StrictInt, StrictStr, StringConstraints

from support.config.base import Fingerprint, HttpUrl, MongoUri, Port, Section, ServerName, Text
from support.config.load_window import load_window

MOST_PARALLEL, MOST_COPIES = 32, 16
Kind = Literal["sandbox", "local", "staging", "production"]
Capability = Literal[
    "fibre",  # a fibre is connected: live investigations can be opened
    "fibre_control",  # the suite can connect and disconnect the fibre
    "isolated_recording",  # a recording exists, or can be made, with nothing recorded for hours around it
    "deleted_recording",  # a soft-deleted recording exists, or can be made, alone in its window
    "server_configuration",  # the suite can change the configuration of the server
    "idle_cleanup",  # the watchdog that removes idle jobs is deployed
    "playback_end",  # a historic job ends by itself when its data has been played
    "kubernetes",
    "ssh",
    "mongodb",
    "rabbitmq",
    "network_policies",  # the cluster enforces NetworkPolicy objects
    "link_control",  # the suite can disturb the connections between Focus Server and MongoDB
    "metrics",  # the cluster serves metrics.k8s.io
    "exclusive_cluster",  # no one else opens jobs there
    "heat_maps",  # the view after the waterfall is offered: declared by limits.highest_view of 3
    "node_addresses",  # nodes that take jobs have addresses of their own, and there are several
    "gpu",  # nodes offer nvidia.com/gpu.shared
]
Seconds = Annotated[float, Field(gt=0, le=3_600)]


class Identity(Section):
    """The name of this environment, and the kind that decides how it may be treated."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$")]
    title: Text
    kind: Kind
    exclusive: bool
    """Whether no one else opens jobs there."""
    description: Text
    tickets_url: HttpUrl | None = None
    """The part before ``/PZ-1`` in the address of a ticket. Without it, reports name tickets and do not link them."""


class FocusServer(Section):
    """The HTTP interface of Focus Server. ``base_url`` has no trailing slash."""

    base_url: HttpUrl
    ca_file: Path | None = None
    verify_tls: bool = True
    tls_fingerprint: Fingerprint | None = None
    """``sha256:...`` of the only certificate that is trusted, regardless of its issuer and its names."""
    connect_timeout_s: Seconds = 5.0
    read_timeout_s: Seconds = 30.0


class ServiceSettings(Section):
    """A workload of the namespace, the Service in front of it and the label selector that finds its pods."""

    deployment: Text
    workload_kind: Literal["Deployment", "StatefulSet"] = "Deployment"
    service: Text
    service_type: Literal["ClusterIP", "NodePort", "LoadBalancer"]
    port: Port
    pod_selector: Text
    container: Text | None = None
    """The container of the service, needed if its pods have several and neither port nor image identifies it."""


class Services(Section):
    """The static workloads the suite knows by name."""

    focus_server: ServiceSettings
    mongodb: ServiceSettings
    rabbitmq: ServiceSettings


class Kubernetes(Section):
    """The cluster. ``api_server`` is its address as the SSH target sees it when ``access`` is ``ssh_tunnel``."""

    access: Literal["direct", "ssh_tunnel"]
    kubeconfig: Path | None = None
    context: Text | None = None
    api_server: HttpUrl | None = None
    token: SecretStr | None = None
    ca_file: Path | None = None
    verify_tls: bool = True
    tls_fingerprint: Fingerprint | None = None
    tls_server_name: ServerName | None = None
    """The name in the certificate of the API server, if it is not the host of its address."""
    namespace: Text
    services: Services


class MongoDB(Section):
    """The recording index and the database it lives in."""

    uri: MongoUri
    database: Text
    base_path: Text
    """The recordings path that the server is configured with."""
    reports_as: Text
    """Pattern (fnmatch) of the ``host`` that serverStatus reports, such as ``mongodb-*:27017``."""
    required_collections: tuple[Text, ...] = ("base_paths",)
    connect_timeout_s: Seconds = 5.0


class HostSettings(Section):
    """A machine reached over SSH. At most one way to log in is given."""

    host: Text
    port: Port = 22
    user: Text
    password: SecretStr | None = None
    password_file: Path | None = None
    key_file: Path | None = None
    hostname: Text | None = None
    """The expected output of ``hostname`` on the machine; None if it is not known."""


class Ssh(Section):
    """The way to the cluster's nodes. Host keys are always checked against ``known_hosts``."""

    jump: HostSettings | None = None
    target: HostSettings
    known_hosts: Path


class RabbitMQ(Section):
    """The message broker."""

    host: Text
    port: Port = 5672
    management_port: Port = 15672
    user: Text
    password: SecretStr
    vhost: Text = "/"
    exchange: Text


class Control(Section):
    """The control interface of a sandbox. Its run file provides the token."""

    url: HttpUrl
    token: SecretStr | None = None


class AtRealTime(Section):
    """The ``parallel`` and ``sandbox.copies`` of a sandbox whose clocks run at the pace of the real system. Scenarios
    then wait more than they compute, so what measures needs a site to itself, but not the machine."""

    parallel: Annotated[int, Field(ge=1, le=MOST_PARALLEL)]
    copies: Annotated[int, Field(ge=0, le=MOST_COPIES)]


class Sandbox(Section):
    """Settings for starting embedded sandboxes. Each of the ``settings`` is passed as ``--set key=value``."""

    settings: dict[str, StrictInt | StrictFloat | StrictStr] = Field(default_factory=dict)
    copies: Annotated[int, Field(ge=0, le=MOST_COPIES)] = 0
    """Further sandboxes. Scenarios that need a site to themselves are divided among all of them."""
    at_real_time: AtRealTime | None = None
    """Replaces ``parallel`` and ``copies`` if ``limits.time_scale`` is 1."""


class Safety(Section):
    """The actions that the environment permits (none by default), and the number of requests that one run may send."""

    load: bool = False
    disruptive: bool = False
    writes_database: bool = False
    openings_in_all: Annotated[int, Field(ge=1, le=100_000)] = 20_000
    """Requests to open in one run. Each counts, whatever its answer."""
    load_between: Annotated[str, AfterValidator(load_window)] | None = None
    """Hours in which load is allowed, such as ``22:00-05:00 Asia/Jerusalem``. By default, any hour is allowed."""
    requests_at_once: Annotated[int, Field(ge=1, le=1000)] = 500
    """Requests to the Focus Server in progress at the same time."""
    openings_per_minute: Annotated[int, Field(ge=1, le=100_000)] = 2000
    """Requests to open within a minute of the environment's time (``limits.time_scale``)."""

    def within(self, name: str) -> int:
        """Return the effective value of one of the three caps.

        Without ``load``, it is at most that of :data:`WITHOUT_LOAD`.
        """
        number: int = getattr(self, name)
        return number if self.load else min(number, WITHOUT_LOAD[name])


WITHOUT_LOAD = {"openings_in_all": 250, "requests_at_once": 5, "openings_per_minute": 60}
"""Enough for all scenarios without load: together they send 161 requests to open, at most two at once."""


Rate = Annotated[float, Field(gt=0, le=1)]


class Capacity(Section):
    """The parameters of the capacity scenarios. The target is the requirement: it is the same everywhere."""

    target_jobs: Annotated[int, Field(ge=200, le=10_000)] = 200
    steps: tuple[Annotated[int, Field(strict=True, ge=1, le=10_000)], ...] = (1, 5, 10, 20, 50, 100, 200)
    success_rate: Rate = 0.95
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    stop_below_rate: Rate = 0.8
    """A step below this success rate ends the growth (CA-03)."""
    heavy_jobs: Annotated[int, Field(ge=1, le=10_000)] = 10
    heavy_channels: Annotated[int, Field(ge=1, le=2_222)] = 200
    heavy_nfft: Annotated[int, Field(ge=1, le=65_536)] = 2048
    recovery_factor: Annotated[float, Field(ge=1, le=10)] = 1.2
    """After a stress, probes are back within this factor of their baseline (CA-05)."""
    generator_share: Annotated[float, Field(gt=0, le=1)] = 0.1
    """A measurement decides nothing if its load generator adds more than this share of a limit at P95."""
    waiting_jobs: Annotated[int, Field(ge=0, le=10_000)] = 5
    """The number of investigations that may wait for a GPU slice (JL-13). One more is refused (CA-08)."""
    first_stream_port: Port = 12301
    last_stream_port: Port = 12700
    """The range from which stream ports are assigned (CA-06). The site must have a range of this size."""


class DeclaredIssue(Section):
    """A failure that has a ticket, shown as known until ``expires`` (inclusive).

    ``reason`` is a text that the message of the failed step must contain. Other failures of the scenario are not known.
    """

    scenario: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}-\d{2}[a-z](\.\d+)?$")]
    ticket: Annotated[str, StringConstraints(pattern=r"^[A-Z]+-\d+$")]
    expires: date
    reason: Text
    also: tuple[Text, ...] = ()
    """Texts of further problems that come with it, such as errors that the server then logs."""
    notice: Text | None = None
    """The defect in a sentence, for people."""

"""Diagnosis of the six infrastructure layers, from the bottom up. The lowest broken layer is the one to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from hamcrest import assert_that

from support.checks import cluster as cluster_checks
from support.checks import hosts, mongodb
from support.checks.matcher import Judged, judged
from support.clients.focus_server.answers import ShapeError
from support.clients.kubernetes.api import ClusterError
from support.clients.mongodb.client import DatabaseError
from support.clients.ssh.errors import SSHError
from support.config import Environment
from support.infrastructure.access import AccessExamination
from support.infrastructure.cluster import ClusterExamination
from support.infrastructure.mongodb import MongoDBExamination

_FINDINGS = (AssertionError, ClusterError, DatabaseError, ShapeError, SSHError)


@dataclass(frozen=True)
class Layer:
    """One layer: its name, the advice if it is broken, and its examination, which raises its findings."""

    number: int
    name: str
    advice: str
    examine: Callable[[], None]


@dataclass(frozen=True)
class LayerFinding:
    """Finding of one layer; ``trouble`` is None if the layer is in order."""

    layer: Layer
    trouble: str | None

    def __str__(self) -> str:
        return f"layer {self.layer.number}, {self.layer.name}: {self.trouble or 'in order'}"


@dataclass(frozen=True)
class LayerDiagnosis:
    """The findings of all layers, and the conclusion from them (requirement IN-08)."""

    findings: tuple[LayerFinding, ...]

    @property
    def broken(self) -> tuple[LayerFinding, ...]:
        return tuple(finding for finding in self.findings if finding.trouble is not None)

    @property
    def conclusion(self) -> str:
        """The conclusion in one sentence, for the person who fixes the problem."""
        if not self.broken:
            return "every layer is in order"
        if {5, 6} <= {finding.layer.number for finding in self.broken}:
            return (
                "the infrastructure is down: neither the hosts nor the cluster answer; look at power, network and hosts"
            )
        first = self.broken[0].layer
        return f"layer {first.number}, {first.name}, is broken: {first.advice}"


class Doctor:
    """Examines every layer, including those above a broken one, and draws the conclusion."""

    def __init__(self, layers: Iterable[Layer]) -> None:
        self._layers = tuple(layers)

    def examine(self) -> LayerDiagnosis:
        return LayerDiagnosis(tuple(LayerFinding(layer, _trouble(layer)) for layer in self._layers))


def _trouble(layer: Layer) -> str | None:
    try:
        layer.examine()
    except _FINDINGS as error:
        return " ".join(str(error).split())
    return None


def layers_of(
    index: MongoDBExamination,
    access: AccessExamination,
    orchestration: Callable[[], ClusterExamination],
    environment: Environment,
) -> list[Layer]:
    """Return the six layers of requirement IN-01 to IN-06, from the bottom.

    ``orchestration`` is called only when its layer is examined: the way to the cluster may lead over the layer below.
    """
    settings, limits = environment.mongodb, environment.limits

    def foundation() -> None:
        facts = index.connect()
        assert_that(facts, mongodb.lets_the_user_in(limits))
        assert_that(facts, mongodb.tells_its_version())
        assert_that(facts, mongodb.names_the_configured_database(settings))

    def health() -> None:
        assert_that(index.connect(), mongodb.has_required_collections(settings, index.base_paths))
        query = index.latest_recordings()
        assert_that(query, mongodb.is_answered_in_time(limits))
        assert_that(query, mongodb.finds_recordings())

    def speed() -> None:
        assert_that(index.answer_time(), mongodb.is_at_least_acceptable(limits))

    def configuration() -> None:
        facts = index.connect()
        assert_that(facts, mongodb.is_the_configured_one(settings))
        assert_that(facts, mongodb.belongs_to_the_database(settings))

    def way_in() -> None:
        for host in access.hosts():
            assert_that(host, hosts.answers_as_itself())
            assert_that(host, hosts.logs_in_quickly(limits))
        assert_that(host, hosts.has_the_tools())

    def cluster() -> None:
        facts = orchestration().examine()
        for check in cluster_checks.EVERYTHING:
            assert_that(facts, check(environment))

    return [
        Layer(1, "foundation", "MongoDB cannot be reached or lets nobody in: check its log, the network", foundation),
        Layer(2, "health", "MongoDB lacks what the server needs: check its collections and its disk", health),
        Layer(3, "speed", "MongoDB is slow: check its load and its indexes", speed),
        Layer(
            4,
            "configuration",
            "another MongoDB answers than is configured: check the configuration files",
            configuration,
        ),
        Layer(5, "access", "engineers do not get in: check jump host, target host, keys and tools", way_in),
        Layer(6, "orchestration", "the cluster is not fit for work: check nodes and the Focus Server", cluster),
    ]


def finds_every_layer_in_order() -> Judged[LayerDiagnosis]:
    return judged(
        "every layer in order",
        _what_is_broken,
    )


def _what_is_broken(diagnosis: LayerDiagnosis) -> str | None:
    if not diagnosis.findings:
        return "no layer was examined"
    return "; ".join([diagnosis.conclusion, *map(str, diagnosis.broken)]) if diagnosis.broken else None

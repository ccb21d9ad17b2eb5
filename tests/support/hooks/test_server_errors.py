"""The evidence collected after a 5xx of the server, and the treatment of parts that cannot be examined."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from support.clients.clock import ClockOffset
from support.clients.journal import Call
from support.clients.kubernetes.client import ClusterError, Pod
from support.clients.mongodb.client import DatabaseError
from support.hooks.server_errors import ServerErrors

NOW = datetime.now(UTC)


def call(answer: str, target: str = "focus-server") -> Call:
    return Call(NOW, target, "POST https://h/configure\n{}", answer, 0.3)


def pod(name: str, ready: bool = True) -> Pod:
    conditions = [{"type": "Ready", "status": str(ready)}]
    return Pod.parse({"metadata": {"name": name}, "status": {"phase": "Running", "conditions": conditions}})


class Cluster:
    clock = ClockOffset("the cluster")

    def __init__(self, log: str = "INFO started\n", broken: bool = False, database_ready: bool = True) -> None:
        self._log, self._broken, self._database_ready = log, broken, database_ready

    def pods(self, label_selector: str) -> list[Pod]:
        if self._broken:
            raise ClusterError("GET pods", 0, "connection refused")
        return [pod("focus-1")] if label_selector == "app=focus" else [pod("mongodb-1", self._database_ready)]

    def pod_log(self, name: str, **_: Any) -> str:
        return self._log

    def nodes(self) -> list[Any]:
        return [SimpleNamespace(name="worker-1", ready=True)]

    def events(self) -> list[Any]:
        return []


class Database:
    def command(self, name: str, admin: bool) -> dict[str, Any]:
        return {"connections": {"current": 12, "available": 988}}


class DatabaseAway:
    def command(self, name: str, admin: bool) -> dict[str, Any]:
        raise DatabaseError("unreachable", "nobody answers")


def errors(cluster: Cluster, *calls: Call, database: Any = None, ended: tuple[str, ...] = ()) -> ServerErrors:
    def workload(name: str) -> SimpleNamespace:
        return SimpleNamespace(deployment=name, port=5000, pod_selector=f"app={name}", container=None)

    services = SimpleNamespace(focus_server=workload("focus"), mongodb=workload("mongodb"))
    environment = SimpleNamespace(kubernetes=SimpleNamespace(services=services), capabilities=frozenset())
    recordings = SimpleNamespace(client=database or Database())
    world = SimpleNamespace(cluster=SimpleNamespace(client=cluster), environment=environment, recordings=recordings)
    return ServerErrors(world, calls, NOW, ended)  # type: ignore[arg-type]


def test_only_what_the_server_does_not_explain_counts() -> None:
    found = errors(Cluster(), call("200 (json) {}"), call("503 (json) no fibre"), call("500 (x) y", "kubernetes"))
    assert found.answers == []
    assert len(errors(Cluster(), call("500 (json) {}"), call("504 (html) gateway")).answers) == 2


def test_a_healthy_site_and_one_request_speak_for_a_defect_and_the_file_shows_the_site() -> None:
    sentence, lines = errors(Cluster(), call("500 (json) Error parsing configuration")).conclude()
    assert sentence.startswith("the evidence of the server's 5xx speaks for a defect")
    text = "\n".join(lines)
    for shown in ("500 (json) Error parsing configuration after 0.30 s", "focus-1: Running, ready, 0 restarts in all",
                  "connections of MongoDB: 1.2%", "INFO started", "at most 1 requests at once"):  # fmt: skip
        assert shown in text


def test_a_database_that_is_not_ready_is_seen() -> None:
    sentence, _ = errors(Cluster(database_ready=False), call("500 (json) {}")).conclude()
    assert "speaks for the database: pod mongodb-1 is Running and not ready" in sentence


def test_a_server_that_ended_meanwhile_is_seen() -> None:
    sentence, _ = errors(Cluster(), call("500 (json) {}"), ended=("focus-1 was restarted 2 times",)).conclude()
    assert "speaks for the cluster: focus-1 was restarted 2 times" in sentence


def test_what_cannot_be_looked_at_is_told_and_nothing_is_concluded_from_it() -> None:
    sentence, lines = errors(Cluster(broken=True), call("500 (json) {}"), database=DatabaseAway()).conclude()
    assert "does not say" in sentence and "connection refused" in sentence and "nobody answers" in sentence
    assert any("not known:" in line for line in lines)

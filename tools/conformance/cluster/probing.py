"""A cluster under comparison: the official client's transport, raw JSON, and a namespace of its own."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from hamcrest import equal_to, is_not
from hamcrest.core.matcher import Matcher
from kubernetes.client import ApiClient
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from environments.sandbox.shared.borrowed import OWNER_LABEL, owner
from support import waits
from support.clients.kubernetes.access import configuration_of
from support.clients.kubernetes.api import LineStream
from tools.conformance.facts import Registry, magnitude

T = TypeVar("T")
Object = dict[str, Any]

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
BROKEN = (AssertionError, ApiException, HTTPError, OSError, KeyError)
_GROUPS = {"jobs": "/apis/batch/v1"}
_TIMEOUT_S = (5.0, 30.0)
_PATIENCE_S, _OVERHEAD_S = 60.0, 10.0
_WATCH_S = 300

registry: Registry[Cluster] = Registry()


@dataclass(frozen=True)
class Access:
    """Client settings for a kubeconfig."""

    kubeconfig: Path
    access: str = "direct"
    context: None = None
    api_server: None = None
    token: None = None
    ca_file: None = None
    tls_fingerprint: None = None
    tls_server_name: None = None
    verify_tls: bool = True
    namespace: str = ""


@dataclass(frozen=True)
class Answer:
    """An answer of the API server. ``body`` is empty if the text is not a JSON object."""

    status: int
    text: str

    @property
    def body(self) -> Object:
        try:
            found = json.loads(self.text)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def message(self) -> str:
        return str(self.body.get("message", self.text))


class Cluster:
    """A cluster with a namespace that exists only inside ``with``. ``time_scale`` is that of a sandbox, or 1."""

    def __init__(self, kubeconfig: Path, time_scale: float = 1.0) -> None:
        configuration = configuration_of(Access(kubeconfig))
        self.client = ApiClient(configuration)
        self.server = str(configuration.host)
        self.namespace = f"focus-compare-{secrets.token_hex(4)}"
        self.time_scale = time_scale

    def __enter__(self) -> Cluster:
        metadata = {"name": self.namespace, "labels": {OWNER_LABEL: "comparison"}, "annotations": owner()}
        self.expect(201, self.ask("POST", "/api/v1/namespaces", {"metadata": metadata}))
        return self

    def __exit__(self, *_: object) -> None:
        self.remove(self.namespace)
        self.client.close()  # type: ignore[no-untyped-call]  # of the kubernetes client

    def remove(self, namespace: str) -> None:
        """Delete a namespace and wait until it is gone."""
        path = f"/api/v1/namespaces/{namespace}"
        self.ask("DELETE", path)
        self.until(lambda: self.ask("GET", path).status, equal_to(404), f"the namespace {namespace} is gone")

    @property
    def version(self) -> str:
        return str(self.expect(200, self.ask("GET", "/version"))["gitVersion"])

    def ask(
        self, method: str, path: str, body: Any = None, content_type: str = JSON, accept: str = JSON, **query: str
    ) -> Answer:
        """Send one request and return its answer, including an error."""
        headers = {"Accept": accept} | ({"Content-Type": content_type} if body is not None else {})
        request = self.client.param_serialize(
            method, path, query_params=list(query.items()), header_params=headers, body=body,
            auth_settings=["BearerToken"],
        )  # fmt: skip
        response = self.client.call_api(*request, _request_timeout=_TIMEOUT_S).response
        return Answer(response.status, response.data.decode("utf-8", errors="replace"))

    def path(self, plural: str, name: str = "", part: str = "") -> str:
        base = f"{_GROUPS.get(plural, '/api/v1')}/namespaces/{self.namespace}/{plural}"
        return "/".join(word for word in (base, name, part) if word)

    def create(self, plural: str, manifest: Mapping[str, Any]) -> Object:
        return self.expect(201, self.ask("POST", self.path(plural), dict(manifest)))

    def read(self, plural: str, name: str) -> Object:
        return self.expect(200, self.ask("GET", self.path(plural, name)))

    def merge(self, plural: str, name: str, change: Mapping[str, Any], part: str = "") -> Object:
        return self.expect(200, self.ask("PATCH", self.path(plural, name, part), dict(change), MERGE_PATCH))

    def pods_of(self, job: str) -> list[Object]:
        answer = self.ask("GET", self.path("pods"), labelSelector=f"job-name={job}")
        return list(self.expect(200, answer)["items"])

    def pod_of(self, job: str, known: int = 0) -> Object:
        """Wait until a job has more than ``known`` pods, and return the last one in the list."""
        found = self.until(lambda: self.pods_of(job)[known:], is_not(equal_to([])), f"the job {job} has its next pod")
        return found[-1]

    def event_of(self, reason: str, kind: str, name: str) -> Object:
        """Return the first event with this reason about an object whose name begins with ``name``; waits for one."""
        selector = f"reason={reason},involvedObject.kind={kind}"

        def found() -> list[Object]:
            told = self.expect(200, self.ask("GET", self.path("events"), fieldSelector=selector))["items"]
            return [each for each in told if each["involvedObject"]["name"].startswith(name)]

        return self.until(found, is_not(equal_to([])), f"there is an event {reason} about {name}")[0]

    def follow(self, plural: str, **query: str) -> Following:
        """Watch a resource, starting from its current state."""
        since = self.expect(200, self.ask("GET", self.path(plural), **query))["metadata"]["resourceVersion"]
        asked = {"watch": "true", "resourceVersion": since, "timeoutSeconds": str(_WATCH_S), **query}
        request = self.client.param_serialize(
            "GET", self.path(plural), query_params=list(asked.items()), header_params={"Accept": JSON},
            auth_settings=["BearerToken"],
        )  # fmt: skip
        response = self.client.call_api(*request, _request_timeout=(_TIMEOUT_S[0], float(_WATCH_S)))
        return Following(LineStream(f"watch {plural}", response.response))

    def until(self, look: Callable[[], T], matcher: Matcher[Any], what: str) -> T:
        within_s = _PATIENCE_S * self.time_scale + _OVERHEAD_S
        found: T = waits.until(look, matcher, within_s=within_s, what=what)
        return found

    def about(self, seconds: float) -> str:
        """Return the order of magnitude of a measured duration, in seconds of the real system."""
        return f"{magnitude(seconds / self.time_scale)} s"

    @staticmethod
    def expect(status: int, answer: Answer) -> Object:
        assert answer.status == status, f"{status} was expected, the answer is {answer.status}: {answer.message}"
        return answer.body


class Following:
    """The changes that a watch reports: arrival time (seconds since the start), type and object of each."""

    def __init__(self, stream: LineStream) -> None:
        self._stream = stream
        self._told: list[tuple[float, str, Object]] = []
        self._watch = waits.Stopwatch()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def __enter__(self) -> Following:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        self._thread.join()

    def _read(self) -> None:
        for line in self._stream:
            change = json.loads(line)
            self._told.append((self._watch.given_s(), change["type"], change["object"]))

    def changes(self, wanted: Callable[[Object], bool] = lambda obj: True) -> list[tuple[float, str, Object]]:
        return [change for change in list(self._told) if wanted(change[2])]

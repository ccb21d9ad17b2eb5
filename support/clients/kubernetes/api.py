"""Raw requests to the Kubernetes API: the official client's transport, raw JSON, one attempt per call."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson
import urllib3
from kubernetes.client.api_client import ApiClient
from kubernetes.client.exceptions import ApiException
from kubernetes.client.rest import RESTResponse

from support.clients import tls
from support.clients.clock import ClockOffset
from support.clients.deadline import POOLS, Deadline, opening, watched
from support.clients.journal import Journal
from support.clients.kubernetes.access import Tunnel, configuration_of, kubernetes_address, lead_through
from support.clients.kubernetes.errors import ClusterError, shaped
from support.clients.settings import KubernetesSettings
from support.redaction import shortened

__all__ = ["ClusterError", "KubernetesAPI", "LineStream", "Tunnel", "kubernetes_address", "shaped"]

TARGET = "kubernetes"
CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 15.0
ANSWER_TIMEOUT_S = 60.0
"""The limit for a whole answer: the log of a pod may be long and come in many pieces."""
# A connection that fails because of a certificate file, a header or a host name raises no HTTPError of the library.
_FAILURES = (urllib3.exceptions.HTTPError, ApiException, OSError, ValueError)


class KubernetesAPI:
    """Raw requests. Safe to use from several threads."""

    def __init__(self, settings: KubernetesSettings, journal: Journal, tunnel: Tunnel | None = None) -> None:
        self.clock = ClockOffset("the cluster")
        self._journal = journal
        self._preparing = threading.Lock()
        configuration = configuration_of(settings, journal.hide)
        if settings.access == "ssh_tunnel":
            if tunnel is None:
                raise ClusterError("reach the cluster", 0, "access is ssh_tunnel but no tunnel was opened")
            lead_through(configuration, tunnel)
        self._tunnel = tunnel
        try:
            self._client = ApiClient(configuration)
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise ClusterError("reach the cluster", 0, f"its address or proxy cannot be used: {error}") from error
        pool = self._client.rest_client.pool_manager
        pool.pool_classes_by_scheme = POOLS
        if pin := tls.ServerTrust.of(settings, "kubernetes").pin:
            pool.connection_pool_kw["assert_fingerprint"] = pin

    def get(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Get a JSON object. Raises :class:`ClusterError`."""
        return self._object("GET", path, query)

    def send(
        self, method: str, path: str, body: Mapping[str, Any], content_type: str = "application/json"
    ) -> dict[str, Any]:
        """Send a POST, PATCH or DELETE with a JSON body. Raises :class:`ClusterError`."""
        return self._object(method, path, None, body, content_type)

    def get_text(self, path: str, query: Mapping[str, str] | None = None) -> str:
        """Get a plain text answer, such as a log. Raises :class:`ClusterError`."""
        asked, started = _what("GET", path, query), time.monotonic()
        text = self._exchange(asked, started, "GET", path, query).decode("utf-8", errors="replace")
        self._journal.record(TARGET, asked, f"200 {text}", time.monotonic() - started)
        return text

    def stream(self, path: str, query: Mapping[str, str], read_timeout_s: float) -> LineStream:
        """Open an answer that keeps coming, line by line. Raises :class:`ClusterError` unless its status is 200."""
        what = _what("GET", path, query)
        started = time.monotonic()
        deadline = Deadline(CONNECT_TIMEOUT_S, read_timeout_s)
        with opening(deadline):
            response = self._call(what, "GET", path, query, None, None, deadline)
        if response.status != 200:
            raise self._refused(what, response.status, self._body(what, response, started, deadline), started)
        self._journal.record(TARGET, what, "200 (stream opened)", time.monotonic() - started)
        return LineStream(what, response.response, deadline)

    def close(self) -> None:
        """Close every connection."""
        self._client.rest_client.pool_manager.clear()

    def _object(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | None = None,
        content_type: str | None = None,
    ) -> dict[str, Any]:
        what, started = _what(method, path, query), time.monotonic()
        asked = what if body is None else f"{what}\n{json.dumps(body)}"
        answer = self._exchange(asked, started, method, path, query, body, content_type)
        duration_s = time.monotonic() - started
        try:
            parsed = decoded(answer)
        except ValueError:
            parsed = None
        if not isinstance(parsed, dict):
            self._journal.record(TARGET, asked, answer.decode("utf-8", errors="replace"), duration_s)
            raise ClusterError(what, 200, f"the answer is not a JSON object: {shortened(answer)}")
        self._journal.record(TARGET, asked, f"200 {_summary(parsed, answer)}", duration_s)
        return parsed

    def _exchange(
        self,
        asked: str,
        started: float,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | None = None,
        content_type: str | None = None,
    ) -> bytes:
        deadline = Deadline(CONNECT_TIMEOUT_S, ANSWER_TIMEOUT_S, READ_TIMEOUT_S)
        try:
            with watched(deadline):
                response = self._call(asked, method, path, query, body, content_type, deadline)
                answer = self._body(asked, response, started, deadline)
        except TimeoutError as error:
            raise self._no_answer(asked, error, started, deadline) from error
        if not 200 <= response.status <= 299:
            raise self._refused(asked, response.status, answer, started)
        return answer

    def _call(
        self,
        asked: str,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
        content_type: str | None,
        deadline: Deadline,
    ) -> RESTResponse:
        headers = {"Accept": "application/json, */*"} | ({"Content-Type": content_type} if content_type else {})
        started = time.monotonic()
        # Preparing a request may read the kubeconfig again and change the shared configuration for a moment.
        try:
            with self._preparing:
                request = self._client.param_serialize(
                    method,
                    path,
                    query_params=list((query or {}).items()),
                    header_params=headers,
                    body=body,
                    auth_settings=["BearerToken"],
                )
            sent_at = datetime.now(UTC)
            response = self._client.call_api(*request, _request_timeout=deadline.timeouts_s)
            self.clock.note(response.headers, sent_at, datetime.now(UTC))
            return response
        except _FAILURES as error:
            raise self._no_answer(asked, error, started, deadline) from error

    def _body(self, asked: str, response: RESTResponse, started: float, deadline: Deadline) -> bytes:
        try:
            body: bytes = response.response.data
        except _FAILURES as error:
            raise self._no_answer(asked, error, started, deadline) from error
        return body

    def _no_answer(self, asked: str, error: Exception, started: float, deadline: Deadline) -> ClusterError:
        reason = tls.explained(error.reason if isinstance(error, ApiException) else error, TARGET, self._names)
        if isinstance(error, urllib3.exceptions.ProxyError):
            reason = f"the proxy of the cluster was not reached: {error.original_error}"
        if deadline.is_over:
            reason = f"no whole answer within {deadline.answer_s:g} s"
        if self._tunnel is not None and self._tunnel.failure is not None:
            reason = f"{reason}; the tunnel: {self._tunnel.failure}"
        message = self._journal.redact(" ".join(str(reason).split()))
        self._journal.record(TARGET, asked, f"no answer: {message}", time.monotonic() - started)
        return ClusterError(asked.splitlines()[0], 0, message)

    def _names(self) -> list[str]:
        """Return the names in the server's certificate; none if a proxy is configured."""
        configuration = self._client.configuration
        url = urlsplit(str(configuration.host))
        if configuration.proxy or not url.hostname:
            return []  # never connect by another route than the requests
        return tls.names_at(url.hostname, url.port or 443, configuration.tls_server_name or url.hostname)

    def _refused(self, asked: str, status: int, body: bytes, started: float) -> ClusterError:
        text = body.decode("utf-8", errors="replace")
        self._journal.record(TARGET, asked, f"{status} {text}", time.monotonic() - started)
        try:
            message = str(json.loads(text)["message"])
        except (ValueError, KeyError, TypeError):
            message = shortened(text, 300)
        return ClusterError(asked.splitlines()[0], status, self._journal.redact(message))


class LineStream:
    """The lines of a long answer, as they arrive. ``close`` from another thread ends the iteration.

    The iteration releases the connection at its end; if it has not begun, ``close`` does.
    """

    def __init__(self, what: str, response: urllib3.HTTPResponse, deadline: Deadline | None = None) -> None:
        self._what = what
        self._deadline = deadline
        self._response = response
        self._lock = threading.Lock()
        self._closed = self._is_read = False

    def __iter__(self) -> Iterator[bytes]:
        with self._lock:
            if self._closed:
                return
            self._is_read = True
        rest = b""
        try:
            while chunk := self._response.read1(65536):
                *lines, rest = (rest + chunk).split(b"\n")
                yield from (line for line in lines if line.strip())
        # The connection broke, or another thread shut it down while this one was reading.
        except (urllib3.exceptions.HTTPError, OSError) as error:
            if not self._closed:
                raise ClusterError(self._what, 0, f"the stream broke: {error}") from error
        finally:
            with self._lock:
                self._closed = True
                self._give_back()

    def close(self) -> None:
        """End the stream."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._response.shutdown()
                if not self._is_read:
                    self._give_back()

    def _give_back(self) -> None:
        self._response.close()
        if self._deadline is not None:
            self._deadline.close()


def decoded(text: bytes) -> Any:
    """Parse JSON with orjson. Raises :class:`ValueError`.

    A load parses thousands of objects on the machine that measures it; the standard library took a fifth of the suite's
    time for that. It is used only for integers beyond 64 bits, which orjson does not accept.
    """
    try:
        return orjson.loads(text)
    except ValueError:
        return json.loads(text)


def _what(method: str, path: str, query: Mapping[str, str] | None) -> str:
    return f"{method} {path}" + (f"?{urlencode(query)}" if query else "")


def _summary(parsed: Mapping[str, Any], body: bytes) -> str:
    """Return the body; for a list only the names in it, because lists are long and requested often."""
    items = parsed.get("items")
    if not isinstance(items, list):
        return body.decode("utf-8", errors="replace")
    names = (str((item.get("metadata") or {}).get("name")) for item in items if isinstance(item, dict))
    return f"{len(items)} items: {', '.join(names)}"

"""The client of the Focus Server's HTTP interface."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import requests

from support import processor
from support.clients import tls
from support.clients.clock import ClockOffset
from support.clients.deadline import Deadline, session, watched
from support.clients.focus_server.answers import Answer, OpenedInvestigation, ShapeError
from support.clients.journal import Journal
from support.clients.safety import Budget, opens_an_investigation
from support.clients.settings import FocusServerSettings

__all__ = ["Answer", "ConnectionFailed", "FocusServerClient", "OpenedInvestigation", "ShapeError"]

TARGET = "focus-server"
CONNECTIONS_KEPT = 32

Body = Mapping[str, Any] | str | bytes


class ConnectionFailed(Exception):
    """No answer came. ``kind`` is ``refused``, ``timeout``, ``tls`` or ``broken``; it failed after ``duration_s``."""

    def __init__(self, message: str, kind: str, duration_s: float) -> None:
        super().__init__(message)
        self.kind = kind
        self.duration_s = duration_s


class FocusServerClient:
    """Sends each request once, exactly as given.

    It does not retry, follow redirects, use a proxy from the environment or validate requests: a request that the
    server must refuse has to reach it. A request that the budget of the run does not permit raises ``SafetyError`` and
    is not sent. Safe to use from several threads.
    """

    def __init__(self, settings: FocusServerSettings, journal: Journal, budget: Budget) -> None:
        self._budget = budget
        self._base_url = settings.base_url.rstrip("/")
        self._timeouts_s = (settings.connect_timeout_s, settings.read_timeout_s)
        trust = tls.ServerTrust.of(settings, "focus_server")
        self._verify = trust.checks_authority
        self.clock = ClockOffset("the Focus Server")
        self._journal = journal
        self._session = session(trust.context(), CONNECTIONS_KEPT, trust.pin)

    @property
    def base_url(self) -> str:
        """The base URL of the server, without a slash at the end."""
        return self._base_url

    def configure(self, body: Body) -> Answer:
        """``POST /configure``: open an investigation. Text and bytes are sent as they are, a mapping as JSON."""
        return self.request("POST", "/configure", body=body)

    def ack(self) -> Answer:
        """``GET /ack``: check that the server is alive."""
        return self.request("GET", "/ack")

    def channels(self) -> Answer:
        """``GET /channels``: the lowest and highest channel."""
        return self.request("GET", "/channels")

    def live_metadata(self) -> Answer:
        """``GET /live_metadata``: the metadata of the fibre, or that the server waits for the fibre."""
        return self.request("GET", "/live_metadata")

    def metadata(self, job_id: str) -> Answer:
        """``GET /metadata/{job_id}``: the answer of ``/configure`` again."""
        return self.request("GET", f"/metadata/{quote(job_id, safe='')}")

    def cancel(self, job_id: str) -> Answer:
        """``DELETE /job/{job_id}``: end an investigation. Agreed upon, but not implemented on any site."""
        return self.request("DELETE", f"/job/{quote(job_id, safe='')}")

    def recordings_in_time_range(self, body: Body) -> Answer:
        """``POST /recordings_in_time_range``: recordings overlapping a window of epoch seconds."""
        return self.request("POST", "/recordings_in_time_range", body=body)

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
        read_timeout_s: float | None = None,
    ) -> Answer:
        """Send any request; ``path`` is under the base URL. Raises :class:`ConnectionFailed` if no answer comes.

        ``read_timeout_s`` limits the whole answer, even if it comes in many pieces.
        """
        with self._budget.asking(opens=opens_an_investigation(method, path)):
            return self._exchange(method, path, body, headers, read_timeout_s)

    def _exchange(
        self, method: str, path: str, body: Body | None, headers: Mapping[str, str] | None, read_timeout_s: float | None
    ) -> Answer:
        url = self._base_url + (path if path.startswith("/") else f"/{path}")
        payload = encoded(body)
        sent = {"Accept": "application/json", **({"Content-Type": "application/json"} if payload is not None else {})}
        sent.update(headers or {})
        asked = _asked(method, url, headers, payload)
        started, sent_at, lost_before_s = time.monotonic(), datetime.now(UTC), processor.heartbeat.lost_s()
        deadline = Deadline(self._timeouts_s[0], read_timeout_s or self._timeouts_s[1])
        try:
            with watched(deadline):
                response = self._session.request(
                    method,
                    url,
                    data=payload,
                    headers=sent,
                    timeout=(self._timeouts_s[0], deadline.answer_s),
                    verify=self._verify,
                    allow_redirects=False,
                )
        # The library below raises ValueError for a header that cannot be sent.
        except (requests.RequestException, TimeoutError, ValueError) as error:
            failure = self._failure(error, deadline, method, url, time.monotonic() - started)
            self._journal.record(TARGET, asked, f"no answer: {failure}", failure.duration_s)
            raise failure from error
        answer = Answer(
            status=response.status_code,
            headers=response.headers,
            body=response.content,
            duration_s=time.monotonic() - started,
            request=self._journal.redact(asked),
            lost_s=processor.heartbeat.lost_s() - lost_before_s,
        )
        self.clock.note(response.headers, sent_at, datetime.now(UTC))
        kind = response.headers.get("Content-Type", "no content type")
        self._journal.record(TARGET, asked, f"{answer.status} ({kind}) {answer.text}", answer.duration_s)
        return answer

    def close(self) -> None:
        """Close every connection."""
        self._session.close()

    def _failure(
        self, error: Exception, deadline: Deadline, method: str, url: str, duration_s: float
    ) -> ConnectionFailed:
        what = f"{method} {url}"
        if deadline.is_over:
            reason, kind = f"no answer within {deadline.answer_s:g} s", "timeout"
        elif isinstance(error, requests.exceptions.SSLError):
            reason, kind = f"TLS failed: {tls.explained(_root(error), 'focus_server')}", "tls"
        elif isinstance(error, requests.ConnectTimeout):
            reason, kind = f"no connection within {self._timeouts_s[0]:g} s", "timeout"
        elif isinstance(error, requests.Timeout) or "timed out" in str(error):
            reason, kind = f"no answer within {duration_s:.1f} s", "timeout"
        elif isinstance(_root(error), ConnectionRefusedError) or "refused" in str(error):
            reason, kind = "connection refused", "refused"
        else:
            reason, kind = f"the connection broke: {_root(error)}", "broken"
        return ConnectionFailed(self._journal.redact(f"{what} got no answer: {reason}"), kind, duration_s)


def encoded(body: Body | None) -> bytes | None:
    """Return a body as it is sent: bytes and text unchanged, a mapping as JSON."""
    if body is None or isinstance(body, bytes):
        return body
    return (body if isinstance(body, str) else json.dumps(dict(body))).encode()


def _asked(method: str, url: str, headers: Mapping[str, str] | None, payload: bytes | None) -> str:
    lines = [f"{method} {url}", *(f"{name}: {value}" for name, value in (headers or {}).items())]
    if payload is not None:
        lines.append(payload.decode("utf-8", errors="replace"))
    return "\n".join(lines)


def _root(error: BaseException) -> BaseException:
    """Return the innermost cause, which the libraries wrap three times."""
    for wrapped in (*error.args, getattr(error, "reason", None), error.__cause__, error.__context__):
        if isinstance(wrapped, BaseException) and wrapped is not error:
            return _root(wrapped)
    return error

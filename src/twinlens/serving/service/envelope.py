"""Around every request: its number, its time, a line in the log, headers, and a net below all that may go wrong."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from twinlens.serving.service.body import BoundedBody
from twinlens.serving.service.logs import LOGGER, described
from twinlens.serving.service.problems import TIMED_OUT, RefusalError
from twinlens.serving.service.state import Service
from twinlens.serving.service.translation import fault, problem_response, refusal_of

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
# The page of the description draws itself, with scripts of this service.
_DOCS = "/docs"
_DOCS_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'"
)
_REFUSED = (401, 403, 429)


class Envelope:
    """An ASGI middleware.

    Args:
        app: What answers.
        service: What all requests share.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        scope.setdefault("state", {})["request_id"] = str(uuid.uuid4())
        body = BoundedBody(scope, receive, self._service.settings.max_body_bytes)
        answer = _Answer(self._service, scope, body, send)
        self._service.metrics.begin()
        error: Exception | None = None
        try:
            error = await self._answered(scope, body, answer)
        finally:
            self._told(scope, answer.status, time.perf_counter() - start, error)

    async def _answered(self, scope: Scope, body: BoundedBody, answer: _Answer) -> Exception | None:
        """Answer, and return the fault that there was."""
        refusal, error = None, None
        try:
            async with asyncio.timeout(self._service.settings.timeout) as clock:
                try:
                    body.refuse_announced()
                    await self._app(scope, body, answer)
                except HTTPException as caught:
                    refusal = refusal_of(caught)
        except Exception as caught:
            if isinstance(caught, TimeoutError) and clock.expired():
                refusal = _timed_out(self._service.settings.timeout)
                answer.waits_for_the_rest = False
            else:
                refusal, error = fault(), caught
        if refusal is not None:
            if answer.status:  # it has begun already, and the server closes the connection
                raise error or refusal
            await problem_response(refusal, scope["state"]["request_id"])(scope, body, answer)
        return error

    def _told(self, scope: Scope, status: int, seconds: float, error: Exception | None) -> None:
        route = getattr(scope.get("route"), "path", "none")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._service.metrics.end(route, method, status, seconds)
        state: dict[str, Any] = scope["state"]
        fields = {
            "request_id": state["request_id"],
            "key": state.get("caller"),
            "method": method,
            "route": route,
            "status": status,
            "ms": round(1000 * seconds, 1),
        }
        if status in _REFUSED and scope.get("client"):
            fields["client"] = scope["client"][0]
        fields |= state.get("fault", {}) if error is None else described(error)
        LOGGER.log(logging.ERROR if "error" in fields else logging.INFO, "request", extra={"fields": fields})


class _Answer:
    """Sends, with the headers that every response has; knows the status."""

    def __init__(self, service: Service, scope: Scope, body: BoundedBody, send: Send) -> None:
        self.status = 0
        self.waits_for_the_rest = True
        self._service = service
        self._scope = scope
        self._body = body
        self._send = send

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._complete(MutableHeaders(raw=message["headers"]))
            if message["status"] >= 400 and self.waits_for_the_rest:
                await self._body.discard()
            self.status = message["status"]
        await self._send(message)

    def _complete(self, headers: MutableHeaders) -> None:
        state = self._scope["state"]
        if self._scope["path"] == _DOCS:
            headers["Content-Security-Policy"] = _DOCS_POLICY
        for name, value in _HEADERS.items():
            headers.setdefault(name, value)
        headers["X-Request-ID"] = state["request_id"]
        allowance = state.get("allowance")
        if allowance is not None:
            headers.update(self._service.guard.rate_headers(allowance))


def _timed_out(seconds: float) -> RefusalError:
    return RefusalError(
        TIMED_OUT,
        f"The request was not answered within {seconds:g} s.",
        "Send smaller photos, or try again later. What was to be changed may have been changed all the same.",
    )

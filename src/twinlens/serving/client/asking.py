"""Requests to a service: sent again where that is safe, and refusals made into errors."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from twinlens.errors import ServiceError
from twinlens.serving.service.problems import BUSY, MEDIA_TYPE, RATE_LIMITED, STOPPING, Problem

Answer = TypeVar("Answer", bound=BaseModel)
Fields = Mapping[str, str | float | bool | None]
Files = Sequence[tuple[str, tuple[str, bytes]]]

# What the service says before it takes a body; of all else nobody knows how far it came.
_NOT_BEGUN = (RATE_LIMITED.uri, BUSY.uri, STOPPING.uri)
# Seconds before a connection is tried again; twice as long each time.
_PAUSE = 0.2
_AGAIN = "Ask again; what was to be changed may have been changed all the same."


class RefusedError(ServiceError):
    """The service has refused a request, or failed over it.

    Args:
        problem: What it said.

    Attributes:
        problem: As given: type, title, status, detail, remedy, and the fields that are wrong.
    """

    def __init__(self, problem: Problem) -> None:
        fields = (f"{error.field}: {error.message}." for error in problem.errors)
        super().__init__(" ".join([problem.detail, *fields]), problem.remedy)
        self.problem = problem

    @property
    def kind(self) -> str:
        """What programs tell problems apart by, such as ``unclear-face``."""
        return self.problem.type.rpartition(":")[2]

    @property
    def request_id(self) -> str:
        """The number of the request, by which the service's log knows it."""
        return self.problem.instance.rpartition(":")[2]


class Asker:
    """Sends requests; several threads may share it.

    Args:
        address: Of the service.
        key: That lets in.
        timeout: Seconds without a word from the service.
        retries: How often a request that was not begun is sent again.
        transport: Carries requests elsewhere than over the network.
        sleep: Waits so many seconds.

    Raises:
        ServiceError: Address or key cannot be used.
    """

    def __init__(
        self,
        address: str,
        key: str | None,
        timeout: float,
        retries: int,
        transport: httpx.BaseTransport | None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._address = _checked(address)
        self._timeout = timeout
        self._retries = retries
        self._sleep = sleep
        self._http = httpx.Client(
            base_url=self._address,
            headers={} if key is None else {"Authorization": f"Bearer {_bare(key)}"},
            timeout=timeout,
            transport=transport,
            # The service lets go of a silent connection after 5 s; who does so first is never cut off.
            limits=httpx.Limits(keepalive_expiry=2.0),
        )

    def ask(
        self,
        kind: type[Answer],
        method: str,
        path: str,
        *,
        parameters: Fields | None = None,
        form: Fields | None = None,
        files: Files = (),
        retries: int | None = None,
    ) -> Answer:
        """What the service answers.

        Args:
            kind: Of the answer.
            method: Of HTTP.
            path: Behind the address, quoted where it has to be.
            parameters: In the address; what is ``None`` is left out.
            form: Fields of the form; likewise.
            files: Files of the form.
            retries: Other than usual.

        Raises:
            RefusedError: It refuses, or fails.
            ServiceError: It cannot be reached, falls silent, or what answers is no such service.
        """
        request = self._http.build_request(
            method, path, params=_given(parameters), data=_given(form) if files else None, files=files or None
        )
        outcome = self._sent(request)
        for tried in range(self._retries if retries is None else retries):
            wait = _wait(outcome, tried)
            if wait is None or wait > self._timeout:
                break
            # Those who were refused together do not come back together.
            self._sleep(wait * (1 + random.random() / 2))  # noqa: S311
            outcome = self._sent(request)
        return self._parsed(self._judged(outcome), kind)

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _sent(self, request: httpx.Request) -> httpx.Response | httpx.TransportError:
        try:
            return self._http.send(request)
        except httpx.TransportError as error:
            return error

    def _judged(self, outcome: httpx.Response | httpx.TransportError) -> httpx.Response:
        """The answer, if it is one."""
        if isinstance(outcome, httpx.Response):
            if outcome.is_success:
                return outcome
            raise _refusal(outcome, self._address)
        if _has_not_arrived(outcome):
            message = f"{self._address} cannot be reached: {outcome}."
            raise ServiceError(message, "See that the service runs, and that the address is right.") from outcome
        if isinstance(outcome, httpx.TimeoutException):
            raise ServiceError(f"{self._address} said nothing for {self._timeout:g} s.", _AGAIN) from outcome
        raise ServiceError(f"The connection to {self._address} broke off: {outcome}.", _AGAIN) from outcome

    def _parsed(self, answer: httpx.Response, kind: type[Answer]) -> Answer:
        try:
            return kind.model_validate_json(answer.content, extra="ignore")  # a newer service may say more
        except ValidationError as error:
            raise _stranger(answer, self._address) from error


def _wait(outcome: httpx.Response | httpx.TransportError, tried: int) -> float | None:
    """Seconds to wait before it is safe to ask again; none if it is not, or nobody knows."""
    if isinstance(outcome, httpx.TransportError):
        return _PAUSE * 2**tried if _has_not_arrived(outcome) else None
    said = outcome.headers.get("Retry-After", "")
    problem = _problem(outcome)
    return float(said) if problem and problem.type in _NOT_BEGUN and said.isdecimal() else None


def _has_not_arrived(error: httpx.TransportError) -> bool:
    return isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)


def _refusal(answer: httpx.Response, address: str) -> ServiceError:
    problem = _problem(answer)
    return RefusedError(problem) if problem else _stranger(answer, address)


def _problem(answer: httpx.Response) -> Problem | None:
    """The problem that an answer tells of, if it is one."""
    if answer.headers.get("Content-Type") != MEDIA_TYPE:
        return None
    try:
        return Problem.model_validate_json(answer.content, extra="ignore")
    except ValidationError:
        return None


def _stranger(answer: httpx.Response, address: str) -> ServiceError:
    kind = answer.headers.get("Content-Type", "nothing")
    return ServiceError(
        f"{address} answered {answer.status_code} with {kind:.80}, which is no answer of this service.",
        "See whether the address is right, and what a proxy in between says.",
    )


def _given(fields: Fields | None) -> dict[str, str | float | bool]:
    return {name: value for name, value in (fields or {}).items() if value is not None}


def _checked(address: str) -> str:
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.query or url.fragment:
        raise ServiceError("That is no address of a service.", "Give one such as https://faces.example.org.")
    return address.rstrip("/")


def _bare(key: str) -> str:
    """The key without the end of its line, if it was read from a file."""
    bare = key.strip()
    if not bare.isascii() or not bare.isprintable() or " " in bare or not bare:
        raise ServiceError("That is no key of a service.", "Give what `twinlens keys create` printed.")
    return bare

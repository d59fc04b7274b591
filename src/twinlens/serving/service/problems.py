"""What the service says when it refuses: problem details, each of a kind that ``docs/service.md`` explains.

References:
    M. Nottingham, E. Wilde and S. Dalal (2023), Problem details for HTTP APIs, RFC 9457.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from twinlens.errors import ServiceError

MEDIA_TYPE = "application/problem+json"


class Kind(BaseModel):
    """A kind of problem.

    Attributes:
        name: Ends the type's URI.
        status: Of the HTTP response.
        title: What is the matter, the same for all of the kind.
    """

    model_config = ConfigDict(frozen=True)
    name: str
    status: int
    title: str

    @property
    def uri(self) -> str:
        """What tells programs which kind it is."""
        return f"urn:twinlens:problem:{self.name}"


def _kind(name: str, status: int, title: str) -> Kind:
    return Kind(name=name, status=status, title=title)


MALFORMED = _kind("malformed", 400, "The request cannot be read")
UNAUTHENTICATED = _kind("unauthenticated", 401, "A valid key is needed")
NOT_ALLOWED = _kind("not-allowed", 403, "The key does not allow this")
NOT_LOCAL = _kind("not-local", 403, "Without keys, only this machine is served")
NOT_FOUND = _kind("not-found", 404, "There is nothing at this address")
UNKNOWN_SUBJECT = _kind("unknown-subject", 404, "Nobody of this name is enrolled")
METHOD_NOT_ALLOWED = _kind("method-not-allowed", 405, "The address knows no such method")
CONFLICT = _kind("conflict", 409, "What is enrolled speaks against it")
TOO_LARGE = _kind("too-large", 413, "The request is too large")
MEDIA_TYPE_UNKNOWN = _kind("unsupported-media-type", 415, "The request has another form than what is asked for")
INVALID = _kind("invalid", 422, "A field is missing or wrong")
UNUSABLE_PHOTO = _kind("unusable-photo", 422, "The photo cannot be used")
UNCLEAR_FACE = _kind("unclear-face", 422, "It is not clear whose face is meant, or the face is not good enough")
UNSUPPORTED = _kind("unsupported", 422, "What is asked for cannot be done")
RATE_LIMITED = _kind("rate-limited", 429, "Too many requests")
INTERNAL = _kind("internal", 500, "A fault of the service")
BUSY = _kind("busy", 503, "Too many requests are waiting")
STOPPING = _kind("stopping", 503, "The service is about to stop")
UNAVAILABLE = _kind("unavailable", 503, "Something that the service needs is out of reach")
TIMED_OUT = _kind("timed-out", 504, "The request took too long")

KINDS = (
    *(MALFORMED, UNAUTHENTICATED, NOT_ALLOWED, NOT_LOCAL, NOT_FOUND, UNKNOWN_SUBJECT, METHOD_NOT_ALLOWED, CONFLICT),
    *(TOO_LARGE, MEDIA_TYPE_UNKNOWN, INVALID, UNUSABLE_PHOTO, UNCLEAR_FACE, UNSUPPORTED, RATE_LIMITED),
    *(INTERNAL, BUSY, STOPPING, UNAVAILABLE, TIMED_OUT),
)


class FieldError(BaseModel):
    """One field that is missing or wrong.

    Attributes:
        field: Where it is, e.g. ``body.first`` or ``query.limit``.
        message: What is wrong with it; never its content.
    """

    field: str
    message: str


class Problem(BaseModel):
    """What is wrong and what to do about it, as RFC 9457 has it.

    Attributes:
        type: URI of the kind of problem.
        title: The kind in words.
        status: HTTP status.
        detail: What is wrong with this request.
        remedy: What can be done about it.
        instance: URI of this one answer; its request identifier is in the log.
        errors: Every field that is missing or wrong.
    """

    type: Annotated[str, Field(examples=[UNCLEAR_FACE.uri])]
    title: Annotated[str, Field(examples=[UNCLEAR_FACE.title])]
    status: Annotated[int, Field(examples=[UNCLEAR_FACE.status])]
    detail: Annotated[str, Field(examples=["The first photo shows no face that can be found."])]
    remedy: Annotated[str, Field(examples=["Take a sharp photo of the face from the front."])] = ""
    instance: Annotated[str, Field(examples=["urn:uuid:0b0e8d0c-6a0f-4a43-9c5b-3f6f3a6a2c11"])]
    errors: tuple[FieldError, ...] = ()


class RefusalError(ServiceError):
    """A request is refused.

    Args:
        kind: Why.
        message: What is wrong with this request.
        remedy: What to do about it.
        headers: That the response must have.
        errors: The fields that are wrong.
    """

    def __init__(
        self,
        kind: Kind,
        message: str,
        remedy: str = "",
        headers: Mapping[str, str] | None = None,
        errors: tuple[FieldError, ...] = (),
    ) -> None:
        super().__init__(message, remedy)
        self.kind = kind
        self.headers = dict(headers or {})
        self.errors = errors


def documented(*kinds: Kind) -> dict[int | str, dict[str, Any]]:
    """How OpenAPI describes the refusals that a route may answer with, by status."""
    described: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        response = described.setdefault(kind.status, {"description": kind.title, "content": {}})
        if kind.title not in response["description"]:
            response["description"] += f"; or: {kind.title}"
        response["content"][MEDIA_TYPE] = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return described

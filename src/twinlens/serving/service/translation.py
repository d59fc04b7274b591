"""Errors of every origin, told as problems.

Ours come with their remedy, the framework's with one of ours, and of a fault nobody outside hears more than that there
was one.
"""

from __future__ import annotations

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from twinlens.errors import (
    ConfigError,
    DuplicateError,
    FaceError,
    GalleryError,
    ImageError,
    TwinlensError,
    UnknownSubjectError,
)
from twinlens.serving.service import problems
from twinlens.serving.service.problems import MEDIA_TYPE, FieldError, Kind, Problem, RefusalError

# Whose message may go out: it speaks of the request alone. Any other speaks of files and settings of this machine.
_CAUSED_BY_THE_REQUEST: dict[type[TwinlensError], Kind] = {
    FaceError: problems.UNCLEAR_FACE,
    ImageError: problems.UNUSABLE_PHOTO,
    ConfigError: problems.UNSUPPORTED,
    UnknownSubjectError: problems.UNKNOWN_SUBJECT,
    DuplicateError: problems.CONFLICT,
}
_OF_THE_FRAMEWORK = {
    kind.status: kind
    for kind in (
        problems.MALFORMED,
        problems.NOT_FOUND,
        problems.METHOD_NOT_ALLOWED,
        problems.TOO_LARGE,
        problems.MEDIA_TYPE_UNKNOWN,
        problems.INVALID,
    )
}
_REMEDIES = {
    problems.NOT_FOUND.status: "See /docs for what there is.",
    problems.METHOD_NOT_ALLOWED.status: "The header Allow lists what is.",
    problems.TOO_LARGE.status: "Send fewer or smaller photos.",
}


def refusal_of(error: Exception) -> RefusalError:
    """What the caller is told of an error."""
    if isinstance(error, RefusalError):
        return error
    if isinstance(error, RequestValidationError):
        return _invalid(error)
    if isinstance(error, HTTPException):
        kind = _OF_THE_FRAMEWORK.get(error.status_code, problems.MALFORMED)
        remedy = _REMEDIES.get(kind.status, "See /docs for what is asked for.")
        return RefusalError(kind, f"{error.detail.rstrip('.')}.", remedy, headers=error.headers)
    if isinstance(error, TwinlensError):
        for cls, kind in _CAUSED_BY_THE_REQUEST.items():
            if isinstance(error, cls):
                return RefusalError(kind, error.message, error.remedy)
    if isinstance(error, GalleryError):
        return RefusalError(
            problems.UNAVAILABLE,
            "The gallery cannot be used now.",
            "Try again in a moment; else tell whoever runs the service.",
            headers={"Retry-After": "1"},
        )
    return fault()


def fault() -> RefusalError:
    """A fault, without a word about it; the log knows more."""
    return RefusalError(
        problems.INTERNAL,
        "The service failed over this request.",
        "Tell whoever runs it; the log has the number of this request.",
    )


def problem_response(refusal: RefusalError, request_id: str) -> Response:
    """The refusal as a response."""
    kind = refusal.kind
    problem = Problem(
        type=kind.uri,
        title=kind.title,
        status=kind.status,
        detail=refusal.message,
        remedy=refusal.remedy,
        instance=f"urn:uuid:{request_id}",
        errors=refusal.errors,
    )
    return Response(problem.model_dump_json(), kind.status, refusal.headers, MEDIA_TYPE)


def _invalid(error: RequestValidationError) -> RefusalError:
    """What is wrong with which field. What the field held stays out: it may be a photo."""
    errors = tuple(FieldError(field=_place(each["loc"]), message=str(each["msg"])) for each in error.errors())
    fields = ", ".join(dict.fromkeys(each.field for each in errors))
    return RefusalError(problems.INVALID, f"Missing or wrong: {fields}.", "Mend what errors lists.", errors=errors)


def _place(parts: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in parts)

"""Routes that let nobody in before they know who it is.

FastAPI reads a request's body before it looks at any dependency, so the guard stands in front of that.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import nullcontext
from typing import Any, ClassVar

from fastapi import APIRouter, Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer

from twinlens.serving.service import problems
from twinlens.serving.service.body import PhotoRequest
from twinlens.serving.service.keys import Scope
from twinlens.serving.service.problems import INVALID, FieldError, RefusalError, documented
from twinlens.serving.service.state import the_service

# What every route may answer; those that take photos add to it.
_COMMON = (
    *(problems.UNAUTHENTICATED, problems.NOT_ALLOWED, problems.NOT_LOCAL, problems.TOO_LARGE, problems.INVALID),
    *(problems.RATE_LIMITED, problems.INTERNAL, problems.BUSY, problems.STOPPING, problems.UNAVAILABLE),
    problems.TIMED_OUT,
)
# Only for the description: the guard has looked at the key long before.
_BEARER = HTTPBearer(scheme_name="key", auto_error=False, description="A key: Authorization: Bearer twinlens_...")


class GuardedRoute(APIRoute):
    """A route for those whose key has a scope. Its fields and parameters are the only ones that it takes.

    Attributes:
        needs: The scope.
        takes_place: Whether it takes one of the places that there are for requests.
    """

    needs: ClassVar[Scope]
    takes_place: ClassVar[bool] = True

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers a request."""
        handle = super().get_route_handler()
        fields = {field.alias for field in self.dependant.body_params}
        parameters = {field.alias for field in self.dependant.query_params}

        async def guarded(request: Request) -> Response:
            service = the_service(request)
            service.guard.admit(request, self.needs)
            _refuse_unknown(request, parameters)
            with service.place() if self.takes_place else nullcontext():
                return await handle(PhotoRequest(request.scope, request.receive, fields, service.settings.max_photos))

        return guarded


class ReadRoute(GuardedRoute):
    """A route for keys with the scope ``read``."""

    needs = Scope.READ


class EnrolRoute(GuardedRoute):
    """A route for keys with the scope ``enrol``."""

    needs = Scope.ENROL


class AdminRoute(GuardedRoute):
    """A route for keys with the scope ``admin``: who watches has to see a service that is busy or about to stop."""

    needs = Scope.ADMIN
    takes_place = False


def guarded_router(route: type[GuardedRoute], tag: str, prefix: str = "/v1") -> APIRouter:
    """A router whose routes are all guarded by one scope, and described so."""
    return APIRouter(
        prefix=prefix,
        route_class=route,
        tags=[tag],
        dependencies=[Security(_BEARER, scopes=[route.needs])],
        responses=documented(*_COMMON),
    )


def _refuse_unknown(request: Request, known: set[str]) -> None:
    """A mistyped parameter must not pass as one that was left out."""
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        raise RefusalError(
            INVALID,
            f"There is no parameter {unknown[0]!r:.80}.",
            f"There are: {', '.join(sorted(known))}." if known else "Leave it out.",
            errors=tuple(FieldError(field=f"query.{name:.80}", message="unknown") for name in unknown[:10]),
        )

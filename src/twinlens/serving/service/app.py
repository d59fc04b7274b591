"""The service as an ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Match

import twinlens
from twinlens.errors import TwinlensError
from twinlens.serving.service.envelope import Envelope
from twinlens.serving.service.keys import Keyring
from twinlens.serving.service.logs import described
from twinlens.serving.service.metrics import Metrics
from twinlens.serving.service.problems import INTERNAL, METHOD_NOT_ALLOWED, UNAVAILABLE, Problem
from twinlens.serving.service.rates import RateLimiter
from twinlens.serving.service.routes import health, identification, subjects, verification, watching
from twinlens.serving.service.security import Guard
from twinlens.serving.service.settings import ServiceSettings
from twinlens.serving.service.state import Service
from twinlens.serving.service.translation import problem_response, refusal_of
from twinlens.serving.verifier import Verifier

if TYPE_CHECKING:
    from twinlens.serving.gallery.gallery import Gallery

_DESCRIPTION = """Whether two photos show the same person, and who of those enrolled is on a photo.

Every score is a similarity: higher is more alike, and two photos match iff score ≥ threshold. Errors are problem
details (RFC 9457) with a remedy."""


def build_app(
    settings: ServiceSettings, verifier: Verifier, gallery: Gallery | None, metrics: Metrics | None = None
) -> FastAPI:
    """The service.

    Args:
        settings: How it is run.
        verifier: Decides; its encoder is called from many threads.
        gallery: Who is enrolled; without one, only verification is served.
        metrics: What is counted, if something else counts with it.
    """
    guard = Guard(Keyring(settings.keys), RateLimiter(settings.rate / 60, settings.burst))
    service = Service(settings, verifier, gallery, guard, metrics or Metrics())
    app: FastAPI = FastAPIOffline(
        title="twinlens",
        version=twinlens.__version__,
        description=_DESCRIPTION,
        redoc_url=None,
        lifespan=_lifespan,
        redirect_slashes=False,
        favicon_url="/static-offline-docs/favicon.png",
    )
    app.state.service = service
    of_the_gallery = (subjects.router, identification.router, watching.audit_router)
    for router in (verification.router, *(of_the_gallery if gallery else ()), watching.metrics_router, health.router):
        app.include_router(router)
    for error in (TwinlensError, HTTPException, RequestValidationError):
        app.add_exception_handler(error, _problem)
    _add_middleware(app, service)
    _describe(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    expiry = asyncio.create_task(service.expire())
    yield
    expiry.cancel()
    service.workers.close()


def _add_middleware(app: FastAPI, service: Service) -> None:
    """From the inside to the outside."""
    settings = service.settings
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=("GET", "POST", "DELETE"),
            allow_headers=("Authorization",),
            expose_headers=("RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-ID"),
        )
    app.add_middleware(Envelope, service=service)


async def _problem(request: Request, error: Exception) -> Response:
    refusal = refusal_of(error)
    if refusal.kind in (INTERNAL, UNAVAILABLE):
        request.state.fault = described(error)  # now, as Starlette takes its traceback away
    if refusal.kind == METHOD_NOT_ALLOWED:
        refusal.headers["Allow"] = ", ".join(_methods(request))
    return problem_response(refusal, request.state.request_id)


def _methods(request: Request) -> list[str]:
    """All methods of an address; Starlette names those of its first route alone."""
    routes = (route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE)
    return sorted({method for route in routes for method in getattr(route, "methods", None) or ()})


def _describe(app: FastAPI) -> None:
    """See that the description knows what every refusal looks like, and that forms have no other fields."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            known = schema["components"]["schemas"]
            known |= problem.pop("$defs") | {"Problem": problem}
            for form in (known[name] for name in known if name.startswith("Body_")):
                form["additionalProperties"] = False
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]

"""What the service has done: the audit log, and figures for Prometheus."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response
from prometheus_client import CONTENT_TYPE_LATEST

from twinlens.serving.gallery.values import AuditReport
from twinlens.serving.service.routing import AdminRoute, guarded_router
from twinlens.serving.service.state import CallerDep, ServiceDep

audit_router = guarded_router(AdminRoute, "watching")
metrics_router = guarded_router(AdminRoute, "watching", prefix="")


@audit_router.get("/audit", operation_id="audit", summary="Audit log")
async def audit(
    service: ServiceDep,
    caller: CallerDep,
    since: Annotated[int, Query(ge=0, description="Number of the last entry that is known already.")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000, description="How many entries to list.")] = 100,
    verify: Annotated[bool, Query(description="Say whether the whole log is what was written.")] = False,
) -> AuditReport:
    """List who did what, in order."""
    return await service.workers.run(lambda: service.the_gallery(caller).audit(verify=verify, since=since, most=limit))


@metrics_router.get(
    "/metrics",
    operation_id="metrics",
    summary="Metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(service: ServiceDep) -> Response:
    """Give counts and times as Prometheus reads them."""
    return Response(await service.workers.run(service.measured), media_type=CONTENT_TYPE_LATEST)

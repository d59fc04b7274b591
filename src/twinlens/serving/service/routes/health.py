"""Whether the service lives and is ready: for whoever watches over it, without a key."""

from __future__ import annotations

from fastapi import APIRouter

from twinlens.serving.service import problems
from twinlens.serving.service.answers import Health
from twinlens.serving.service.problems import documented
from twinlens.serving.service.state import ServiceDep

router = APIRouter(tags=["health"])


@router.get("/healthz", operation_id="healthz", summary="Alive", responses=documented(problems.INTERNAL))
async def healthz() -> Health:
    """Say that the process answers."""
    return Health(status="alive")


@router.get(
    "/readyz",
    operation_id="readyz",
    summary="Ready",
    responses=documented(problems.INTERNAL, problems.STOPPING, problems.UNAVAILABLE, problems.TIMED_OUT),
)
async def readyz(service: ServiceDep) -> Health:
    """Say whether requests may be sent here: not while the service stops, or where its gallery is out of reach."""
    await service.refuse_unready()
    return Health(status="ready")

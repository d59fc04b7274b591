"""Whether two photos show the same subject, and by which model."""

from __future__ import annotations

from twinlens.serving.decision import Verification
from twinlens.serving.service import problems
from twinlens.serving.service.answers import Model, Models
from twinlens.serving.service.body import contents
from twinlens.serving.service.examples import VERIFICATION, answered
from twinlens.serving.service.problems import documented
from twinlens.serving.service.routing import ReadRoute, guarded_router
from twinlens.serving.service.schemas import FaceNumber, IsAligned, MatchRate, PhotoFile, Prior
from twinlens.serving.service.state import ServiceDep

router = guarded_router(ReadRoute, "verification")

PHOTO_PROBLEMS = documented(
    *(problems.MALFORMED, problems.MEDIA_TYPE_UNKNOWN, problems.INVALID),
    *(problems.UNUSABLE_PHOTO, problems.UNCLEAR_FACE, problems.UNSUPPORTED),
)


@router.post("/verify", operation_id="verify", summary="Verify", responses=PHOTO_PROBLEMS | answered(VERIFICATION))
async def verify(
    service: ServiceDep,
    first: PhotoFile,
    second: PhotoFile,
    fmr: MatchRate = None,
    prior: Prior = 0.5,
    first_face: FaceNumber = None,
    second_face: FaceNumber = None,
    aligned: IsAligned = False,
) -> Verification:
    """Decide whether two photos show the same subject."""
    photos = await contents(first, second)
    faces = (first_face, second_face)
    return await service.workers.run(
        lambda: service.verifier.verify(photos[0], photos[1], fmr=fmr, prior=prior, faces=faces, aligned=aligned)
    )


@router.get("/models", operation_id="models", summary="Models")
async def models(service: ServiceDep) -> Models:
    """Say which model decides, at which thresholds, and what they rest on."""
    verifier = service.verifier
    return Models(models=(Model.of(verifier.manifest, sees_faces=verifier.intake.sees_faces),))

"""Who is on a photo, among those enrolled; and whether it is who they say."""

from __future__ import annotations

from twinlens.serving.decision import Verification
from twinlens.serving.gallery.values import Identification
from twinlens.serving.service import problems
from twinlens.serving.service.body import contents
from twinlens.serving.service.examples import IDENTIFICATION, VERIFICATION, answered
from twinlens.serving.service.problems import documented
from twinlens.serving.service.routes.verification import PHOTO_PROBLEMS
from twinlens.serving.service.routing import ReadRoute, guarded_router
from twinlens.serving.service.schemas import (
    FaceNumber,
    IdentificationRate,
    IsAligned,
    MatchRate,
    Most,
    PhotoFile,
    Prior,
    SubjectId,
)
from twinlens.serving.service.state import CallerDep, ServiceDep

router = guarded_router(ReadRoute, "identification")


@router.post(
    "/identify",
    operation_id="identify",
    summary="Identify",
    responses=PHOTO_PROBLEMS | answered(IDENTIFICATION),
)
async def identify(
    service: ServiceDep,
    caller: CallerDep,
    photo: PhotoFile,
    fpir: IdentificationRate = 0.01,
    most: Most = 5,
    face: FaceNumber = None,
    aligned: IsAligned = False,
) -> Identification:
    """Say who of those enrolled is on a photo: the most similar subjects, or nobody."""
    (content,) = await contents(photo)
    return await service.workers.run(
        lambda: service.the_gallery(caller).identify(content, fpir=fpir, most=most, face=face, aligned=aligned)
    )


@router.post(
    "/subjects/{subject_id}/verify",
    operation_id="verify_subject",
    summary="Verify a subject",
    responses=PHOTO_PROBLEMS | documented(problems.UNKNOWN_SUBJECT) | answered(VERIFICATION),
)
async def verify_subject(
    service: ServiceDep,
    caller: CallerDep,
    subject_id: SubjectId,
    photo: PhotoFile,
    fmr: MatchRate = None,
    prior: Prior = 0.5,
    face: FaceNumber = None,
    aligned: IsAligned = False,
) -> Verification:
    """Decide whether a photo shows a subject that is enrolled."""
    (content,) = await contents(photo)
    return await service.workers.run(
        lambda: service.the_gallery(caller).verify(
            subject_id, content, fmr=fmr, prior=prior, face=face, aligned=aligned
        )
    )

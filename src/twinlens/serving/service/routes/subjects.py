"""Who is enrolled: enrol, look, remove."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form, Query

from twinlens.serving.gallery.values import Enrolment
from twinlens.serving.service import problems
from twinlens.serving.service.answers import Removal, Subject, SubjectPage
from twinlens.serving.service.body import contents
from twinlens.serving.service.examples import ENROLMENT, SUBJECT, answered
from twinlens.serving.service.problems import documented
from twinlens.serving.service.routes.verification import PHOTO_PROBLEMS
from twinlens.serving.service.routing import EnrolRoute, guarded_router
from twinlens.serving.service.schemas import (
    FaceNumber,
    IsAligned,
    Note,
    PhotoFiles,
    SubjectId,
    Until,
)
from twinlens.serving.service.state import CallerDep, MayReadDep, ServiceDep

router = guarded_router(EnrolRoute, "subjects")

_UNKNOWN = documented(problems.UNKNOWN_SUBJECT)


@router.post(
    "/subjects/{subject_id}/templates",
    operation_id="enrol",
    summary="Enrol",
    status_code=201,
    responses=PHOTO_PROBLEMS | documented(problems.CONFLICT) | answered(ENROLMENT, 201),
)
async def enrol(
    service: ServiceDep,
    caller: CallerDep,
    may_read: MayReadDep,
    subject_id: SubjectId,
    photos: PhotoFiles,
    consent: Note = "",
    source: Note = "",
    expires_at: Until = None,
    keep_photos: Annotated[bool, Form(description="Keep the photos, sealed, for another model to come.")] = False,
    allow_poor: Annotated[bool, Form(description="Take photos that are not good enough.")] = False,
    allow_duplicate: Annotated[bool, Form(description="Take photos that look like another subject.")] = False,
    face: FaceNumber = None,
    aligned: IsAligned = False,
) -> Enrolment:
    """Make templates of photos of a subject: of all of them or, if one cannot be used, of none."""
    taken = await contents(*photos)
    return await service.workers.run(
        lambda: service.the_gallery(caller).enrol(
            subject_id,
            taken,
            names=[f"Photo {number}" for number in range(1, len(taken) + 1)],
            consent=consent,
            source=source,
            expires_at=expires_at,
            keep_photos=keep_photos,
            allow_poor=allow_poor,
            allow_duplicate=allow_duplicate,
            name_duplicates=may_read,
            face=face,
            aligned=aligned,
        )
    )


@router.get("/subjects", operation_id="subjects", summary="List subjects")
async def subjects(
    service: ServiceDep,
    caller: CallerDep,
    after: Annotated[str, Query(max_length=1000, description="Begin behind this subject.")] = "",
    limit: Annotated[int, Query(ge=1, le=1000, description="How many to list.")] = 100,
) -> SubjectPage:
    """List who is enrolled, page by page."""

    found = await service.workers.run(lambda: service.the_gallery(caller).subjects(after=after, most=limit + 1))
    return SubjectPage(subjects=found[:limit], after=found[limit - 1].subject_id if len(found) > limit else None)


@router.get(
    "/subjects/{subject_id}",
    operation_id="subject",
    summary="Look at a subject",
    responses=_UNKNOWN | answered(SUBJECT),
)
async def subject(service: ServiceDep, caller: CallerDep, subject_id: SubjectId) -> Subject:
    """Show what is known of a subject's templates, without what they recognise by."""
    templates = await service.workers.run(lambda: service.the_gallery(caller).templates(subject_id))
    return Subject(subject_id=subject_id, templates=tuple(templates))


@router.delete("/subjects/{subject_id}", operation_id="remove", summary="Remove a subject", responses=_UNKNOWN)
async def remove(service: ServiceDep, caller: CallerDep, subject_id: SubjectId) -> Removal:
    """Remove a subject with all templates, so that no byte of them stays."""
    removed = await service.workers.run(lambda: service.the_gallery(caller).remove(subject_id))
    return Removal(subject_id=subject_id, templates=removed)

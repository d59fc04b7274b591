"""Enrol photos of one subject: all of them or none."""

from __future__ import annotations

import io
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from time import perf_counter

import numpy as np
from PIL import Image

from twinlens.errors import ConfigError, DuplicateError
from twinlens.faces.quality import refuse_poor
from twinlens.serving.gallery.opened import Opened
from twinlens.serving.gallery.overview import summary
from twinlens.serving.gallery.recogniser import Recogniser
from twinlens.serving.gallery.shots import Shot
from twinlens.serving.gallery.space import Space
from twinlens.serving.gallery.template import Details, Template, seal_template
from twinlens.serving.gallery.terms import Terms
from twinlens.serving.gallery.values import Candidate, Enrolment
from twinlens.serving.gallery.vault import Vault
from twinlens.types import Float32Array, UInt8Array

# Chance that somebody new is held for a duplicate of somebody enrolled, at most.
DUPLICATE_FPIR = 0.01
# Embeddings that differ by less than this share of their length are of one photo: a network rounds differently with
# the number of photos it is given at once.
_SAME = 1e-4


def enrol(
    vault: Vault, recogniser: Recogniser, subject_id: str, shots: Sequence[Shot], terms: Terms, start: float
) -> Enrolment:
    """Add photos of a subject to a gallery; when this returns they are durable.

    Args:
        vault: The gallery.
        recogniser: Tells who is like whom.
        subject_id: The name of the subject.
        shots: The photos.
        terms: Under which they are enrolled.
        start: When that began, as :func:`time.perf_counter` has it.

    Raises:
        FaceError: A photo is too poor to be remembered.
        DuplicateError: A photo would be identified as another subject.
    """
    remarks = [remark for shot in shots for remark in _gate(shot, terms)]
    duplicates = _duplicates(vault, recogniser, subject_id, shots, terms, remarks)
    with vault.writing() as opened:
        known = [template.embedding for template in vault.live(subject_id)[1]]
        added = _templates(recogniser, opened, subject_id, shots, terms, known, remarks)
        if added:
            draft = vault.draft("enrol", subject_id, {"templates": [one.template_id for one in added]})
            vault.store.add([seal_template(one, opened.seal) for one in added], [draft], opened.auditor)
    manifest = recogniser.verifier.manifest
    return Enrolment(
        subject_id=subject_id,
        templates=tuple(summary(template) for template in added),
        templates_in_all=len(known) + len(added),
        duplicates=duplicates,
        remarks=tuple(remarks),
        seconds=perf_counter() - start,
        model=manifest.name,
        fingerprint=manifest.fingerprint,
    )


def _gate(shot: Shot, terms: Terms) -> list[str]:
    """Refuse a photo that is too poor, or say what is wrong with it if it may be poor."""
    if shot.acquired.quality is not None and not terms.allow_poor:
        refuse_poor(shot.acquired.quality, shot.name)
    return [f"{shot.name}: {wrong}." for wrong in shot.shortcomings]


def _templates(
    recogniser: Recogniser,
    opened: Opened,
    subject_id: str,
    shots: Sequence[Shot],
    terms: Terms,
    known: Sequence[Float32Array],
    remarks: list[str],
) -> list[Template]:
    """A template of each photo that is not among ``known``, the rotated embeddings that the subject has."""
    space, threshold = recogniser.spaces.of(opened), recogniser.verifier.manifest.threshold
    rotated = space.rotation.apply(np.stack([shot.embedding for shot in shots]))
    now, added = datetime.now(UTC), list[Template]()
    for shot, embedding in zip(shots, rotated, strict=True):
        others = [*known, *(template.embedding for template in added)]
        if any(_is_same(embedding, other) for other in others):
            remarks.append(f"{shot.name} is enrolled as {subject_id} already: nothing was added for it.")
            continue
        if others and (score := float(space.comparison.matrix(embedding[None], np.stack(others)).max())) < threshold:
            remarks.append(
                f"{shot.name} does not look like the other photos of {subject_id}: the score is at most {score:.3f}, "
                f"and a match begins at {threshold:.3f}."
            )
        details = _details(shot, space, terms, opened.header.fingerprint)
        photo = _png(shot.acquired.pixels) if terms.keep_photos else None
        template_id = secrets.token_hex(16)
        added.append(Template(template_id, subject_id, embedding, details, photo, now, terms.expires_at))
    return added


def _duplicates(
    vault: Vault, recogniser: Recogniser, subject_id: str, shots: Sequence[Shot], terms: Terms, remarks: list[str]
) -> tuple[Candidate, ...]:
    """The other subjects that the photos would be identified as, each with its highest score, if they may be named."""
    found: dict[str, Candidate] = {}
    for shot in shots:
        try:
            finding = recogniser.look_up(shot.embedding, DUPLICATE_FPIR, 1)
        except ConfigError as error:
            if not terms.allow_duplicate:
                raise ConfigError(
                    error.message, f"{error.remedy} Or enrol all the same, with allow_duplicate."
                ) from error
            remarks.append(f"Nobody has looked whether somebody else looks like this: {error.message}")
            break
        other = finding.named
        if other is None or other.subject_id == subject_id:
            continue
        detail = {"allowed": terms.allow_duplicate, "fpir": DUPLICATE_FPIR, "subjects": finding.subjects}
        vault.log("duplicate", other.subject_id, detail)
        sentence = f"{shot.name} would be identified as {_whom(other, finding.limit.threshold, terms)}."
        if not terms.allow_duplicate:
            raise DuplicateError(sentence, "If these are two people, enrol it with allow_duplicate.")
        remarks.append(sentence)
        if other.subject_id not in found or other.score > found[other.subject_id].score:
            found[other.subject_id] = other
    return tuple(found.values()) if terms.name_duplicates else ()


def _whom(other: Candidate, threshold: float, terms: Terms) -> str:
    if not terms.name_duplicates:
        return "somebody who is enrolled already"
    return f"{other.subject_id}, who is enrolled already: the score is {other.score:.3f}, the threshold {threshold:.3f}"


def _details(shot: Shot, space: Space, terms: Terms, fingerprint: str) -> Details:
    return Details(
        fingerprint=fingerprint,
        rotation=space.kind,
        quality=shot.acquired.quality,
        source=terms.source or shot.source,
        consent=terms.consent,
        framed=shot.framed,
    )


def _is_same(embedding: Float32Array, other: Float32Array) -> bool:
    return bool(np.linalg.norm(embedding - other) <= _SAME * np.linalg.norm(other))


def _png(pixels: UInt8Array) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()

"""Who is in a gallery."""

from __future__ import annotations

from datetime import UTC, datetime

from twinlens.serving.gallery.subject import unknown
from twinlens.serving.gallery.template import Template
from twinlens.serving.gallery.values import Stats, SubjectSummary, TemplateSummary
from twinlens.serving.gallery.vault import Vault


def list_subjects(vault: Vault, after: str, most: int | None) -> tuple[SubjectSummary, ...]:
    """The subjects whose names come after ``after``, sorted; at most ``most`` of them."""
    counts = vault.store.subjects()
    names = sorted(name for name in counts if name > after)[:most]
    return tuple(SubjectSummary(subject_id=name, templates=counts[name]) for name in names)


def list_templates(vault: Vault, subject_id: str) -> tuple[TemplateSummary, ...]:
    """The templates of a subject, in the order they were enrolled.

    Raises:
        UnknownSubjectError: There is no such subject.
    """
    found = tuple(summary(template) for template in vault.templates(subject_id))
    if not found:
        raise unknown(subject_id)
    return found


def summary(template: Template) -> TemplateSummary:
    """What is known of a template."""
    return TemplateSummary(
        template_id=template.template_id,
        subject_id=template.subject_id,
        enrolled_at=template.enrolled_at,
        expires_at=template.expires_at,
        source=template.details.source,
        consent=template.details.consent,
        quality=template.details.quality,
        photo_kept=template.photo is not None,
        fingerprint=template.details.fingerprint,
    )


def count(vault: Vault) -> Stats:
    """What a gallery holds."""
    counts, header = vault.store.subjects(), vault.opened.header
    return Stats(
        subjects=len(counts),
        templates=sum(counts.values()),
        expired=len(vault.store.expired(datetime.now(UTC))),
        model=header.model,
        fingerprint=header.fingerprint,
        dim=header.dim,
        created_at=header.created_at,
    )

"""What a gallery answers: frozen values that can be printed and sent as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from twinlens.faces.quality import Quality


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TemplateSummary(_Value):
    """What is known of a template, but for what it recognises by.

    Attributes:
        template_id: 32 hex digits.
        subject_id: Whose it is.
        enrolled_at: When, in UTC.
        expires_at: When it has to go, in UTC; never if none.
        source: Where the photo is from.
        consent: What the subject has agreed to.
        quality: Of the face; none where no face was looked for.
        photo_kept: Whether the photo lies sealed in the gallery.
        fingerprint: Of the model that made it.
    """

    template_id: str
    subject_id: str
    enrolled_at: datetime
    expires_at: datetime | None
    source: str
    consent: str
    quality: Quality | None
    photo_kept: bool
    fingerprint: str


class SubjectSummary(_Value):
    """A subject, and how many templates there are of it."""

    subject_id: str
    templates: int


class Candidate(_Value):
    """A subject that a probe may show.

    There is no match probability here: it would need the chance that each of all enrolled people walks up.

    Attributes:
        subject_id: Who.
        score: Of the probe with the most similar of the subject's templates.
        is_match: Whether the score reaches the threshold.
        log_likelihood_ratio: Natural logarithm of p(score | genuine) / p(score | impostor), less that of the number
            of the subject's templates, each of which is a chance to be similar by accident.
    """

    subject_id: str
    score: float
    is_match: bool
    log_likelihood_ratio: float


class Identification(_Value):
    """Who is on a photo, among those enrolled.

    Attributes:
        subject_id: The subject; none if it is nobody who is enrolled.
        candidates: The most similar subjects, the most similar first, whether they reach the threshold or not.
        threshold: Of the score that somebody must reach to be named.
        fpir: Chance that somebody who is not enrolled is named all the same, at most.
        fmr: False match rate of one comparison that keeps that chance.
        extrapolated: Whether ``fmr`` is rarer than what the model's calibration has seen often enough, so that the
            threshold is an extrapolation.
        subjects: How many people the photo was compared with.
        templates: How many templates of them; each of them is a chance to err.
        search: ``exact`` if all templates were compared, ``index`` if those that the store's index held for near.
        quality: Of the face; none where no face was looked for.
        remarks: What is wrong with the photo.
        seconds: From photo to answer.
        model: Name of the model.
        fingerprint: Of its bundle.
    """

    subject_id: str | None
    candidates: tuple[Candidate, ...]
    threshold: float
    fpir: float
    fmr: float
    extrapolated: bool
    subjects: int
    templates: int
    search: Literal["exact", "index"]
    quality: Quality | None
    remarks: tuple[str, ...]
    seconds: float
    model: str
    fingerprint: str


class Enrolment(_Value):
    """What became of photos of one subject.

    Attributes:
        subject_id: Whose photos they are.
        templates: What was added, in the order of the photos.
        templates_in_all: How many templates the subject has now.
        duplicates: Other subjects that a photo would have been identified as; empty unless that was allowed, and they
            may be named.
        remarks: What is worth looking at.
        seconds: From photos to durable templates.
        model: Name of the model.
        fingerprint: Of its bundle.
    """

    subject_id: str
    templates: tuple[TemplateSummary, ...]
    templates_in_all: int
    duplicates: tuple[Candidate, ...]
    remarks: tuple[str, ...]
    seconds: float
    model: str
    fingerprint: str


class Stats(_Value):
    """What a gallery holds.

    Attributes:
        subjects: How many people.
        templates: How many templates, with those that have expired.
        expired: How many of these have expired and wait to be removed; they match nobody.
        model: Name of the model.
        fingerprint: Of its bundle.
        dim: Dimension of embeddings.
        created_at: When the gallery was made, in UTC.
    """

    subjects: int
    templates: int
    expired: int
    model: str
    fingerprint: str
    dim: int
    created_at: datetime


class AuditLine(_Value):
    """One entry of the log, readable.

    Attributes:
        number: From 1, without gaps.
        at: When, in UTC.
        actor: Who did it.
        action: What.
        subject: Pseudonym of the subject, if it is about one.
        subject_id: Who that is, if the subject is still enrolled and the entry was made under the present key.
        detail: Figures and counts.
    """

    number: int
    at: datetime
    actor: str
    action: str
    subject: str | None
    subject_id: str | None
    detail: dict[str, Any]


class AuditCheck(_Value):
    """Whether the log is what was written.

    Attributes:
        intact: Whether it is, and accounts for the templates that are there.
        broken: Number of the first entry that is not what was written.
        reason: What is wrong with it.
        missing: Templates that were enrolled and never removed, and are not there.
        unknown: Templates that are there, and that the log knows nothing of.
    """

    intact: bool
    broken: int | None
    reason: str
    missing: tuple[str, ...]
    unknown: tuple[str, ...]


class AuditReport(_Value):
    """The log of who did what.

    Attributes:
        lines: The entries that were asked for, in order.
        entries: How many there are in all.
        head: Digest of the last one. Whoever notes it elsewhere can tell later if entries were cut off.
        check: Whether all of them are what was written; none if nobody asked.
    """

    lines: tuple[AuditLine, ...]
    entries: int
    head: str
    check: AuditCheck | None

"""What a gallery answers, in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from twinlens.evaluation.figures import NOTHING_MATCHES
from twinlens.reporting.wording import count, counted, decimal, duration, rate
from twinlens.serving.gallery.values import (
    AuditReport,
    Enrolment,
    Identification,
    Stats,
    SubjectSummary,
    TemplateSummary,
)

# Natural logarithm beyond which a ratio is no finite number any more.
_MOST = 700.0


def enrolment_lines(enrolment: Enrolment) -> Iterator[str]:
    """What became of photos of one subject."""
    added, in_all = len(enrolment.templates), enrolment.templates_in_all
    has = f"{enrolment.subject_id} has {counted(in_all, 'template')}"
    yield f"{has} now." if added == in_all else f"{has}, {count(added)} of them new."
    yield from enrolment.remarks


def identification_lines(found: Identification, name: str) -> Iterator[str]:
    """Who is on a photo, how alike others are, what the threshold keeps, and what is wrong with the photo.

    Args:
        found: What was found.
        name: Of the photo.
    """
    yield found.subject_id if found.subject_id is not None else "Nobody who is enrolled."
    for number, one in enumerate(found.candidates, start=1):
        ratio = math.exp(min(one.log_likelihood_ratio, _MOST))
        yield f"{number}. {one.subject_id}: score {decimal(one.score)}, likelihood ratio {ratio:.3g}"
    yield _promise(found)
    yield from (f"{name}: {remark}." for remark in found.remarks)
    search = "" if found.search == "exact" else ", among those that the index holds for near"
    yield f"By {found.model} in {_took(found.seconds)}{search}."


def _promise(found: Identification) -> str:
    limit = "beyond every score" if found.threshold == NOTHING_MATCHES else decimal(found.threshold)
    among = f"{_people(found.subjects)} with {counted(found.templates, 'template')}"
    beyond = ", which is extrapolated from what calibration has seen" if found.extrapolated else ""
    return (
        f"Threshold {limit}: among {among}, it keeps the chance that a stranger is named at {rate(found.fpir)} "
        f"(false match rate {rate(found.fmr)}{beyond})."
    )


def subject_lines(subjects: Iterable[SubjectSummary]) -> Iterator[str]:
    """Who is enrolled."""
    return (f"{one.subject_id}: {counted(one.templates, 'template')}" for one in subjects)


def template_lines(templates: Iterable[TemplateSummary]) -> Iterator[str]:
    """What is known of templates."""
    for one in templates:
        parts = [f"{one.template_id}: enrolled {one.enrolled_at:%Y-%m-%d %H:%M} UTC"]
        parts += [f"expires {one.expires_at:%Y-%m-%d %H:%M} UTC"] if one.expires_at else []
        parts += [f"from {one.source}"] if one.source else []
        parts += [f"consent: {one.consent}"] if one.consent else []
        parts += ["photo kept"] if one.photo_kept else []
        yield ", ".join(parts)


def stats_lines(stats: Stats) -> Iterator[str]:
    """What a gallery holds."""
    yield f"{_people(stats.subjects)} with {counted(stats.templates, 'template')}"
    if stats.expired:
        yield f"{counted(stats.expired, 'template')} expired: match nobody, and go with twinlens gallery expire"
    yield f"Model {stats.model}, fingerprint {stats.fingerprint[:16]}, {count(stats.dim)} numbers each"
    yield f"Made {stats.created_at:%Y-%m-%d %H:%M} UTC"


def audit_lines(report: AuditReport) -> Iterator[str]:
    """The log, and whether it is what was written."""
    for line in report.lines:
        about = line.subject_id or line.subject or ""
        detail = ", ".join(f"{name} {_shown(value)}" for name, value in line.detail.items())
        yield "  ".join(
            part
            for part in (f"{line.number:>5}", f"{line.at:%Y-%m-%d %H:%M:%S}", line.actor, line.action, about, detail)
            if part
        )
    yield f"{count(report.entries)} entries. To tell later if some were cut off, note: {report.entries}:{report.head}"
    check = report.check
    if check is None:
        return
    if check.broken is not None:
        yield f"Entry {check.broken} is not what was written: {check.reason}."
    if check.missing:
        yield f"{counted(len(check.missing), 'template')} went without the log knowing: {', '.join(check.missing)}"
    if check.unknown:
        yield f"{counted(len(check.unknown), 'template')} came without the log knowing: {', '.join(check.unknown)}"
    if check.intact:
        yield "The log is intact, and accounts for every template."


def _shown(value: object) -> str:
    if isinstance(value, list):
        return str(len(value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value[:8]}..." if isinstance(value, str) and len(value) > 16 else str(value)


def _people(subjects: int) -> str:
    return "1 person" if subjects == 1 else f"{count(subjects)} people"


def _took(seconds: float) -> str:
    return duration(seconds) if seconds >= 1 else f"{1000 * seconds:.0f} ms"

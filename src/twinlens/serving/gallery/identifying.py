"""Who of those enrolled is on a photo, and whether it is a certain one of them."""

from __future__ import annotations

from time import perf_counter

import numpy as np

from twinlens.errors import ConfigError
from twinlens.faces.quality import shortcomings
from twinlens.serving.decision import Decision, Verification
from twinlens.serving.gallery.recogniser import Recogniser
from twinlens.serving.gallery.shots import Shot
from twinlens.serving.gallery.subject import unknown
from twinlens.serving.gallery.template import Template
from twinlens.serving.gallery.values import Identification
from twinlens.serving.gallery.vault import Vault
from twinlens.serving.verifier import Verifier


def identify(vault: Vault, recogniser: Recogniser, shot: Shot, fpir: float, most: int, start: float) -> Identification:
    """Say who is on a photo, or that it is nobody who is enrolled.

    Args:
        vault: The gallery.
        recogniser: Tells who is like whom.
        shot: The photo.
        fpir: Chance that somebody who is not enrolled is named all the same, at most.
        most: How many candidates are listed, at most.
        start: When it began, as :func:`time.perf_counter` has it.

    Raises:
        ConfigError: The model cannot support the rate among so many.
    """
    finding = recogniser.look_up(shot.embedding, fpir, most)
    subject_id = finding.named.subject_id if finding.named else None
    vault.log("identify", subject_id, {"found": subject_id is not None, "fpir": fpir, "subjects": finding.subjects})
    manifest = recogniser.verifier.manifest
    return Identification(
        subject_id=subject_id,
        candidates=finding.candidates,
        threshold=finding.limit.threshold,
        fpir=fpir,
        fmr=finding.limit.fmr,
        extrapolated=finding.limit.extrapolated,
        subjects=finding.subjects,
        templates=finding.templates,
        search=recogniser.search.kind,
        quality=shot.acquired.quality,
        remarks=shot.shortcomings,
        seconds=perf_counter() - start,
        model=manifest.name,
        fingerprint=manifest.fingerprint,
    )


def verify(
    vault: Vault, recogniser: Recogniser, subject_id: str, shot: Shot, fmr: float | None, prior: float, start: float
) -> Verification:
    """Decide whether a photo shows a subject, by the most similar of its templates.

    Each of them is a chance to err, so rate and odds are shared among them.

    Args:
        vault: The gallery.
        recogniser: Tells who is like whom.
        subject_id: The name of the subject.
        shot: The photo.
        fmr: Chance that another subject is taken for this one, at most; decided at even odds if not given.
        prior: Probability of a match before looking, in (0, 1).
        start: When it began, as :func:`time.perf_counter` has it.

    Raises:
        UnknownSubjectError: Nobody is called so, or all templates of the subject have expired.
        ConfigError: The prior is no probability, or the model cannot support the rate.
    """
    opened, live = vault.live(subject_id)
    if not live:
        raise unknown(subject_id)
    space = recogniser.spaces.of(opened)
    probe = space.rotation.apply(shot.embedding[None])
    scores = space.comparison.matrix(probe, np.stack([template.embedding for template in live]))[0]
    best = live[int(scores.argmax())]
    decision = _decision(recogniser.verifier, float(scores.max()), len(live), subject_id, fmr, prior)
    vault.log("verify", subject_id, {"match": decision.is_match})
    manifest = recogniser.verifier.manifest
    return Verification(
        **dict(decision),
        qualities=(best.details.quality, shot.acquired.quality),
        remarks=(_wrong(best), shot.shortcomings),
        seconds=perf_counter() - start,
        model=manifest.name,
        fingerprint=manifest.fingerprint,
    )


def _decision(
    verifier: Verifier, score: float, templates: int, subject_id: str, fmr: float | None, prior: float
) -> Decision:
    """Decide on the best of several scores."""
    try:
        return verifier.decide(score, fmr=fmr, prior=prior, templates=templates)
    except ConfigError as error:
        if fmr is None or templates == 1:
            raise
        raise ConfigError(
            f"{subject_id} has {templates} templates, so each comparison may err at a rate of {fmr / templates:.2g} "
            f"only. {error.message}",
            error.remedy,
        ) from error


def _wrong(template: Template) -> tuple[str, ...]:
    return () if template.details.quality is None else tuple(shortcomings(template.details.quality))

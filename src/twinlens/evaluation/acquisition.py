"""The whole path from any photo to a decision: find the face, align it, decide; what fails on the way counts.

References:
    ISO/IEC 19795-1:2021: failures to acquire, and the rates of transactions (false accepts, false rejects) that
    include them.
"""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict

from twinlens.config.sections import EvaluationConfig
from twinlens.evaluation.intervals import clopper_pearson, subject_bootstrap
from twinlens.types import BoolArray, Float64Array, Interval, Scores


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Failure(_Value):
    """A photo that could not be acquired.

    Attributes:
        photo: Its name.
        several_faces: Whether that is because it shows several, and nobody said which one is meant.
        reason: In words.
    """

    photo: str
    several_faces: bool
    reason: str


class WholePath(_Value):
    """From any photo to a decision, beside decisions on photos as their dataset frames them.

    Attributes:
        photos: How many different ones the pairs show.
        threshold: Fixed on validation, the same for both.
        failures: The photos that could not be acquired: no face was found, or several that may be meant.
        failure_to_acquire: Their share, with a Clopper-Pearson interval.
        undecided_genuine: Genuine pairs with such a photo.
        undecided_impostor: Impostor pairs with such a photo.
        accuracy: Share of all pairs decided rightly; a pair that is not decided is not decided rightly.
        framed_accuracy: The same of photos as they are.
        difference: The former minus the latter, pair by pair.
        decided_difference: The same over the pairs that were decided: what another frame costs; none if none was.
        fmr: Of the impostor pairs that were decided; none if none was.
        fnmr: Of the genuine pairs that were decided; none if none was.
        false_accept_rate: Share of all impostor pairs that match.
        false_reject_rate: Share of all genuine pairs that do not match, or were not decided.
    """

    protocol: str
    genuine_pairs: int
    impostor_pairs: int
    subjects: int
    photos: int
    level: float
    threshold: float
    failures: tuple[Failure, ...]
    failure_to_acquire: Interval
    undecided_genuine: int
    undecided_impostor: int
    accuracy: Interval
    framed_accuracy: Interval
    difference: Interval
    decided_difference: Interval | None
    fmr: Interval | None
    fnmr: Interval | None
    false_accept_rate: float
    false_reject_rate: float


def judge_whole_path(
    framed: Scores,
    found: Scores,
    is_decided: BoolArray,
    threshold: float,
    failures: tuple[Failure, ...],
    photos: int,
    settings: EvaluationConfig,
    *,
    protocol: str,
    seed: int,
) -> WholePath:
    """Hold decisions on photos whose faces were found beside those on photos as their dataset frames them.

    A pair with a photo that could not be acquired is not decided. For the accuracy it counts as wrong, of whatever
    kind it is; in the rates of false accepts and rejects it does not match, as nobody would be let in on it.

    Args:
        framed: Scores of the pairs, of photos as they are.
        found: Scores of the same pairs, of faces that were found and aligned; whatever where that failed.
        is_decided: bool ``(n,)``, whether both photos of a pair could be acquired.
        threshold: Of both.
        failures: Photos that could not be acquired.
        photos: How many different ones there are.
        settings: Level and resamples.
        protocol: Named in the result.
        seed: Of the resamples.
    """
    genuine = framed.is_genuine
    matched = is_decided & (found.values >= threshold)
    right, right_framed = is_decided & (matched == genuine), (framed.values >= threshold) == genuine

    def interval(values: Float64Array, chosen: BoolArray | slice = slice(None)) -> Interval:
        pairs = Scores(values, genuine, framed.first_subject, framed.second_subject)[chosen]
        statistics = {"mean": lambda scores, weights: float(np.average(scores.values, weights=weights))}
        return subject_bootstrap(pairs, statistics, settings.resamples, settings.level, seed)["mean"]

    difference = right.astype(np.float64) - right_framed
    all_genuine, all_impostor = int(genuine.sum()), int((~genuine).sum())
    decided_genuine, decided_impostor = int((is_decided & genuine).sum()), int((is_decided & ~genuine).sum())
    true_matches, false_matches = int((matched & genuine).sum()), int((matched & ~genuine).sum())
    return WholePath(
        protocol=protocol,
        genuine_pairs=all_genuine,
        impostor_pairs=all_impostor,
        subjects=len(np.union1d(framed.first_subject, framed.second_subject)),
        photos=photos,
        level=settings.level,
        threshold=threshold,
        failures=failures,
        failure_to_acquire=clopper_pearson(len(failures), photos, settings.level),
        undecided_genuine=all_genuine - decided_genuine,
        undecided_impostor=all_impostor - decided_impostor,
        accuracy=interval(right.astype(np.float64)),
        framed_accuracy=interval(right_framed.astype(np.float64)),
        difference=interval(difference),
        decided_difference=interval(difference, is_decided) if is_decided.any() else None,
        fmr=_rate(false_matches, decided_impostor, settings.level),
        fnmr=_rate(decided_genuine - true_matches, decided_genuine, settings.level),
        false_accept_rate=false_matches / all_impostor,
        false_reject_rate=(all_genuine - true_matches) / all_genuine,
    )


def _rate(errors: int, decided: int, level: float) -> Interval | None:
    return clopper_pearson(errors, decided, level) if decided else None

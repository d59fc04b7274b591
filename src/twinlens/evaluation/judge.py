"""What is fixed on validation people before anyone looks at the test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from twinlens.comparison import Comparison
from twinlens.config.sections import EvaluationConfig
from twinlens.data.dataset import Dataset, Part
from twinlens.evaluation.calibration import fit_calibration, threshold_at_even_odds, with_covariance
from twinlens.evaluation.cross_pairs import representative, told_apart_pairs
from twinlens.evaluation.scoring import score_part, score_rows
from twinlens.evaluation.thresholds import all_scores, impostor_tail, operating_points
from twinlens.types import BoolArray, Calibration, Float32Array, ImpostorTail, IntArray, OperatingPoint, Scores

# The ends of an interval for a threshold are good to a tenth of its width, and a million pairs take 3 s.
_RESAMPLES = 200


@dataclass(frozen=True)
class Judge:
    """Turns two embeddings into a score, a likelihood ratio and a decision.

    Attributes:
        comparison: Gives the score.
        calibration: Gives the log-likelihood ratio.
        threshold: Match iff score ≥ this.
    """

    comparison: Comparison
    calibration: Calibration
    threshold: float


class Calibrated(NamedTuple):
    """All that validation people fix.

    Attributes:
        judge: Decides.
        operating_points: Thresholds for false match rates.
        tail: What is known of rarer ones; none where there are too few pairs.
    """

    judge: Judge
    operating_points: tuple[OperatingPoint, ...]
    tail: ImpostorTail | None


def calibrate(
    embeddings: Float32Array,
    dataset: Dataset,
    validation: Part,
    comparison: Comparison,
    setting: Literal["pairs-only", "identities"],
    settings: EvaluationConfig,
    seed: int,
) -> Calibrated:
    """Fix calibration, threshold and operating points on validation people.

    Where names may not be used, calibration and threshold rest on the listed pairs alone; where they may, on all
    pairs of the validation samples. The operating points rest on all cross-subject pairs, as two different people
    differ whether or not a list says so; where a list is all that tells who is who, on those that it tells apart.
    Where the part has groups, such as alphabets, no pair of any kind is across two of them, as no pair that is judged
    will be.

    "All" has two limits: of a subject with more than ten samples ten are drawn, lest one person be the measure
    of all others; and of more than a thousand samples a thousand are drawn.

    Args:
        embeddings: float32 ``(n, dim)``, of ``validation.samples`` in their order.
        dataset: Where the part points into.
        validation: People that neither training nor test shows.
        comparison: What scores a pair.
        setting: Whether names may be used.
        settings: The level of intervals.
        seed: Equal seeds give equal results.

    Raises:
        EvaluationError: A score is not finite, or there are no genuine or no impostor pairs.
    """
    score = _told_apart if dataset.inferred else _every_pair
    every = score(embeddings, dataset, validation, comparison, seed)
    listed = every if setting == "identities" else score_part(embeddings, dataset, validation, comparison)
    calibration = with_covariance(fit_calibration(listed), listed, _RESAMPLES, seed)
    judge = Judge(comparison, calibration, threshold_at_even_odds(calibration))
    cross = every[~every.is_genuine]
    points = operating_points(cross.values, cross.first_subject, cross.second_subject, settings.level, _RESAMPLES, seed)
    return Calibrated(judge, points, impostor_tail(cross.values, points))


def deciding_scores(
    embeddings: Float32Array,
    dataset: Dataset,
    validation: Part,
    comparison: Comparison,
    setting: Literal["pairs-only", "identities"],
    seed: int,
) -> Scores:
    """The validation pairs that a calibration and all choices rest on; arguments and errors as :func:`calibrate`."""
    if setting == "identities":
        return _every_pair(embeddings, dataset, validation, comparison, seed)
    return score_part(embeddings, dataset, validation, comparison)


def _every_pair(
    embeddings: Float32Array, dataset: Dataset, validation: Part, comparison: Comparison, seed: int
) -> Scores:
    codes = dataset.subject_codes[validation.samples]
    chosen = representative(codes, seed)
    every = all_scores(embeddings[chosen], codes[chosen], comparison)
    return every if validation.groups is None else every[_within_groups(every, codes, validation.groups)]


def _told_apart(
    embeddings: Float32Array, dataset: Dataset, validation: Part, comparison: Comparison, seed: int
) -> Scores:
    first, second = told_apart_pairs(dataset, validation, seed)
    codes = dataset.subject_codes[validation.samples]
    values = score_rows(embeddings, first, second, comparison)
    return Scores(values, np.zeros(len(values), np.bool_), codes[first], codes[second])


def _within_groups(scores: Scores, subject_codes: IntArray, groups: IntArray) -> BoolArray:
    """Whether both subjects of each pair are of one group, given subject and group of the same samples."""
    group = np.zeros(subject_codes.max() + 1, np.int64)
    group[subject_codes] = groups
    within: BoolArray = group[scores.first_subject] == group[scores.second_subject]
    return within

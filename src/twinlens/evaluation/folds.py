"""LFW View 2: ten folds, each judged by what the other nine say.

References:
    G. B. Huang, M. Ramesh, T. Berg and E. Learned-Miller (2007), Labeled Faces in the Wild: a database for
    studying face recognition in unconstrained environments, University of Massachusetts, technical report 07-49.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from twinlens.evaluation.calibration import fit_calibration, threshold_at_even_odds
from twinlens.evaluation.figures import FoldResult, Folds
from twinlens.evaluation.intervals import mean_and_standard_error
from twinlens.evaluation.metrics import accuracy, auc
from twinlens.types import Scores


def combine_folds(folds: Sequence[FoldResult]) -> Folds:
    """Mean and standard error over folds, in the order of their numbers.

    Raises:
        EvaluationError: There are fewer than two.
    """
    ordered = tuple(sorted(folds, key=lambda result: result.fold))
    accuracies = mean_and_standard_error([result.accuracy for result in ordered])
    areas = mean_and_standard_error([result.auc for result in ordered])
    return Folds(
        folds=ordered,
        accuracy_mean=accuracies[0],
        accuracy_standard_error=accuracies[1],
        auc_mean=areas[0],
        auc_standard_error=areas[1],
    )


def evaluate_folds(folds: Sequence[Scores]) -> Folds:
    """Judge an encoder that has seen none of the folds: the threshold of each comes from all the others.

    Args:
        folds: The scored pairs of each fold, in order; at least two folds.

    Raises:
        EvaluationError: A score is not finite, or there are too few folds, or one lacks a kind of pair.
    """
    results = []
    for i, fold in enumerate(folds):
        others = _join([*folds[:i], *folds[i + 1 :]])
        threshold = threshold_at_even_odds(fit_calibration(others))
        results.append(FoldResult(fold=i + 1, accuracy=accuracy(fold, threshold), auc=auc(fold), threshold=threshold))
    return combine_folds(results)


def _join(parts: Sequence[Scores]) -> Scores:
    return Scores(
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.is_genuine for part in parts]),
        np.concatenate([part.first_subject for part in parts]),
        np.concatenate([part.second_subject for part in parts]),
    )

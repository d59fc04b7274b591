"""View 2: every fold is judged by the others."""

from __future__ import annotations

import numpy as np
import pytest

from tests.evaluation.made import gaussian_scores
from twinlens.errors import EvaluationError
from twinlens.evaluation.calibration import fit_calibration, threshold_at_even_odds
from twinlens.evaluation.figures import FoldResult
from twinlens.evaluation.folds import combine_folds, evaluate_folds
from twinlens.evaluation.metrics import accuracy, auc
from twinlens.types import Scores


def shifted(scores: Scores, by: float) -> Scores:
    return Scores(scores.values + by, scores.is_genuine, scores.first_subject, scores.second_subject)


def test_folds_are_combined_by_mean_and_standard_error() -> None:
    accuracies = [0.91, 0.88, 0.93, 0.9, 0.87, 0.92, 0.9, 0.89, 0.94, 0.9]
    results = [FoldResult(fold=10 - i, accuracy=a, auc=a + 0.05, threshold=i) for i, a in enumerate(accuracies)]
    found = combine_folds(results)
    assert [result.fold for result in found.folds] == list(range(1, 11))
    assert found.accuracy_mean == pytest.approx(np.mean(accuracies))
    assert found.accuracy_standard_error == pytest.approx(np.std(accuracies, ddof=1) / np.sqrt(10))
    assert found.auc_mean == pytest.approx(np.mean(accuracies) + 0.05)
    assert found.auc_standard_error == pytest.approx(found.accuracy_standard_error)
    with pytest.raises(EvaluationError, match="at least two"):
        combine_folds(results[:1])


def test_the_threshold_of_a_fold_comes_from_the_other_nine() -> None:
    folds = [gaussian_scores(300, 2.0, seed) for seed in range(10)]
    found = evaluate_folds(folds)
    others = [Scores(*(np.concatenate([getattr(fold, name) for fold in folds[1:]]) for name in Scores.__slots__))][0]
    assert found.folds[0].threshold == threshold_at_even_odds(fit_calibration(others))
    for fold, result in zip(folds, found.folds, strict=True):
        assert result.accuracy == accuracy(fold, result.threshold)
        assert result.auc == auc(fold)
    assert found.accuracy_mean == pytest.approx(0.841, abs=0.01)  # Φ(1)


def test_a_fold_has_no_say_in_its_own_threshold() -> None:
    folds = [gaussian_scores(300, 2.0, seed) for seed in range(10)]
    moved = [shifted(folds[0], 5.0), *folds[1:]]
    before, after = evaluate_folds(folds), evaluate_folds(moved)
    assert after.folds[0].threshold == before.folds[0].threshold
    assert after.folds[0].accuracy == pytest.approx(0.5, abs=0.01)  # all of its pairs match now
    assert after.folds[1].threshold != before.folds[1].threshold

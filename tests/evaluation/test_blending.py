"""Weights of summed scores against scikit-learn's logistic regression."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from tests.evaluation.made import gaussian_scores
from twinlens.errors import EvaluationError
from twinlens.evaluation.blending import fit_blend
from twinlens.evaluation.calibration import cllr, fit_calibration, prior_weights
from twinlens.types import Scores


def several(seed: int, informative: tuple[float, ...]) -> list[Scores]:
    """Scores of the same pairs by models of which each tells as much as its number."""
    rng = np.random.default_rng(seed)
    first = gaussian_scores(400, 1, seed, impostor=1200)
    genuine = first.is_genuine
    return [
        Scores(tells * genuine + rng.normal(size=len(genuine)), genuine, first.first_subject, first.second_subject)
        for tells in informative
    ]


def summed(parts: list[Scores], weights: tuple[float, ...]) -> Scores:
    total = sum(weight * part.values for weight, part in zip(weights, parts, strict=True))
    return Scores(np.asarray(total), parts[0].is_genuine, parts[0].first_subject, parts[0].second_subject)


def test_weights_are_those_of_a_logistic_regression() -> None:
    parts = several(0, (1.0, 2.0, 0.5))
    columns = np.stack([part.values for part in parts], axis=1)
    even = prior_weights(parts[0].is_genuine, 0.5) * len(columns)
    expected = LogisticRegression(C=np.inf, tol=1e-10).fit(columns, parts[0].is_genuine, sample_weight=even)
    # What can be known from 400 genuine pairs has a limit, which scikit-learn does not know.
    weights, constant = fit_blend(parts)
    assert weights == pytest.approx(expected.coef_[0].tolist(), rel=0.03)
    assert constant == pytest.approx(expected.intercept_[0], rel=0.03)


def test_no_other_weights_cost_less() -> None:
    parts = several(1, (1.0, 1.5))
    best = summed(parts, fit_blend(parts).weights)
    least = cllr(best, fit_calibration(best))
    for share in np.linspace(0, 1, 21):
        other = summed(parts, (1 - share, share))
        assert cllr(other, fit_calibration(other)) >= least - 1e-6


def test_the_sum_is_calibrated() -> None:
    parts = several(2, (1.0, 2.0))
    weights, constant = fit_blend(parts)
    fitted = fit_calibration(summed(parts, weights))
    assert (fitted.slope, fitted.intercept) == pytest.approx((1, constant), abs=1e-3)


def test_units_do_not_count() -> None:
    parts = several(3, (1.0, 2.0))
    (first, second), constant = fit_blend(parts)
    scaled = [
        Scores(1000 * part.values + 7, part.is_genuine, part.first_subject, part.second_subject) for part in parts
    ]
    weights, moved = fit_blend(scaled)
    assert weights == pytest.approx((first / 1000, second / 1000), rel=1e-4)
    assert moved == pytest.approx(constant - 7 * sum(weights), abs=1e-3)


def test_what_speaks_the_wrong_way_or_says_nothing_has_no_weight() -> None:
    good, bad = several(4, (2.0, -1.0))
    weights, _ = fit_blend([good, bad])
    assert weights[1] == 0
    assert weights[0] == pytest.approx(fit_calibration(good).slope, rel=1e-3)
    constant = Scores(np.full(len(good), 3.0), good.is_genuine, good.first_subject, good.second_subject)
    assert fit_blend([good, constant]).weights == pytest.approx((weights[0], 0), rel=1e-3)


def test_nothing_that_tells_anything_is_an_error() -> None:
    with pytest.raises(EvaluationError, match="No part tells genuine from impostor pairs"):
        fit_blend(several(5, (-1.0, -2.0)))


def test_scores_that_are_no_numbers_are_refused() -> None:
    good, bad = several(6, (1.0, 1.0))
    bad.values[3] = np.nan
    with pytest.raises(EvaluationError, match="1 of 1600 scores"):
        fit_blend([good, bad])

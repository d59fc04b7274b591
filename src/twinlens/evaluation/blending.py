"""What the scores of several models weigh when they are added up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from twinlens.errors import EvaluationError
from twinlens.evaluation.calibration import prior_weights
from twinlens.evaluation.metrics import check_scores
from twinlens.types import Float64Array, Scores


class Blend(NamedTuple):
    """Makes a log-likelihood ratio of several scores: ``Σᵢ weightᵢ·scoreᵢ + constant``, in natural-logarithm units.

    Attributes:
        weights: At least 0 each, and one at least above.
        constant: Makes even odds 0.
    """

    weights: tuple[float, ...]
    constant: float


def fit_blend(parts: Sequence[Scores]) -> Blend:
    """The weighted sum of several scores that costs least as a log-likelihood ratio.

    That is a logistic regression with half of the weight on genuine pairs. A score that adds nothing has weight 0.

    Args:
        parts: Scores of the same pairs in the same order by each model.

    Raises:
        EvaluationError: A score is not finite, there are no genuine or no impostor pairs, or no part tells them apart.

    References:
        N. Brümmer et al. (2007), Fusion of heterogeneous speaker recognition systems in the STBU submission for the
        NIST speaker recognition evaluation 2006, IEEE Transactions on Audio, Speech and Language Processing 15.
    """
    for scores in parts:
        check_scores(scores)
    is_genuine = parts[0].is_genuine
    weights = prior_weights(is_genuine, 0.5)
    # As in a calibration: with so many pairs nothing can be known better than by so much.
    doubt = 1 / (min(np.count_nonzero(is_genuine), np.count_nonzero(~is_genuine)) + 2)
    target = np.where(is_genuine, 1 - doubt, doubt)
    values = np.stack([scores.values for scores in parts])
    centres, spreads = values.mean(axis=1), values.std(axis=1)
    spreads[spreads == 0] = 1
    terms = np.vstack([(values - centres[:, None]) / spreads[:, None], np.ones(len(is_genuine))])

    def cost(parameters: Float64Array) -> tuple[float, Float64Array]:
        ratio = parameters @ terms
        loss = weights @ (np.logaddexp(0, ratio) - target * ratio)
        return float(loss), terms @ (weights * (expit(ratio) - target))

    bounds = [(0, None)] * len(parts) + [(None, None)]
    # From nothing, where a score that says nothing stays.
    found = minimize(cost, np.zeros(len(terms)), jac=True, method="L-BFGS-B", bounds=bounds, tol=1e-12)
    fitted = found.x[:-1] / spreads
    if not fitted.any():
        raise EvaluationError(
            "No part tells genuine from impostor pairs of the validation part.", "Train longer, or on more photos."
        )
    return Blend(tuple(fitted.tolist()), float(found.x[-1] - fitted @ centres))

"""Which keys set the good trials apart, and whether chance would do as well."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import optuna
from optuna.importance import PedAnovaImportanceEvaluator
from optuna.trial import FrozenTrial, TrialState

from twinlens.evaluation.paired import holm
from twinlens.evaluation.sweep import Importance
from twinlens.types import IntArray

# With fewer trials even a key that decides everything is hardly told from chance.
_FEWEST = 8
# Random orders for each key, so that the least p-value after correction is 0.025.
_SHUFFLES = 40
# The share of the trials that counts as good. Of few trials the library's tenth would be one or two.
_GOOD = 1 / 3


def importances(trials: Sequence[FrozenTrial], *, higher_is_better: bool, seed: int) -> tuple[Importance, ...]:
    """The share of each key in what sets the best third of the trials apart, and its p-value.

    All trials that have ended count, in the order in which the search itself ranks them: finished ones by their value,
    then pruned ones by how far they came. A p-value is the share of random orders of the same trials that give the key
    at least as much; they are corrected by Holm's procedure. It holds for trials that were drawn at random; a sampler
    that follows its luck blurs it.

    Returns:
        Sorted by share, largest first; empty if fewer than eight trials have ended, or if no key sets any apart.

    References:
        S. Watanabe, A. Bansal and F. Hutter (2023), PED-ANOVA: efficiently quantifying hyperparameter importance in
        arbitrary subspaces, IJCAI.
    """
    ended = [trial for trial in trials if trial.state.is_finished() and trial.params]
    if len(ended) < _FEWEST:
        return ()
    ranks = np.argsort(sorted(range(len(ended)), key=lambda i: _rank(ended[i], higher_is_better)))
    study = optuna.create_study()
    study.add_trials(
        [
            optuna.trial.create_trial(params=trial.params, distributions=trial.distributions, value=0.0)
            for trial in ended
        ]
    )
    found = _shares(study, ranks)
    total = sum(found.values())
    if total == 0:
        return ()
    rng = np.random.default_rng(seed)
    shuffled = [_shares(study, rng.permutation(ranks)) for _ in range(_SHUFFLES * len(found) - 1)]
    p_values = [
        (1 + sum(other[key] >= share for other in shuffled)) / (1 + len(shuffled)) for key, share in found.items()
    ]
    rows = [
        Importance(key=key, share=share / total, p_value=p_value)
        for (key, share), p_value in zip(found.items(), holm(p_values), strict=True)
    ]
    return tuple(sorted(rows, key=lambda row: -row.share))


def _shares(study: optuna.Study, ranks: IntArray) -> dict[str, float]:
    evaluator = PedAnovaImportanceEvaluator(target_quantile=_GOOD)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*low `target` values")  # which is what ranks are
        found = evaluator.evaluate(study, target=lambda trial: float(ranks[trial.number]))
    return {key: float(share) for key, share in found.items()}


def _rank(trial: FrozenTrial, higher_is_better: bool) -> tuple[int, int, float]:
    """What trials are sorted by, the best first."""
    sign = -1 if higher_is_better else 1
    if trial.state == TrialState.COMPLETE:
        assert trial.value is not None
        return 0, 0, sign * trial.value
    reached = trial.last_step or 0
    failed = "reason" in trial.user_attrs
    return 2 if failed else 1, -reached, sign * trial.intermediate_values.get(reached, 0.0)

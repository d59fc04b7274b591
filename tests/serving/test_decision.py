import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.serving.made import small_manifest
from twinlens.errors import ConfigError
from twinlens.evaluation.figures import NOTHING_MATCHES
from twinlens.serving.decision import Decision, decide
from twinlens.types import Calibration

MANIFEST = small_manifest()
priors = st.floats(1e-9, 1 - 1e-9)


@given(score=st.floats(-1, 1), prior=priors)
def test_a_decision_is_what_threshold_and_calibration_say(score: float, prior: float) -> None:
    found = decide(MANIFEST, score, prior=prior)
    assert found.is_match == (score >= 0.25)
    assert (found.threshold, found.fmr, found.prior) == (0.25, None, prior)
    assert found.log_likelihood_ratio == pytest.approx(8 * score - 2)
    assert found.likelihood_ratio == pytest.approx(math.exp(8 * score - 2))
    odds = found.likelihood_ratio * prior / (1 - prior)
    assert found.probability.value == pytest.approx(odds / (1 + odds), rel=1e-6, abs=1e-12)
    assert found.probability.low is not None
    assert found.probability.high is not None
    assert 0 <= found.probability.low <= found.probability.value <= found.probability.high <= 1


def test_a_rate_moves_the_threshold_and_nothing_else() -> None:
    plain, strict = decide(MANIFEST, 0.55), decide(MANIFEST, 0.55, fmr=0.015)
    assert (plain.is_match, strict.is_match) == (True, False)
    assert (strict.threshold, strict.fmr) == (0.6, 0.01)
    same = {"threshold", "fmr", "is_match"}
    assert plain.model_dump(exclude=same) == strict.model_dump(exclude=same)


def test_a_model_that_does_not_know_how_sure_it_is_gives_no_interval() -> None:
    found = decide(small_manifest(calibration=Calibration(8.0, -2.0, 100, 100)), 0.5)
    assert (found.probability.low, found.probability.high) == (None, None)
    assert found.probability.value == decide(MANIFEST, 0.5).probability.value


@given(score=st.floats(-1, 1), prior=priors, templates=st.integers(1, 50))
def test_each_template_has_its_share_of_the_odds(score: float, prior: float, templates: int) -> None:
    found, alone = decide(MANIFEST, score, prior=prior, templates=templates), decide(MANIFEST, score, prior=prior)
    assert found.likelihood_ratio == pytest.approx(alone.likelihood_ratio / templates)
    assert found.log_likelihood_ratio == pytest.approx(alone.log_likelihood_ratio - math.log(templates))
    odds = found.likelihood_ratio * prior / (1 - prior)
    assert found.probability.value == pytest.approx(odds / (1 + odds), rel=1e-6, abs=1e-12)
    assert found.probability.low is not None
    assert found.probability.high is not None
    assert found.probability.low <= found.probability.value <= found.probability.high
    assert 8 * found.threshold - 2 == pytest.approx(math.log(templates))
    assert found.is_match == (score >= found.threshold)
    assert (found.score, found.prior) == (score, prior)


def test_each_template_has_its_share_of_the_rate() -> None:
    found = decide(MANIFEST, 0.85, fmr=0.01, templates=10)
    assert (found.threshold, found.fmr, found.is_match) == (0.8, 0.01, True)
    assert found.likelihood_ratio == decide(MANIFEST, 0.85, templates=10).likelihood_ratio


@pytest.mark.parametrize("templates", [2, 5, 10])
def test_a_best_score_misleads_no_more_often_than_its_likelihood_ratio_says(templates: int) -> None:
    """Scores that are true log-likelihood ratios, independent of each other, which is the worst for an impostor."""
    manifest = small_manifest(threshold=0.0, calibration=Calibration(1.0, 0.0, 100, 100))
    best = np.random.default_rng(0).normal(-2, 2, (20_000, templates)).max(axis=1)
    ratios = np.array([decide(manifest, score, templates=templates).likelihood_ratio for score in best.tolist()])
    for ratio in (3, 10, 30):
        assert np.mean(ratios >= ratio) <= 1 / ratio


def test_a_model_that_knows_nothing_matches_nobody_by_several_templates_either() -> None:
    manifest = small_manifest(threshold=NOTHING_MATCHES, calibration=Calibration(0.0, 0.0, 100, 100))
    found = decide(manifest, 1e100, templates=3)
    assert (found.threshold, found.is_match) == (NOTHING_MATCHES, False)


@pytest.mark.parametrize("score", [-1e6, 1e6, 1e100])
def test_whatever_the_score_it_is_all_numbers(score: float) -> None:
    found = decide(MANIFEST, score, prior=1e-300)
    assert Decision.model_validate_json(json.dumps(found.model_dump(), allow_nan=False)) == found


@pytest.mark.parametrize("prior", [0, 1, -1, 2, math.nan])
def test_what_is_no_prior_is_refused(prior: float) -> None:
    with pytest.raises(ConfigError, match="is no probability"):
        decide(MANIFEST, 0.5, prior=prior)

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as some

from tests.explaining.made import COMPARISON, attentive, blind, noise
from twinlens.comparison import Cosine
from twinlens.explaining.deletion import delete, highest
from twinlens.explaining.occlusion import Saliency, explain_pair
from twinlens.explaining.patches import covered, spread
from twinlens.types import Float64Array

PLAIN = np.full_like(noise(0), 100)


@given(some.arrays(np.float64, (12, 17), elements=st.floats(-3, 3)), st.sampled_from([0.05, 0.1, 0.5]))
def test_highest_share_is_as_large_as_asked_and_above_the_rest(values: Float64Array, share: float) -> None:
    mask = highest(values, share)
    assert mask.sum() == round(share * values.size)
    assert values[mask == 1].min() >= values[mask == 0].max()


def test_salient_tenth_is_what_the_network_looks_at() -> None:
    first, second = noise(1), noise(1)
    saliency = explain_pair(attentive, COMPARISON, first, PLAIN)
    found = delete(attentive, COMPARISON, first, PLAIN, saliency, is_match=False, seed=0)
    assert found.salient > 4 * abs(found.random)
    same = explain_pair(attentive, COMPARISON, first, second)
    assert same.score == 0  # alike to the last digit, so covering both alike moves nothing
    assert delete(attentive, COMPARISON, first, second, same, is_match=True, seed=0).salient == pytest.approx(0)


def test_score_moves_as_by_hand() -> None:
    first, second = noise(1), noise(2)
    saliency = explain_pair(attentive, COMPARISON, first, second)
    for is_match, sign in ((True, 1), (False, -1)):
        found = delete(attentive, COMPARISON, first, second, saliency, is_match=is_match, seed=0)
        sides = [
            attentive(covered(crop, highest(sign * spread(changes, 40, 40))[None]))
            for crop, changes in ((first, saliency.first), (second, saliency.second))
        ]
        assert found.salient == pytest.approx(sign * (saliency.score - COMPARISON.pairs(*sides)[0]))


def test_map_that_points_elsewhere_is_found_out() -> None:
    first = noise(1)
    true = explain_pair(attentive, COMPARISON, first, PLAIN)
    wrong = Saliency(true.score, np.roll(true.first, (5, 5), (0, 1)), true.second)
    right = delete(attentive, COMPARISON, first, PLAIN, true, is_match=False, seed=0)
    assert delete(attentive, COMPARISON, first, PLAIN, wrong, is_match=False, seed=0).salient < right.salient / 10


def test_equal_seeds_draw_equal_places() -> None:
    first, second = noise(1), noise(2)
    saliency = explain_pair(attentive, COMPARISON, first, second)
    drawn = [delete(attentive, COMPARISON, first, second, saliency, is_match=True, seed=s).random for s in (3, 3, 4)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_blind_network_moves_nowhere() -> None:
    saliency = explain_pair(blind, Cosine(), noise(1), noise(2))
    found = delete(blind, Cosine(), noise(1), noise(2), saliency, is_match=True, seed=0)
    assert (found.salient, found.random) == pytest.approx((0, 0))

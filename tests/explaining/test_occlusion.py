import numpy as np
import pytest

from tests.explaining.made import COMPARISON, PLACE, SHAPE, attentive, blind, noise
from twinlens.comparison import Cosine
from twinlens.errors import EvaluationError
from twinlens.explaining import occlusion
from twinlens.explaining.occlusion import ENCODINGS, explain_pair
from twinlens.explaining.patches import GRID, covered, spots
from twinlens.types import Float32Array, UInt8Array


def test_changes_are_those_of_a_naive_loop() -> None:
    first, second = noise(1), noise(2)
    found = explain_pair(attentive, COMPARISON, first, second)

    def score(a: UInt8Array, b: UInt8Array) -> float:
        return float(COMPARISON.pairs(attentive(a[None]), attentive(b[None]))[0])

    assert found.score == pytest.approx(score(first, second))
    masks = spots(*SHAPE[:2])
    for spot in range(GRID**2):
        without = [covered(photo, masks[[spot]])[0] for photo in (first, second)]
        assert found.first.flat[spot] == pytest.approx(found.score - score(without[0], second))
        assert found.second.flat[spot] == pytest.approx(found.score - score(first, without[1]))


def test_attribution_is_where_the_network_looks() -> None:
    found = explain_pair(attentive, COMPARISON, noise(1), noise(2))
    looked_at = np.zeros(SHAPE[:2])
    looked_at[PLACE] = 1
    touched = (spots(*SHAPE[:2]) * looked_at).sum((1, 2)).reshape(GRID, GRID) > 0
    for changes in (found.first, found.second):
        assert not changes[~touched].any()
        assert (changes[touched] != 0).any()


def test_signs_say_what_speaks_for_a_match_and_what_against() -> None:
    plain, grainy = np.full(SHAPE, 100, np.uint8), noise(3)
    alike = explain_pair(attentive, COMPARISON, grainy, grainy)
    assert alike.first.min() >= 0
    assert alike.first.max() > 0
    unlike = explain_pair(attentive, COMPARISON, grainy, plain)
    assert unlike.first.min() < 0
    assert unlike.first.max() <= 1e-9
    assert not unlike.second.any()  # a plain photo has nothing to be covered


def test_swapping_the_photos_swaps_the_maps() -> None:
    there = explain_pair(attentive, COMPARISON, noise(1), noise(2))
    back = explain_pair(attentive, COMPARISON, noise(2), noise(1))
    assert there.score == back.score
    np.testing.assert_array_equal(there.first, back.second)
    np.testing.assert_array_equal(there.second, back.first)


def test_mirroring_both_photos_mirrors_the_maps() -> None:
    def mirrored(crops: UInt8Array) -> Float32Array:
        return attentive(crops[:, :, ::-1])

    first, second = noise(1), noise(2)
    there = explain_pair(attentive, COMPARISON, first, second)
    mirror = explain_pair(mirrored, COMPARISON, first[:, ::-1], second[:, ::-1])
    np.testing.assert_allclose(mirror.first, there.first[:, ::-1], atol=0.05)


def test_blind_network_has_no_attribution() -> None:
    found = explain_pair(blind, Cosine(), noise(1), noise(2))
    assert found.score == pytest.approx(1)
    assert not found.first.any()
    assert not found.second.any()
    assert found.limit == 0


def test_encodings_are_as_many_as_stated_and_come_in_batches() -> None:
    batches: list[int] = []

    def counting(crops: UInt8Array) -> Float32Array:
        batches.append(len(crops))
        return attentive(crops)

    explain_pair(counting, COMPARISON, noise(1), noise(2), progress="Counting")
    assert sum(batches) == ENCODINGS == 202
    assert sorted(batches) == [2] + [25] * 8


def test_large_crops_come_in_small_batches_and_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    batches: list[int] = []

    def counting(crops: UInt8Array) -> Float32Array:
        batches.append(len(crops))
        return attentive(crops)

    whole = explain_pair(attentive, COMPARISON, noise(1), noise(2))
    monkeypatch.setattr(occlusion, "_NUMBERS", 6 * noise(1).size)
    found = explain_pair(counting, COMPARISON, noise(1), noise(2))
    assert max(batches) == 6
    assert sum(batches) == ENCODINGS
    np.testing.assert_array_equal(found.first, whole.first)
    np.testing.assert_array_equal(found.second, whole.second)


def test_rounding_is_no_attribution() -> None:
    rng = np.random.default_rng(0)

    def collapsed(crops: UInt8Array) -> Float32Array:
        return (7 + 1e-6 * rng.normal(size=(len(crops), 1))).astype(np.float32)

    assert explain_pair(collapsed, COMPARISON, noise(1), noise(2)).limit == 0


def test_network_that_is_no_number_anywhere_is_an_error() -> None:
    def broken(crops: UInt8Array) -> Float32Array:
        return np.full((len(crops), 1), np.nan, np.float32)

    with pytest.raises(EvaluationError, match="not a finite number"):
        explain_pair(broken, COMPARISON, noise(1), noise(2))

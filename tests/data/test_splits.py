import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from twinlens.data.splits import (
    draw_distinct_pairs,
    draw_pairs,
    leaking_share,
    split_pairs,
    split_subjects,
    subject_components,
)
from twinlens.errors import DataError
from twinlens.types import IntArray, Pairs


def _random_pairs(codes: IntArray, n: int, rng: np.random.Generator) -> Pairs:
    """Of subjects with two samples each, one behind the other; about half of the pairs are genuine."""
    first = rng.integers(len(codes), size=n)
    second = (first + rng.integers(1, len(codes), size=n)) % len(codes)
    second = np.where(rng.random(n) < 0.5, first ^ 1, second)
    return Pairs(first, second, codes[first] == codes[second])


def _rows(pairs: Pairs) -> list[tuple[int, int]]:
    return sorted(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))


def _families(count: int) -> tuple[Pairs, IntArray]:
    """Components of two subjects, each with two genuine and two impostor pairs."""
    codes = np.repeat(np.arange(2 * count), 2)
    base = 4 * np.arange(count)
    first = np.concatenate([base, base + 2, base, base + 1])
    second = np.concatenate([base + 1, base + 3, base + 2, base + 3])
    return Pairs(first, second, codes[first] == codes[second]), codes


def _giant(subjects: int, seed: int) -> tuple[Pairs, IntArray]:
    """Everybody joined in a ring, each with one genuine pair."""
    codes = np.repeat(np.random.default_rng(seed).permutation(subjects), 2)
    one = 2 * np.arange(subjects)
    first, second = np.concatenate([one, one]), np.concatenate([one + 1, np.roll(one, 1)])
    return Pairs(first, second, codes[first] == codes[second]), codes


@given(
    subjects=st.integers(2, 80),
    n=st.integers(8, 200),
    share=st.floats(0.05, 0.95),
    kind=st.sampled_from(["subjects", "pairs"]),
    seed=st.integers(0, 2**32),
)
def test_every_pair_is_on_one_side_or_dropped(subjects: int, n: int, share: float, kind: str, seed: int) -> None:
    codes = np.repeat(np.arange(subjects), 2)
    pairs = _random_pairs(codes, n, np.random.default_rng(seed))
    try:
        split = split_pairs(pairs, codes, share, kind, seed)
    except DataError:  # too few pairs for two sides
        return
    assert len(split.train) + len(split.validation) + split.dropped == n
    everything = _rows(pairs)
    for row in _rows(split.train) + _rows(split.validation):
        everything.remove(row)  # raises if a pair is on both sides
    assert len(everything) == split.dropped
    sides = [set(codes[side.samples].tolist()) for side in (split.train, split.validation)]
    assert split.leaks == bool(sides[0] & sides[1])
    if kind == "subjects":
        assert not split.leaks
    else:
        assert split.dropped == 0
    again = split_pairs(pairs, codes, share, kind, seed)
    assert _rows(again.train) == _rows(split.train)


@pytest.mark.parametrize("share", [0.02, 0.1, 0.25, 0.5])
def test_components_lose_no_pair_and_keep_share_and_balance(share: float) -> None:
    pairs, codes = _families(100)
    split = split_pairs(pairs, codes, share, "subjects", 3)
    assert split.dropped == 0
    assert len(split.validation) == share * len(pairs)
    assert split.validation.is_genuine.mean() == 0.5


def test_other_seeds_give_other_splits() -> None:
    pairs, codes = _families(100)
    splits = [split_pairs(pairs, codes, 0.1, "subjects", seed).validation for seed in (0, 1)]
    assert _rows(splits[0]) != _rows(splits[1])


def test_a_share_below_the_smallest_component_takes_that_component() -> None:
    pairs, codes = _families(10)
    split = split_pairs(pairs, codes, 0.05, "subjects", 0)
    assert len(split.validation) == 4
    assert split.dropped == 0


@pytest.mark.parametrize("seed", range(5))
def test_a_giant_component_is_cut_where_it_costs_little(seed: int) -> None:
    pairs, codes = _giant(100, seed)
    split = split_pairs(pairs, codes, 0.2, "subjects", seed)
    assert split.dropped == 2  # a ring is cut in two places; random people would cost about 32 pairs
    assert abs(len(split.validation) - 40) <= 1
    assert not split.leaks


def test_a_giant_component_beside_small_ones_stays_whole_if_they_suffice() -> None:
    giant, giant_codes = _giant(50, 0)
    small, small_codes = _families(20)
    codes = np.concatenate([giant_codes, small_codes + 50])
    pairs = Pairs(
        np.concatenate([giant.first, small.first + 100]),
        np.concatenate([giant.second, small.second + 100]),
        np.concatenate([giant.is_genuine, small.is_genuine]),
    )
    split = split_pairs(pairs, codes, 0.2, "subjects", 0)
    assert split.dropped == 0
    assert codes[split.validation.samples].min() >= 50


def test_people_who_all_hang_together_by_one_cannot_be_split() -> None:
    codes = np.repeat(np.arange(20), 2)
    others = np.arange(1, 20)
    first = np.concatenate([2 * others, np.zeros(19, np.int64)])
    second = np.concatenate([2 * others + 1, 2 * others])
    pairs = Pairs(first, second, codes[first] == codes[second])
    with pytest.raises(DataError, match="both kinds are needed"):
        split_pairs(pairs, codes, 0.2, "subjects", 0)


def test_random_pairs_are_stratified_and_leak() -> None:
    pairs, codes = _families(50)
    split = split_pairs(pairs, codes, 0.3, "pairs", 0)
    assert (len(split.validation), int(split.validation.is_genuine.sum())) == (60, 30)
    assert split.leaks


def test_leaking_share_is_that_of_a_naive_loop() -> None:
    rng = np.random.default_rng(5)
    codes = np.repeat(np.arange(45), 2)
    train, validation = _random_pairs(codes, 20, rng), _random_pairs(codes, 40, rng)
    seen = {codes[i] for i in [*train.first, *train.second]}
    hits = [codes[a] in seen or codes[b] in seen for a, b in _rows(validation)]
    assert leaking_share(train, validation, codes) == sum(hits) / 40


def test_components_are_those_of_a_naive_search() -> None:
    rng = np.random.default_rng(8)
    codes = np.repeat(np.arange(60), 2)
    pairs = _random_pairs(codes, 45, rng)
    label = list(range(60))
    for a, b in zip(codes[pairs.first], codes[pairs.second], strict=True):
        label = [label[a] if x == label[b] else x for x in label]
    _, component = subject_components(pairs, codes)
    assert (np.equal.outer(component, component) == np.equal.outer(label, label)).all()


@given(
    counts=st.lists(st.integers(1, 4), min_size=2, max_size=40),
    share=st.floats(0.01, 0.99),
    seed=st.integers(0, 2**32),
)
def test_subjects_are_on_one_side_each(counts: list[int], share: float, seed: int) -> None:
    codes = np.repeat(np.arange(len(counts)) * 3, counts)
    train, validation = split_subjects(codes, share, seed)
    assert sorted([*train, *validation]) == sorted(set(codes.tolist()))
    assert not set(train) & set(validation)
    several = {3 * i for i, count in enumerate(counts) if count > 1}
    if len(several) >= 4:
        assert len(several & set(train)) >= 2
        assert len(several & set(validation)) >= 2
    again = split_subjects(codes, share, seed)
    assert (again[0] == train).all()
    assert (again[1] == validation).all()


@given(
    counts=st.lists(st.integers(1, 5), min_size=2, max_size=30),
    n=st.integers(0, 300),
    seed=st.integers(0, 2**32),
)
def test_drawn_pairs_are_what_they_say(counts: list[int], n: int, seed: int) -> None:
    assume(max(counts) > 1)
    codes = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    samples = np.flatnonzero(codes != 0) if max(counts[1:]) > 1 and len(counts) > 2 else np.arange(len(codes))
    for draw in (draw_pairs, draw_distinct_pairs):
        pairs = draw(samples, codes, n, seed)
        assert set(pairs.samples.tolist()) <= set(samples.tolist())
        assert (pairs.first != pairs.second).all()
        assert (pairs.is_genuine == (codes[pairs.first] == codes[pairs.second])).all()
        assert _rows(pairs) == _rows(draw(samples, codes, n, seed))
    drawn, distinct = draw_pairs(samples, codes, n, seed), draw_distinct_pairs(samples, codes, n, seed)
    assert (len(drawn), int(drawn.is_genuine.sum())) == (n, n // 2)
    assert len({frozenset(row) for row in _rows(distinct)}) == len(distinct) <= n


def test_subjects_weigh_the_same_however_many_photos_they_have() -> None:
    codes = np.repeat(np.arange(4), [50, 2, 2, 1])
    pairs = draw_pairs(np.arange(len(codes)), codes, 40_000, 0)
    genuine = np.bincount(codes[pairs.first[pairs.is_genuine]], minlength=4) / 20_000
    impostor = np.bincount(codes[pairs.second[~pairs.is_genuine]], minlength=4) / 20_000
    np.testing.assert_allclose(genuine, [1 / 3, 1 / 3, 1 / 3, 0], atol=0.015)
    np.testing.assert_allclose(impostor, 0.25, atol=0.015)


def test_distinct_pairs_are_all_there_are_when_more_are_asked_for() -> None:
    codes = np.repeat(np.arange(4), 3)
    pairs = draw_distinct_pairs(np.arange(12), codes, 1000, 0)
    assert (len(pairs), int(pairs.is_genuine.sum())) == (12 * 11 // 2, 4 * 3)


@pytest.mark.parametrize("codes", [[0, 0, 0], [0, 1, 2, 3], [0], []])
def test_too_few_subjects_are_named(codes: list[int]) -> None:
    subject_codes = np.array(codes, np.int64)
    with pytest.raises(DataError, match=f"here are {len(codes)} photos of {len(set(codes))} subjects"):
        draw_pairs(np.arange(len(codes)), subject_codes, 10, 0)

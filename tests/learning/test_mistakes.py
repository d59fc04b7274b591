import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from twinlens.learning.mistakes import mistake_strips
from twinlens.types import Pairs


@given(
    st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=1, max_size=40).filter(
        lambda r: len({g for g, _ in r}) == 2
    )
)
def test_worst_come_first_and_nothing_else_is_shown(rows: list[tuple[bool, int]]) -> None:
    genuine, scores = (np.array(column) for column in zip(*rows, strict=True))
    crops = np.arange(len(rows), dtype=np.uint8)[:, None, None, None] * np.ones((1, 8, 8, 1), np.uint8)
    pairs = Pairs(np.arange(len(rows)), np.arange(len(rows))[::-1].copy(), genuine)
    strips = mistake_strips(crops, pairs, scores.astype(np.float64))
    for strip, kind, sign in zip(strips.values(), (True, False), (1, -1), strict=True):
        shown = strip[0, ::8, 0].astype(int)  # whose crop each is
        worst = np.sort(sign * scores[genuine == kind])[:8]
        assert list(sign * scores[shown]) == list(worst)
        assert (genuine[shown] == kind).all()
        assert list(strip[8, ::8, 0]) == [len(rows) - 1 - first for first in shown]


def test_large_crops_are_shown_smaller_and_in_colour() -> None:
    crops = np.zeros((2, 130, 200, 3), np.uint8)
    strips = mistake_strips(crops, Pairs.from_rows([(0, 1, True), (0, 1, False)]), np.zeros(2))
    assert {strip.shape for strip in strips.values()} == {(2 * 65, 100, 3)}

from dataclasses import replace

import numpy as np
import pytest

from twinlens.config import Frame
from twinlens.explaining.deletion import Deletion
from twinlens.explaining.face_region import Regions, face_regions, ninths
from twinlens.explaining.location import locate
from twinlens.explaining.occlusion import Saliency
from twinlens.explaining.patches import GRID
from twinlens.explaining.record import SampleFigures
from twinlens.explaining.sample import Sampled, summarise

FRAME = Frame(crop_height=0.6, crop_width=0.6, height=40, width=40)


def drawn(pairs: int, seed: int = 0, scale: float = 1.0) -> list[Sampled]:
    rng = np.random.default_rng(seed)
    return [
        Sampled(
            Saliency(0.0, scale * rng.normal(size=(GRID, GRID)), scale * rng.normal(size=(GRID, GRID))),
            Deletion(float(rng.normal(1, 0.1)), float(rng.normal(0, 0.1))),
            (2 * i, 2 * i + 1),
        )
        for i in range(pairs)
    ]


def summary(sample: list[Sampled], regions: Regions) -> SampleFigures:
    return summarise(sample, regions, level=0.95, seed=0)


def test_figures_are_plain_means() -> None:
    sample, regions = drawn(12), face_regions(FRAME)
    found = summary(sample, regions)
    shares = [locate(side, regions).outside for pair in sample for side in (pair.saliency.first, pair.saliency.second)]
    assert found.outside is not None
    assert found.outside.value == pytest.approx(np.mean(np.array(shares, float)))
    assert found.salient.value == pytest.approx(np.mean([pair.deletion.salient for pair in sample]))
    assert found.random.value == pytest.approx(np.mean([pair.deletion.random for pair in sample]))
    assert found.outside.low < found.outside.value < found.outside.high
    assert found.salient.low > found.random.high
    assert np.sum(found.mean) == pytest.approx(1, abs=0.01)
    assert found.pairs == 12


def test_every_photo_counts_the_same_however_loud_it_is() -> None:
    quiet, loud = drawn(6, seed=1), drawn(6, seed=1, scale=100)
    assert summary(quiet, face_regions(FRAME)) == summary(loud, face_regions(FRAME))


def test_more_pairs_make_the_interval_narrower() -> None:
    widths = []
    for pairs in (10, 90):
        outside = summary(drawn(pairs), face_regions(FRAME)).outside
        assert outside is not None
        widths.append(outside.high - outside.low)
    assert widths[1] < widths[0] / 1.8


def test_a_pair_counts_once_however_many_people_it_shows() -> None:
    intervals = []
    for apart in (False, True):
        sample = [replace(pair, subjects=(2 * i, 2 * i + apart)) for i, pair in enumerate(drawn(80))]
        intervals.append(summary(sample, face_regions(FRAME)).salient)
    one, two = (found.high - found.low for found in intervals)
    exact = 2 * 1.96 * 0.1 / 80**0.5
    assert one == pytest.approx(exact, rel=0.3)
    assert two > one  # intervals over impostor pairs err on the wide side, never on the narrow one


def test_share_outside_is_not_reported_where_nobody_knows_the_face() -> None:
    found = summary(drawn(5), ninths(FRAME))
    assert found.outside is None
    assert found.area_outside is None


def test_network_that_looks_at_nothing_has_figures_too() -> None:
    nothing = Sampled(Saliency(0.0, np.zeros((GRID, GRID)), np.zeros((GRID, GRID))), Deletion(0.0, 0.0), (0, 1))
    found = summary([nothing, nothing], face_regions(FRAME))
    assert found.outside is None
    assert not np.any(found.mean)

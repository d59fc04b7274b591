import base64
import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from twinlens.config import Frame
from twinlens.explaining.overlay import AGAINST, FOR
from twinlens.explaining.record import Explanations
from twinlens.reporting.attention import SIDE, findings, overlays, ramp
from twinlens.reporting.figures.attention import attention_chart
from twinlens.types import Interval, UInt8Array

Photos = Callable[[str], UInt8Array]


def between(low: float, high: float) -> Interval:
    return Interval((low + high) / 2, low, high, "subject bootstrap")


def test_overlays_are_pictures_of_every_explained_pair(explanations: Explanations, photos: Photos) -> None:
    found = overlays(explanations, photos)
    assert list(found) == [(pair.first, pair.second) for pair in explanations.shown]
    for pair, drawn in zip(explanations.shown, found.values(), strict=True):
        assert drawn.limit == pair.saliency.limit > 0
        picture = Image.open(io.BytesIO(base64.b64decode(drawn.first.partition(",")[2])))
        assert max(picture.size) == SIDE
        pixels = np.asarray(picture, int)
        assert np.abs(pixels - pixels.mean(2, keepdims=True)).max() > 20  # coloured


@pytest.mark.parametrize(("outside", "words", "alarming"), [
    (between(0.20, 0.25), "looks at the face more than", False),
    (between(0.60, 0.70), "looks at the rest more than", True),
    (between(0.50, 0.60), "no saying", True),
])  # fmt: skip
def test_share_outside_the_face_is_held_against_its_area(
    explanations: Explanations, outside: Interval, words: str, alarming: bool
) -> None:
    first, _ = findings(explanations.sample.model_copy(update={"outside": outside}))
    assert words in first.text
    assert first.alarming == alarming


@pytest.mark.parametrize(("salient", "random", "alarming"), [
    (between(1, 2), between(-0.1, 0.1), False),
    (between(0.05, 2), between(-0.1, 0.1), True),
    (between(0, 0), between(0, 0), True),
])  # fmt: skip
def test_explanation_that_fails_its_check_is_not_to_be_believed(
    explanations: Explanations, salient: Interval, random: Interval, alarming: bool
) -> None:
    update = {"salient": salient, "random": random, "outside": None, "area_outside": None}
    [check] = findings(explanations.sample.model_copy(update=update))
    assert check.alarming == alarming
    assert ("do not show" in check.text) == alarming


def test_ramp_runs_from_against_to_for() -> None:
    colours = [part.split(")")[0] for part in ramp().split("rgb(")[1:]]
    ends = [[int(value) for value in colours[place].split()] for place in (0, -1)]
    assert np.abs(np.array(ends) - [AGAINST, FOR]).max() < 30


def test_chart_draws_the_face_only_where_it_is_known(explanations: Explanations) -> None:
    sample, frame = explanations.sample, Frame(crop_height=0.6, crop_width=0.6)
    chart = attention_chart(sample, frame)
    heat, outline = chart.figure.data
    assert np.mean(heat.z) == pytest.approx(1, abs=0.05)  # 1 is the share of an even attribution
    assert np.mean(np.array(outline.z) > 0.5) == pytest.approx(np.pi * 50 * 66 / 150**2, abs=0.01)
    assert "dashed line" in chart.text
    unknown = attention_chart(sample.model_copy(update={"outside": None, "area_outside": None}), frame)
    assert len(unknown.figure.data) == 1
    assert "dashed line" not in unknown.text

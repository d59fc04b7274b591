import numpy as np
import pytest

from twinlens.comparison import Cosine
from twinlens.config import Frame
from twinlens.evaluation.judge import Judge
from twinlens.explaining.decision import ExplainedDecision, describe_decision
from twinlens.explaining.face_region import face_regions
from twinlens.explaining.occlusion import Saliency
from twinlens.explaining.patches import GRID
from twinlens.types import Calibration

REGIONS = face_regions(Frame(crop_height=0.6, crop_width=0.6, height=40, width=40))
JUDGE = Judge(Cosine(), Calibration(2.0, -0.8, 10, 10), threshold=0.4)


def described(score: float) -> ExplainedDecision:
    first, second = np.zeros((2, GRID, GRID))
    first[4, 5], first[9, 0] = 0.3, -0.1
    second[8, 5] = 0.05
    return describe_decision(Saliency(score, first, second), JUDGE, REGIONS, ("a.jpg", "b.jpg"), 0.5, 202)


def test_decision_is_the_judges() -> None:
    for score in (0.39, 0.4, 0.9):
        found = described(score)
        assert found.is_match == (score >= 0.4)
        assert found.log_likelihood_ratio == pytest.approx(2 * score - 0.8)
        assert found.probability == pytest.approx(1 / (1 + np.exp(-(2 * score - 0.8))))


def test_strongest_spots_are_named_with_what_they_do() -> None:
    spot = described(0.6).first.strongest_for
    assert spot is not None
    assert (spot.part, spot.change) == ("eyes and brows", 0.3)
    against = described(0.6).first.strongest_against
    assert against is not None
    assert (against.part, against.change) == ("neck and clothes", -0.1)
    assert described(0.6).second.strongest_against is None


@pytest.mark.parametrize(("score", "turned"), [
    (0.69, (True, False)), (0.75, (False, False)), (0.35, (False, True)), (0.2, (False, False)),
])  # fmt: skip
def test_spot_turns_the_decision_if_the_score_crosses_the_threshold(score: float, turned: tuple[bool, bool]) -> None:
    first = described(score).first
    assert first.strongest_for is not None
    assert first.strongest_against is not None
    assert (first.strongest_for.turns, first.strongest_against.turns) == turned


def test_everything_fits_into_json() -> None:
    found = described(0.6)
    assert ExplainedDecision.model_validate_json(found.model_dump_json()) == found

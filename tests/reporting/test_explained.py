import numpy as np

from twinlens.comparison import Cosine
from twinlens.config import Frame
from twinlens.evaluation.figures import NOTHING_MATCHES
from twinlens.evaluation.judge import Judge
from twinlens.explaining.decision import ExplainedDecision, describe_decision
from twinlens.explaining.face_region import Regions, face_regions, ninths
from twinlens.explaining.occlusion import Saliency
from twinlens.explaining.patches import GRID
from twinlens.reporting.explained import figures, findings, headline
from twinlens.types import Calibration, Float64Array

FRAME = Frame(crop_height=0.6, crop_width=0.6, height=40, width=40)
NOTHING = np.zeros((GRID, GRID))


def decision(
    first: Float64Array, second: Float64Array, regions: Regions, score: float = 0.5, threshold: float = 0.4
) -> ExplainedDecision:
    judge = Judge(Cosine(), Calibration(2.0, -0.8, 10, 10), threshold)
    return describe_decision(Saliency(score, first, second), judge, regions, ("a.jpg", "b.jpg"), 0.25, 202)


def eyes(value: float) -> Float64Array:
    changes = NOTHING.copy()
    changes[4, 5] = value
    return changes


def test_decision_and_figures_are_told() -> None:
    found = decision(eyes(0.2), NOTHING, face_regions(FRAME), score=-0.5)
    assert headline(found) == "No match"
    assert figures(found) == "score −0.50, threshold 0.40, match probability 5.2\u00a0% at a prior of 25\u00a0%"
    assert headline(decision(eyes(0.2), NOTHING, face_regions(FRAME))) == "Match"


def test_threshold_of_a_model_that_knows_nothing_is_no_number() -> None:
    found = decision(eyes(0.2), NOTHING, face_regions(FRAME), threshold=NOTHING_MATCHES)
    assert "threshold beyond every score" in figures(found)


def test_findings_name_place_and_strongest_spots() -> None:
    lines = findings(decision(eyes(0.2), eyes(-0.05), face_regions(FRAME)))
    assert lines[0].startswith("A: eyes and brows ")
    assert lines[0].endswith("% outside the face.")
    assert "54\u00a0%" in lines[2]
    assert "a spot on A, eyes and brows: covering it, the score falls by 0.20, which alone turns" in lines[3]
    assert "a spot on B, eyes and brows: covering it, the score rises by 0.05, which alone does not turn" in lines[4]


def test_findings_on_unknown_frames_speak_of_ninths_and_of_no_face() -> None:
    lines = findings(decision(eyes(0.2), eyes(0.1), ninths(FRAME)))
    assert lines[0].startswith("A: middle ")
    assert "face" not in " ".join(lines)
    assert lines[-1] == "No spot speaks against a match."


def test_photo_without_attribution_is_passed_over() -> None:
    lines = findings(decision(NOTHING, eyes(0.1), face_regions(FRAME)))
    assert lines[0].startswith("B: ")


def test_network_that_looks_at_nothing_is_said_to() -> None:
    [line] = findings(decision(NOTHING, NOTHING, face_regions(FRAME)))
    assert "does not look" in line

"""The models that come with twinlens are what their cards and the published results say."""

import json
from pathlib import Path

import pytest

from twinlens import evaluate
from twinlens.bundle import CARD, read_bundle
from twinlens.evaluation.figures import Evaluation
from twinlens.reporting.wording import percent
from twinlens.serving.models import DEFAULT, shipped_models

RESULTS = Path(__file__).parents[2] / "docs" / "results"
LARGEST = 10_000_000
SHIPPED = list(shipped_models())


def test_the_model_that_is_taken_unless_another_is_named_comes_along() -> None:
    assert DEFAULT in SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_it_is_whole_small_and_has_a_published_result(name: str) -> None:
    bundle = read_bundle(shipped_models()[name])
    result = json.loads((RESULTS / name / "result.json").read_text())
    assert bundle.manifest.name == result["name"] == name
    assert bundle.manifest.threshold == result["test"]["threshold"]
    assert sum(path.stat().st_size for path in bundle.folder.iterdir()) < LARGEST
    assert percent(result["test"]["accuracy"]["value"]) in (bundle.folder / CARD).read_text()


@pytest.mark.lfw
@pytest.mark.parametrize("name", SHIPPED)
def test_it_still_reaches_what_its_card_says(name: str, data_folder: Path, tmp_path: Path) -> None:
    published = Evaluation.model_validate(json.loads((RESULTS / name / "result.json").read_text())["test"])
    found = evaluate(shipped_models()[name], protocol="lfw-view1", out=tmp_path / "again")
    assert isinstance(found, Evaluation)
    # Another processor rounds otherwise, which may turn a pair or two of the thousand.
    assert found.accuracy.value >= published.accuracy.value - 0.002
    assert found.auc.value >= published.auc.value - 0.001
    error = found.calibration.expected_calibration_error.value
    assert error <= published.calibration.expected_calibration_error.value + 0.005

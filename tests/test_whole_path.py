"""What is published of the way from photo to decision agrees with the aligned figure, and with what is said of it."""

import re
from pathlib import Path

import pytest

from twinlens.evaluation.acquisition import WholePath
from twinlens.evaluation.result import Result

DOCS = Path(__file__).parents[1] / "docs"
PUBLISHED = sorted((DOCS / "results").glob("*/evaluation-lfw-view1-detected.json"))


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.parent.name)
def test_it_stands_beside_the_aligned_figure_of_the_same_pairs(path: Path) -> None:
    found = WholePath.model_validate_json(path.read_bytes())
    result = Result.model_validate_json((path.parent / "result.json").read_bytes())
    assert result.test is not None
    assert (found.genuine_pairs, found.impostor_pairs) == (result.test.genuine_pairs, result.test.impostor_pairs)
    assert found.threshold == pytest.approx(result.test.threshold)
    assert found.framed_accuracy.value == pytest.approx(result.test.accuracy.value, abs=0.002)
    assert found.difference.value == pytest.approx(found.accuracy.value - found.framed_accuracy.value)


def test_as_many_photos_fail_as_is_said() -> None:
    sentence = re.search(r"Of the (.+) test photos of View 1, (\d+) fail,\s+(\d+) of them", text())
    assert sentence is not None
    photos, fail, several = (int(number.replace(",", "")) for number in sentence.groups())
    for path in PUBLISHED:  # which is the same for all models that see faces
        found = WholePath.model_validate_json(path.read_bytes())
        assert (found.photos, len(found.failures)) == (photos, fail)
        assert sum(failure.several_faces for failure in found.failures) == several


def text() -> str:
    return (DOCS / "concepts.md").read_text(encoding="utf-8")

"""Explaining with a trained model: two photos, and the decisions of a run."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import twinlens
from twinlens import workflow
from twinlens.errors import BundleError, ConfigError, ImageError
from twinlens.explaining.record import read_explanations
from twinlens.reporting.gallery import highlighted
from twinlens.reporting.scores import read_scores
from twinlens.runs import Run


@pytest.fixture(scope="module")
def photos(synthetic_run: Run) -> list[Path]:
    dataset = workflow.prepare(synthetic_run.config()).partition.dataset
    return [dataset.path(i) for i in (0, 1, 5)]


def test_decision_on_two_photos_is_that_of_the_bundle(synthetic_run: Run, photos: list[Path], tmp_path: Path) -> None:
    found = twinlens.explain(photos[0], photos[2], model=synthetic_run.folder, out=tmp_path / "why.png", prior=0.2)
    bundle = twinlens.read_bundle(synthetic_run.bundle)
    encoder, model = twinlens.load_encoder(bundle), bundle.manifest
    first, second = (encoder(twinlens.read_crop(photos[i], model.frame)[None]) for i in (0, 2))
    assert found.score == pytest.approx(model.comparison.pairs(first, second)[0], abs=1e-4)
    assert found.is_match == (found.score >= model.threshold)
    assert found.probability == pytest.approx(model.calibration.probability(found.score, prior=0.2))
    assert found.area_outside is None  # nobody knows where drawn portraits have their faces
    with Image.open(tmp_path / "why.png") as picture:
        assert picture.width > 1000


def test_run_and_bundle_explain_alike_and_order_does_not_matter(synthetic_run: Run, photos: list[Path]) -> None:
    there = workflow.explain(photos[0], photos[1], model=synthetic_run.folder)
    assert workflow.explain(photos[0], photos[1], model=synthetic_run.bundle) == there
    back = workflow.explain(photos[1], photos[0], model=synthetic_run.bundle)
    assert back.score == pytest.approx(there.score, abs=1e-4)
    np.testing.assert_allclose(back.first.changes, there.second.changes, atol=1e-3)


def test_mistakes_are_named_and_nothing_is_drawn(synthetic_run: Run, photos: list[Path], tmp_path: Path) -> None:
    first, second = photos[:2]
    with pytest.raises(ConfigError, match="prior 1"):
        workflow.explain(first, second, model=synthetic_run.folder, prior=1)
    with pytest.raises(ConfigError, match=r"why\.jpg is no PNG"):
        workflow.explain(first, second, model=synthetic_run.folder, out=tmp_path / "why.jpg")
    with pytest.raises(BundleError, match="is no bundle"):
        workflow.explain(first, second, model=tmp_path)
    with pytest.raises(ImageError, match=r"nobody\.jpg"):
        workflow.explain(first, tmp_path / "nobody.jpg", model=synthetic_run.folder, out=tmp_path / "why.png")
    assert list(tmp_path.iterdir()) == []


def test_evaluation_explains_the_decisions_of_the_report(synthetic_run: Run, tmp_path: Path) -> None:
    workflow.evaluate_run(synthetic_run.folder)
    explanations, pairs = read_explanations(synthetic_run.explanations), read_scores(synthetic_run.scores("test"))
    assert explanations is not None
    shown = highlighted(pairs)
    assert [(pair.first, pair.second) for pair in explanations.shown] == [
        (pairs.first[i], pairs.second[i]) for i in shown
    ]
    assert [pair.score for pair in explanations.shown] == pytest.approx(pairs.score[shown], abs=1e-3)
    assert explanations.sample.pairs == 40
    assert explanations.sample.outside is None
    page = workflow.report(synthetic_run.folder, tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("What speaks for (blue)") == 2 * len(shown)
    assert "outside the face" not in page


def test_run_of_an_earlier_version_is_explained_when_evaluated_again(
    synthetic_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = workflow.evaluate_run(synthetic_run.folder)
    run = Run(tmp_path / "run")
    shutil.copytree(synthetic_run.folder, run.folder)
    run.explanations.unlink()
    recipe = json.loads(json.dumps(before.recipe)) | {"data": {"kind": "folder", "root": str(tmp_path / "gone")}}
    run.recipe.write_text(json.dumps(recipe), encoding="utf-8")  # JSON is YAML
    assert workflow.evaluate_run(run.folder) == before
    assert "The decisions are not explained" in capsys.readouterr().err
    shutil.copyfile(synthetic_run.recipe, run.recipe)
    assert workflow.evaluate_run(run.folder) == before
    assert run.explanations.is_file()

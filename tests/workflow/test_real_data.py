import csv
from pathlib import Path

import pytest

from tests.workflow.conftest import tiny_config
from twinlens import workflow
from twinlens.bundle import read_bundle
from twinlens.config import load_config
from twinlens.errors import LeakError
from twinlens.evaluation.figures import OneShot
from twinlens.evaluation.result import Result
from twinlens.reporting.scores import read_result
from twinlens.runs import Run
from twinlens.workflow import view2


@pytest.mark.lfw
def test_view1_from_photos_to_report(lfw_run: Run) -> None:
    result = workflow.evaluate_run(lfw_run.folder)
    assert result.test is not None
    assert (result.test.genuine_pairs, result.test.impostor_pairs) == (500, 500)
    assert (result.test.images, result.test.subjects) == (1549, 963)
    assert result.provenance.setting == "pairs-only"
    assert not result.provenance.leaks
    # Two epochs of a tiny network: better than guessing, and nowhere near what would be too good to be true.
    assert 0.52 < result.test.auc.value < 0.85
    page = workflow.report(lfw_run.folder).read_text(encoding="utf-8")
    assert "data:image/jpeg;base64," in page


@pytest.mark.lfw
def test_view1_model_is_refused_on_view2(lfw_run: Run, tmp_path: Path) -> None:
    with pytest.raises(LeakError, match="has seen"):
        workflow.evaluate(lfw_run.bundle, protocol="lfw-view2", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.lfw
def test_lfw_model_may_be_judged_on_characters(lfw_run: Run, tmp_path: Path) -> None:
    outcome = workflow.evaluate(lfw_run.bundle, protocol="omniglot-20way", out=tmp_path / "out")
    assert isinstance(outcome, OneShot)
    assert (outcome.n_way, outcome.tasks) == (20, 400)
    assert outcome.accuracy.value > outcome.chance


@pytest.mark.lfw
def test_random_split_over_pairs_is_marked_as_leaking(
    cache: Path, data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINLENS_DATA", str(data_folder))
    config = tiny_config(split={"kind": "pairs", "validation": 0.2}, training={"max_epochs": 1, "threads": 1})
    run = workflow.train(config, out=tmp_path / "run")
    result = workflow.evaluate_run(run.folder)
    assert result.provenance.leaks
    assert "Leaking" in workflow.report(run.folder).read_text(encoding="utf-8")


@pytest.mark.lfw
def test_view2_trains_ten_times_and_goes_on_where_it_was(
    lfw_run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trained: list[Path] = []
    original = view2.train

    def counting(config: object, *, out: Path, resume: bool, skip_broken: bool) -> Run:
        if not (out / "result.json").exists():
            trained.append(out)
        return original(config, out=out, resume=resume, skip_broken=skip_broken)  # type: ignore[arg-type]

    monkeypatch.setattr(view2, "train", counting)
    config = tiny_config(training={"max_epochs": 1, "threads": 1})
    run = workflow.train(config, out=tmp_path / "run")
    monkeypatch.setattr(view2, "_FOLDS", range(1, 3))
    workflow.evaluate(run.folder, protocol="lfw-view2")
    monkeypatch.setattr(view2, "_FOLDS", range(1, 4))
    result = workflow.evaluate(run.folder, protocol="lfw-view2")
    assert isinstance(result, Result)
    assert result.view2 is not None
    assert [fold.fold for fold in result.view2.folds] == [1, 2, 3]
    assert len(trained) == 3
    for fold in result.view2.folds:
        own = Run(run.folder / "view2" / f"fold{fold.fold:02d}")
        kept = read_result(own.folder)
        assert kept.test is not None
        assert fold.accuracy == kept.test.accuracy.value
        # Fixed on validation people of the nine folds that trained, before the tenth was looked at.
        assert fold.threshold == read_bundle(own.bundle).manifest.threshold == kept.validation.threshold
        assert fold.training_seconds == kept.training.seconds
        assert own.config() == view2.fold_config(run.config(), fold.fold)
    assert result.view2.unaligned is None
    with (run.folder / "view2" / "fold02" / "scores-test.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 600


@pytest.mark.omniglot
def test_omniglot_trains_and_is_judged_on_the_official_runs(
    cache: Path, data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINLENS_DATA", str(data_folder))
    settings = ("training.max_epochs=1", "training.threads=1", "data.setting.pairs=2000", "evaluation.resamples=100")
    run = workflow.train(load_config("omniglot-quick", settings), out=tmp_path / "run")
    outcome = workflow.evaluate(run.folder, protocol="omniglot-20way", out=tmp_path / "out")
    assert isinstance(outcome, OneShot)
    assert outcome.accuracy.value > 0.2

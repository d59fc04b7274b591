from pathlib import Path

import pytest

from tests.reporting.results.made import named
from tests.simulated import Row, simulate_folds, simulate_result, write_run
from twinlens.errors import RunError
from twinlens.evaluation.figures import OneShot
from twinlens.evaluation.result import Result
from twinlens.reporting.highlights import decisive
from twinlens.reporting.results.publish import publish, published
from twinlens.reporting.scores import read_result, read_scores
from twinlens.runs import Run
from twinlens.types import Interval

_RESULTS = Path(__file__).parents[3] / "docs" / "results"


def test_publishing_copies_figures_and_no_photo(result: Result, rows: list[Row], tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", named(result, "koch", 0), rows)
    (run / "photo.jpg").write_bytes(b"x")
    (run / "explanations.json").write_text("{}", encoding="utf-8")
    place = publish(run, tmp_path / "results")
    assert place == tmp_path / "results" / "koch"
    assert {path.name for path in place.iterdir()} == {"result.json", "scores-test.csv", "explanations.json"}
    assert (place / "scores-test.csv").read_bytes() == (run / "scores-test.csv").read_bytes()


def test_of_a_run_that_was_tested_on_view_2_alone_the_validation_pairs_are_copied(
    result: Result, rows: list[Row], tmp_path: Path
) -> None:
    folds = named(result, "koch", 0).model_copy(update={"test": None, "view2": simulate_folds()})
    run = write_run(tmp_path / "run", folds, rows)
    place = publish(run, tmp_path / "results")
    assert place == tmp_path / "results" / "koch"
    assert {path.name for path in place.iterdir()} == {"result.json", "scores-validation.csv"}


@pytest.mark.parametrize("folder", published(_RESULTS), ids=lambda folder: folder.name)
def test_every_published_result_has_the_pairs_that_its_report_shows(folder: Path) -> None:
    shown = decisive(read_result(folder))
    pairs = read_scores(Run(folder).scores(shown.part))
    right = (pairs.score >= shown.threshold) == pairs.is_genuine
    assert right.mean() == pytest.approx(shown.accuracy.value, abs=1e-9)


def test_what_other_protocols_say_is_carried_along(result: Result, rows: list[Row], tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", named(result, "koch", 0), rows)
    figure = OneShot(
        name="official 20 runs", n_way=20, k_shot=1, tasks=400, accuracy=Interval(0.8, 0.7, 0.9, "x"), chance=0.05
    )
    (run / "evaluation-omniglot-20way").mkdir()
    (run / "evaluation-omniglot-20way" / "evaluation.json").write_text(figure.model_dump_json(), encoding="utf-8")
    place = publish(run, tmp_path / "results")
    text = (place / "evaluation-omniglot-20way.json").read_text(encoding="utf-8")
    assert OneShot.model_validate_json(text) == figure


def test_seeds_lie_beside_each_other_and_one_replaces_itself(result: Result, rows: list[Row], tmp_path: Path) -> None:
    for seed in (0, 1, 1):
        publish(write_run(tmp_path / "run", named(result, "koch", seed), rows), tmp_path / "results")
    assert [place.name for place in published(tmp_path / "results")] == ["koch", "koch-seed1"]


def test_synthetic_runs_are_never_published(rows: list[Row], tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", simulate_result(rows, synthetic=True), rows)
    with pytest.raises(RunError, match="synthetic"):
        publish(run, tmp_path / "results")
    assert not (tmp_path / "results").exists()


def test_without_a_folder_there_are_no_results(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no folder"):
        published(tmp_path / "nowhere")

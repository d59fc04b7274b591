"""Networks from elsewhere, published and shown beside those that were trained here."""

from pathlib import Path

import numpy as np
import pytest

from tests.reporting.results.made import named
from tests.reporting.results.test_table import cells
from tests.simulated import CALIBRATION, Row, simulate_evaluation, simulate_folds, write_run, write_scores
from twinlens.bundle import Manifest, Training, write_bundle
from twinlens.comparison import Cosine
from twinlens.config import Frame
from twinlens.errors import RunError
from twinlens.evaluation.result import Result
from twinlens.reporting.results.imported import Imported, publish_imported, read_imported
from twinlens.reporting.results.page import make_page
from twinlens.reporting.results.publish import published
from twinlens.reporting.results.table import results_table
from twinlens.reporting.results.view2 import view2_table


def bundle(folder: Path, setting: str = "imported", **training: object) -> Path:
    known: dict[str, object] = {
        "recipe": "net.onnx",
        "dataset": "lfw",
        "protocol": "lfw-view1",
        "setting": setting,
        "outside_data": "labelled",
        "leaks": False,
        "synthetic": False,
        "seed": 0,
        "commit": "abc",
        "seen": (),
        "calibrated": ("0123456789abcdef",),
    }
    manifest = Manifest(
        name="net",
        frame=Frame(),
        dim=3,
        comparison=Cosine(),
        threshold=0.3,
        calibration=CALIBRATION,
        operating_points=(),
        training=Training.model_validate(known | training),
    )
    write_bundle(folder, b"onnx", manifest, card="# Model card: net\n")
    return folder


@pytest.fixture
def evaluated(rows: list[Row], tmp_path: Path) -> Path:
    """A bundle that was judged on both views, from where it stands."""
    place = bundle(tmp_path / "here" / "net")
    for protocol, outcome in (("lfw-view1", simulate_evaluation(rows, "test")), ("lfw-view2", simulate_folds())):
        folder = place.parent / f"net-{protocol}"
        folder.mkdir()
        (folder / "evaluation.json").write_text(outcome.model_dump_json())
    write_scores(place.parent / "net-lfw-view1" / "scores-test.csv", rows)
    return place


@pytest.fixture
def imported(evaluated: Path, tmp_path: Path) -> Imported:
    publish_imported(evaluated, tmp_path / "results")
    (one,) = read_imported(tmp_path / "results")
    return one


def test_what_is_published_is_everything_but_the_model_and_whom_it_has_seen(evaluated: Path, tmp_path: Path) -> None:
    place = publish_imported(evaluated, tmp_path / "results")
    names = {path.name for path in place.iterdir()}
    assert names == {
        "imported.json",
        "card.md",
        "evaluation-lfw-view1.json",
        "evaluation-lfw-view2.json",
        "scores-test.csv",
    }
    assert "0123456789abcdef" not in (place / "imported.json").read_text()
    assert published(tmp_path / "results") == []  # these are runs


def test_it_has_a_row_for_each_protocol(imported: Imported, result: Result) -> None:
    table = cells(results_table([named(result, "a", 0), named(result, "z", 0)], [imported]))
    assert [(line[0], line[2]) for line in table[2:]] == [
        ("a", "lfw-view1"),
        ("net", "lfw-view1"),
        ("net", "lfw-view2"),
        ("z", "lfw-view1"),
    ]
    assert table[3][1] == "imported, labelled outside data"
    assert table[3][-3:] == ["–", "–", "–"]
    assert len({len(line) for line in table}) == 1


def test_view_2_has_retrained_recipes_and_networks_from_elsewhere(imported: Imported, result: Result) -> None:
    folds = simulate_folds()
    timed = folds.model_copy(
        update={"folds": tuple(fold.model_copy(update={"training_seconds": 360.0}) for fold in folds.folds)}
    )
    trained = [named(result, "b", seed).model_copy(update={"view2": timed}) for seed in (1, 0)]
    table = cells(view2_table([*trained, named(result, "c", 0)], [imported]))
    assert [(line[0], line[-1]) for line in table[2:]] == [("b", "0"), ("b", "1"), ("net", "–")]
    mean, error = 100 * folds.accuracy_mean, 100 * folds.accuracy_standard_error
    assert table[2][2] == f"**{mean:.2f} %** ± {error:.2f} %"
    assert table[2][3] == f"{100 * min(f.accuracy for f in folds.folds):.1f} % and 89.0 %"
    assert np.isclose(folds.accuracy_mean, np.mean([fold.accuracy for fold in folds.folds]))
    assert [line[5] for line in table[2:]] == ["1 h 00 min", "1 h 00 min", "–"]
    assert table[4][1] == "imported, labelled outside data"
    assert view2_table([result], []) == ""


def test_page_sets_it_apart(evaluated: Path, result: Result, rows: list[Row], tmp_path: Path) -> None:
    folder = tmp_path / "results"
    publish_imported(evaluated, folder)
    retrained = named(result, "quick", 0).model_copy(update={"view2": simulate_folds()})
    write_run(folder / "quick", retrained, rows)
    text = make_page(folder).text
    elsewhere = text.partition("## Networks from elsewhere\n")[2].partition("\n## ")[0]
    assert "| net | imported, labelled outside data | lfw-view1 |" in elsewhere
    assert "[Card](net/card.md)" in elsewhere
    assert "the training pairs of lfw-view1" in elsewhere
    view2 = text.partition("## LFW View 2\n")[2].partition("\n## ")[0]
    assert "| net |" in view2
    assert "\ntwinlens evaluate runs/quick --protocol lfw-view2\n```" in view2
    assert "| net |" not in text.partition("## LFW View 1")[2].partition("\n## ")[0]


def test_leaking_calibration_is_part_of_the_row(evaluated: Path, tmp_path: Path) -> None:
    bundle(evaluated, leaks=True)
    publish_imported(evaluated, tmp_path / "results")
    assert "**calibration leaks**" in results_table([], read_imported(tmp_path / "results"))


def test_bundle_of_a_run_and_one_that_was_not_judged_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="was trained here"):
        publish_imported(bundle(tmp_path / "run" / "bundle", "identities"), tmp_path / "results")
    with pytest.raises(RunError, match=r"net-PROTOCOL/evaluation\.json"):
        publish_imported(bundle(tmp_path / "alone" / "net"), tmp_path / "results")
    assert not (tmp_path / "results").exists()


def test_changed_file_is_named(imported: Imported) -> None:
    (imported.folder / "evaluation-lfw-view2.json").write_text("{}")
    with pytest.raises(RunError, match=r"evaluation-lfw-view2\.json does not hold"):
        read_imported(imported.folder.parent)

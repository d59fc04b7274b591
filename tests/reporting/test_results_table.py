from pathlib import Path

import pytest

from tests.simulated import Row, simulate_folds, simulate_result, write_run
from twinlens.errors import RunError, TwinlensError
from twinlens.evaluation.result import Result
from twinlens.reporting.results import BEGIN, END, publish, published, results_table, update_between_markers


def named(result: Result, name: str, seed: int) -> Result:
    provenance = result.provenance.model_copy(update={"seed": seed})
    return result.model_copy(update={"name": name, "provenance": provenance})


def test_rows_are_sorted_and_hold_the_figures(result: Result) -> None:
    table = results_table([named(result, "b", 0), named(result, "a", 10), named(result, "a", 2)]).replace("\u00a0", " ")
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    assert [(line[0], line[-1]) for line in lines[2:]] == [("a", "2"), ("a", "10"), ("b", "0")]
    assert len({len(line) for line in lines}) == 1
    assert result.test is not None
    accuracy = result.test.accuracy
    assert lines[2][3].startswith(f"{100 * accuracy.value:.1f} % ({100 * accuracy.low:.1f} % to")
    assert lines[2][1] == "pairs-only, no outside data"


def test_doubts_are_part_of_the_row(rows: list[Row], result: Result) -> None:
    assert "**validation leaks**" in results_table([simulate_result(rows, leaks=True)])
    assert "validation only" in results_table([result.model_copy(update={"test": None})])


def test_view_2_is_told_with_its_standard_error(result: Result) -> None:
    folds = simulate_folds()
    table = results_table([result.model_copy(update={"view2": folds})]).replace("\u00a0", " ")
    assert f"{100 * folds.accuracy_mean:.2f} % ± {100 * folds.accuracy_standard_error:.2f} %" in table
    assert "| lfw-view2 |" in table


def test_only_what_stands_between_the_markers_changes() -> None:
    text = f"# Title\n\n{BEGIN}\nold\n{END}\n\nThe rest.\n"
    once = update_between_markers(text, "new")
    assert once == f"# Title\n\n{BEGIN}\nnew\n{END}\n\nThe rest.\n"
    assert update_between_markers(once, "new") == once


@pytest.mark.parametrize("text", ["none", BEGIN, END + BEGIN, f"{BEGIN}{END}{BEGIN}{END}", f"{BEGIN}{BEGIN}{END}"])
def test_missing_doubled_or_turned_markers_are_refused(text: str) -> None:
    with pytest.raises(TwinlensError, match=r"README.md does not hold one"):
        update_between_markers(text, "new", "README.md")


def test_publishing_copies_result_and_scores_and_nothing_else(result: Result, rows: list[Row], tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", named(result, "koch", 0), rows)
    (run / "photo.jpg").write_bytes(b"x")
    place = publish(run, tmp_path / "results")
    assert place == tmp_path / "results" / "koch"
    assert {path.name for path in place.iterdir()} == {"result.json", "scores-test.csv"}
    assert (place / "scores-test.csv").read_bytes() == (run / "scores-test.csv").read_bytes()


def test_seeds_lie_beside_each_other_and_one_replaces_itself(result: Result, rows: list[Row], tmp_path: Path) -> None:
    for seed in (0, 1, 1):
        publish(write_run(tmp_path / "run", named(result, "koch", seed), rows), tmp_path / "results")
    assert [r.provenance.seed for r in published(tmp_path / "results")] == [0, 1]
    assert (tmp_path / "results" / "koch-seed1").is_dir()


def test_synthetic_runs_are_never_published(rows: list[Row], tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", simulate_result(rows, synthetic=True), rows)
    with pytest.raises(RunError, match="synthetic"):
        publish(run, tmp_path / "results")
    assert not (tmp_path / "results").exists()


def test_without_a_folder_there_are_no_results(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no folder"):
        published(tmp_path / "nowhere")

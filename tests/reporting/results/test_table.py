from dataclasses import replace

import pytest

from tests.reporting.results.made import named
from tests.simulated import Row, simulate_folds, simulate_result
from twinlens.errors import TwinlensError
from twinlens.evaluation.result import Result
from twinlens.reporting.results.table import BEGIN, END, natural, results_table, update_between_markers


def cells(table: str) -> list[list[str]]:
    plain = table.replace("\u00a0", " ")
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in plain.splitlines()]


def test_rows_are_sorted_and_hold_the_figures(result: Result) -> None:
    lines = cells(results_table([named(result, "b-128", 0), named(result, "a", 10), named(result, "b-32", 2)]))
    assert [(line[0], line[-1]) for line in lines[2:]] == [("a", "10"), ("b-32", "2"), ("b-128", "0")]
    assert len({len(line) for line in lines}) == 1
    assert result.test is not None
    accuracy = result.test.accuracy
    assert lines[2][3].startswith(f"{100 * accuracy.value:.1f} % ({100 * accuracy.low:.1f} % to")
    assert lines[2][1] == "pairs-only, no outside data"


def test_seeds_of_a_recipe_are_averaged(result: Result, rows: list[Row]) -> None:
    assert result.test is not None
    better = result.test.accuracy.value + 0.04
    accuracy = replace(result.test.accuracy, value=better)
    second = result.model_copy(update={"test": result.test.model_copy(update={"accuracy": accuracy})})
    lines = cells(results_table([named(second, "a", 1), named(result, "a", 0), named(result, "b", 0)]))
    assert [line[-1] for line in lines[2:]] == ["0, 1", "0"]
    assert lines[2][3] == f"{100 * (better - 0.02):.1f} % (mean of 2 seeds, ± 2.8)"
    assert lines[2][4:7] == lines[3][4:7]


def test_numbers_in_names_count() -> None:
    names = ["x-128", "x-32", "x", "x-2048-y", "x-2048", "w2"]
    assert sorted(names, key=natural) == ["w2", "x", "x-32", "x-128", "x-2048", "x-2048-y"]


def test_doubts_are_part_of_the_row(rows: list[Row], result: Result) -> None:
    assert "**validation leaks**" in results_table([simulate_result(rows, leaks=True)])
    assert "validation only" in results_table([result.model_copy(update={"test": None})])


def test_seeds_share_a_row_though_one_of_them_has_been_through_view_2(result: Result) -> None:
    through = named(result, "a", 0).model_copy(update={"view2": simulate_folds()})
    lines = cells(results_table([through, named(result, "a", 1)]))
    assert [(line[2], line[-1]) for line in lines[2:]] == [("lfw-view1", "0, 1"), ("lfw-view2", "0")]
    untested = through.model_copy(update={"test": None})
    assert [line[2] for line in cells(results_table([untested]))[2:]] == ["lfw-view2"]


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

"""What is drawn where."""

import pytest

from tests.reporting.sweep.made import TRIALS, sweep_result, trial
from twinlens.reporting.sweep.keys import importance_chart, parallel_chart, slice_charts
from twinlens.reporting.sweep.marks import Scale, objective_scale, reached
from twinlens.reporting.sweep.progress import curves_chart, history_chart


def test_values_far_from_all_others_do_not_press_them_into_a_line() -> None:
    scale = objective_scale(sweep_result())
    assert scale.low == 0.62
    assert scale.high < 1  # not 9
    assert scale.clip(9.0) == scale.high
    assert scale.clip(0.65) == 0.65


def test_axis_reaches_downwards_where_higher_is_better() -> None:
    trials = tuple(trial(n, "pruned", (value,)) for n, value in enumerate((0.9, 0.88, 0.86, 0.1), start=1))
    scale = objective_scale(sweep_result(trials=trials, higher_is_better=True, metric="validation_auc"))
    assert scale.high == 0.9
    assert scale.low > 0.5


@pytest.mark.parametrize("trials", [(), (trial(1, "waiting", ()),), (trial(1, "finished", (0.5,)),)])
def test_axis_of_nothing_and_of_one_value_has_a_length(trials: tuple[object, ...]) -> None:
    scale = objective_scale(sweep_result(trials=trials))
    assert scale.high - scale.low == 1


def test_trial_that_was_not_finished_stands_at_its_best_epoch() -> None:
    assert [reached(one, sweep_result()) for one in TRIALS] == [0.66, 0.62, 0.85, None, 0.64, 8.0]


def test_history_marks_every_trial_with_an_epoch_and_the_best_so_far() -> None:
    result = sweep_result()
    line, *marks = history_chart(result, Scale(0, 10)).figure.data
    assert list(zip(line.x, line.y, strict=True)) == [(1, 0.66), (2, 0.62), (5, 0.62), (6, 0.62)]
    drawn = {mark.name: list(zip(mark.x, mark.y, strict=True)) for mark in marks}
    assert drawn == {
        "finished": [(5, 0.64)],
        "pruned or failed": [(3, 0.85), (6, 8.0)],
        "the recipe as it is": [(1, 0.66)],
        "best": [(2, 0.62)],
    }


def test_every_trial_with_an_epoch_has_a_curve() -> None:
    lines = curves_chart(sweep_result(), Scale(0, 1)).figure.data
    assert [len(line.y) for line in lines] == [4, 4, 2, 2, 4]
    assert lines[-1].name == "best"
    assert max(max(line.y) for line in lines) == 1  # at the edge


def test_slices_stand_at_the_values_and_every_key_has_one() -> None:
    charts = {chart.title: chart.figure for chart in slice_charts(sweep_result(), Scale(0, 10))}
    assert list(charts) == list(sweep_result().question["vary"])
    places = [x for mark in charts["optimiser.learning_rate"].data for x in mark.x]
    assert sorted(places) == pytest.approx([0.0002, 0.0003, 0.0005, 0.0005, 0.0006])
    assert charts["optimiser.learning_rate"].layout.xaxis.type == "log"
    widths = charts["network.widths"]
    assert {x for mark in widths.data for x in mark.x} == {"[16, 32, 64, 128]"}
    assert list(widths.layout.xaxis.categoryarray) == ["[16, 32, 64, 128]", "[8, 8, 16, 16]"]


def test_parallel_lines_run_from_the_lowest_to_the_highest_value() -> None:
    lines = parallel_chart(sweep_result()).figure.data
    assert len(lines) == 6
    best = lines[-1]
    # 0.0002 on the way from 0.00003 to 0.003, on a logarithmic scale; the first of two choices twice.
    assert list(best.y) == pytest.approx([0.41195, 0.0, 0.0, 0.0], abs=1e-5)
    assert best.line.width > lines[0].line.width


def test_bars_that_may_be_chance_are_pale() -> None:
    (bars,) = importance_chart(sweep_result()).figure.data
    assert list(bars.y) == ["augment.kind", "optimiser.learning_rate"]
    assert bars.marker.color[0] != bars.marker.color[1]
    assert list(bars.text) == ["p = 0.60", "p = 0.025"]

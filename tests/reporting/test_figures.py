import json
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import norm

from twinlens.evaluation.result import Result
from twinlens.reporting.errors_by import errors_by
from twinlens.reporting.figures.data import data_charts
from twinlens.reporting.figures.decisions import det_chart, oneshot_chart, roc_chart, score_chart
from twinlens.reporting.figures.errors import factor_chart
from twinlens.reporting.figures.probability import reliability_chart
from twinlens.reporting.figures.style import ACCENT, GENUINE, IMPOSTOR, TEST, TRAIN, VALIDATION, Chart
from twinlens.reporting.figures.training import diary_charts, training_charts
from twinlens.reporting.scores import ScoredPairs


@pytest.fixture(scope="module")
def charts(result: Result, scores: ScoredPairs) -> list[Chart]:
    assert result.test is not None
    parts = [result.train, result.validation, result.test]
    return [
        *data_charts(result.data),
        *training_charts(result.training),
        *diary_charts(result.training),
        roc_chart(parts),
        det_chart(parts),
        score_chart(result.test),
        oneshot_chart(result.test, "people"),
        reliability_chart(result.test),
        *(factor_chart(factor) for factor in errors_by(scores, 0.19, 0.95, None)),
    ]


def test_every_figure_is_told_in_words_and_is_valid_json(charts: list[Chart]) -> None:
    for chart in charts:
        figure = json.loads(chart.json.replace("\\u003c", "<"))
        assert figure["data"], chart.title
        assert chart.title
        assert chart.text.endswith(".")
        assert chart.height >= 150


def test_json_cannot_end_its_script_element(charts: list[Chart]) -> None:
    chart = charts[0]
    chart.figure.update_layout(meta="</script><script>alert(1)</script>")
    assert "<" not in chart.json


def test_every_part_of_the_data_is_drawn(result: Result) -> None:
    for chart in data_charts(result.data):
        assert [trace.name for trace in chart.figure.data] == ["train", "validation", "test"]
    brightness = data_charts(result.data)[1].figure.data[2]
    assert sum(brightness.y) == pytest.approx(1)


def test_time_accumulates_over_epochs(result: Result) -> None:
    over_time = training_charts(result.training)[2].figure
    minutes = over_time.data[0].x
    assert all(earlier < later for earlier, later in pairwise(minutes))
    assert minutes[-1] * 60 == pytest.approx(result.training.seconds)


def test_the_best_epoch_is_marked(result: Result) -> None:
    figure = training_charts(result.training)[0].figure
    marker = figure.data[-1]
    assert list(marker.x) == [result.training.best_epoch]
    best = result.training.epochs[result.training.best_epoch - 1]
    assert list(marker.y) == [best.validation_loss]
    assert figure.layout.shapes[0].x0 == result.training.best_epoch


def test_curves_that_were_not_measured_are_not_drawn(result: Result) -> None:
    blind = tuple(epoch.model_copy(update={"validation_oneshot": None}) for epoch in result.training.epochs)
    figure = training_charts(result.training.model_copy(update={"epochs": blind}))[1].figure
    assert "validation one-shot" not in [trace.name for trace in figure.data]


def test_det_axes_are_normal_deviates(result: Result) -> None:
    assert result.test is not None
    trace = det_chart([result.test]).figure.data[1]
    shown = {round(float(x), 9) for x in trace.x}
    wanted = {
        round(float(norm.ppf(fmr)), 9)
        for fmr, fnmr in zip(result.test.curve.fmr, result.test.curve.fnmr, strict=True)
        if 0 < fmr < 1 and 0 < fnmr < 1
    }
    assert shown == wanted
    assert np.isfinite(np.array(trace.y, float)).all()


def test_the_threshold_lies_on_the_curve(result: Result) -> None:
    assert result.test is not None
    point = roc_chart([result.test]).figure.data[-1]
    rates = result.test.confusion
    assert (point.x[0], point.y[0]) == (rates.fmr.value, 1 - rates.fnmr.value)


def test_distributions_are_shares(result: Result) -> None:
    assert result.test is not None
    figure = score_chart(result.test).figure
    for trace, counts in zip(figure.data, (result.test.histogram.impostor, result.test.histogram.genuine), strict=True):
        assert list(trace.y[1:-2]) == pytest.approx([count / sum(counts) for count in counts])


def relative_luminance(colour: str) -> float:
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def test_what_is_drawn_together_differs_in_more_than_hue() -> None:
    """For readers who see no colours: genuine and impostor, and the parts, differ in lightness or in dashes."""
    assert len({GENUINE, IMPOSTOR, ACCENT}) == 3
    parts = [relative_luminance(colour) for colour in (TRAIN, VALIDATION, TEST)]
    assert min(abs(a - b) for i, a in enumerate(parts) for b in parts[:i]) > 0.1

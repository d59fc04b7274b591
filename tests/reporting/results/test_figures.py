import re

import pytest

from tests.reporting.results.made import varied
from twinlens.evaluation.result import Result
from twinlens.reporting.results.figures import training_figure


def words(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


@pytest.mark.parametrize(
    ("kind", "times"), [("binary-cross-entropy", 2), ("contrastive", 1), ("triplet", 0), ("supervised-contrastive", 0)]
)
def test_training_is_drawn_where_it_has_the_units_of_validation(result: Result, kind: str, times: int) -> None:
    """Losses of other kinds are no cross-entropy, and losses over classes decide no pairs."""
    drawn = words(training_figure("x", [varied(result, loss={"kind": kind})], None))
    assert drawn.count("training") == times
    assert drawn.count("validation") == 2


def test_tasks_that_were_not_made_are_not_drawn(result: Result) -> None:
    epochs = tuple(epoch.model_copy(update={"validation_oneshot": None}) for epoch in result.training.epochs)
    without = result.model_copy(update={"training": result.training.model_copy(update={"epochs": epochs})})
    assert "one-shot" in words(training_figure("x", [result], None))
    assert "one-shot" not in words(training_figure("x", [without], None))


def test_seeds_and_the_baseline_lie_over_each_other(result: Result) -> None:
    one, three = (training_figure("x", [result] * runs, result.test) for runs in (1, 3))
    assert words(one) == words(three)
    assert "koch2015-lfw" in words(one)
    lines = one.count("<polyline")
    assert three.count("<polyline") == lines + 2 * 6  # but for what is no run: guessing, twice, and the baseline
    assert lines == 6 + 3

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from twinlens.evaluation.paired import Difference
from twinlens.evaluation.result import Refinement, Result
from twinlens.reporting.compare.contenders import Contender
from twinlens.reporting.compare.recipes import Recipe
from twinlens.reporting.results.findings import findings
from twinlens.reporting.results.versus import Versus
from twinlens.types import Interval


def told(*results: Result, versus: Versus | None = None) -> str:
    """Both paragraphs, with plain spaces."""
    runs = {f"run {i}": Contender(Path(str(i)), result, None) for i, result in enumerate(results)}
    assert results[0].test is not None
    paragraphs = findings(Recipe("x", runs, (), None), results[0].test.accuracy, versus, "koch2015-lfw")
    return " ".join(paragraphs).replace("\u00a0", " ")


def judged(result: Result, **figures: Any) -> Result:
    assert result.test is not None
    return result.model_copy(update={"test": result.test.model_copy(update=figures)})


def interval(low: float, value: float, high: float) -> Interval:
    return Interval(value, low, high, "x")


def versus(low: float, value: float, high: float, p_value: float, *, alone: bool = True) -> Versus:
    return Versus(
        Difference(interval(low, value, high), p_value), Difference(interval(0, 0.05, 0.1), 0.0), p_value, alone
    )


@pytest.mark.parametrize(("low", "doubted"), [(0.49, True), (0.5, True), (0.51, False)])
def test_learning_is_doubted_if_the_interval_reaches_guessing(result: Result, low: float, doubted: bool) -> None:
    words = told(judged(result, accuracy=interval(low, 0.55, 0.6)))
    assert f"is right on 55.0 % of the 200 test pairs ({100 * low:.1f} % to 60.0 %; guessing gives 50 %)" in words
    assert ("does not show that it learned anything" in words) == doubted


def test_difference_is_called_what_it_is(result: Result) -> None:
    real = told(result, versus=versus(-0.09, -0.05, -0.01, 0.013))
    assert "5.0 points less, which is beyond noise (difference −9.0 to −1.0, in AUC 0.050; corrected p = 0.013)" in real
    assert "two models" in real
    assert "two models" not in told(result, versus=versus(0.01, 0.05, 0.09, 0.013, alone=False))
    noise = told(result, versus=versus(0.001, 0.05, 0.09, 0.051))
    assert "5.0 points more, which is within noise" in noise
    assert "neither is shown to be better" in noise
    assert "noise" not in told(result)


@pytest.mark.parametrize(("train", "overfits"), [(0.95, True), (0.62, False)])
def test_overfitting_needs_intervals_apart(result: Result, train: float, overfits: bool) -> None:
    parts = judged(result, accuracy=interval(0.56, 0.6, 0.64))
    fitted = result.train.model_copy(update={"accuracy": interval(train - 0.01, train, train + 0.01)})
    words = told(parts.model_copy(update={"train": fitted}))
    assert (f"it overfits, by {100 * (train - 0.6):.1f} points" in words) == overfits
    assert ("it is not shown to overfit" in words) != overfits


def test_figures_of_a_refined_model_are_not_put_down_to_the_network_alone(result: Result) -> None:
    refined = Refinement(parts=(), stages=(), genuine_pairs=1, impostor_pairs=1)
    assert "With the weights that were kept it is right on" in told(result)
    words = told(result.model_copy(update={"refinement": refined}))
    assert "With the weights that were kept and what was fitted on top it is right on" in words


def ended(result: Result, epochs: int, best: int, stopped_by: str) -> Result:
    rows = result.training.epochs[:epochs]
    training = result.training.model_copy(update={"epochs": rows, "best_epoch": best, "stopped_by": stopped_by})
    return result.model_copy(update={"training": training})


def test_ends_of_trainings_are_told_apart(result: Result) -> None:
    rule = {**result.recipe, "training": {**result.recipe["training"], "patience": 7, "monitor": "validation_oneshot"}}
    patient = ended(result.model_copy(update={"recipe": rule}), 20, 13, "patience")
    assert "It stopped after 20 epochs" in told(patient)
    assert "then the one-shot accuracy on validation had not improved for 7 epochs." in told(patient)
    assert "It was cut off by `training.max_epochs` after 20 epochs" in told(ended(result, 20, 19, "max_epochs"))
    assert "more epochs might have given more" in told(ended(result, 20, 19, "max_epochs"))
    assert "more epochs" not in told(ended(result, 20, 18, "max_epochs"))
    cosine = result.model_copy(update={"recipe": {**result.recipe, "schedule": {"kind": "cosine", "warmup_epochs": 1}}})
    words = told(ended(cosine, 20, 20, "max_epochs"))
    assert "It ended with `training.max_epochs` after 20 epochs" in words
    assert "the best was epoch 20. By then the learning rate had fallen to zero." in words
    assert "more epochs" not in words
    assert "It ended (3 hours) after 20 epochs" in told(ended(result, 20, 19, "3 hours"))
    several = told(
        *(ended(seed(result, i), 20 + i, 13, "patience") for i in range(2)), ended(seed(result, 5), 9, 8, "max_epochs")
    )
    assert "Seeds 0 and 1 stopped after 20 and 21 epochs; the best were epochs 13 and 13" in several
    assert "Seed 5 was cut off" in several


def seed(result: Result, number: int) -> Result:
    return result.model_copy(update={"provenance": result.provenance.model_copy(update={"seed": number})})


def test_rising_validation_loss_is_told_with_its_figures(result: Result) -> None:
    def losses(validation: list[float], train: list[float]) -> Result:
        rows = tuple(
            epoch.model_copy(update={"validation_loss": v, "train_loss": t})
            for epoch, v, t in zip(result.training.epochs, validation, train, strict=False)
        )
        return ended(
            result.model_copy(update={"training": result.training.model_copy(update={"epochs": rows})}),
            3,
            2,
            "patience",
        )

    assert "rose from 0.500 to 0.700, while the training loss went on falling" in told(
        losses([0.6, 0.5, 0.7], [3, 2, 1])
    )
    assert "rose" not in told(losses([0.6, 0.5, 0.5], [3, 2, 1]))
    assert "rose" not in told(losses([0.6, 0.4576, 0.4584], [3, 2, 1]))
    assert "rose" not in told(losses([0.6, 0.5, 0.7], [3, 2, 2]))


def test_oneshot_is_held_against_chance(result: Result) -> None:
    assert result.test is not None
    five, twenty = result.test.oneshot
    chance = twenty.model_copy(update={"accuracy": interval(0.04, 0.07, 0.1)})
    words = told(judged(result, oneshot=(five, chance)))
    assert (
        "of 5 people in 55.8 % (52.8 % to 58.8 %; chance 20 %) and of 20 people in 7.0 % (4.0 % to 10.0 %; chance 5 %)"
        in words
    )
    assert "With 20 that is not shown to be more than chance." in words
    assert "not shown to be more than chance" not in told(result)


def test_probability_that_may_be_worthless_is_called_so(result: Result) -> None:
    def calibrated(high: float) -> Result:
        assert result.test is not None
        figures = result.test.calibration.model_copy(update={"cllr": interval(0.9, 0.95, high)})
        return judged(result, calibration=figures)

    assert "not shown to be worth anything" in told(calibrated(1.01))
    assert "Its Cllr is 0.950 (0.900 to 0.990)" in told(calibrated(0.99))
    assert "worth anything" not in told(calibrated(0.99))
    assert "off by 4.7 points on average (ECE; 2.9 to 6.5)" in told(result)


def test_several_seeds_are_told_as_mean_and_ends(result: Result) -> None:
    assert result.test is not None
    moved = replace(result.test.accuracy, value=result.test.accuracy.value - 0.05)
    words = told(seed(result, 0), seed(judged(result, accuracy=moved), 1))
    assert "on average of 2 seeds" in words
    assert "a standard deviation of 3.5 points" in words
    assert "of 5 people in 55.8 % (seeds 55.8 % to 55.8 %; chance 20 %)" in words


def test_model_that_knows_nothing_has_no_probability_to_speak_of(result: Result) -> None:
    nothing = result.model_copy(update={"calibration": replace(result.calibration, slope=0.0)})
    assert "every pair gets even odds and nothing matches" in told(nothing)
    assert "ECE" not in told(nothing)

"""The few figures that matter most, for the terminal's table and the cards at the head of a report."""

from __future__ import annotations

from dataclasses import dataclass

from twinlens.evaluation.figures import Evaluation
from twinlens.evaluation.result import Result
from twinlens.reporting.wording import decimal, decimal_span, duration, percent, percent_span, rate
from twinlens.types import Interval


@dataclass(frozen=True)
class Highlight:
    """One figure, written out.

    Attributes:
        label: What it is.
        value: The figure.
        span: Its interval, or whatever qualifies it.
        note: What it is to be held against, or a warning; may be empty.
        interval: The same as numbers between 0 and 1, to be drawn; ``None`` where there is nothing to draw.
        reference: Where guessing lies on that scale.
    """

    label: str
    value: str
    span: str
    note: str = ""
    interval: Interval | None = None
    reference: float | None = None


def decisive(result: Result) -> Evaluation:
    """The evaluation that a verdict rests on: the test part's, or the validation part's if nothing tested."""
    return result.test or result.validation


def evaluated_parts(result: Result) -> list[Evaluation]:
    """The evaluated parts in the order in which they are compared."""
    return [part for part in (result.train, result.validation, result.test) if part is not None]


def guessing(evaluation: Evaluation) -> float:
    """Accuracy of always giving the more frequent answer."""
    larger = max(evaluation.genuine_pairs, evaluation.impostor_pairs)
    return larger / (evaluation.genuine_pairs + evaluation.impostor_pairs)


def highlights(result: Result) -> list[Highlight]:
    """The key figures of a run, the decisive ones first."""
    return [*_view2(result), *evaluation_highlights(decisive(result)), _time(result)]


def evaluation_highlights(shown: Evaluation) -> list[Highlight]:
    """The key figures of one model on one list of pairs."""
    return [
        _share("Accuracy", shown.accuracy, f"guessing gives {percent(guessing(shown), 0)}", guessing(shown)),
        Highlight(
            "Area under the ROC",
            decimal(shown.auc.value),
            decimal_span(shown.auc),
            "guessing gives 0.5",
            shown.auc,
            0.5,
        ),
        _share("Equal error rate", shown.eer, "both errors equal", 0.5),
        *_tar(shown),
        *_oneshot(shown),
        _share(
            "Calibration error",
            shown.calibration.expected_calibration_error,
            "of the probability",
        ),
    ]


def _share(label: str, interval: Interval, note: str, reference: float | None = None) -> Highlight:
    return Highlight(label, percent(interval.value), percent_span(interval), note, interval, reference)


def _view2(result: Result) -> list[Highlight]:
    if result.view2 is None:
        return []
    folds = result.view2
    error = percent(folds.accuracy_standard_error, 2)
    span = f"± {error} standard error"
    note = f"mean of {len(folds.folds)} folds"
    return [Highlight("LFW View 2 accuracy", percent(folds.accuracy_mean, 2), span, note)]


def _tar(shown: Evaluation) -> list[Highlight]:
    """The rate at the strictest false match rate that the pairs can bear; failing that, at the laxest."""
    points = sorted(shown.tar_at_fmr, key=lambda point: point.fmr)
    if not points:
        return []
    point = next((point for point in points if point.supported), points[-1])
    note = f"{point.impostor_pairs} impostors" + ("" if point.supported else ": too few")
    return [_share(f"TAR at FMR {rate(point.fmr)}", point.tar, note)]


def _oneshot(shown: Evaluation) -> list[Highlight]:
    return [
        _share(
            f"{task.n_way}-way {task.k_shot}-shot",
            task.accuracy,
            f"chance is {percent(task.chance, 0)}",
            task.chance,
        )
        for task in shown.oneshot
    ]


def _time(result: Result) -> Highlight:
    training = result.training
    span = f"{duration(training.seconds_to_best)} to best"
    note = f"epoch {training.best_epoch} of {len(training.epochs)}"
    return Highlight("Training time", duration(training.seconds), span, note)

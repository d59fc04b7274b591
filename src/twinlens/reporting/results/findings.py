"""What the figures of a recipe show, in sentences; none claims more than its interval allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from statistics import mean

from twinlens.evaluation.figures import Evaluation
from twinlens.evaluation.result import Result
from twinlens.evaluation.seeds import spread
from twinlens.reporting.compare.recipes import Recipe
from twinlens.reporting.highlights import guessing
from twinlens.reporting.results.versus import Versus
from twinlens.reporting.wording import (
    count,
    decimal,
    decimal_span,
    duration,
    listing,
    p_value,
    percent,
    percent_span,
    points,
    points_span,
    subject_names,
)
from twinlens.types import Interval

# Of a loss; less would not show in three decimals.
_LEAST_RISE = 0.001


def findings(recipe: Recipe, accuracy: Interval, versus: Versus | None, baseline: str) -> tuple[str, str]:
    """Two paragraphs about one tested recipe: how good it is, and how it came to that.

    Args:
        recipe: With all its runs.
        accuracy: On the test pairs, over the test people; the mean where there are several seeds.
        versus: How it differs from the baseline; ``None`` for the baseline itself, or if there is none.
        baseline: Label of that one.
    """
    runs = [run.result for run in recipe.runs.values()]
    verdict = [*_right(runs, accuracy), *([_difference(versus, baseline)] if versus else [])]
    reasons = [_fit(runs), *_stopping(runs), *_oneshot(runs), _calibration(runs)]
    return " ".join(verdict), " ".join(reasons)


def _right(runs: Sequence[Result], accuracy: Interval) -> Iterator[str]:
    tests = _tests(runs)
    guess, pairs = guessing(tests[0]), count(tests[0].genuine_pairs + tests[0].impostor_pairs)
    yield (
        f"It is right on {percent(accuracy.value)} of the {pairs} test pairs"
        f"{f', on average of {len(runs)} seeds' if len(runs) > 1 else ''} ({percent_span(accuracy)}; guessing gives "
        f"{percent(guess, 0)})."
    )
    if accuracy.low <= guess:
        yield "That does not show that it learned anything."
    if len(runs) > 1:
        seeds = spread([test.accuracy.value for test in tests])
        each = listing([percent(test.accuracy.value) for test in tests])
        yield f"The seeds give {each}, a standard deviation of {points(seeds.deviation or 0)} points."


def _difference(versus: Versus, baseline: str) -> str:
    interval = versus.accuracy.interval
    size = f"{points(abs(interval.value))} points {'more' if interval.value >= 0 else 'less'}"
    span = f"difference {points_span(interval)}, in AUC {decimal(versus.auc.interval.value)}"
    if not versus.beyond_noise:
        return (
            f"Against {baseline} that is {size}, which is within noise ({span}; corrected p = "
            f"{p_value(versus.p_value)}): neither is shown to be better."
        )
    doubt = " With one run of each, that is about two models; what other seeds would do is not known."
    return (
        f"Against {baseline} that is {size}, which is beyond noise ({span}; corrected p {_p(versus.p_value)})."
        f"{doubt if versus.alone else ''}"
    )


def _fit(runs: Sequence[Result]) -> str:
    """Whether it does better on pairs it has learned from than on new people, beyond the intervals."""
    train, validation, test = (
        mean(part.accuracy.value for part in parts)
        for parts in ([run.train for run in runs], [run.validation for run in runs], _tests(runs))
    )
    on_top = " and what was fitted on top" if any(run.refinement for run in runs) else ""
    said = (
        f"With the weights that were kept{on_top} it is right on {percent(train)} of the training pairs, "
        f"{percent(validation)} of the validation pairs and {percent(test)} of the test pairs"
    )
    apart = all(run.train.accuracy.low > one.accuracy.high for run, one in zip(runs, _tests(runs), strict=True))
    if apart:
        return f"{said}: it overfits, by {points(train - test)} points from training to test."
    return f"{said}; the intervals of training and test overlap, so it is not shown to overfit."


def _stopping(runs: Sequence[Result]) -> Iterator[str]:
    """When the trainings ended and by what, and what the losses did after the best epoch."""
    ends: dict[str, list[Result]] = {}
    for run in runs:
        ends.setdefault(run.training.stopped_by, []).append(run)
    for stopped_by, ended in ends.items():
        yield _ending(stopped_by, ended, alone=len(runs) == 1)
    risen = [run for run in runs if _rises(run)]
    if risen:
        who = "" if len(risen) == len(runs) else f" in {len(risen)} of {len(runs)} seeds"
        best_loss = mean(run.training.epochs[run.training.best_epoch - 1].validation_loss for run in risen)
        last_loss = mean(run.training.epochs[-1].validation_loss for run in risen)
        yield (
            f"From the best epoch to the last the validation loss rose{who} from {decimal(best_loss)} to "
            f"{decimal(last_loss)}{' on average' if len(risen) > 1 else ''}, while the training loss went on falling."
        )


def _ending(stopped_by: str, runs: Sequence[Result], *, alone: bool) -> str:
    """How the trainings ended that ended alike; ``alone`` if the recipe has one only."""
    rule, several = runs[0].recipe["training"], len(runs) > 1
    seeds = listing([str(run.provenance.seed) for run in runs])
    who = "It" if alone else f"Seed{'s' if several else ''} {seeds}"
    epochs = listing([str(len(run.training.epochs)) for run in runs])
    best = listing([str(run.training.best_epoch) for run in runs])
    time = f" and {duration(runs[0].training.seconds)}" if alone else ""
    end = f"after {epochs} epochs{time}; the best {f'were epochs {best}' if several else f'was epoch {best}'}"
    if stopped_by == "patience":
        monitor = {
            "validation_loss": "validation loss",
            "validation_auc": "validation AUC",
            "validation_oneshot": "one-shot accuracy on validation",
        }
        why = f"{monitor[rule['monitor']]} had not improved for {rule['patience']} epochs"
        return f"{who} stopped {end}, and then the {why}."
    if stopped_by == "max_epochs":
        if ran_to_its_end(runs[0]):
            return f"{who} ended with `training.max_epochs` {end}. By then the learning rate had fallen to zero."
        cut = "were" if several else "was"
        more = ", so more epochs might have given more" if any(_best_at_its_end(run) for run in runs) else ""
        return f"{who} {cut} cut off by `training.max_epochs` {end}{more}."
    return f"{who} ended ({stopped_by}) {end}."


def ran_to_its_end(run: Result) -> bool:
    """Whether the learning rate had fallen to zero by the last epoch, so that nothing was cut off."""
    return run.training.stopped_by == "max_epochs" and run.recipe["schedule"]["kind"] == "cosine"


def _best_at_its_end(run: Result) -> bool:
    """Whether the best epoch is among the last tenth."""
    return run.training.best_epoch > 0.9 * len(run.training.epochs)


def _rises(run: Result) -> bool:
    best, last = run.training.epochs[run.training.best_epoch - 1], run.training.epochs[-1]
    return last.validation_loss - best.validation_loss >= _LEAST_RISE and last.train_loss < best.train_loss


def _oneshot(runs: Sequence[Result]) -> Iterator[str]:
    tests = _tests(runs)
    by_size = [[test.oneshot[i] for test in tests] for i in range(len(tests[0].oneshot))]
    _, subjects = subject_names(runs[0].data.dataset)
    said = []
    for tasks in by_size:
        figures = _over([task.accuracy for task in tasks], percent, percent_span)
        said.append(
            f"of {tasks[0].n_way} {subjects} in {figures[0]} ({figures[1]}; chance {percent(tasks[0].chance, 0)})"
        )
    if said:
        yield f"Given one image each, it finds the right one {listing(said)} of the tasks."
    doubtful = [tasks[0] for tasks in by_size if any(task.accuracy.low <= task.chance for task in tasks)]
    if doubtful:
        yield f"With {listing([str(task.n_way) for task in doubtful])} that is not shown to be more than chance."


def _calibration(runs: Sequence[Result]) -> str:
    if all(run.calibration.slope == 0 for run in runs):
        return "The validation scores told nothing to calibrate by, so every pair gets even odds and nothing matches."
    figures = [test.calibration for test in _tests(runs)]
    error = _over([one.expected_calibration_error for one in figures], points, points_span)
    cost = _over([one.cllr for one in figures], decimal, decimal_span)
    least = decimal(mean(one.cllr_min for one in figures))
    said = (
        f"Its match probability is off by {error[0]} points on average (ECE; {error[1]}). Its Cllr is {cost[0]} "
        f"({cost[1]}), where 0 is perfect and 1 worthless; no calibration of these scores has less than {least}"
    )
    if any(one.cllr.high >= 1 for one in figures):
        return f"{said}. So it is not shown to be worth anything."
    return f"{said}."


def _over(
    figures: Sequence[Interval], number: Callable[[float], str], span: Callable[[Interval], str]
) -> tuple[str, str]:
    """A figure and its interval, or the mean over seeds and the lowest and the highest."""
    if len(figures) == 1:
        return number(figures[0].value), span(figures[0])
    values = [figure.value for figure in figures]
    return number(mean(values)), f"seeds {number(min(values))} to {number(max(values))}"


def _tests(runs: Sequence[Result]) -> list[Evaluation]:
    return [run.test for run in runs if run.test is not None]


def _p(value: float) -> str:
    text = p_value(value)
    return text if text.startswith("<") else f"= {text}"

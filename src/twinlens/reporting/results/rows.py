"""The table of recipes on equal terms: one row each, seeds averaged."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

from twinlens.evaluation.figures import Evaluation
from twinlens.evaluation.result import Result
from twinlens.evaluation.seeds import spread
from twinlens.reporting.compare.recipes import Recipe
from twinlens.reporting.results.findings import ran_to_its_end
from twinlens.reporting.results.table import lines, markdown_table
from twinlens.reporting.results.versus import Outcome, Versus
from twinlens.reporting.wording import decimal, duration, p_value, percent, points, points_span
from twinlens.types import Interval

_STOPPED = {"patience": "stopped", "max_epochs": "cut off"}


def recipe_table(recipes: Sequence[Recipe], outcome: Outcome, baseline: str) -> str:
    """Markdown, with the difference to the baseline where that is among the recipes."""
    tasks = lines("One-shot", *(f"{task.n_way}-way" for task in _first_test(recipes[0]).oneshot))
    columns = [
        ("Recipe", "---"),
        ("Parameters", "---:"),
        ("Best of epochs, time", "---:"),
        ("Validation", "---:"),
        ("Test accuracy", "---:"),
        *([(f"Minus {baseline}", "---:")] if outcome.versus else []),
        ("AUC", "---:"),
        ("EER", "---:"),
        (tasks, "---:"),
    ]
    return markdown_table(columns, [_row(recipe, outcome) for recipe in recipes])


def anchor(label: str) -> str:
    """How GitHub links to the heading of a recipe."""
    return "".join(letter for letter in label.lower().replace(" ", "-") if letter.isalnum() or letter in "-_")


def _row(recipe: Recipe, outcome: Outcome) -> list[str]:
    runs = [run.result for run in recipe.runs.values()]
    tests = [run.test for run in runs if run.test is not None]
    tasks = range(len(tests[0].oneshot))
    return [
        f"[{recipe.label}](#{anchor(recipe.label)})",
        lines(f"{runs[0].training.parameters / 1e6:.1f} M"),
        lines(*(_epochs(run) for run in runs), duration(mean(run.training.seconds for run in runs))),
        percent(mean(run.validation.accuracy.value for run in runs)),
        _accuracy(outcome.accuracy[recipe.label], tests),
        *([_versus(outcome.versus.get(recipe.label))] if outcome.versus else []),
        decimal(mean(test.auc.value for test in tests)),
        percent(mean(test.eer.value for test in tests)),
        lines(*(percent(mean(test.oneshot[i].accuracy.value for test in tests)) for i in tasks)),
    ]


def _accuracy(mean_accuracy: Interval, tests: Sequence[Evaluation]) -> str:
    seeds = spread([test.accuracy.value for test in tests]).deviation
    several = [] if seeds is None else [f"{len(tests)} seeds ± {points(seeds)}"]
    return lines(f"**{percent(mean_accuracy.value)}**", points_span(mean_accuracy), *several)


def _epochs(run: Result) -> str:
    training = run.training
    how = "finished" if ran_to_its_end(run) else _STOPPED.get(training.stopped_by, training.stopped_by)
    return f"{training.best_epoch} of {len(training.epochs)}, {how}"


def _versus(versus: Versus | None) -> str:
    if versus is None:
        return "–"
    found = "**beyond noise**" if versus.beyond_noise else "within noise"
    interval = versus.accuracy.interval
    return lines(f"{points(interval.value)} ({points_span(interval)})", f"p {p_value(versus.p_value)}", found)


def _first_test(recipe: Recipe) -> Evaluation:
    test = next(iter(recipe.runs.values())).result.test
    assert test is not None
    return test

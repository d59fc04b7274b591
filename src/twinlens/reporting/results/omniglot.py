"""Koch's network on Omniglot beside the paper's own table.

References:
    G. Koch, R. Zemel and R. Salakhutdinov (2015), Siamese neural networks for one-shot image recognition, ICML deep
    learning workshop, tables 1 and 2.
    B. M. Lake, R. Salakhutdinov and J. B. Tenenbaum (2015), Human-level concept learning through probabilistic program
    induction, Science 350: humans and Bayesian program learning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import mean

from pydantic import ValidationError

from twinlens.config import recipe_names
from twinlens.errors import RunError
from twinlens.evaluation.figures import OneShot
from twinlens.evaluation.seeds import spread
from twinlens.reporting.compare.contenders import Contender
from twinlens.reporting.results.table import markdown_table, natural
from twinlens.reporting.wording import duration, percent, percent_interval, percent_span, points
from twinlens.types import Interval

# Verification accuracy on test by recipe: thousands of training pairs, and whether they are distorted.
PAPER = {
    "koch2015-omniglot-30k": 0.9061,
    "koch2015-omniglot-90k": 0.9154,
    "koch2015-omniglot-150k": 0.9163,
    "koch2015-omniglot-30k-affine": 0.9190,
    "koch2015-omniglot-90k-affine": 0.9315,
    "koch2015-omniglot-150k-affine": 0.9342,
}
_KOCH = "Koch's network"
# Accuracy in the official 20-way one-shot runs.
PAPER_ONESHOT = {"humans": 0.955, "Bayesian program learning": 0.967, _KOCH: 0.920}
_NOT_RUN = "not run"


def omniglot_table(runs: Mapping[str, Contender]) -> str:
    """Markdown: the paper's verification accuracy and ours, our official one-shot accuracy, and how far it was trained.

    Args:
        runs: Published results by their names.

    Raises:
        RunError: A file of the official runs cannot be read.
    """
    columns = [
        ("Recipe", "---"),
        ("Verification: the paper", "---:"),
        ("Verification: here", "---:"),
        ("Official 20-way one-shot: here", "---:"),
        ("Passes through the pairs", "---"),
        ("Training", "---:"),
    ]
    return markdown_table(columns, [_row(name, paper, runs.get(name)) for name, paper in PAPER.items()])


def official_table(runs: Iterable[Contender]) -> str:
    """Markdown: a row for every recipe that was judged on the official runs, seeds averaged; empty if none was.

    Args:
        runs: Any published results.

    Raises:
        RunError: A file of the official runs cannot be read.
    """
    found: dict[str, list[tuple[Contender, OneShot]]] = {}
    for run in runs:
        official = official_runs(run.folder)
        if official is not None:
            found.setdefault(run.result.name, []).append((run, official))
    columns = [("Recipe", "---"), ("Official 20-way one-shot", "---:"), ("Seeds", "---:"), ("Training", "---:")]
    rows = [_official_row(name, found[name]) for name in sorted(found, key=natural)]
    return markdown_table(columns, rows) if rows else ""


def _official_row(name: str, runs: Sequence[tuple[Contender, OneShot]]) -> list[str]:
    """One run with its interval, or the mean of several with the standard deviation between the seeds."""
    accuracy = spread([official.accuracy.value for _, official in runs])
    if accuracy.deviation is None:
        figure = percent_interval(runs[0][1].accuracy)
    else:
        figure = f"{percent(accuracy.mean)} (mean of {len(runs)} seeds, ± {points(accuracy.deviation)})"
    results = sorted((run.result for run, _ in runs), key=lambda result: result.provenance.seed)
    return [
        _title(name),
        figure,
        ", ".join(str(result.provenance.seed) for result in results),
        duration(mean(result.training.seconds for result in results)),
    ]


def beside_the_paper(run: Contender) -> str:
    """How a run's figures lie to those of the paper, as far as figures on other pairs can be compared."""
    assert run.result.test is not None
    verification = _beside(run.result.test.accuracy, PAPER[run.result.name])
    said = f"In verification that is {verification}, on other pairs of the same kind."
    official = official_runs(run.folder)
    if official is None:
        return said
    return (
        f"{said} In the {official.name} of 20-way one-shot classification it is right on "
        f"{percent(official.accuracy.value)} ({percent_span(official.accuracy)}), "
        f"{_beside(official.accuracy, PAPER_ONESHOT[_KOCH])}."
    )


def _beside(figure: Interval, paper: float) -> str:
    apart = f"{points(abs(figure.value - paper))} points {'below' if figure.value < paper else 'above'} the paper's"
    inside = figure.low <= paper <= figure.high
    return f"{apart} {percent(paper, 2)}, which {'is within' if inside else 'is outside of'} the interval"


def official_runs(folder: Path) -> OneShot | None:
    """The accuracy in the official 20-way runs, if a published result has it.

    Raises:
        RunError: The file does not hold it.
    """
    path = folder / "evaluation-omniglot-20way.json"
    if not path.is_file():
        return None
    try:
        return OneShot.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise RunError(
            f"{path} does not hold the figure of the official runs.",
            "Publish the run again after twinlens evaluate RUN --protocol omniglot-20way.",
        ) from error


def _title(name: str) -> str:
    return f"[{name}](../../recipes/{name}.yaml)" if name in recipe_names() else name


def _row(name: str, paper: float, run: Contender | None) -> list[str]:
    title = _title(name)
    if run is None:
        return [title, percent(paper, 2), *[_NOT_RUN] * 4]
    official, result = official_runs(run.folder), run.result
    training, per_pass = result.training, result.recipe["data"]["setting"].get("epochs_per_pass", 1)
    why = {"patience": "stopped by itself", "max_epochs": "cut off"}.get(training.stopped_by, training.stopped_by)
    return [
        title,
        percent(paper, 2),
        percent_interval(result.test.accuracy, 2) if result.test else "not tested",
        percent_interval(official.accuracy) if official else _NOT_RUN,
        f"{len(training.epochs) / per_pass:g}, {why}; best after {training.best_epoch / per_pass:g}",
        duration(training.seconds),
    ]

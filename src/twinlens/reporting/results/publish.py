"""Published results: small files that hold everything but photos, and the table made from them."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from twinlens.errors import RunError, TwinlensError
from twinlens.evaluation.result import Result
from twinlens.files import whole_folder
from twinlens.reporting.highlights import decisive
from twinlens.reporting.scores import read_result
from twinlens.reporting.verdict import setting
from twinlens.reporting.wording import decimal, duration, percent, percent_interval
from twinlens.runs import Run

BEGIN = "<!-- results:begin -->"
END = "<!-- results:end -->"
_COLUMNS = (
    ("Recipe", "---"),
    ("Setting", "---"),
    ("Judged on", "---"),
    ("Accuracy (interval)", "---:"),
    ("AUC", "---:"),
    ("EER", "---:"),
    ("One-shot (chance)", "---:"),
    ("Epochs", "---:"),
    ("Training", "---:"),
    ("Seed", "---:"),
)


def publish(run: Path, to: Path) -> Path:
    """Copy a run's result and its scored test pairs, and nothing else, to where published results are kept.

    Args:
        run: A run's folder.
        to: The folder of all published results.

    Returns:
        The folder of this one: the run's name, with the seed unless that is 0. What lay there is replaced.

    Raises:
        RunError: The run has no result, or one that may not be quoted.
    """
    result = read_result(run)
    if result.provenance.synthetic:
        raise RunError(
            f"{run} learned from synthetic faces, which is never quoted as a result.", "Publish a run on real data."
        )
    seed = result.provenance.seed
    place = to / (result.name if seed == 0 else f"{result.name}-seed{seed}")
    source = Run(run)
    with whole_folder(place, replace=True) as temporary:
        for path in (source.result, source.scores("test")):
            if path.is_file():
                shutil.copyfile(path, temporary / path.name)
    return place


def published(folder: Path) -> list[Result]:
    """All published results, sorted by name and seed.

    Raises:
        RunError: There is no such folder, or a result in it cannot be read.
    """
    if not folder.is_dir():
        raise RunError(f"There is no folder {folder}.", "Publish a run first: twinlens results publish RUN.")
    return _sorted(read_result(path.parent) for path in folder.glob("*/result.json"))


def results_table(results: Iterable[Result]) -> str:
    """A Markdown table with one row per result, sorted by name and seed."""
    rows = [
        [title for title, _ in _COLUMNS],
        [rule for _, rule in _COLUMNS],
        *(_row(result) for result in _sorted(results)),
    ]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows)


def update_between_markers(text: str, table: str, name: str = "The text") -> str:
    """``text`` with what stands between the two marker lines replaced by ``table``.

    Args:
        text: A document with ``<!-- results:begin -->`` and, below it, ``<!-- results:end -->``, once each.
        table: What shall stand there.
        name: What an error calls the document.

    Raises:
        TwinlensError: The markers are not there, or not once, or in the wrong order.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in rest or END in after:
        raise TwinlensError(
            f"{name} does not hold one {BEGIN} and, below it, one {END}.",
            "Put the two lines where the table shall stand.",
        )
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def _sorted(results: Iterable[Result]) -> list[Result]:
    return sorted(results, key=lambda result: (result.name, result.provenance.seed))


def _row(result: Result) -> list[str]:
    shown, training = decisive(result), result.training
    tasks = (f"{t.n_way}-way {percent(t.accuracy.value)} ({percent(t.chance, 0)})" for t in shown.oneshot)
    leak = ", **validation leaks**" if result.provenance.leaks else ""
    place, accuracy, auc, eer = _figures(result)
    return [
        result.name,
        setting(result) + leak,
        place,
        accuracy,
        auc,
        eer,
        "; ".join(tasks) or "not measured",
        f"{training.best_epoch} of {len(training.epochs)}",
        duration(training.seconds),
        str(result.provenance.seed),
    ]


def _figures(result: Result) -> tuple[str, str, str, str]:
    """What was judged on, accuracy, AUC and EER."""
    if result.view2:
        folds = result.view2
        error = percent(folds.accuracy_standard_error, 2)
        accuracy = f"{percent(folds.accuracy_mean, 2)} ± {error} (standard error)"
        return "lfw-view2", accuracy, f"{decimal(folds.auc_mean)} ± {decimal(folds.auc_standard_error)}", "–"
    shown = decisive(result)
    place = shown.protocol if shown.part == "test" else f"{shown.protocol}, {shown.part} only"
    return place, percent_interval(shown.accuracy), decimal(shown.auc.value), percent(shown.eer.value)

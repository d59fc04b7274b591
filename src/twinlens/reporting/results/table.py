"""The table of all published results, one row per recipe, and its place in other documents."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from twinlens.errors import TwinlensError
from twinlens.evaluation.figures import Evaluation, Folds
from twinlens.evaluation.result import Result
from twinlens.evaluation.seeds import spread
from twinlens.reporting.highlights import decisive
from twinlens.reporting.results.imported import Imported
from twinlens.reporting.verdict import setting
from twinlens.reporting.wording import decimal, duration, percent, percent_interval, points

BEGIN = "<!-- results:begin -->"
END = "<!-- results:end -->"
_VIEW2 = "lfw-view2"
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
    ("Seeds", "---:"),
)


def results_table(results: Iterable[Result], imported: Iterable[Imported] = ()) -> str:
    """A Markdown table with one row per recipe and what it was judged on, sorted by name; seeds are averaged.

    Args:
        results: Of runs.
        imported: Of networks from elsewhere.
    """
    rows: list[tuple[str, list[str]]] = []
    by_recipe: dict[tuple[str, str], list[Result]] = {}
    for result in sorted(results, key=lambda result: (natural(result.name), result.provenance.seed)):
        if result.test is not None or result.view2 is None:
            by_recipe.setdefault((result.name, _place(result)), []).append(result)
        if result.view2 is not None:
            rows.append((result.name, _folds_row(result, result.view2)))
    for (name, _), runs in by_recipe.items():
        rows.append((name, _mean_row(runs) if len(runs) > 1 else _row(runs[0])))
    for one in imported:
        rows += [(one.origin.name, row) for row in _imported_rows(one)]
    return markdown_table(_COLUMNS, [row for _, row in sorted(rows, key=lambda row: (natural(row[0]), row[1][2]))])


def markdown_table(columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]]) -> str:
    """Rows under columns, which are given as title and rule (``---`` or ``---:``)."""
    table = [[title for title, _ in columns], [rule for _, rule in columns], *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in table)


def lines(*parts: str) -> str:
    """Lines of one cell that break nowhere else."""
    return "<br>".join(part.replace(" ", "\N{NO-BREAK SPACE}") for part in parts)


def natural(name: str) -> tuple[tuple[int, str], ...]:
    """What to sort names by so that 32 comes before 128."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name))


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


def _row(result: Result) -> list[str]:
    return [
        *_terms(result),
        *_figures(decisive(result)),
        _epochs(result),
        duration(result.training.seconds),
        str(result.provenance.seed),
    ]


def _folds_row(result: Result, folds: Folds) -> list[str]:
    name, rules, _ = _terms(result)
    return [name, rules, _VIEW2, *_folds_figures(folds), "–", training_time(folds), str(result.provenance.seed)]


def _imported_rows(one: Imported) -> Iterator[list[str]]:
    if one.view1 is not None:
        yield [one.origin.name, one.setting, one.view1.protocol, *_figures(one.view1), *["–"] * 3]
    if one.view2 is not None:
        yield [one.origin.name, one.setting, _VIEW2, *_folds_figures(one.view2), *["–"] * 3]


def _mean_row(runs: Sequence[Result]) -> list[str]:
    """Several seeds: means, and of the accuracy what lies between the seeds in place of the interval."""
    shown = [decisive(run) for run in runs]
    accuracy = spread([one.accuracy.value for one in shown])
    assert accuracy.deviation is not None
    tasks = (
        f"{task.n_way}-way {percent(spread([one.oneshot[i].accuracy.value for one in shown]).mean)} "
        f"({percent(task.chance, 0)})"
        for i, task in enumerate(shown[0].oneshot)
    )
    return [
        *_terms(runs[0]),
        f"{percent(accuracy.mean)} (mean of {len(runs)} seeds, ± {points(accuracy.deviation)})",
        decimal(spread([one.auc.value for one in shown]).mean),
        percent(spread([one.eer.value for one in shown]).mean),
        "; ".join(tasks) or "not measured",
        "; ".join(_epochs(run) for run in runs),
        duration(spread([run.training.seconds for run in runs]).mean),
        ", ".join(str(run.provenance.seed) for run in runs),
    ]


def _terms(result: Result) -> tuple[str, str, str]:
    leak = ", **validation leaks**" if result.provenance.leaks else ""
    return result.name, setting(result) + leak, _place(result)


def _place(result: Result) -> str:
    shown = decisive(result)
    return shown.protocol if shown.part == "test" else f"{shown.protocol}, {shown.part} only"


def _epochs(result: Result) -> str:
    return f"{result.training.best_epoch} of {len(result.training.epochs)}"


def _figures(shown: Evaluation) -> tuple[str, str, str, str]:
    """Accuracy, AUC, EER and one-shot accuracies."""
    tasks = (f"{t.n_way}-way {percent(t.accuracy.value)} ({percent(t.chance, 0)})" for t in shown.oneshot)
    return (
        percent_interval(shown.accuracy),
        decimal(shown.auc.value),
        percent(shown.eer.value),
        "; ".join(tasks) or "not measured",
    )


def _folds_figures(folds: Folds) -> tuple[str, str, str, str]:
    """The same of View 2, as far as folds have them."""
    error = percent(folds.accuracy_standard_error, 2)
    accuracy = f"{percent(folds.accuracy_mean, 2)} ± {error} (standard error)"
    return accuracy, f"{decimal(folds.auc_mean)} ± {decimal(folds.auc_standard_error)}", "–", "–"


def training_time(folds: Folds) -> str:
    """How long all trainings of View 2 took; a dash where nothing was trained, or nobody knows."""
    seconds = [fold.training_seconds for fold in folds.folds]
    return duration(sum(one or 0 for one in seconds)) if all(seconds) else "–"

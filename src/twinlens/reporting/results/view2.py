"""LFW View 2: trainings that were repeated for each of its ten folds, and networks from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from twinlens.evaluation.figures import Folds
from twinlens.evaluation.result import Result
from twinlens.reporting.results.imported import Imported
from twinlens.reporting.results.table import lines, markdown_table, natural, training_time
from twinlens.reporting.verdict import setting
from twinlens.reporting.wording import decimal, percent


def view2_table(results: Sequence[Result], imported: Sequence[Imported]) -> str:
    """Markdown: a row for each, sorted by name; empty if there is none.

    Args:
        results: Those that have not been through View 2 are passed over.
        imported: Likewise.
    """
    columns = [
        ("Model", "---"),
        ("Setting", "---"),
        ("Accuracy", "---:"),
        ("Lowest and highest fold", "---:"),
        ("AUC", "---:"),
        ("Ten trainings", "---:"),
        ("Seed", "---:"),
    ]
    rows = [
        (result.name, setting(result), result.view2, str(result.provenance.seed)) for result in results if result.view2
    ]
    rows += [(one.origin.name, one.setting, one.view2, "–") for one in imported if one.view2]
    ordered = sorted(rows, key=lambda row: (natural(row[0]), natural(row[-1])))
    return markdown_table(columns, [_row(*row) for row in ordered]) if rows else ""


def _row(name: str, rules: str, folds: Folds, seed: str) -> list[str]:
    accuracies = [fold.accuracy for fold in folds.folds]
    return [
        name,
        rules,
        lines(f"**{percent(folds.accuracy_mean, 2)}** ± {percent(folds.accuracy_standard_error, 2)}"),
        lines(f"{percent(min(accuracies))} and {percent(max(accuracies))}"),
        lines(f"{decimal(folds.auc_mean)} ± {decimal(folds.auc_standard_error)}"),
        training_time(folds),
        seed,
    ]

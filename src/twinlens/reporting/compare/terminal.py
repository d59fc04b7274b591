"""A comparison as tables in the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count, product
from string import ascii_uppercase
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from twinlens.reporting.compare.comparison import FEW_FINDINGS, Comparison, ModelTest
from twinlens.reporting.wording import (
    counted,
    decimal,
    decimal_span,
    duration,
    listing,
    p_value,
    percent,
    percent_span,
    points,
    points_span,
)
from twinlens.types import Interval

# More recipes than this do not fit beside each other, and more tests than that are no use to the eye.
_MOST_RECIPES = 3
_MOST_TESTS = 10

_STYLE: dict[str, Any] = {"box": SIMPLE_HEAD, "title_justify": "left", "title_style": "bold", "pad_edge": False}


def print_comparison(comparison: Comparison) -> None:
    """Print on standard output what differs, what that is worth, and in red what must be said beside it."""
    console = Console(highlight=False)
    letters = dict(zip((run.label for run in comparison.runs), _letters(), strict=False))
    for run in comparison.runs:
        console.print(Text(f"{letters[run.label]}  {run.label}", style="bold red" if run.caveats else "bold"))
    console.print()
    console.print(_test_figures(comparison, letters))
    console.print(_parts(comparison, letters))
    console.print(_trainings(comparison, letters))
    if comparison.settings:
        console.print(_settings(comparison))
    if comparison.tests:
        console.print(_tests(comparison, letters))
    for caveat in comparison.caveats:
        console.print(Text(f"- {caveat}", style="bold red"))
    for line in (*comparison.refusals, *comparison.seeds, *_conclusions(comparison)):
        console.print(Text(f"- {line}"))
    console.print(Text(f"\n{comparison.headline}", style="bold"))


def _conclusions(comparison: Comparison) -> tuple[str, ...]:
    """What is more than the headline says: a few differences in full, or where every recipe stands."""
    if len(comparison.findings) < 2:
        return ()
    few = len(comparison.findings) <= FEW_FINDINGS
    told = comparison.sentences if few else comparison.standings
    return (*told, comparison.doubt) if comparison.doubt else told


def _test_figures(comparison: Comparison, letters: Mapping[str, str]) -> Table:
    table = _table("On the test pairs", "run", "accuracy", "AUC", "EER", "one-shot (chance)")
    for run in comparison.runs:
        if run.test is None:
            table.add_row(letters[run.label], run.without_test)
            continue
        tasks = (f"{t.n_way}-way {percent(t.accuracy.value)} ({percent(t.chance, 0)})" for t in run.oneshot)
        table.add_row(
            letters[run.label],
            _share(run.test.accuracy),
            f"{decimal(run.test.auc.value)}\n{decimal_span(run.test.auc)}",
            percent(run.test.eer.value),
            "\n".join(tasks),
        )
    return table


def _parts(comparison: Comparison, letters: Mapping[str, str]) -> Table:
    table = _table("All parts", "run", "training accuracy", "validation accuracy", "losses of all three")
    for run in comparison.runs:
        parts = [part for part in (run.train, run.validation, run.test) if part]
        losses = " / ".join("–" if part.loss is None else decimal(part.loss) for part in parts)
        table.add_row(letters[run.label], _share(run.train.accuracy), _share(run.validation.accuracy), losses)
    return table


def _trainings(comparison: Comparison, letters: Mapping[str, str]) -> Table:
    table = _table("Trainings", "run", "best epoch", "time to it", "in all", "stopped by", "last losses")
    for run in comparison.runs:
        table.add_row(
            letters[run.label],
            f"{run.best_epoch} of {run.epochs}",
            duration(run.seconds_to_best),
            duration(run.seconds),
            run.stopped_by,
            f"{decimal(run.last_train_loss)} / {decimal(run.last_validation_loss)}",
        )
    return table


def _settings(comparison: Comparison) -> Table | Text:
    labels = [recipe.label for recipe in comparison.recipes]
    if len(labels) == 1:
        return Text(f"One recipe; its runs differ in {listing([row.key for row in comparison.settings])}.\n")
    if len(labels) > _MOST_RECIPES:
        return Text(f"The recipes differ in {counted(len(comparison.settings), 'key')}: see the page or --json.\n")
    table = Table("key", title="Configuration, where it differs", **_STYLE)
    for label in labels:
        table.add_column(Text(label), justify="right", overflow="fold")
    for row in comparison.settings:
        table.add_row(Text(row.key), *(Text(row.values.get(label, "–")) for label in labels))
    return table


def _tests(comparison: Comparison, letters: Mapping[str, str]) -> Table:
    shown = comparison.tests[:_MOST_TESTS]
    title = "Two runs on the same pairs: how many each alone gets right, and the first minus the second"
    if len(shown) < len(comparison.tests):
        title += f"; the {len(shown)} surest of {len(comparison.tests)}"
    table = _table(title, "runs", "alone", "points", "McNemar p", "AUC", "corrected p")
    for row in shown:
        test, decisions = row.test, row.test.decisions
        table.add_row(
            f"{letters[row.first]} − {letters[row.second]}",
            f"{decisions.only_first} : {decisions.only_second}",
            f"{points(test.accuracy.interval.value)}\n{points_span(test.accuracy.interval)}",
            p_value(decisions.p_value),
            f"{decimal(test.auc.interval.value)}\n{decimal_span(test.auc.interval)}",
            f"{p_value(row.corrected)}\n{_judgement(row, 1 - comparison.level)}",
        )
    return table


def _judgement(row: ModelTest, risk: float) -> str:
    if row.same_recipe:
        return "one recipe"
    return "beyond noise" if row.corrected < risk else "within noise"


def _letters() -> Iterator[str]:
    """A, B, ... Z, AA, AB, ...; names of runs are too long for columns."""
    for length in count(1):
        yield from map("".join, product(ascii_uppercase, repeat=length))


def _share(interval: Interval) -> str:
    return f"{percent(interval.value)}\n{percent_span(interval)}"


def _table(title: str, *columns: str) -> Table:
    return Table(*(Column(name, justify="right", no_wrap=True) for name in columns), title=title, **_STYLE)

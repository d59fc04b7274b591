"""What was fitted on top of a network, and what it brought: two tables for the terminal, and words for a page."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from twinlens.evaluation.result import RefinedPart, Refinement
from twinlens.reporting.wording import count, counted, decimal, percent


def print_refinement(refinement: Refinement) -> None:
    """Print what was fitted and what the validation pairs say of it, step by step."""
    console = Console()
    console.print(_stages(refinement))
    console.print(_parts(refinement))


def in_words(refinement: Refinement | None) -> str:
    """What was fitted on top of a network, in one line; empty if nothing was."""
    parts = refinement.parts if refinement else ()
    return "; ".join(_part_in_words(part) + (f": {percent(part.share, 0)}" if parts[1:] else "") for part in parts)


def _part_in_words(part: RefinedPart) -> str:
    if part.dims is None:
        return f"{part.name}, compared as trained"
    known = f", two or more of {count(part.classes)} classes among them" if part.classes else ""
    return f"{part.name}, {part.metric} in {count(part.dims)} dimensions from {counted(part.photos, 'photo')}{known}"


def _stages(refinement: Refinement) -> Table:
    pairs = f"{count(refinement.genuine_pairs)} genuine and {count(refinement.impostor_pairs)} impostor pairs"
    table = _table(f"Validation, {pairs}", ("Cllr (bits)", "AUC", "Accuracy on listed pairs"))
    for stage in refinement.stages:
        table.add_row(stage.name, decimal(stage.cllr), decimal(stage.auc), percent(stage.accuracy))
    return table


def _parts(refinement: Refinement) -> Table:
    table = _table("Fitted on training photos", ("Metric", "Dimensions", "Shrinkage", "Photos", "Classes", "Share"))
    for part in refinement.parts:
        table.add_row(part.name, *_cells(part))
    return table


def _cells(part: RefinedPart) -> tuple[str, ...]:
    return (
        part.metric,
        "" if part.dims is None else count(part.dims),
        "" if part.shrinkage is None else f"{part.shrinkage:g}",
        count(part.photos) if part.photos else "",
        count(part.classes) if part.classes else "",
        percent(part.share, 0),
    )


def _table(title: str, columns: tuple[str, ...]) -> Table:
    table = Table(title=title, box=SIMPLE_HEAD, title_justify="left", title_style="bold")
    table.add_column("")
    for column in columns:
        table.add_column(column, justify="right")
    return table

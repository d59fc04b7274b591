"""Figures and differences of figures as points with their intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import plotly.graph_objects as go

from twinlens.evaluation.paired import Difference
from twinlens.reporting.compare.comparison import Finding, RunFigures
from twinlens.reporting.compare.lines import Lines
from twinlens.reporting.figures.style import GENUINE, INK, MUTED, Chart, canvas
from twinlens.types import Interval

# Findings in one figure; the surest come first, and the table has them all.
_MOST = 20


def figure_charts(runs: Sequence[RunFigures], lines: Lines) -> list[Chart]:
    """Accuracy and AUC of every run on its test pairs."""
    tested = [(_folded(run.label), run.test, lines[run.label]["color"]) for run in runs if run.test]
    order = [label for label, *_ in tested]
    accuracy = _empty("Accuracy", order, per_row=34)
    auc = _empty("AUC", order, per_row=34)
    for label, test, colour in tested:
        marker = {"color": colour, "size": 10}
        _add(accuracy, [test.accuracy], [label], marker, label)
        _add(auc, [test.auc], [label], marker, label)
    accuracy.update_xaxes(tickformat=".0%")
    text = "Each run by itself. How far two bars overlap says little about two runs on the same pairs; see below."
    charts = [Chart("Accuracy on the test pairs", text, accuracy), Chart("AUC on the test pairs", text, auc)]
    for chart in charts:
        chart.figure.update_layout(showlegend=False)
    return charts


def difference_charts(findings: Sequence[Finding]) -> list[Chart]:
    """The surest findings, in accuracy and in AUC."""
    shown = findings[:_MOST]
    text = (
        "The first of two recipes minus the second, with the interval. An open dot is within noise, after correction "
        "for the number of comparisons even where its bar misses 0."
    )
    if len(shown) < len(findings):
        text += f" The {len(shown)} surest of {len(findings)}."
    return [
        Chart("Difference in accuracy", text, _forest("Percentage points", shown, lambda one: one.accuracy, 100)),
        Chart("Difference in AUC", text, _forest("AUC", shown, lambda one: one.auc, 1)),
    ]


def _forest(
    unit: str, findings: Sequence[Finding], difference: Callable[[Finding], Difference], scale: int
) -> go.Figure:
    figure = _empty(unit, [_versus(finding) for finding in findings], per_row=46)
    for name, better, colour in (("beyond noise", True, GENUINE), ("within noise", False, MUTED)):
        kind = [finding for finding in findings if finding.better == better]
        spans = [_scaled(difference(finding).interval, scale) for finding in kind]
        marker = {"color": colour, "size": 10, "symbol": "circle" if better else "circle-open"}
        _add(figure, spans, [_versus(finding) for finding in kind], marker, name)
    figure.add_vline(x=0, line={"color": INK, "width": 1})
    return figure


def _empty(unit: str, rows: Sequence[str], per_row: int) -> go.Figure:
    figure = canvas(unit, "", height=110 + per_row * len(rows))
    figure.update_yaxes(type="category", categoryorder="array", categoryarray=rows[::-1], automargin=True, ticks="")
    return figure


def _add(figure: go.Figure, spans: Sequence[Interval], rows: Sequence[str], marker: dict[str, Any], name: str) -> None:
    figure.add_scatter(
        x=[span.value for span in spans],
        y=rows,
        error_x={
            "type": "data",
            "array": [span.high - span.value for span in spans],
            "arrayminus": [span.value - span.low for span in spans],
            "thickness": 2,
        },
        mode="markers",
        marker=marker,
        name=name,
    )


def _scaled(span: Interval, scale: int) -> Interval:
    return Interval(scale * span.value, scale * span.low, scale * span.high, span.method)


def _versus(finding: Finding) -> str:
    return f"{_folded(finding.first)}<br>− {_folded(finding.second)}"


def _folded(label: str) -> str:
    """A label on two lines where it names a folder."""
    return label.replace(" (", "<br>(")

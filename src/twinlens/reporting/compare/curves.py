"""Curves of several runs in one figure: their trainings, and their error trade-offs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import accumulate

import plotly.graph_objects as go

from twinlens.evaluation.figures import Evaluation
from twinlens.evaluation.result import Epoch, Result
from twinlens.reporting.compare.lines import Lines
from twinlens.reporting.figures.decisions import add_det, add_roc, det_canvas, roc_canvas
from twinlens.reporting.figures.style import INK, Chart, canvas

_WHILE = "With distortions and dropout, while the weights change. Of different losses they do not compare."
_CLOCKS = "Times of other machines, or of one that did other things as well, do not compare."

_Value = Callable[[Epoch], float]
_Along = Callable[[Result], list[float]]


def training_charts(results: Mapping[str, Result], lines: Lines) -> list[Chart]:
    """Losses, accuracies and AUC of all trainings over their epochs, and AUC over the clock."""
    rows: tuple[tuple[str, str, str, _Value, _Along], ...] = (
        ("Training loss", _WHILE, "Epoch", lambda epoch: epoch.train_loss, _epochs),
        ("Validation loss", "A dot marks the epoch that was kept.", "Epoch", lambda e: e.validation_loss, _epochs),
        ("Training accuracy", _WHILE, "Epoch", lambda epoch: epoch.train_accuracy, _epochs),
        ("Validation accuracy", "At a probability of one half.", "Epoch", lambda e: e.validation_accuracy, _epochs),
        ("Validation AUC", "No threshold is in it.", "Epoch", lambda epoch: epoch.validation_auc, _epochs),
        ("Validation AUC over time", _CLOCKS, "Minutes", lambda epoch: epoch.validation_auc, _minutes),
    )
    return [
        Chart(title, text, _curves(title, unit, results, lines, value, along))
        for title, text, unit, value, along in rows
    ]


def _epochs(result: Result) -> list[float]:
    return [float(epoch.epoch) for epoch in result.training.epochs]


def _minutes(result: Result) -> list[float]:
    return [seconds / 60 for seconds in accumulate(epoch.seconds for epoch in result.training.epochs)]


def tradeoff_charts(tests: Mapping[str, Evaluation], lines: Lines) -> list[Chart]:
    """ROC and DET on the test pairs of every run that was tested."""
    roc, det = roc_canvas(), det_canvas()
    for label, test in tests.items():
        add_roc(roc, test, label, lines[label])
        add_det(det, test, label, lines[label])
    for figure in (roc, det):
        figure.update_layout(showlegend=False)
    return [
        Chart("Receiver operating characteristic (ROC)", "Test pairs; up and to the left is better.", roc),
        Chart("Detection error trade-off (DET)", "The same as normal deviates; down and to the left is better.", det),
    ]


def _curves(
    title: str, unit: str, results: Mapping[str, Result], lines: Lines, value: _Value, along: _Along
) -> go.Figure:
    figure = canvas(unit, title.removesuffix(" over time"), height=360)
    for label, result in results.items():
        epochs, x = result.training.epochs, along(result)
        y = [value(epoch) for epoch in epochs]
        mode = "lines+markers" if len(y) < 3 else "lines"
        figure.add_scatter(x=x, y=y, mode=mode, name=label, line=lines[label])
        kept = [i for i, epoch in enumerate(epochs) if epoch.epoch == result.training.best_epoch]
        figure.add_scatter(
            x=[x[i] for i in kept],
            y=[y[i] for i in kept],
            mode="markers",
            marker={"color": lines[label]["color"], "size": 8, "line": {"color": INK, "width": 1.2}},
            hoverinfo="skip",
        )
    figure.update_layout(showlegend=False)  # the page has one for all figures
    return figure

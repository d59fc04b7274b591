"""Figures of decisions: error trade-offs, score distributions, and one-shot tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from scipy.special import ndtri

from twinlens.evaluation.figures import Evaluation
from twinlens.reporting.figures.style import (
    GENUINE,
    IMPOSTOR,
    INK,
    MUTED,
    PART_COLOURS,
    PART_DASHES,
    Chart,
    canvas,
    vertical,
)
from twinlens.reporting.wording import decimal, percent

_DET_TICKS = (0.002, 0.01, 0.05, 0.2, 0.4, 0.6, 0.8)


def roc_chart(evaluations: Sequence[Evaluation]) -> Chart:
    """Receiver operating characteristic of every part, with the threshold in use on the last."""
    figure = roc_canvas()
    for shown in evaluations:
        add_roc(figure, shown, shown.part, _line(shown))
    last = evaluations[-1]
    rates = last.confusion
    _mark_threshold(figure, last, rates.fmr.value, 1 - rates.fnmr.value)
    text = (
        f"Each point is one threshold; up and to the left is better. The area under the {last.part} curve is "
        f"{decimal(last.auc.value)}: the chance that a genuine pair scores higher than an impostor pair."
    )
    return Chart("Receiver operating characteristic (ROC)", text, figure)


def det_chart(evaluations: Sequence[Evaluation]) -> Chart:
    """Detection error trade-off, both axes as normal deviates."""
    figure = det_canvas()
    for shown in evaluations:
        add_det(figure, shown, shown.part, _line(shown))
    last = evaluations[-1]
    rates = last.confusion
    if 0 < rates.fmr.value < 1 and 0 < rates.fnmr.value < 1:
        _mark_threshold(figure, last, float(ndtri(rates.fmr.value)), float(ndtri(rates.fnmr.value)))
    text = (
        "The two errors against each other, drawn so that normally distributed scores give straight lines; "
        "down and to the left is better."
    )
    return Chart("Detection error trade-off (DET)", text, figure)


def roc_canvas() -> go.Figure:
    """A figure for ROC curves, with the diagonal of guessing."""
    figure = canvas("False match rate (FMR)", "Genuine pairs matched (1 − FNMR)", height=400)
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line={"color": MUTED, "width": 1}, name="guessing")
    figure.update_xaxes(range=[-0.01, 1.01], tickformat=".0%")
    figure.update_yaxes(range=[-0.01, 1.01], tickformat=".0%")
    return figure


def add_roc(figure: go.Figure, shown: Evaluation, name: str, line: Mapping[str, Any]) -> None:
    """Draw one curve into a :func:`roc_canvas`."""
    figure.add_scatter(
        x=[0.0, *shown.curve.fmr],
        y=[0.0, *(1 - rate for rate in shown.curve.fnmr)],
        mode="lines",
        name=f"{name} (AUC {decimal(shown.auc.value)})",
        line=line,
    )


def det_canvas() -> go.Figure:
    """A figure for DET curves, with the diagonal of equal errors."""
    figure = canvas("False match rate (FMR)", "False non-match rate (FNMR)", height=400)
    ends = [float(ndtri(0.0015)), float(ndtri(0.85))]
    figure.add_scatter(x=ends, y=ends, mode="lines", line={"color": MUTED, "width": 1}, name="equal errors")
    ticks = {"tickvals": ndtri(_DET_TICKS).tolist(), "ticktext": [f"{100 * tick:g} %" for tick in _DET_TICKS]}
    figure.update_xaxes(range=ends, **ticks)
    figure.update_yaxes(range=ends, **ticks)
    return figure


def add_det(figure: go.Figure, shown: Evaluation, name: str, line: Mapping[str, Any]) -> None:
    """Draw one curve into a :func:`det_canvas`."""
    fmr, fnmr = np.array(shown.curve.fmr), np.array(shown.curve.fnmr)
    inside = (fmr > 0) & (fmr < 1) & (fnmr > 0) & (fnmr < 1)  # 0 and 1 lie at infinity
    figure.add_scatter(
        x=ndtri(fmr[inside]).tolist(),
        y=ndtri(fnmr[inside]).tolist(),
        customdata=np.stack([fmr[inside], fnmr[inside]], axis=1).tolist(),
        hovertemplate="FMR %{customdata[0]:.1%}, FNMR %{customdata[1]:.1%}",
        mode="lines",
        name=f"{name} (EER {percent(shown.eer.value)})",
        line=line,
    )


def score_chart(shown: Evaluation) -> Chart:
    """Distribution of the scores of genuine and of impostor pairs."""
    figure = canvas("Score (higher is more alike)", "Share of the pairs")
    edges = shown.histogram.edges
    for name, counts, colour, fill in (
        ("impostor pairs", shown.histogram.impostor, IMPOSTOR, "rgba(213,94,0,0.22)"),
        ("genuine pairs", shown.histogram.genuine, GENUINE, "rgba(0,114,178,0.22)"),
    ):
        shares = [count / max(1, sum(counts)) for count in counts]
        figure.add_scatter(
            x=[edges[0], *edges, edges[-1]],
            y=[0.0, *shares, shares[-1], 0.0],
            name=name,
            mode="lines",
            fill="tozeroy",
            fillcolor=fill,
            line={"color": colour, "width": 2, "shape": "hv"},
        )
    vertical(figure, shown.threshold, "threshold")
    figure.update_yaxes(tickformat=".0%", rangemode="tozero")
    rates = shown.confusion
    text = (
        f"Right of the threshold {decimal(shown.threshold)} a pair matches: "
        f"{percent(1 - rates.fnmr.value)} of the genuine pairs and {percent(rates.fmr.value)} of the impostor "
        "pairs lie there. What overlaps cannot be told apart by any threshold."
    )
    return Chart(f"Scores of the {shown.part} pairs", text, figure)


def oneshot_chart(shown: Evaluation, subjects: str) -> Chart:
    """Accuracy of the one-shot tasks with their intervals, beside chance; ``subjects`` is what they find."""
    names = [f"{task.n_way}-way" for task in shown.oneshot]
    figure = canvas("Accuracy", "", height=130 + 46 * len(names))
    values = [task.accuracy for task in shown.oneshot]
    figure.add_scatter(
        x=[value.value for value in values],
        y=names,
        error_x={
            "type": "data",
            "array": [value.high - value.value for value in values],
            "arrayminus": [value.value - value.low for value in values],
            "color": GENUINE,
            "thickness": 2,
        },
        mode="markers",
        marker={"color": GENUINE, "size": 11},
        name="accuracy",
    )
    figure.add_scatter(
        x=[task.chance for task in shown.oneshot],
        y=names,
        mode="markers",
        marker={"symbol": "line-ns", "size": 18, "line": {"color": INK, "width": 2}},
        name="chance",
    )
    figure.update_xaxes(range=[0, 1.01], tickformat=".0%")
    figure.update_yaxes(type="category", autorange="reversed", showline=False, ticks="")
    return Chart(
        "Accuracy beside chance",
        f"Which of N {subjects} is shown, given one photo of each? The bar is the interval.",
        figure,
    )


def _line(shown: Evaluation) -> dict[str, Any]:
    return {"color": PART_COLOURS[shown.part], "dash": PART_DASHES[shown.part], "width": 2.2}


def _mark_threshold(figure: go.Figure, shown: Evaluation, x: float, y: float) -> None:
    figure.add_scatter(
        x=[x],
        y=[y],
        mode="markers",
        name="threshold in use",
        marker={"color": "white", "size": 10, "line": {"color": PART_COLOURS[shown.part], "width": 3}},
        hoverinfo="skip",
    )

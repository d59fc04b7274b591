"""Curves of a training over its epochs and over the clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate

import plotly.graph_objects as go

from twinlens.evaluation.result import Epoch, TrainingSummary
from twinlens.reporting.figures.style import ACCENT, GENUINE, INK, TRAIN, VALIDATION, Chart, canvas, vertical
from twinlens.reporting.wording import duration


def training_charts(training: TrainingSummary) -> list[Chart]:
    """Loss and accuracy over epochs and over time, then what else was written down per epoch."""
    epochs = training.epochs
    number = [epoch.epoch for epoch in epochs]
    seconds = list(accumulate(epoch.seconds for epoch in epochs))
    unit, name = (60.0, "Minutes") if seconds and seconds[-1] >= 300 else (1.0, "Seconds")
    time = [second / unit for second in seconds]
    return [
        _curves(training, "Loss over epochs", number, "Epoch", _LOSS),
        _curves(training, "Accuracy over epochs", number, "Epoch", _ACCURACY),
        _curves(training, "Loss over time", time, name, _LOSS),
        _curves(training, "Accuracy over time", time, name, _ACCURACY),
    ]


def diary_charts(training: TrainingSummary) -> list[Chart]:
    """What tells a healthy training from a sick one: learning rate, gradients, penalty, scores and speed."""
    epochs = training.epochs
    rows: tuple[tuple[str, str, str, Callable[[Epoch], float]], ...] = (
        ("Learning rate", "Of the first layer.", "log", lambda epoch: epoch.learning_rate),
        ("Gradient norm", "Mean over the epoch.", "linear", lambda epoch: epoch.gradient_norm),
        ("L2 penalty", "Added to the loss, not part of it above.", "linear", lambda epoch: epoch.l2_penalty),
        ("Spread of validation scores", "Near zero: collapsed.", "linear", lambda epoch: epoch.score_spread),
        ("Images per second", "Trained, both twins counted.", "linear", lambda epoch: epoch.images_per_second),
    )
    charts = []
    for title, text, scale, value in rows:
        figure = canvas("Epoch", "", height=230)
        figure.add_scatter(
            x=[epoch.epoch for epoch in epochs],
            y=[value(epoch) for epoch in epochs],
            mode="lines+markers" if len(epochs) < 3 else "lines",
            line={"color": ACCENT, "width": 2},
            showlegend=False,
        )
        figure.update_yaxes(type=scale, exponentformat="power")
        charts.append(Chart(title, text, figure))
    return charts


_Lines = Sequence[tuple[str, str, str, Callable[[Epoch], float | None]]]
_LOSS: _Lines = (
    ("train", TRAIN, "dot", lambda epoch: epoch.train_loss),
    ("validation", VALIDATION, "solid", lambda epoch: epoch.validation_loss),
)
_ACCURACY: _Lines = (
    ("train", TRAIN, "dot", lambda epoch: epoch.train_accuracy),
    ("validation", VALIDATION, "solid", lambda epoch: epoch.validation_accuracy),
    ("validation AUC", GENUINE, "dash", lambda epoch: epoch.validation_auc),
    ("validation one-shot", ACCENT, "dashdot", lambda epoch: epoch.validation_oneshot),
)


def _curves(training: TrainingSummary, title: str, x: Sequence[float], unit: str, lines: _Lines) -> Chart:
    figure = canvas(unit, title.split()[0])
    for name, colour, dash, value in lines:
        y = [value(epoch) for epoch in training.epochs]
        if any(figure_ is not None for figure_ in y):
            figure.add_scatter(
                x=list(x),
                y=y,
                name=name,
                mode="lines+markers" if len(y) < 3 else "lines",
                line={"color": colour, "width": 2.2, "dash": dash},
            )
    _mark_best(figure, training, x, lines)
    text = (
        f"Best epoch {training.best_epoch} of {len(training.epochs)}, "
        f"reached after {duration(training.seconds_to_best)}."
    )
    return Chart(title, text, figure)


def _mark_best(figure: go.Figure, training: TrainingSummary, x: Sequence[float], lines: _Lines) -> None:
    place = next((i for i, e in enumerate(training.epochs) if e.epoch == training.best_epoch), None)
    if place is None:
        return
    _, colour, _, value = lines[1]
    late = place > len(training.epochs) / 2
    vertical(figure, x[place], "best epoch", "top left" if late else "top right")
    figure.add_scatter(
        x=[x[place]],
        y=[value(training.epochs[place])],
        mode="markers",
        marker={"color": colour, "size": 9, "line": {"color": INK, "width": 1.5}},
        showlegend=False,
        hoverinfo="skip",
    )

"""How the trials of a sweep are marked in its figures, and how far its axes reach."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import plotly.graph_objects as go

from twinlens.evaluation.sweep import SweepResult, Trial
from twinlens.reporting.figures.style import GENUINE, IMPOSTOR, INK, TRAIN
from twinlens.reporting.sweep.sentences import ending, figure, values_text

# Beyond so many times the distance from the best to the middle trial, values are drawn at the edge.
_REACH = 3.0


@dataclass(frozen=True)
class Scale:
    """Objectives as they are drawn: without the few that would press all others into a line.

    Attributes:
        low: Smallest that is drawn in its place.
        high: Largest.
    """

    low: float
    high: float

    def clip(self, value: float) -> float:
        """Where ``value`` is drawn."""
        return min(max(value, self.low), self.high)

    @property
    def axis(self) -> dict[str, Any]:
        """The range of the axis, with room for the marks."""
        room = 0.06 * (self.high - self.low)
        return {"range": [self.low - room, self.high + room]}


def objective_scale(result: SweepResult) -> Scale:
    """From the best to the worst objective of any epoch, unless the worst are far from all others."""
    values = [value for trial in result.trials for value in trial.curve if value is not None]
    ends = [value for trial in result.trials if (value := reached(trial, result)) is not None]
    if not values or min(values) == max(values):
        middle = values[0] if values else 0.5
        return Scale(middle - 0.5, middle + 0.5)
    low, high, middle = min(values), max(values), median(ends)
    if result.higher_is_better and high > middle:
        low = max(low, high - _REACH * (high - middle))
    if not result.higher_is_better and middle > low:
        high = min(high, low + _REACH * (middle - low))
    return Scale(low, high)


def reached(trial: Trial, result: SweepResult) -> float | None:
    """The objective of a finished trial, and that of the best epoch of another; none if it has finished no epoch."""
    if trial.objective is not None:
        return trial.objective
    values = [value for value in trial.curve if value is not None]
    return (max if result.higher_is_better else min)(values, default=None)


def add_trials(drawn: go.Figure, result: SweepResult, scale: Scale, place: Callable[[Trial], Any]) -> None:
    """Mark every trial that has finished an epoch at ``place`` and its objective."""
    for name, colour, symbol, trials in _groups(result):
        shown = [(trial, value) for trial in trials if (value := reached(trial, result)) is not None]
        drawn.add_scatter(
            x=[place(trial) for trial, _ in shown],
            y=[scale.clip(value) for _, value in shown],
            name=name,
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 10, "line": {"color": colour, "width": 1.5}},
            text=[hover(trial, result) for trial, _ in shown],
            hovertemplate="%{text}<extra></extra>",
        )


def hover(trial: Trial, result: SweepResult) -> str:
    """What is said of a trial when it is pointed at."""
    value = reached(trial, result)
    shown = "" if value is None else f": {figure(value, result.metric)}"
    values = values_text(trial.values).replace(", ", "<br>")
    return f"trial {trial.number}{shown}<br>{ending(trial, result.metric)}<br>{values}"


def _groups(result: SweepResult) -> list[tuple[str, str, str, list[Trial]]]:
    """Name, colour, symbol and trials of what is marked alike."""
    groups: dict[str, tuple[str, str, list[Trial]]] = {
        "finished": (TRAIN, "circle", []),
        "pruned or failed": (IMPOSTOR, "circle-open", []),
        "the recipe as it is": (INK, "diamond", []),
        "best": (GENUINE, "star", []),
    }
    for trial in result.trials:
        groups[_group(trial, result)][-1].append(trial)
    return [(name, *group) for name, group in groups.items() if group[-1]]


def _group(trial: Trial, result: SweepResult) -> str:
    if trial.number == result.best_trial:
        return "best"
    if trial.number == result.recipe_trial:
        return "the recipe as it is"
    return "finished" if trial.state == "finished" else "pruned or failed"

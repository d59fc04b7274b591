"""Figures of how a sweep went on, and how its trials learned."""

from __future__ import annotations

from itertools import accumulate

import plotly.graph_objects as go

from twinlens.evaluation.sweep import SweepResult, Trial
from twinlens.reporting.figures.style import ACCENT, GENUINE, IMPOSTOR, TRAIN, Chart, canvas
from twinlens.reporting.sweep.marks import Scale, add_trials
from twinlens.reporting.sweep.sentences import METRICS

# Marks on the axis of trials or epochs, about.
_TICKS = 12


def history_chart(result: SweepResult, scale: Scale) -> Chart:
    """The objective of every trial in the order in which they were begun, and the best so far."""
    drawn = _empty("Trial", len(result.trials), result, scale)
    finished = [(trial.number, trial.objective) for trial in result.trials if trial.objective is not None]
    best = [*accumulate((value for _, value in finished), max if result.higher_is_better else min)]
    drawn.add_scatter(
        x=[*(number for number, _ in finished), len(result.trials)],
        y=[scale.clip(value) for value in (*best, *best[-1:])],
        name="best so far",
        mode="lines",
        line={"color": ACCENT, "width": 2, "shape": "hv"},
        hoverinfo="skip",
    )
    add_trials(drawn, result, scale, lambda trial: trial.number)
    text = "What was pruned or failed stands where its best epoch was, and what is far worse than all else at the edge."
    drawn.update_layout(height=360, margin={"t": 66})  # five entries in the legend, which take three lines
    return Chart("Trial by trial", text, drawn)


def curves_chart(result: SweepResult, scale: Scale) -> Chart:
    """The objective after each epoch, a line for every trial."""
    drawn = _empty("Epoch", max(len(trial.curve) for trial in result.trials), result, scale)
    begun = [trial for trial in result.trials if trial.curve]
    best = [trial for trial in begun if trial.number == result.best_trial]
    finished = [trial for trial in begun if trial.state == "finished" and trial not in best]
    others = [trial for trial in begun if trial.state != "finished"]
    _add_curves(drawn, "finished", finished, {"color": TRAIN, "width": 1.4}, scale)
    _add_curves(drawn, "pruned or failed", others, {"color": IMPOSTOR, "width": 1.4, "dash": "dot"}, scale)
    _add_curves(drawn, "best", best, {"color": GENUINE, "width": 3}, scale)
    drawn.update_layout(height=360, margin={"t": 66})
    return Chart("Epoch by epoch", "By these curves the hopeless were told from the others.", drawn)


def _add_curves(drawn: go.Figure, name: str, trials: list[Trial], line: dict[str, str | float], scale: Scale) -> None:
    for trial in trials:
        drawn.add_scatter(
            x=list(range(1, len(trial.curve) + 1)),
            y=[None if value is None else scale.clip(value) for value in trial.curve],
            name=name,
            legendgroup=name,
            showlegend=trial is trials[0],
            mode="lines+markers",
            line=line,
            marker={"size": 6 if len(trial.curve) == 1 else 4},
            hovertemplate=f"trial {trial.number}, epoch %{{x}}: %{{y:.4f}}<extra></extra>",
        )


def _empty(x: str, last: int, result: SweepResult, scale: Scale) -> go.Figure:
    drawn = canvas(x, METRICS[result.metric].capitalize())
    drawn.update_xaxes(dtick=max(1, round(last / _TICKS)), range=[0.4, last + 0.6])
    drawn.update_yaxes(**scale.axis)
    return drawn

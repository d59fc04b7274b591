"""Figures of what the keys have to do with the objective."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from twinlens.evaluation.sweep import SweepResult, Trial
from twinlens.reporting.figures.style import GENUINE, GRID, IMPOSTOR, MUTED, TRAIN, Chart, canvas
from twinlens.reporting.sweep.marks import Scale, add_trials, hover
from twinlens.reporting.sweep.sentences import METRICS, RISK, p_text, tried, value_text

_PALE = "#C9D3DE"


def importance_chart(result: SweepResult) -> Chart:
    """The share of each key in what sets the best third of the trials apart."""
    rows = result.importances[::-1]
    drawn = canvas("Share", "", height=84 + 34 * len(rows))
    drawn.add_bar(
        x=[row.share for row in rows],
        y=[row.key for row in rows],
        orientation="h",
        marker={"color": [GENUINE if row.p_value < RISK else _PALE for row in rows]},
        text=[f"p {p_text(row.p_value)}" for row in rows],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:.0%}<extra></extra>",
    )
    drawn.update_xaxes(tickformat=".0%", range=[0, 1.25], tickvals=[0, 0.25, 0.5, 0.75, 1])
    drawn.update_yaxes(automargin=True, ticks="", ticksuffix=" ")
    drawn.update_layout(margin={"t": 8})
    text = f"Pale bars may be chance, however long they are: p of {RISK:g} or more, corrected for the number of keys."
    return Chart("What sets the best third of the trials apart", text, drawn)


def slice_charts(result: SweepResult, scale: Scale) -> list[Chart]:
    """The objective against the values of each key."""
    charts = []
    for key, values in result.question["vary"].items():
        drawn = canvas(key, METRICS[result.metric].capitalize(), height=260)

        def place(trial: Trial, key: str = key, choice: bool = "values" in values) -> Any:
            return value_text(trial.values[key]) if choice else trial.values[key]

        add_trials(drawn, result, scale, place)
        if "values" in values:
            order = [value_text(value) for value in values["values"]]
            drawn.update_xaxes(type="category", categoryorder="array", categoryarray=order)
        elif values["log"]:
            drawn.update_xaxes(type="log", exponentformat="power", dtick=1)
        drawn.update_layout(showlegend=False, margin={"t": 10})
        drawn.update_yaxes(**scale.axis)
        charts.append(Chart(key, f"Tried: {tried(values)}.", drawn))
    return charts


def parallel_chart(result: SweepResult) -> Chart:
    """Every trial as a line through its values."""
    vary: dict[str, Mapping[str, Any]] = result.question["vary"]
    drawn = canvas("", "", height=380)
    for trial in sorted((t for t in result.trials if t.values), key=lambda t: t.number == result.best_trial):
        best = trial.number == result.best_trial
        colour = GENUINE if best else TRAIN if trial.state == "finished" else IMPOSTOR
        drawn.add_scatter(
            x=list(range(len(vary))),
            y=[_height(trial.values[key], values) for key, values in vary.items()],
            mode="lines+markers",
            line={
                "color": colour,
                "width": 3.5 if best else 1.2,
                "dash": "solid" if trial.state == "finished" else "dot",
            },
            marker={"size": 8 if best else 5},
            text=hover(trial, result),
            hovertemplate="%{text}<extra></extra>",
            showlegend=False,
        )
    for i, values in enumerate(vary.values()):
        drawn.add_vline(x=i, line={"color": GRID, "width": 1}, layer="below")
        for label, height in _ticks(values):
            drawn.add_annotation(
                x=i,
                y=height,
                text=label,
                showarrow=False,
                xshift=7,
                xanchor="left",
                font={"size": 11, "color": MUTED},
                bgcolor="rgba(255, 255, 255, 0.85)",
                borderpad=1,
            )
    names = [key.replace(".", ".<br>") for key in vary]
    drawn.update_xaxes(
        tickvals=list(range(len(vary))),
        ticktext=names,
        showgrid=False,
        range=[-0.15, len(vary) - 0.6],
        autotickangles=[0, 90],
        automargin=True,
    )
    drawn.update_yaxes(visible=False, range=[-0.08, 1.08])
    drawn.update_layout(margin={"l": 24, "r": 24, "t": 10, "b": 60})
    text = "Each line is a trial: blue and thick the best, grey what finished, dotted what was pruned or failed."
    return Chart("All values together", text, drawn, wide=True)


def _height(value: Any, values: Mapping[str, Any]) -> float:
    """Where a value lies between the bottom and the top of its axis, from 0 to 1."""
    if "values" in values:
        return float(values["values"].index(value)) / (len(values["values"]) - 1)
    low, high = values["low"], values["high"]
    if values["log"]:
        return math.log(value / low) / math.log(high / low)
    return float((value - low) / (high - low))


def _ticks(values: Mapping[str, Any]) -> list[tuple[str, float]]:
    shown = values["values"] if "values" in values else (values["low"], values["high"])
    return [(value_text(value), _height(value, values)) for value in shown]

"""Error rates by what can be measured about a pair."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from twinlens.reporting.errors_by import Factor
from twinlens.reporting.figures.style import GENUINE, IMPOSTOR, Chart, canvas
from twinlens.reporting.wording import decimal, percent_interval
from twinlens.types import Interval

_SHIFT = 0.08  # keeps the two bars of one quarter apart


def factor_chart(factor: Factor) -> Chart:
    """Both error rates per quarter of the pairs, with their intervals."""
    quarters = factor.quarters
    figure = canvas(f"{factor.name}, quarters of the pairs", "Error rate", height=300)
    _rates(figure, "genuine missed", [q.fnmr for q in quarters], GENUINE, "circle", -_SHIFT)
    _rates(figure, "impostors matched", [q.fmr for q in quarters], IMPOSTOR, "square", _SHIFT)
    labels = [f"{decimal(q.low, 2)} to {decimal(q.high, 2)}" for q in quarters]
    figure.update_xaxes(tickvals=list(range(len(quarters))), ticktext=labels, tickfont_size=11)
    figure.update_yaxes(tickformat=".0%", rangemode="tozero")
    first, last = quarters[0].error_rate, quarters[-1].error_rate
    judgement = "More than chance explains." if factor.matters else "Chance may explain the difference."
    text = (
        f"{factor.meaning} Wrong decisions in the lowest quarter: {percent_interval(first)}; in the highest: "
        f"{percent_interval(last)}. {judgement}"
    )
    return Chart(factor.name, text, figure)


def _rates(
    figure: go.Figure,
    name: str,
    rates: Sequence[Interval | None],
    colour: str,
    symbol: str,
    shift: float,
) -> None:
    known = [(i + shift, rate) for i, rate in enumerate(rates) if rate is not None]
    figure.add_scatter(
        x=[place for place, _ in known],
        y=[rate.value for _, rate in known],
        error_y={
            "type": "data",
            "array": [rate.high - rate.value for _, rate in known],
            "arrayminus": [rate.value - rate.low for _, rate in known],
            "thickness": 1.6,
            "width": 5,
        },
        mode="lines+markers",
        line={"color": colour, "width": 1.5},
        marker={"size": 8, "symbol": symbol},
        name=name,
    )

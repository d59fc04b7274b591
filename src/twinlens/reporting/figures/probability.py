"""Whether the match probability is true."""

from __future__ import annotations

from twinlens.evaluation.figures import Evaluation
from twinlens.reporting.figures.style import GENUINE, GRID, MUTED, Chart, canvas
from twinlens.reporting.wording import decimal, percent


def reliability_chart(shown: Evaluation) -> Chart:
    """Reliability diagram: what was promised against what came, and how many pairs that rests on."""
    figure = canvas("Match probability that was given", "Share that was genuine", height=400)
    bins = shown.calibration.bins
    density = [bar.count / max(bar.high - bar.low, 1e-6) for bar in bins]
    figure.add_bar(
        x=[(bar.low + bar.high) / 2 for bar in bins],
        y=[0.25 * value / max(density) for value in density],
        width=[bar.high - bar.low for bar in bins],
        marker={"color": GRID, "line": {"color": "white", "width": 1}},
        customdata=[bar.count for bar in bins],
        hovertemplate="%{customdata} pairs",
        name="how often given",
    )
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line={"color": MUTED, "width": 1, "dash": "dot"}, name="true")
    figure.add_scatter(
        x=[bar.mean_probability for bar in bins],
        y=[bar.genuine_share for bar in bins],
        mode="lines+markers",
        line={"color": GENUINE, "width": 2},
        marker={"size": 9},
        name=shown.part,
    )
    figure.update_xaxes(range=[-0.02, 1.02], tickformat=".0%")
    figure.update_yaxes(range=[-0.02, 1.02], tickformat=".0%")
    figures = shown.calibration
    text = (
        "Where the points lie on the diagonal, 80 % means 80 %. Below it the network is too sure of a match, "
        f"above it not sure enough. On average it is off by "
        f"{percent(figures.expected_calibration_error.value)}; Cllr is {decimal(figures.cllr.value)}, of which "
        f"{decimal(figures.cllr_min)} would remain after the best possible calibration."
    )
    return Chart("Reliability of the match probability", text, figure)

"""An ablation as a table, with what of it is more than noise, and as a figure."""

from __future__ import annotations

from collections.abc import Iterator

from twinlens.reporting.figures.style import GENUINE, GRID, MUTED
from twinlens.reporting.results.ablation import Study, Switch
from twinlens.reporting.results.svg import Panel, Stroke, dot, line, picture, text, ticks
from twinlens.reporting.results.table import lines, markdown_table
from twinlens.reporting.results.versus import Versus
from twinlens.reporting.verdict import setting
from twinlens.reporting.wording import (
    count,
    counted,
    decimal,
    decimal_span,
    duration,
    listing,
    p_value,
    percent,
    percent_span,
    points,
    points_span,
)


def study_title(study: Study) -> str:
    """What the base is called, and under which rules it was trained."""
    return f"{study.base.name}, {setting(study.base.result)}"


def study_terms(study: Study) -> str:
    """What all of its runs have in common."""
    base, shown = study.base.result, study.base.result.validation
    epochs = counted(len(base.training.epochs), "epoch")
    terms = (
        f"{count(shown.genuine_pairs + shown.impostor_pairs)} validation pairs of {count(shown.subjects)} people of "
        f"{shown.protocol}, seed {study.base.drawn_by}; {epochs} of the base took {duration(base.training.seconds)}."
    )
    if not study.again:
        return f"{terms} There is one run of the base, so a difference is one of two models: another seed may undo it."
    runs = counted(1 + len(study.again), "run")
    return (
        f"{terms} Switches are held against the mean of {runs} of the base, which differ in the seed of the training "
        "alone; what lies between these is in the intervals."
    )


def study_table(study: Study) -> str:
    """Markdown: a row for each run of the base and one for each switch."""
    columns = [
        ("Switch", "---"),
        ("Accuracy", "---:"),
        ("Minus the base, points", "---:"),
        ("AUC", "---:"),
        ("Minus the base", "---:"),
        ("EER", "---:"),
        ("Cllr", "---:"),
        ("Parameters, time", "---:"),
    ]
    return markdown_table(columns, [_row(study, run) for run in _runs(study)])


def study_summary(study: Study) -> Iterator[str]:
    """Which switches are better than the base, which worse, and of which that is not known."""
    beyond = {name: one for name, one in study.versus.items() if one.beyond_noise}
    better = [name for name, one in beyond.items() if one.accuracy.interval.value > 0]
    worse = [name for name in beyond if name not in better]
    unknown = [name for name in study.versus if name not in beyond]
    for what, names in (("Better beyond noise", better), ("Worse beyond noise", worse), ("Within noise", unknown)):
        if names:
            yield f"{what}: {listing(names)}."


def study_commands(study: Study) -> list[str]:
    """What trains each of its runs again, as far as its recipe comes with twinlens."""
    return [run.command for run in _runs(study) if run.command]


def study_figure(study: Study) -> str:
    """The difference of each switch to the base in accuracy, with its interval, as SVG."""
    shown = [(run.name, study.versus[run.name]) for run in study.switches if run.name in study.versus]
    row, top, left = 24.0, 44.0, 230.0
    ends = [end for _, one in shown for end in (one.accuracy.interval.low, one.accuracy.interval.high)]
    widest = 1.05 * max(map(abs, ends), default=0.01)
    panel = Panel(left, top, 700.0, row * len(shown), (-widest, widest), (0.0, float(max(1, len(shown)))))
    elements = [text(left, 20, f"Accuracy on validation pairs minus that of {study.base.name}", size=14, weight=600)]
    elements += _grid(panel)
    for i, (name, one) in enumerate(shown):
        at, span = len(shown) - i - 0.5, one.accuracy.interval
        colour = GENUINE if one.beyond_noise else MUTED
        elements.append(text(left - 12, panel.place(0, at)[1] + 4, name, anchor="end"))
        elements.append(line(panel, [span.low, span.high], [at, at], Stroke("", colour, width=2.4)))
        elements.append(dot(panel, span.value, at, colour, 5))
    height = int(top + panel.height + 52)
    return picture(1000, height, f"Difference of every switch to {study.base.name}, with intervals", elements)


def _grid(panel: Panel) -> list[str]:
    bottom, found = panel.top + panel.height, []
    for value in ticks(*panel.x):
        x, _ = panel.place(value, 0)
        found.append(f'<path d="M{x:.1f} {panel.top:g}V{bottom:g}" stroke="{MUTED if value == 0 else GRID}"/>')
        found.append(text(x, bottom + 18, points(value), colour=MUTED, anchor="middle"))
    note = "Percentage points; blue: beyond noise, grey: within noise, after correction for their number"
    return [*found, text(panel.left, bottom + 40, note, colour=MUTED)]


def _runs(study: Study) -> tuple[Switch, ...]:
    return study.base, *study.again, *study.switches


def _row(study: Study, run: Switch) -> list[str]:
    shown, training = run.result.validation, run.result.training
    versus = study.versus.get(run.name)
    accuracy, auc = _minus(versus) if versus else ("–", "–") if run not in study.switches else ("other pairs",) * 2
    return [
        _title(study, run),
        lines(percent(shown.accuracy.value), percent_span(shown.accuracy)),
        accuracy,
        decimal(shown.auc.value),
        auc,
        lines(percent(shown.eer.value), percent_span(shown.eer)),
        lines(decimal(shown.calibration.cllr.value), decimal_span(shown.calibration.cllr)),
        lines(f"{training.parameters / 1e6:.1f} M", duration(training.seconds)),
    ]


def _title(study: Study, run: Switch) -> str:
    """Name and changes, and other rules where it was trained under such."""
    if run.file is None:
        return run.name
    seed = [f"seed {run.result.provenance.seed}"] if run in study.again else []
    changes = [f"`{change}`" for change in run.file.changes] if run in study.switches else seed
    rules = setting(run.result)
    other = [f"**{rules}**"] if rules != setting(study.base.result) else []
    return "<br>".join([f"[{run.name}](../../recipes/{run.file.name}.yaml)", *changes, *other])


def _minus(versus: Versus) -> tuple[str, str]:
    accuracy, auc = versus.accuracy.interval, versus.auc.interval
    found = "**beyond noise**" if versus.beyond_noise else "within noise"
    return (
        lines(f"{points(accuracy.value)} ({points_span(accuracy)})", f"p {p_value(versus.p_value)}", found),
        lines(decimal(auc.value), decimal_span(auc)),
    )

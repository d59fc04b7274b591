"""The figures of the results page: what a training looked like, how well it decides, and all recipes side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from twinlens.evaluation.figures import Evaluation
from twinlens.evaluation.result import Epoch, Result
from twinlens.reporting.compare.recipes import Recipe
from twinlens.reporting.figures.style import ACCENT, GENUINE, GRID, MUTED, TRAIN, VALIDATION
from twinlens.reporting.results.svg import Panel, Stroke, axes, dot, legend, line, picture, text, ticks
from twinlens.reporting.results.versus import BASELINE
from twinlens.types import Interval

_LOSS_AT_CHANCE = math.log(2)
_WIDTH, _HEIGHT = 1000, 310
_PANEL = (60.0, 246.0, 190.0)  # from the panel's slot to its left, its width, its height
_TOP, _SLOT = 62.0, 332.0
# A training that is only unlucky in its first epoch would flatten all that comes after.
_MOST_LOSS = 2.0
_MOST_POINTS = 200
_PAIR_LOSSES = ("binary-cross-entropy", "contrastive")


def training_figure(name: str, runs: Sequence[Result], baseline: Evaluation | None) -> str:
    """Loss and accuracy over the epochs and the ROC on the test pairs, as SVG; seeds lie over each other.

    Args:
        name: Of the recipe.
        runs: Its tested runs, the first of which is drawn strongest.
        baseline: The test of the recipe that it is held against, drawn behind; ``None`` for that recipe itself.
    """
    longest = max(len(run.training.epochs) for run in runs)
    elements = [*_loss(runs, longest), *_accuracy(runs, longest), *_roc(runs, baseline)]
    return picture(_WIDTH, _HEIGHT, f"{name}: loss and accuracy over the epochs, and ROC on the test pairs", elements)


def accuracy_figure(recipes: Sequence[Recipe], accuracy: Mapping[str, Interval]) -> str:
    """Test accuracy of several recipes with intervals over the test people; small dots are single seeds."""
    row, top, left = 26.0, 44.0, 230.0
    height = int(top + row * len(recipes) + 52)
    panel = Panel(left, top, 720.0, row * len(recipes), _ends(accuracy), (0.0, float(len(recipes))))
    elements = _guides(panel, accuracy.get(BASELINE))
    for i, recipe in enumerate(recipes):
        at, shown = len(recipes) - i - 0.5, accuracy[recipe.label]
        elements.append(text(left - 12, panel.place(0, at)[1] + 4, recipe.label, anchor="end"))
        elements.append(line(panel, [shown.low, shown.high], [at, at], Stroke("", GENUINE, width=2.4)))
        tests = [run.result.test for run in recipe.runs.values()]
        if len(tests) > 1:
            elements += [dot(panel, test.accuracy.value, at, VALIDATION, 3) for test in tests if test]
        elements.append(dot(panel, shown.value, at, GENUINE, 5))
    title = text(left, 20, "Accuracy on the test pairs", size=14, weight=600)
    return picture(_WIDTH, height, "Test accuracy of every recipe with its interval", [title, *elements])


def _guides(panel: Panel, baseline: Interval | None) -> list[str]:
    """The grid of the forest, and the baseline's interval as a band behind all."""
    bottom = panel.top + panel.height
    elements = []
    if baseline:
        low, high = (panel.place(value, 0)[0] for value in (baseline.low, baseline.high))
        elements.append(
            f'<rect x="{low:.1f}" y="{panel.top:g}" width="{high - low:.1f}" height="{panel.height:g}" fill="{GRID}"/>'
        )
    for value in ticks(*panel.x):
        x, _ = panel.place(value, 0)
        elements.append(f'<path d="M{x:.1f} {panel.top:g}V{bottom:g}" stroke="{GRID}"/>')
        elements.append(text(x, bottom + 18, _percent(value), colour=MUTED, anchor="middle"))
    band = f"; grey band: the interval of {BASELINE}" if baseline else ""
    note = f"50 % is guessing; blue: mean and interval over people; orange: single seeds{band}"
    elements.append(text(panel.left, bottom + 40, note, colour=MUTED))
    return elements


def _ends(accuracy: Mapping[str, Interval]) -> tuple[float, float]:
    """From guessing, or below where an interval goes there, to the next twentieth above all intervals."""
    low, high = min(one.low for one in accuracy.values()), max(one.high for one in accuracy.values())
    return min(0.5, math.floor(20 * low) / 20), min(1.0, math.ceil(20 * high) / 20)


def _loss(runs: Sequence[Result], longest: int) -> list[str]:
    comparable = runs[0].recipe["loss"]["kind"] == "binary-cross-entropy"
    train = Stroke("training", TRAIN, "dot")
    validation = Stroke("validation", VALIDATION)
    lines: list[tuple[Stroke, Callable[[Epoch], float | None]]] = [(validation, lambda epoch: epoch.validation_loss)]
    if comparable:  # other losses have units of their own
        lines.insert(0, (train, lambda epoch: epoch.train_loss))
    values = [value(epoch) or 0.0 for run in runs for epoch in run.training.epochs for _, value in lines]
    panel = _panel(0, longest, (0.0, max(0.8, min(_MOST_LOSS, 1.05 * max(values)))))
    guess = line(panel, [1, longest], [_LOSS_AT_CHANCE] * 2, Stroke("", MUTED, "dash", 1))
    elements = [*axes(panel, "Loss", "Epoch", "{:g}".format), guess, *_curves(panel, runs, lines)]
    return [*elements, *legend(panel, [stroke for stroke, _ in lines] + [Stroke("guessing", MUTED, "dash", 1)])]


def _accuracy(runs: Sequence[Result], longest: int) -> list[str]:
    oneshot = Stroke("one-shot", ACCENT, "dashdot")
    lines: list[tuple[Stroke, Callable[[Epoch], float | None]]] = [
        (Stroke("training", TRAIN, "dot"), lambda epoch: epoch.train_accuracy),
        (Stroke("validation", VALIDATION), lambda epoch: epoch.validation_accuracy),
        (oneshot, lambda epoch: epoch.validation_oneshot),
    ]
    if runs[0].recipe["loss"]["kind"] not in _PAIR_LOSSES:
        del lines[0]  # such a training decides on classes, not on pairs
    if any(epoch.validation_oneshot is None for run in runs for epoch in run.training.epochs):
        lines = [one for one in lines if one[0] is not oneshot]
    panel = _panel(1, longest, (0.0, 1.0))
    elements = axes(panel, "Accuracy", "Epoch", _percent)
    return [*elements, *_curves(panel, runs, lines), *legend(panel, [stroke for stroke, _ in lines])]


def _roc(runs: Sequence[Result], baseline: Evaluation | None) -> list[str]:
    panel = Panel(_PANEL[0] + 2 * _SLOT, _TOP, _PANEL[1], _PANEL[2], (0.0, 1.0), (0.0, 1.0))
    own, other = Stroke("this recipe", GENUINE), Stroke(BASELINE, MUTED, width=1.6)
    elements = axes(panel, "Genuine pairs matched, test", "False match rate (FMR)", _percent, _percent)
    elements.append(line(panel, [0, 1], [0, 1], Stroke("", MUTED, "dash", 1)))
    if baseline:
        elements.append(_roc_line(panel, baseline, other))
    for i, run in reversed(list(enumerate(runs))):
        if run.test:
            elements.append(_roc_line(panel, run.test, own, 1 if i == 0 else 0.4))
    return [*elements, *legend(panel, [own, other] if baseline else [own])]


def _percent(share: float) -> str:
    return f"{100 * share:g} %"


def _roc_line(panel: Panel, test: Evaluation, stroke: Stroke, opacity: float = 1.0) -> str:
    points = list(zip(test.curve.fmr, (1 - rate for rate in test.curve.fnmr), strict=True))
    step = max(1, len(points) // _MOST_POINTS)
    kept = [(0.0, 0.0), *points[::step], (1.0, 1.0)]
    return line(panel, [x for x, _ in kept], [y for _, y in kept], stroke, opacity)


def _panel(slot: int, longest: int, y: tuple[float, float]) -> Panel:
    return Panel(_PANEL[0] + slot * _SLOT, _TOP, _PANEL[1], _PANEL[2], (1.0, max(2.0, float(longest))), y)


def _curves(
    panel: Panel, runs: Sequence[Result], lines: Sequence[tuple[Stroke, Callable[[Epoch], float | None]]]
) -> list[str]:
    elements = []
    for i, run in reversed(list(enumerate(runs))):
        epochs = run.training.epochs
        for stroke, value in lines:
            known = [(float(epoch.epoch), y) for epoch in epochs if (y := value(epoch)) is not None]
            elements.append(line(panel, [x for x, _ in known], [y for _, y in known], stroke, 1 if i == 0 else 0.4))
        best = next(epoch for epoch in epochs if epoch.epoch == run.training.best_epoch)
        elements += [dot(panel, best.epoch, y, stroke.colour) for stroke, value in lines[-1:] if (y := value(best))]
    return elements

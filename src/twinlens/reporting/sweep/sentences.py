"""A sweep in words: what a trial came to, what the best one is worth, and what may not be concluded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from twinlens.config.space import written
from twinlens.evaluation.sweep import SweepResult, Trial
from twinlens.reporting.wording import count, counted, decimal, listing, p_value, percent, points

METRICS = {
    "validation_loss": "validation loss",
    "validation_auc": "validation AUC",
    "validation_oneshot": "validation one-shot accuracy",
}
# What a p-value must stay below for a key to count as more than chance.
RISK = 0.05
# With so many finished trials or fewer, the best is not much of a choice.
_FEW = 10


def figure(value: float, metric: str) -> str:
    """A value of the objective, written out."""
    return percent(value) if metric == "validation_oneshot" else decimal(value, 4)


def value_text(value: Any) -> str:
    """A value of a key, with as many digits as one can read."""
    return f"{value:.3g}" if isinstance(value, float) else written(value)


def values_text(values: Mapping[str, Any]) -> str:
    """The values that a trial has of its own."""
    return ", ".join(f"{key}={value_text(value)}" for key, value in values.items())


def tried(values: Mapping[str, Any]) -> str:
    """The values that a key might take."""
    if "values" in values:
        return ", ".join(value_text(value) for value in values["values"])
    how = ", on a logarithmic scale" if values["log"] else f", in steps of {values['step']:g}" if values["step"] else ""
    return f"{value_text(values['low'])} to {value_text(values['high'])}{how}"


def p_text(value: float) -> str:
    """A p-value after its p: ``= 0.032`` or ``< 0.001``."""
    text = p_value(value)
    return text if text.startswith("<") else f"= {text}"


def ending(trial: Trial, metric: str) -> str:
    """How a trial ended, in a few words."""
    epochs = counted(len(trial.curve), "epoch")
    match trial.state:
        case "finished" if trial.objective is not None and trial.best is not None:
            where = f"at epoch {trial.best.epoch} of {len(trial.curve)}"
            return f"{METRICS[metric]} {figure(trial.objective, metric)} {where}"
        case "pruned":
            return f"pruned after {epochs}"
        case "failed":
            return f"failed after {epochs}: {trial.reason}"
        case state:
            return state


def verdict(result: SweepResult) -> str:
    """One plain sentence: which trial is best, and how the recipe itself compares."""
    best, recipe = trial_of(result, result.best_trial), trial_of(result, result.recipe_trial)
    if best is None or best.objective is None:
        return f"None of the {len(result.trials)} trials of {result.name} was trained to its end."
    claim = (
        f"The best of {len(result.trials)} trials of {result.name} is trial {best.number}, with a "
        f"{METRICS[result.metric]} of {figure(best.objective, result.metric)}"
    )
    if recipe is None:
        return f"{claim}."
    if recipe is best:
        return f"{claim}: the recipe as it is."
    return f"{claim}; the recipe as it is {_has(recipe, result.metric)}."


def _has(trial: Trial, metric: str) -> str:
    if trial.objective is not None:
        return f"has {figure(trial.objective, metric)}"
    return f"was {trial.state}" if trial.state in ("pruned", "failed") else "is not trained yet"


def caveats(result: SweepResult) -> Iterator[str]:
    """What must be said in red beside every figure of this sweep."""
    if result.synthetic:
        yield "Not a result: the faces are synthetic, so these figures say that the program runs and nothing more."
    if result.leaks:
        yield "Leaking: training and validation share people, so the sweep may prefer what learns people by heart."
    left = sum(trial.state in ("running", "waiting") for trial in result.trials)
    if left:
        yield f"Not finished: {left} of {counted(len(result.trials), 'trial')} are still to come."
    finished = sum(trial.state == "finished" for trial in result.trials)
    if 0 < finished <= _FEW:
        yield (
            f"Few trials: only {finished} ran to the end. That is enough to find out what does not work, "
            "not to find out what is best."
        )


def importance_sentence(result: SweepResult) -> str:
    """Which keys count for more than chance would have it."""
    ended = sum(trial.state in ("finished", "pruned", "failed") for trial in result.trials)
    if not result.importances:
        return f"With {counted(ended, 'trial')} nothing can be said about which key matters; eight are the least."
    real = [row for row in result.importances if row.p_value < RISK]
    if not real:
        return (
            f"No key stands out from chance. That does not mean that none matters: {counted(ended, 'trial')} are few "
            f"for {counted(len(result.importances), 'key')}."
        )
    named = listing([f"{row.key} (p {p_text(row.p_value)})" for row in real])
    rest = (
        " About the other keys these trials are too few to say anything." if len(real) < len(result.importances) else ""
    )
    return f"More than chance sets the best third of {counted(ended, 'trial')} apart: {named}.{rest}"


def luck(result: SweepResult) -> str:
    """Why the best trial looks better than it is."""
    pairs = result.validation.genuine_pairs + result.validation.impostor_pairs
    return (
        f"All trials were judged on the same {count(pairs)} validation pairs, and with the same seed. On so many pairs "
        f"an accuracy near one half has a standard error of {points(0.5 / pairs**0.5)} points, so the best of several "
        "is in part the luckiest of them, and its figures are too good. No trial has looked at the test pairs. To know "
        "what the winner is worth, train it and the recipe with several seeds, and test both."
    )


def winner_comment(result: SweepResult) -> str:
    """What stands above the winner's recipe."""
    best = trial_of(result, result.best_trial)
    assert best is not None
    return (
        f"# The best of {len(result.trials)} trials of the sweep {result.name}, chosen on validation pairs:\n"
        f"# trial {best.number}, {ending(best, result.metric)}.\n"
        f"# {values_text(best.values)}\n"
    )


def trial_of(result: SweepResult, number: int | None) -> Trial | None:
    """The trial of a number, if there is one."""
    return None if number is None else result.trials[number - 1]

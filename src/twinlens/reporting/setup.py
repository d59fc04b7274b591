"""The training setup as tables: whatever the recipe says, in the order in which it says it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from twinlens.evaluation.result import Result
from twinlens.reporting.wording import duration

_TITLES = {
    "data": "Data",
    "split": "Validation split",
    "frame": "Crop",
    "normalisation": "Normalisation",
    "network": "Network",
    "initial": "Initial weights",
    "loss": "Loss",
    "distillation": "Distillation",
    "augment": "Augmentation",
    "mixing": "Mixing",
    "optimiser": "Optimiser and regularisation",
    "schedule": "Learning-rate schedule",
    "training": "Training",
    "evaluation": "Evaluation",
}


@dataclass(frozen=True)
class Group:
    """One section of the recipe: its title and what is set, as label and value."""

    title: str
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class LayerRate:
    """What the optimiser does to one layer, before any schedule."""

    layer: str
    learning_rate: str
    momentum: str
    l2: str


def setup(recipe: Mapping[str, Any]) -> tuple[Group, ...]:
    """The sections of a resolved recipe; rates of single layers are left to :func:`layer_rates`."""
    return tuple(
        Group(_title(section, values), tuple(_rows(values)))
        for section, values in recipe.items()
        if isinstance(values, Mapping)
    )


def layer_rates(recipe: Mapping[str, Any]) -> tuple[LayerRate, ...]:
    """Learning rate, momentum and L2 of the layers with their own, and of all others."""
    optimiser = recipe.get("optimiser", {})
    own = [_layer_rate(name, rates, optimiser) for name, rates in optimiser.get("layers", {}).items()]
    return (*own, _layer_rate("all others" if own else "all", {}, optimiser))


def stopping(result: Result) -> str:
    """The stopping rule and how the training ended, in a few sentences."""
    rule, done = result.recipe.get("training", {}), result.training
    monitor = str(rule.get("monitor", "validation loss")).replace("_", " ")
    least = f" by more than {rule['min_delta']:g}" if rule.get("min_delta") else ""
    return (
        f"Stops when the {monitor} has not improved{least} for {rule.get('patience', '?')} epochs, at the latest "
        f"after {rule.get('max_epochs', '?')}. Ended after {len(done.epochs)} epochs and {duration(done.seconds)} "
        f"({done.stopped_by}); the weights are those of epoch {done.best_epoch}, reached after "
        f"{duration(done.seconds_to_best)}."
    )


def _layer_rate(layer: str, rates: Mapping[str, Any], optimiser: Mapping[str, Any]) -> LayerRate:
    def text(key: str) -> str:
        value = optimiser.get(key) if rates.get(key) is None else rates[key]
        return "none" if value is None else f"{value:g}"

    return LayerRate(layer, text("learning_rate"), text("momentum"), text("l2"))


def _title(section: str, values: Mapping[str, Any]) -> str:
    title = _TITLES.get(section, section.capitalize())
    return f"{title}: {values['kind']}" if "kind" in values else title


def _rows(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        label = f"{prefix}{key.replace('_', ' ')}"
        if value is None or (key == "kind" and not prefix):  # not set; in the title
            continue
        if not isinstance(value, Mapping):
            yield label.removesuffix(": kind"), _text(value)
        elif value.keys() == {"mean", "std"}:
            yield label, f"N({value['mean']:g}, {value['std']:g})"
        elif key != "layers":
            yield from _rows(value, f"{label}: ")


def _text(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case list() | tuple():
            return ", ".join(_text(item) for item in value) or "none"
        case _:
            return str(value)

"""Values of configuration keys as Optuna's parameters, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import optuna

from twinlens.config.space import Choice, Values

# What a database of Optuna keeps as it is.
Label = str | int | float | bool | None


def suggest(trial: optuna.Trial, vary: Mapping[str, Values]) -> dict[str, Any]:
    """The values that a trial has of its own; drawn, unless they have been drawn before."""
    return {key: _suggest(trial, key, values) for key, values in vary.items()}


def to_params(own: Mapping[str, Any], vary: Mapping[str, Values]) -> dict[str, Label]:
    """Values that were not drawn, as Optuna would keep them."""
    return {key: _label(value) if isinstance(vary[key], Choice) else value for key, value in own.items()}


def to_values(params: Mapping[str, Label], vary: Mapping[str, Values]) -> dict[str, Any]:
    """What Optuna has kept, as values of the configuration."""
    return {key: _value(params[key], values) for key, values in vary.items() if key in params}


def _suggest(trial: optuna.Trial, key: str, values: Values) -> Any:
    if isinstance(values, Choice):
        return _value(trial.suggest_categorical(key, [_label(value) for value in values.values]), values)
    if isinstance(values.low, int) and isinstance(values.high, int):
        return trial.suggest_int(key, values.low, values.high, step=int(values.step or 1), log=values.log)
    return trial.suggest_float(key, values.low, values.high, step=values.step, log=values.log)


def _value(param: Label, values: Values) -> Any:
    if not isinstance(values, Choice):
        return param
    return next(value for value in values.values if _label(value) == param)


def _label(value: Any) -> Label:
    return value if value is None or isinstance(value, str | int | float | bool) else json.dumps(value, sort_keys=True)

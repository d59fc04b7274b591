"""Sweeps: from a YAML file or a command line to a :class:`SweepConfig` that no trial can contradict."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from twinlens.config.explain import explain
from twinlens.config.load import (
    FOLDERS,
    change_config,
    find_recipe,
    load_config,
    override,
    recipe_names,
)
from twinlens.config.sections import Config
from twinlens.config.space import Choice, Values
from twinlens.config.sweep import SweepConfig, look_up
from twinlens.config.yaml_file import read_yaml
from twinlens.errors import ConfigError

# What all trials must have in common, or they would be judged on other pairs or by another rule. Trials are spread
# over processes by starting the sweep several times, not by training one of them in several.
_FIXED = ("name", "seed", "data", "split", "evaluation", "training.monitor", "training.devices", "training.nodes")
# What no trial uses: nothing is fitted on top of its network, and its figures do not depend on who computes or watches.
_ON_TOP, _ASIDE = ("metric", "fusion"), ("sizing", "logger", "training.threads")
# Combinations of values that are tried on the configuration before anything is trained.
_MOST_COMBINATIONS = 1000


def sweep_names() -> list[str]:
    """Names of the sweeps that come with twinlens, sorted."""
    return sorted(path.stem for folder in FOLDERS for path in folder.glob("sweeps/*.yaml"))


def load_sweep(
    target: str | Path,
    *,
    vary: Iterable[str] = (),
    overrides: Iterable[str] = (),
    changes: Mapping[str, Any] | None = None,
) -> SweepConfig:
    """Read a sweep, or make one of a recipe and what is to vary.

    A sweep's file names its ``recipe``, which may be written out instead, and may ``set`` keys of it.

    Args:
        target: With ``vary`` a recipe's name or path; else that of a sweep.
        vary: ``section.key=VALUES`` strings, where VALUES is ``LOW..HIGH``, ``LOW..HIGH:log``, ``LOW..HIGH:STEP`` or
            ``A,B,C``.
        overrides: ``section.key=value`` strings for the recipe.
        changes: Other values for keys of the sweep.

    Raises:
        ConfigError: A key is unknown, a value does not fit, or two values do not go together.
    """
    varied = _varied(vary)
    place = Path(target) if varied else _find(target)
    values: dict[str, Any] = {"recipe": str(target), "vary": varied} if varied else read_yaml(place)
    if "vary" not in values:
        raise ConfigError(f"{target} does not say what to vary.", "Give --vary KEY=VALUES with a recipe.")
    recipe = _recipe(values, overrides, place)
    values = {"name": recipe.name, **values, **(changes or {}), "recipe": recipe}
    try:
        sweep = SweepConfig.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"{place}: {explain(error, SweepConfig)}.") from error
    return _checked(sweep, str(place))


def dump_sweep(sweep: SweepConfig) -> str:
    """The resolved sweep as YAML that :func:`load_sweep` reads back to an equal value."""
    return yaml.safe_dump(sweep.model_dump(mode="json"), sort_keys=False)


def _find(target: str | Path) -> Path:
    for path in (Path(target), *(folder / "sweeps" / f"{target}.yaml" for folder in FOLDERS)):
        if path.is_file():
            return path
    if str(target) in recipe_names():
        raise ConfigError(f"The recipe {target} comes without a sweep.", "Say what to vary: --vary KEY=VALUES.")
    known = ", ".join(sweep_names())
    raise ConfigError(f"There is no sweep {str(target)!r}.", f"Give the path of a YAML file, or one of: {known}.")


def _varied(options: Iterable[str]) -> dict[str, str]:
    varied: dict[str, str] = {}
    for option in options:
        key, equals, text = map(str.strip, option.partition("="))
        if not (key and equals and text):
            raise ConfigError(f"--vary {option!r} is not of the form section.key=VALUES.")
        if key in varied:
            raise ConfigError(f"--vary {key} is given twice.", "Give all its values at once.")
        varied[key] = text
    return varied


def _recipe(values: dict[str, Any], overrides: Iterable[str], place: Path) -> Config:
    """The recipe of a sweep's values, which lose their ``set``; with the sweep's own settings before those given."""
    recipe, own = values.get("recipe"), values.pop("set", {})
    if not isinstance(own, dict):
        raise ConfigError(f"{place}: set holds no keys.", "Write one line section.key: value for each.")
    settings = [*(f"{key}={json.dumps(value)}" for key, value in own.items()), *overrides]
    if isinstance(recipe, dict):
        return override(dict(recipe), settings, str(place))
    if recipe is None:
        raise ConfigError(f"{place} names no recipe.", "Write recipe: NAME.")
    beside = place.parent / str(recipe)
    return load_config(beside if beside.is_file() else find_recipe(str(recipe)), settings)


def _checked(sweep: SweepConfig, place: str) -> SweepConfig:
    """The sweep with its values as the configuration understands them, if it accepts them all."""
    for key in sweep.vary:
        _refuse_key(key, sweep, place)
    if sweep.recipe.training.devices * sweep.recipe.training.nodes > 1:
        raise ConfigError(
            f"{place}: a trial is trained in one process, and training.devices and training.nodes ask for more.",
            "Leave them at 1 and start the sweep several times with --resume.",
        )
    vary = {key: _understood(key, values, sweep.recipe, place) for key, values in sweep.vary.items()}
    sweep = sweep.model_copy(update={"vary": vary})
    for values in _combinations(vary):
        change_config(sweep.recipe, values, f"{place}: {', '.join(f'{key}={value}' for key, value in values.items())}")
    return sweep


def _refuse_key(key: str, sweep: SweepConfig, place: str) -> None:
    if _is_in(key, _FIXED):
        raise ConfigError(
            f"{place}: {key} cannot vary: all trials are judged on the same pairs by the same rule.",
            "Make a sweep for each of its values.",
        )
    if held := next((fixed for fixed in _FIXED if _is_in(fixed, (key,))), None):
        raise ConfigError(f"{place}: {key} cannot vary as a whole: it holds {held}.", "Name keys of it that may.")
    if _is_in(key, _ON_TOP):
        raise ConfigError(
            f"{place}: {key} cannot vary: it is fitted on top of a trained network, and trials are judged without.",
            f"Train the winner, then: twinlens refine RUN --set {key}=VALUE.",
        )
    if _is_in(key, _ASIDE):
        raise ConfigError(f"{place}: {key} cannot vary: it decides nothing of a trial.", "Set it for all: --set.")
    if within := next((other for other in sweep.vary if other != key and _is_in(other, (key,))), None):
        raise ConfigError(f"{place}: {key} and {within}, which is a part of it, cannot vary both.")
    if key == "training.max_epochs" and sweep.epochs:
        raise ConfigError(f"{place}: {key} cannot vary where epochs limits every trial.", "Leave out one of them.")
    if key in ("loss", "loss.kind") and sweep.metric == "validation_loss":
        raise ConfigError(
            f"{place}: {key} cannot vary where the validation loss decides.",
            "Let another figure decide: --objective validation_auc or validation_oneshot.",
        )


def _is_in(key: str, sections: Iterable[str]) -> bool:
    """Whether a key is one of ``sections`` or a part of it."""
    return any(key == section or key.startswith(f"{section}.") for section in sections)


def _understood(key: str, values: Values, recipe: Config, place: str) -> Values:
    """The values as a configuration holds them: 0..1 of a key that takes decimals is 0.0..1.0."""

    def understood(value: Any) -> Any:
        held = look_up(change_config(recipe, {key: value}, f"{place}: vary").model_dump(mode="json"), key)
        return value if isinstance(held, dict) else held

    if isinstance(values, Choice):
        changes: dict[str, Any] = {"values": [understood(value) for value in values.values]}
    else:
        changes = {"low": understood(values.low), "high": understood(values.high)}
        if not all(type(end) in (int, float) for end in changes.values()):
            raise ConfigError(f"{place}: {key} takes no numbers.", "List its values: A,B,C.")
        if type(changes["low"]) is int and (values.step or 0) % 1:
            raise ConfigError(
                f"{place}: {key} takes whole numbers, which steps of {values.step:g} leave.", "Give a whole step."
            )
    try:
        return type(values).model_validate({**values.model_dump(), **changes})
    except ValidationError as error:
        raise ConfigError(f"{place}: vary {key}: {explain(error, type(values))}.") from error


def _combinations(vary: Mapping[str, Values]) -> Iterator[dict[str, Any]]:
    """Choices and ends of ranges with each other: all of them, or where there are too many, some at random."""
    ends = [values.ends for values in vary.values()]
    if prod(map(len, ends)) <= _MOST_COMBINATIONS:
        drawn: Iterable[tuple[Any, ...]] = product(*ends)
    else:
        dice = random.Random(0)  # noqa: S311 - not for secrets
        drawn = (tuple(map(dice.choice, ends)) for _ in range(_MOST_COMBINATIONS))
    return (dict(zip(vary, combination, strict=True)) for combination in drawn)

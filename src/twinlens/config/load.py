"""Recipes and overrides: from YAML text to a :class:`Config`, with errors that name the key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from twinlens.config.explain import default_kind, explain, keys_of, variants
from twinlens.config.sections import Config
from twinlens.config.yaml_file import read_yaml
from twinlens.errors import ConfigError

# Installed, the recipes lie in the package; in a checkout, beside `src`.
FOLDERS = (Path(__file__).parents[1] / "recipes", Path(__file__).parents[3] / "recipes")


def recipe_names() -> list[str]:
    """Names of the recipes that come with twinlens, sorted."""
    return sorted(path.stem for folder in FOLDERS for path in folder.glob("*.yaml"))


def find_recipe(recipe: str | Path) -> Path:
    """The file of a recipe, given by path or by the name of one that comes with twinlens.

    Raises:
        ConfigError: There is no such file or name.
    """
    candidates = [Path(recipe), *(folder / f"{recipe}.yaml" for folder in FOLDERS)]
    for path in candidates:
        if path.is_file():
            return path
    known = ", ".join(recipe_names())
    raise ConfigError(f"There is no recipe {str(recipe)!r}.", f"Give the path of a YAML file, or one of: {known}.")


def load_config(recipe: str | Path, overrides: Iterable[str] = ()) -> Config:
    """Read a recipe and apply overrides such as ``training.batch_size=64``.

    A recipe may say ``extends: ANOTHER`` (a name, or a path) and then only in what it differs from that one.

    Args:
        recipe: Path of a YAML file, or the name of a recipe that comes with twinlens.
        overrides: ``section.key=value`` strings; the value is YAML.

    Raises:
        ConfigError: The file is not YAML, a key is unknown (the nearest known one is suggested), or a value
            does not fit.
    """
    path = find_recipe(recipe)
    return override(_read(path), overrides, str(path))


def override(values: dict[str, Any], overrides: Iterable[str], place: str) -> Config:
    """Apply overrides to plain values, which they change, and validate them; the rest as :func:`load_config`."""
    assignments = sorted(map(_parse, overrides), key=_rank)
    for keys, value in assignments:
        _apply(values, keys, value)
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        # A kind decides which keys its section has.
        given = [".".join(keys).removesuffix(".kind") for keys, _ in assignments]
        wrong = keys_of(error, Config)
        by_override = all(any(_related(key, other) for other in given) for key in wrong)
        raise _wrong("--set" if by_override else place, error) from error


def _related(key: str, other: str) -> bool:
    """Whether one of two keys is the other one or lies in it."""
    return f"{key}.".startswith(f"{other}.") or f"{other}.".startswith(f"{key}.")


def change_config(config: Config, changes: Mapping[str, Any], place: str) -> Config:
    """``config`` with other values for some keys, given as ``section.key``; the rest as :func:`load_config`."""
    values = config.model_dump(mode="json")
    for keys, value in sorted(((key.split("."), value) for key, value in changes.items()), key=_rank):
        _apply(values, keys, value)
    return parse_config(values, place)


def _read(path: Path, above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The values of a recipe, laid over those of the recipe that it ``extends``, if it does."""
    if path.resolve() in above:
        raise ConfigError(f"{path} extends itself.", "Leave out 'extends' in one of the recipes of the circle.")
    values = read_yaml(path)
    extended = values.pop("extends", None)
    if extended is None:
        return values
    beside = path.parent / f"{extended}.yaml"
    try:
        found = beside if beside.is_file() else find_recipe(str(extended))
    except ConfigError as error:
        raise ConfigError(f"{path}: extends: {error.message}", error.remedy) from error
    base = _read(found, (*above, path.resolve()))
    return _laid_over(values, base, base, [])


def _laid_over(
    values: dict[str, Any], base: dict[str, Any], root: dict[str, Any], sections: list[str]
) -> dict[str, Any]:
    """``values`` where given, else ``base``, which ``root`` has in ``sections``; one of another kind takes nothing."""
    if "kind" in values and values["kind"] != _kind_in_force(root, sections):
        return values
    merged = dict(base)
    for key, value in values.items():
        below = base.get(key)
        if isinstance(value, dict) and isinstance(below, dict):
            merged[key] = _laid_over(value, below, root, [*sections, key])
        else:
            merged[key] = value
    return merged


def parse_config(values: dict[str, Any], place: str) -> Config:
    """Validate plain values; ``place`` is the file that an error names.

    Raises:
        ConfigError: As :func:`load_config`.
    """
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise _wrong(place, error) from error


def _wrong(place: str, error: ValidationError) -> ConfigError:
    return ConfigError(f"{place}: {explain(error, Config)}.")


def dump_recipe(config: Config) -> str:
    """The resolved configuration as YAML that :func:`load_config` reads back to an equal value."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)


def _parse(override: str) -> tuple[list[str], Any]:
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--set {override!r} is not of the form section.key=value.")
    try:
        return key.strip().split("."), yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"--set {override!r}: the value is not valid YAML.") from error


def _rank(assignment: tuple[list[str], Any]) -> tuple[bool, int]:
    """Kinds come first, outer before inner: a new kind clears its section, and no override may be lost to that."""
    keys, _ = assignment
    return (False, len(keys)) if keys[-1] == "kind" else (True, 0)


def _apply(values: dict[str, Any], keys: list[str], value: Any) -> None:
    *sections, last = keys
    place = values
    for section in sections:
        place = place.setdefault(section, {})
        if not isinstance(place, dict):
            raise ConfigError(f"{'.'.join(keys)}: {section!r} is a value, not a section.")
    if last == "kind" and _kind_in_force(values, sections) != value:
        place.clear()  # another variant: the keys of the old one would be unknown to it
    place[last] = value


def _kind_in_force(values: Any, sections: list[str]) -> str | None:
    """The kind that ``values`` give a section, else its default in whatever kinds they give the sections above it."""
    found: Any = Config.model_construct()
    for section in sections:
        values = values.get(section) if isinstance(values, dict) else None
        stated = values.get("kind") if isinstance(values, dict) else None
        default = getattr(found, section, None)
        if stated not in (None, getattr(default, "kind", None)):
            models = [model for model in variants(type(found), section) if default_kind(model) == stated]
            default = models[0].model_construct() if models else None
        found = default
    return getattr(found, "kind", None)

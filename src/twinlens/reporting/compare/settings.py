"""What recipes say, key by key, and in which keys they differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from twinlens.config import Config, parse_config
from twinlens.evaluation.result import Result
from twinlens.runs import FREE_KEYS

# Of two runs that differ in these alone the weights differ by chance alone.
_NO_PART_OF_THE_RECIPE = ("name", "seed", "split.seed", *FREE_KEYS)
_JUDGING = "evaluation."


def settings(result: Result, place: str) -> dict[str, str]:
    """The resolved recipe as ``section.key`` and value, as one would write them after ``--set``, but for Gaussians.

    Keys that did not exist yet when the run was made have their defaults; those that are not set are left out.

    Args:
        result: Of the run.
        place: Its file, for errors.

    Raises:
        ConfigError: The recipe has keys that this version does not know.
    """
    return flat(parse_config(result.recipe, place))


def flat(config: Config) -> dict[str, str]:
    """A configuration as ``section.key`` and value; keys that are not set are left out."""
    return dict(leaves(config.model_dump(mode="json")))


def identity(values: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    """What makes a recipe this one: all but its name, the seeds, and how it is watched and judged."""
    kept = (item for item in values.items() if not item[0].startswith(_JUDGING))
    return frozenset((key, value) for key, value in kept if key not in _NO_PART_OF_THE_RECIPE)


def differing_keys(recipes: Sequence[Mapping[str, str]]) -> list[str]:
    """The keys of which not all recipes say the same, in the order of the configuration; names are left out."""
    sections = list(Config.model_fields)
    keys = dict.fromkeys(key for recipe in recipes for key in recipe)
    ordered = sorted(keys, key=lambda key: sections.index(key.partition(".")[0]))
    return [key for key in ordered if key != "name" and len({recipe.get(key) for recipe in recipes}) > 1]


def leaves(value: object, key: str = "") -> Iterator[tuple[str, str]]:
    """The values of nested sections, each with its key; what is not set is left out."""
    if isinstance(value, dict) and value.keys() == {"mean", "std"}:
        yield key, f"N({value['mean']:g}, {value['std']:g})"
    elif isinstance(value, dict):
        for name, below in value.items():
            yield from leaves(below, f"{key}.{name}" if key else name)
    elif value is not None:
        yield key, value if isinstance(value, str) else json.dumps(value)

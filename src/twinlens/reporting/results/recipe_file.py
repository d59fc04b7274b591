"""What the file of a recipe says about itself, and how a published run is made again from it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from itertools import takewhile

from twinlens.config import find_recipe, load_config, recipe_names
from twinlens.config.load import read_yaml
from twinlens.evaluation.result import Result
from twinlens.reporting.compare.settings import flat, leaves, settings
from twinlens.reporting.results.publish import published_name
from twinlens.runs import FREE_KEYS


@dataclass(frozen=True)
class RecipeFile:
    """A recipe that comes with twinlens.

    Attributes:
        name: Its name.
        summary: The first line of the comment at its head.
        remarks: The rest of that comment, a paragraph each.
        extends: The recipe that it is a variation of, if it is one.
        changes: What it changes of that one, as ``key: value``.
    """

    name: str
    summary: str
    remarks: tuple[str, ...]
    extends: str | None
    changes: tuple[str, ...]


def read_recipe_file(name: str) -> RecipeFile | None:
    """The recipe of that name, or ``None`` if twinlens comes with none."""
    if name not in recipe_names():
        return None
    path = find_recipe(name)
    head = takewhile(lambda line: line.startswith("#"), path.read_text(encoding="utf-8").splitlines())
    summary, *remarks = " ".join(line.lstrip("# ") or "\n" for line in head).split("\n")
    values = read_yaml(path)
    extends = values.pop("extends", None)
    said = (f"{key}: {value}" for key, value in leaves(values) if key != "name")
    return RecipeFile(
        name=name,
        summary=summary.strip(),
        remarks=tuple(remark.strip() for remark in remarks),
        extends=extends,
        changes=tuple(said) if extends else (),
    )


def commands(result: Result, place: str) -> list[str]:
    """The command lines that make a published run again; none if twinlens does not come with its recipe.

    Args:
        result: Of the run.
        place: Its file, for errors.
    """
    if result.name not in recipe_names():
        return []
    made, there = settings(result, place), flat(load_config(result.name))
    keys = [key for key in {**there, **made} if made.get(key) != there.get(key) and key not in FREE_KEYS]
    changed = [f"--set {key}={shlex.quote(made.get(key, 'null'))}" for key in sorted(keys, key=_kinds_first)]
    name = published_name(result)
    out = [] if name == result.name else [f"--out runs/{name}"]
    return [" ".join(["twinlens train", result.name, *changed, *out]), f"twinlens evaluate runs/{name}"]


def _kinds_first(key: str) -> tuple[bool, str]:
    return not key.endswith(".kind"), key

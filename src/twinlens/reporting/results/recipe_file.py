"""What the file of a recipe says about itself, and how a published run is made again from it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import yaml

from twinlens.config import find_recipe, load_config, parse_config
from twinlens.config.load import FOLDERS
from twinlens.config.yaml_file import read_yaml
from twinlens.evaluation.result import Result
from twinlens.reporting.results.publish import ABLATION, is_tested, published_name
from twinlens.runs import FREE_KEYS, Run

# Those that a name says; a list of pairs is a file of somebody's own.
_PROTOCOLS = ("lfw-view1", "omniglot-20way")


@dataclass(frozen=True)
class RecipeFile:
    """A recipe that comes with twinlens.

    Attributes:
        name: Its name, with the folder if it is in one.
        summary: The first line of the comment at its head.
        remarks: The rest of that comment, a paragraph each.
        extends: The recipe that it is a variation of, if it is one.
        changes: In what it then differs from that one, as ``key: value``.
    """

    name: str
    summary: str
    remarks: tuple[str, ...]
    extends: str | None
    changes: tuple[str, ...]


def read_recipe_file(name: str) -> RecipeFile | None:
    """The recipe of that name, or ``None`` if twinlens comes with none."""
    if not _comes_along(name):
        return None
    path = find_recipe(name)
    head = takewhile(lambda line: line.startswith("#"), path.read_text(encoding="utf-8").splitlines())
    summary, *remarks = " ".join(line.lstrip("# ") or "\n" for line in head).split("\n")
    values = read_yaml(path)
    extends = values.pop("extends", None)
    return RecipeFile(
        name=name,
        summary=summary.strip(),
        remarks=tuple(remark.strip() for remark in remarks),
        extends=extends,
        changes=tuple(_changes(path, extends, _keys(values))) if extends else (),
    )


def recipe_name(result: Result) -> str:
    """What the recipe of a published run is called, with the folder if it is in one."""
    return result.name if is_tested(result) else f"{ABLATION}/{result.name}"


def commands(result: Result, folder: Path) -> list[str]:
    """The command lines that make a published run again; none if twinlens does not come with its recipe.

    Args:
        result: Of the run.
        folder: Where it is published, with what other protocols said.
    """
    recipe = recipe_name(result)
    if not _comes_along(recipe):
        return []
    configs = parse_config(result.recipe, str(Run(folder).result)), load_config(recipe)
    made, there = (_keys(config.model_dump(mode="json")) for config in configs)
    changed = [
        f"--set {key}={shlex.quote(_yaml(value))}"
        for key, value in made.items()
        if there.get(key) != value and key not in FREE_KEYS
    ]
    name = published_name(result)
    out = [] if name == result.name else [f"--out runs/{name}"]
    train = " ".join(["twinlens train", recipe, *changed, *out])
    evaluate = f"twinlens evaluate runs/{name}"
    protocols = [*(["lfw-view2"] if result.view2 else []), *_protocols(folder)]
    return [
        train,
        *([evaluate] if result.test else []),
        *(f"{evaluate} --protocol {protocol}" for protocol in protocols),
    ]


def _protocols(folder: Path) -> Iterator[str]:
    """What else a published run was judged on, as ``--protocol`` takes it."""
    for protocol in _PROTOCOLS:
        for end, option in (("", ""), ("-detected", " --detect")):
            if (folder / f"evaluation-{protocol}{end}.json").is_file():
                yield protocol + option


def _changes(path: Path, extends: str, stated: Mapping[str, Any]) -> Iterator[str]:
    """In what a recipe differs from the one that it extends.

    Of a section of another kind, keys that only this kind has and that nobody states are left out: they have defaults.
    """
    beside = path.parent / f"{extends}.yaml"
    base = beside if beside.is_file() else extends
    made, there = (_keys(load_config(recipe).model_dump(mode="json")) for recipe in (path, base))
    for key, value in made.items():
        if key in there:
            differs = there[key] != value
        else:
            differs = key in stated or any(other.startswith(f"{key}.") for other in there)
        if differs and key != "name":
            yield f"{key}: {_yaml(value)}"


def _comes_along(name: str) -> bool:
    return any((folder / f"{name}.yaml").is_file() for folder in FOLDERS)


def _keys(values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """What nested sections hold, by ``section.key``, the kind of a section first."""
    found: dict[str, Any] = {}
    for name, value in sorted(values.items(), key=lambda item: item[0] != "kind"):
        found |= _keys(value, f"{above}{name}.") if value and isinstance(value, Mapping) else {f"{above}{name}": value}
    return found


def _yaml(value: Any) -> str:
    """A value as ``--set`` reads it, with quotes only where it would be taken for something else."""
    return value if isinstance(value, str) and yaml.safe_load(value) == value else json.dumps(value)

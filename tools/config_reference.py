"""Write ``docs/configuration.md``: every key of a recipe with its meaning, default and range, from the models.

Meanings are the ``Attributes`` of the models' docstrings, the rest is their JSON schema. A key that nobody has
explained is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from twinlens.config import Config

PAGE = Path(__file__).parents[1] / "docs" / "configuration.md"

_INTRODUCTION = """\
# Configuration

<!-- Written by `make docs` from src/twinlens/config; changes made here are lost. -->

Every key that a recipe may have. What a recipe leaves out has its default. On the command line
`--set KEY=VALUE` changes one key, and the value is YAML: `--set training.batch_size=64`,
`--set evaluation.n_way=[5,10]`. An unknown key is an error that suggests the nearest known one.

Where there is a choice of kinds, a new kind starts from its own defaults and the keys of the old one are gone.
`null` means: not given. [Learn](learn.md#recipes-and-keys) has examples.
"""
_HEADER = "| Key | Meaning | Default | Values |\n| --- | --- | --- | --- |"

Schema = dict[str, Any]
Row = tuple[str, str, str, str]


def reference() -> str:
    """The page.

    Raises:
        LookupError: A key has no entry in its class's ``Attributes``.
    """
    schema = Config.model_json_schema()
    models = schema["$defs"]
    meanings = _meanings(schema)
    plain = {key: value for key, value in schema["properties"].items() if not _variants(value, models)}
    parts = [_INTRODUCTION, _table(_rows("", {**schema, "properties": plain}, {}, models))]
    for key, value in schema["properties"].items():
        if key not in plain:
            parts += [f"## {key}", *_section(key, value, meanings[key], models)]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _section(key: str, value: Schema, meaning: str, models: Schema) -> Iterator[str]:
    """One top-level section: its meaning and a table, or one table for each of its kinds."""
    default = value["default"]
    for number, model in enumerate(_variants(value, models)):
        kind = _kind(model)
        if kind and number == 0:
            yield meaning
        if kind:
            yield f"### {key}.kind: {kind}{' (default)' if kind == default['kind'] else ''}"
        yield _text(str(model["description"]).partition("\n\n")[0])
        if rows := list(_rows(f"{key}.", model, _own(default, kind), models)):
            yield _table(rows)


def _rows(prefix: str, model: Schema, defaults: Schema, models: Schema, note: str = "") -> Iterator[Row]:
    """A row for every key of ``model``; of a key that is a section itself, rows for the keys in it."""
    meanings = _meanings(model)
    for key, value in model["properties"].items():
        if "const" in value:  # the kind, which stands in the heading or in a row of its own
            continue
        if key not in meanings:
            raise LookupError(f"{model['title']}.{key} has no entry under Attributes")
        default, place, meaning = defaults.get(key, value.get("default", _REQUIRED)), prefix + key, note + meanings[key]
        inner = _variants(value, models)
        if "propertyNames" in value:
            yield f"`{place}`", meaning, _default(default), _values(value)
            yield from _rows(f"{place}.LAYER.", inner[0], {}, models)
        elif "$ref" in value.get("items", {}):
            yield f"`{place}`", meaning, _default(default), f"list of at least {value['minItems']}, each as below"
            yield from _item_rows(f"{place}.N.", _variants(value["items"], models)[0], models)
        elif not inner:
            yield f"`{place}`", meaning, _default(default), _values(value)
        elif not _kind(inner[0]):
            yield from _rows(f"{place}.", inner[0], default, models, f"{meaning} ")
        else:
            kinds = ", ".join(f"`{_kind(variant)}`" for variant in inner)
            yield f"`{place}.kind`", meaning, _default(default["kind"]), kinds
            for variant in inner:
                kind = _kind(variant)
                only = f"({kind}) " if len(inner) > 1 else ""
                yield from _rows(f"{place}.", variant, _own(default, kind), models, only)


def _item_rows(prefix: str, model: Schema, models: Schema) -> Iterator[Row]:
    """A row for every key of an item of a list; sections in it have been told of elsewhere."""
    meanings = _meanings(model)
    for key, value in model["properties"].items():
        kinds = ", ".join(f"`{_kind(variant)}`" for variant in _variants(value, models))
        values = f"a section of kind {kinds}" if kinds else _values(value)
        yield f"`{prefix}{key}`", meanings[key], _default(value.get("default", _REQUIRED)), values


_REQUIRED = object()


def _variants(value: Schema, models: Schema) -> list[Schema]:
    """The sections that a value may be; none if it is no section."""
    options = value.get("oneOf") or [value.get("additionalProperties") or value]
    return [models[option["$ref"].rpartition("/")[2]] for option in options if "$ref" in option]


def _kind(model: Schema) -> str | None:
    kind: str | None = model["properties"].get("kind", {}).get("const")
    return kind


def _own(default: Schema, kind: str | None) -> Schema:
    """What a section's default sets for this kind; where it is of another, the kind's own defaults hold."""
    return default if default.get("kind") == kind else {}


def _meanings(model: Schema) -> dict[str, str]:
    """The entries under ``Attributes`` in the docstring, by key."""
    _, _, attributes = str(model.get("description", "")).partition("Attributes:\n")
    entries = re.findall(r"^    (\w+): (.+(?:\n     +.+)*)", attributes.partition("\n\n")[0], re.MULTILINE)
    return {key: _text(text) for key, text in entries}


def _text(text: str) -> str:
    """A docstring's text on one line of Markdown."""
    return " ".join(text.split()).replace("``", "`").replace("|", "\\|")


def _default(default: object) -> str:
    if default is _REQUIRED:
        return "required"
    text = yaml.safe_dump(default, default_flow_style=True, sort_keys=False, width=1000)
    return f"`{text.removesuffix('...' + chr(10)).strip()}`"


def _values(value: Schema) -> str:
    """Which values are allowed, in words."""
    match value:
        case {"anyOf": [something, {"type": "null"}]}:
            return f"{_values(something)}; `null`"
        case {"enum": choices}:
            return ", ".join(f"`{choice}`" for choice in choices)
        case {"prefixItems": items}:
            return f"{len(items)} of: {_values(items[0])}"
        case {"items": item}:
            return f"list of at least {value.get('minItems', 0)}: {_values(item)}"
        case {"propertyNames": {"enum": names}}:
            return "for LAYER one of " + ", ".join(f"`{name}`" for name in names)
        case {"type": "boolean"}:
            return "`true`, `false`"
        case {"format": "path"}:
            return "path"
        case {"pattern": pattern}:
            return f"text like `{pattern}`"
        case {"type": "integer" | "number" as kind}:
            return " ".join(["whole number" if kind == "integer" else "number", *_bounds(value)])
        case _:
            raise LookupError(f"There are no words for {value}")


def _bounds(value: Schema) -> Iterator[str]:
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    found = [f"{sign} {value[name]:g}" for name, sign in signs.items() if name in value]
    if found:
        yield " and ".join(found)


def _table(rows: Iterable[Row]) -> str:
    return "\n".join([_HEADER, *(f"| {' | '.join(row)} |" for row in rows)])


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")

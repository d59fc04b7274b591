"""What is wrong with the values of a recipe, in words and by key."""

from __future__ import annotations

import difflib
import typing
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

# Where pydantic speaks of its own types.
_PLAIN = {
    "missing": "must be given",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text",
    "path_type": "must be a path",
    "tuple_type": "must be a list, such as [1, 2]",
    "list_type": "must be a list, such as [1, 2]",
    "dict_type": "must be a section with keys of its own",
    "model_type": "must be a section with keys of its own",
    "model_attributes_type": "must be a section with keys of its own",
}


def explain(error: ValidationError, root: type[BaseModel]) -> str:
    """What is wrong with the values of a ``root``, by keys, with the nearest known key for an unknown one."""
    return "; ".join(_explain(detail, root) for detail in error.errors())


def keys_of(error: ValidationError, root: type[BaseModel]) -> list[str]:
    """The keys whose values are wrong; an empty one where a whole section's do not go together."""
    return [".".join(_walk((str(part) for part in one["loc"] if part != "[key]"), root)[0]) for one in error.errors()]


def _explain(detail: ErrorDetails, root: type[BaseModel]) -> str:
    parts = [str(part) for part in detail["loc"] if part != "[key]"]
    if detail["type"] != "extra_forbidden":
        reason = _plain(detail)
        key = ".".join(_walk(parts, root)[0])
        return f"{key}: {reason}" if key else reason
    *parents, last = parts
    path, models = _walk(parents, root)
    key = ".".join([*path, last])
    known = sorted({name for model in models for name in model.model_fields})
    near = difflib.get_close_matches(last, known, n=1, cutoff=0.5)
    return f"unknown key {key!r}{f', did you mean {near[0]!r}?' if near else ';'} known are {', '.join(known)}"


def _plain(detail: ErrorDetails) -> str:
    """What a value must be, without pydantic's own words for it."""
    if detail["type"] == "union_tag_invalid":
        return f"kind must be one of {detail['ctx']['expected_tags']}"
    message = detail["msg"].removeprefix("Value error, ").replace("Input should be", "must be", 1)
    return _PLAIN.get(detail["type"], message)


def _walk(parents: Iterable[str], root: type[BaseModel]) -> tuple[list[str], list[type[BaseModel]]]:
    """The keys among ``parents`` and the sections they lead to; a variant's kind is a part but no key."""
    path: list[str] = []
    models: list[type[BaseModel]] = [root]
    for part in parents:
        if any(part in model.model_fields for model in models):
            path.append(part)
            models = [m for model in models if part in model.model_fields for m in variants(model, part)]
        elif of_kind := [model for model in models if default_kind(model) == part]:
            models = of_kind
        else:
            path.append(part)
    return path, models


def variants(model: type, field: str) -> Iterator[type[BaseModel]]:
    """The sections that a field of a section may hold."""
    fields = model.model_fields if issubclass(model, BaseModel) else {}
    return _models(fields[field].annotation) if field in fields else iter(())


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from _models(inner)


def default_kind(model: type[BaseModel]) -> str | None:
    """What ``kind`` says of a section; none if it has no such key."""
    kind = model.model_fields.get("kind")
    return str(kind.default) if kind else None

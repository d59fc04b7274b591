"""What a sweep may give a key: every value of a range, or one of a few."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any

import yaml
from pydantic import BeforeValidator, Field, ValidationError, model_validator

from twinlens.config.base import Section
from twinlens.config.explain import explain

# 1e-5..1e-2, 1e-5..1e-2:log or 0..0.5:0.1
_RANGE = re.compile(r"(?P<low>[^:]+?)\.\.(?P<high>[^:]+)(:(?P<how>.+))?")
_LOG = "log"


def _number(value: object) -> object:
    """YAML takes 1e-5 for a word."""
    if not isinstance(value, str):
        return value
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    raise ValueError(f"{value!r} is no number")


Number = Annotated[int | float, BeforeValidator(_number)]


class Range(Section):
    """Every value from ``low`` to ``high``; whole numbers where the key takes nothing else.

    Attributes:
        low: Smallest value.
        high: Largest value.
        log: Draw evenly on a logarithmic scale.
        step: Only ``low``, ``low + step`` and so on up to ``high``.
    """

    low: Number
    high: Number
    log: bool = False
    step: Number | None = None

    @model_validator(mode="after")
    def _is_a_range(self) -> Range:
        if not self.low < self.high:
            raise ValueError(f"a range goes from a smaller to a larger value, not from {self.low:g} to {self.high:g}")
        if self.log and self.low <= 0:
            raise ValueError("a logarithmic range begins above 0")
        if self.log and self.step is not None:
            raise ValueError("a logarithmic range has no steps")
        if self.step is not None and not (self.step > 0 and self._is_on_a_step(self.high)):
            raise ValueError(f"steps of {self.step:g} from {self.low:g} do not lead to {self.high:g}")
        return self

    @property
    def ends(self) -> tuple[Any, ...]:
        """The two outermost values."""
        return self.low, self.high

    def holds(self, value: object) -> bool:
        """Whether a trial may have ``value``."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return self.low <= value <= self.high and (self.step is None or self._is_on_a_step(value))

    def _is_on_a_step(self, value: float) -> bool:
        steps = (value - self.low) / (self.step or 1)
        return math.isclose(steps, round(steps), abs_tol=1e-9)

    def __str__(self) -> str:
        how = ":log" if self.log else "" if self.step is None else f":{self.step:g}"
        return f"{self.low:g}..{self.high:g}{how}"


class Choice(Section):
    """One of a few values, which may be lists or whole sections.

    Attributes:
        values: What to choose from.
    """

    values: Annotated[tuple[Any, ...], Field(min_length=2)]

    @model_validator(mode="after")
    def _are_different(self) -> Choice:
        if any(value in self.values[:i] for i, value in enumerate(self.values)):
            raise ValueError("a choice holds each value once")
        return self

    @property
    def ends(self) -> tuple[Any, ...]:
        """All values."""
        return self.values

    def holds(self, value: object) -> bool:
        """Whether a trial may have ``value``."""
        return value in self.values

    def __str__(self) -> str:
        return ",".join(written(value) for value in self.values)


def written(value: object) -> str:
    """A value as it stands in a recipe, in one line."""
    return yaml.safe_dump(value, default_flow_style=True, width=math.inf).splitlines()[0]


def _read(value: object) -> object:
    """The range or choice that is meant by ``1e-5..1e-2:log``, by ``128,256,512``, by a list or by its keys."""
    if isinstance(value, str):
        value = _written_out(value)
    if isinstance(value, list | tuple):
        value = {"values": value}
    if not isinstance(value, dict):
        return value
    form: type[Range | Choice] = Choice if "values" in value else Range
    try:
        return form.model_validate(value)
    except ValidationError as error:
        raise ValueError(explain(error, form)) from error


def _written_out(text: str) -> object:
    if found := _RANGE.fullmatch(text.strip()):
        low, high, how = found["low"], found["high"], found["how"]
        return {"low": low, "high": high, "log": how == _LOG, "step": None if how in (None, _LOG) else how}
    try:
        return yaml.safe_load(f"[{text}]")
    except yaml.YAMLError as error:
        raise ValueError(f"{text!r} is neither LOW..HIGH, LOW..HIGH:log, LOW..HIGH:STEP nor A,B,C") from error


Values = Annotated[Range | Choice, BeforeValidator(_read)]

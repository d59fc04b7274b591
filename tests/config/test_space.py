"""Ranges and choices, however they are written."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from twinlens.config.space import Choice, Range, Values

ADAPTER: TypeAdapter[Range | Choice] = TypeAdapter(Values)


def read(value: object) -> Range | Choice:
    return ADAPTER.validate_python(value)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1e-5..1e-2:log", Range(low=1e-5, high=1e-2, log=True)),
        ("0..0.5", Range(low=0, high=0.5)),
        ("0..0.5:0.1", Range(low=0, high=0.5, step=0.1)),
        ("-3..3", Range(low=-3, high=3)),
        (" 16..64 ", Range(low=16, high=64)),
        ({"low": "1e-5", "high": "1e-2", "log": True}, Range(low=1e-5, high=1e-2, log=True)),
        ("128,256", Choice(values=(128, 256))),
        ("sgd,adam", Choice(values=("sgd", "adam"))),
        ("true,false", Choice(values=(True, False))),
        ("[1,2],[3,4]", Choice(values=([1, 2], [3, 4]))),
        ("{kind: none},{kind: affine, flip: 0.5}", Choice(values=({"kind": "none"}, {"kind": "affine", "flip": 0.5}))),
        ([1, "a", None], Choice(values=(1, "a", None))),
        ({"values": [1, 2]}, Choice(values=(1, 2))),
    ],
)
def test_what_is_written_is_what_is_meant(written: object, meant: Range | Choice) -> None:
    assert read(written) == meant


@pytest.mark.parametrize("text", ["1e-05..0.01:log", "0..0.5:0.1", "1..9", "128,256,512", "[1, 2],[3, 4]", "sgd,adam"])
def test_range_or_choice_is_said_as_it_can_be_read(text: str) -> None:
    assert str(read(text)) == text


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("5..1", "from a smaller to a larger value, not from 5 to 1"),
        ("3..3", "from a smaller to a larger"),
        ("0..1:log", "begins above 0"),
        ("0..0.5:0.2", "steps of 0.2 from 0 do not lead to 0.5"),
        ("0..1:-1", "steps of -1 from 0"),
        ("1..9:often", "'often' is no number"),
        ("a..b", "'a' is no number"),
        ({"low": 1, "high": 9, "log": True, "step": 1}, "has no steps"),
        ({"low": 1, "hihg": 9}, "did you mean 'high'?"),
        ("128", "at least 2"),
        ("128,128", "each value once"),
        ("1,[2", "neither LOW..HIGH"),
        (7, "Range"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(written: object, complaint: str) -> None:
    with pytest.raises(ValidationError) as caught:
        read(written)
    assert complaint in str(caught.value)


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.floats(0, 1))
def test_range_holds_what_lies_in_it(low: float, width: float, share: float) -> None:
    values = Range(low=low, high=low + width)
    assert values.holds(min(low + share * width, values.high))
    assert not values.holds(values.high + 0.01 * width)
    assert not values.holds(low - 0.01 * width)


@pytest.mark.parametrize("value", [0.0, 0.1, 0.3, 0.1 + 0.2, 0.5])
def test_step_is_a_step_in_spite_of_rounding(value: float) -> None:
    assert Range(low=0, high=0.5, step=0.1).holds(value)


@pytest.mark.parametrize("value", [0.25, 0.6, -0.1, "0.1", None, True, [0.1]])
def test_what_is_between_steps_or_no_number_is_not_held(value: Any) -> None:
    assert not Range(low=0, high=0.5, step=0.1).holds(value)


def test_choice_holds_what_it_lists() -> None:
    values = Choice(values=(1, "a", [2, 3]))
    assert [values.holds(value) for value in (1, "a", [2, 3], 2, "b", [3, 2], None)] == [True] * 3 + [False] * 4

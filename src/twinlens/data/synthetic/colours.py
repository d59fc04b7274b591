"""Colours, which are linear RGB, and choosing among things at random."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import numpy as np

Colour = tuple[float, float, float]
Palette = tuple[tuple[int, int, int], ...]  # sRGB, 0..255
T = TypeVar("T")


def pick(rng: np.random.Generator, choices: tuple[T, ...]) -> T:
    """One of the choices, each as likely."""
    return choices[int(rng.integers(len(choices)))]


def linear(srgb: Iterable[float]) -> Colour:
    """Squared instead of the exact sRGB curve: close, and its inverse is one fast square root."""
    return rgb((channel / 255) ** 2 for channel in srgb)


def along(palette: Palette, position: float) -> Colour:
    """The colour at ``position`` (0..1) along a palette."""
    place = np.linspace(0, 1, len(palette))
    return linear(np.interp(position, place, channel) for channel in np.array(palette).T)


def rgb(channels: Iterable[float]) -> Colour:
    """Three numbers as plain floats, so that they do not widen float32 arrays."""
    red, green, blue = (float(channel) for channel in channels)
    return red, green, blue

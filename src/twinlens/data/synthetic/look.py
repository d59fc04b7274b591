"""What tells subjects apart: a :class:`Look`, drawn at random.

Lengths are pixels of a 250×250 photo, measured from its middle, y downwards. The ranges put eyes, nose and mouth
where deep-funnelled LFW has them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from twinlens.data.synthetic.colours import Colour, along, linear, pick, rgb

HairStyle = Literal["bald", "short", "parted", "curly", "bob", "long"]

# Skins run from light to dark, hairs from dark to light.
_SKINS = ((238, 198, 176), (228, 180, 152), (208, 156, 124), (172, 122, 90), (124, 84, 62), (84, 56, 44))
_HAIRS = ((24, 20, 19), (46, 33, 27), (78, 53, 38), (118, 82, 52), (150, 78, 42), (188, 150, 100))
_GREY_HAIR = (158, 156, 154)
_IRISES = ((52, 33, 23), (80, 52, 32), (98, 90, 54), (88, 110, 118), (66, 100, 146))
_RIMS = ((20, 20, 24), (90, 58, 38), (126, 126, 134))


@dataclass(frozen=True)
class Head:
    """Outline and skin. ``jaw`` is the exponent of the outline's lower half: 2 is an ellipse, more is squarer.

    ``blush`` and ``folds`` (wrinkles) are amounts from 0; ``moles`` are places.
    """

    skin: Colour
    blush: float
    width: float
    cheek_y: float
    chin_y: float
    jaw: float
    cheekbones: float
    folds: float
    ear_size: float
    ear_out: float
    moles: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Eyes:
    """Eyes and brows, mirrored; ``x`` is half the distance of the pupils, ``brow_y`` counts up from them."""

    x: float
    y: float
    width: float
    height: float
    tilt: float
    socket: float
    iris: Colour
    brow_y: float
    brow_thickness: float
    brow_arch: float
    brow_slope: float
    brow_weight: float


@dataclass(frozen=True)
class Nose:
    """``y`` is the tip; ``height`` is how far it stands out."""

    y: float
    width: float
    ridge: float
    height: float


@dataclass(frozen=True)
class Mouth:
    """``width`` is from the middle to a corner."""

    y: float
    width: float
    upper: float
    lower: float
    redness: float


@dataclass(frozen=True)
class Hair:
    """Hair and beard; ``part`` is where the parting lies, from -1 (left in the photo) to 1."""

    style: HairStyle
    colour: Colour
    volume: float
    line_y: float
    part: float
    beard: float
    moustache: float


@dataclass(frozen=True)
class Look:
    """One subject: the same on each of their photos. ``rim`` colours the glasses; None has none."""

    head: Head
    eyes: Eyes
    nose: Nose
    mouth: Mouth
    hair: Hair
    rim: Colour | None
    rim_square: float


def draw_look(rng: np.random.Generator) -> Look:
    """A random subject."""
    # Three hidden tendencies, so that traits which come together in people come together here.
    soft, age, tone = float(rng.random()), float(rng.random()), float(rng.beta(1.1, 1.5))
    return Look(
        head=_draw_head(rng, soft, age, tone),
        eyes=_draw_eyes(rng, soft, tone),
        nose=Nose(
            y=rng.uniform(9, 18),
            width=rng.uniform(6, 9.5) + 1.5 * tone,
            ridge=rng.uniform(2.6, 4.6),
            height=rng.uniform(7, 13),
        ),
        mouth=Mouth(
            y=rng.uniform(31, 38),
            width=rng.uniform(13, 18.5),
            upper=rng.uniform(2.4, 4.4) + soft,
            lower=rng.uniform(4, 6.5) + soft,
            redness=rng.uniform(0.2, 0.5) + 0.4 * soft,
        ),
        hair=_draw_hair(rng, soft, age, tone),
        rim=linear(pick(rng, _RIMS)) if rng.random() < 0.3 else None,
        rim_square=rng.uniform(0, 1),
    )


def _draw_head(rng: np.random.Generator, soft: float, age: float, tone: float) -> Head:
    return Head(
        skin=along(_SKINS, tone),
        blush=rng.uniform(0.2, 1),
        width=rng.uniform(43, 51) - 2 * soft,
        cheek_y=rng.uniform(-16, 2),
        chin_y=rng.uniform(60, 71) - 3 * soft,
        jaw=rng.uniform(1.5, 2.1) + 0.8 * (1 - soft),
        cheekbones=rng.uniform(0, 3),
        folds=rng.uniform(0, 0.8) + 1.4 * age,
        ear_size=rng.uniform(9, 14),
        ear_out=rng.uniform(1, 5),
        moles=tuple(zip(rng.uniform(-34, 34, 3), rng.uniform(-40, 50, 3), strict=True))[: rng.integers(0, 4)],
    )


def _draw_eyes(rng: np.random.Generator, soft: float, tone: float) -> Eyes:
    return Eyes(
        x=rng.uniform(18.5, 22.5),
        y=rng.uniform(-16, -12),
        width=rng.uniform(8.8, 11.4),
        height=rng.uniform(3.4, 5) + 0.6 * soft,
        tilt=rng.uniform(-0.1, 0.2),
        socket=rng.uniform(1, 4),
        iris=linear(_IRISES[int(rng.random() * (1 - 0.8 * tone) * len(_IRISES))]),
        brow_y=rng.uniform(10.5, 15),
        brow_thickness=rng.uniform(1.2, 2.4) + 1.2 * (1 - soft),
        brow_arch=rng.uniform(0, 3.5),
        brow_slope=rng.uniform(-0.16, 0.16),
        brow_weight=rng.uniform(0.55, 0.95),
    )


def _draw_hair(rng: np.random.Generator, soft: float, age: float, tone: float) -> Hair:
    styles: dict[HairStyle, float] = (
        {"short": 4, "parted": 4, "curly": 1.5, "bald": 0.3 + 2 * age}
        if soft < 0.5
        else {"long": 4, "bob": 4, "parted": 1, "curly": 1.5}
    )
    weights = np.array(list(styles.values()))
    grey = float(np.clip(rng.normal(2.2 * age - 1.4, 0.3), 0, 1))
    natural = np.array(along(_HAIRS, float(rng.beta(1, 1.3)) * (1 - 0.8 * tone)))
    bearded = soft < 0.5 and rng.random() < 0.5
    return Hair(
        style=list(styles)[int(rng.choice(len(styles), p=weights / weights.sum()))],
        colour=rgb((1 - grey) * natural + grey * np.array(linear(_GREY_HAIR))),
        volume=rng.uniform(3, 9),
        line_y=rng.uniform(-64, -52) - (8 * age if soft < 0.5 else 0),
        part=rng.uniform(-1, 1),
        beard=rng.uniform(0.15, 1) if bearded else 0.0,
        moustache=rng.uniform(0.3, 1) if bearded else 0.0,
    )

"""What must not matter: a :class:`Shot` is all that differs between two photos of one subject."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from twinlens.data.synthetic.colours import Colour, linear, pick
from twinlens.data.synthetic.look import Look

_SHIRTS = (
    (36, 42, 60), (226, 226, 224), (120, 34, 40), (52, 84, 70), (66, 66, 70), (88, 120, 160), (196, 168, 120)
)  # fmt: skip
_SCENES = (
    (40, 44, 52), (96, 110, 128), (150, 140, 120), (110, 60, 50), (60, 90, 80), (190, 196, 200), (70, 60, 90)
)  # fmt: skip


@dataclass(frozen=True)
class Shot:
    """One photo: pose, expression, light, surroundings and camera.

    ``yaw`` and ``roll`` are radians, ``pitch`` and ``shift`` pixels; ``light`` is the direction to the lamp
    (right, down, towards the camera) and ``tint`` what each channel is multiplied by; ``blur`` and ``noise``
    are standard deviations in pixels and of a range of 1; ``quality`` is that of the JPEG file.
    """

    yaw: float
    pitch: float
    roll: float
    shift: tuple[float, float]
    scale: float
    light: tuple[float, float, float]
    ambient: float
    tint: Colour
    smile: float
    mouth_open: float
    brow_raise: float
    eye_open: float
    gaze: float
    glasses: bool
    shirt: Colour
    collar: Literal["round", "v", "jacket"]
    scene: tuple[Colour, Colour]
    blur: float
    noise: float
    quality: int


def draw_shot(rng: np.random.Generator, look: Look) -> Shot:
    """A random photo of a subject."""
    across, up = rng.uniform(-0.9, 0.9), rng.uniform(-0.1, 0.8)
    exposure, warmth = math.exp(rng.normal(0, 0.18)), rng.normal(0, 0.07)
    wall, blobs = rng.permutation(len(_SCENES))[:2]
    return Shot(
        yaw=float(np.clip(rng.normal(0, 0.15), -0.4, 0.4)),
        pitch=rng.normal(0, 2),
        roll=rng.normal(0, 0.05),
        shift=(rng.normal(0, 1.5), rng.normal(0, 1.5)),
        scale=rng.normal(1, 0.03),
        light=(math.sin(across) * math.cos(up), -math.sin(up), math.cos(across) * math.cos(up)),
        ambient=rng.uniform(0.35, 0.65),
        tint=(exposure * (1 + warmth), exposure, exposure * (1 - warmth)),
        smile=float(np.clip(rng.normal(0.3, 0.45), -0.5, 1)),
        mouth_open=max(0.0, rng.normal(-0.2, 0.7)),
        brow_raise=rng.normal(0, 1.3),
        eye_open=float(np.clip(rng.normal(0.95, 0.15), 0.45, 1.2)),
        gaze=rng.normal(0, 0.8),
        glasses=look.rim is not None and bool(rng.random() < 0.6),
        shirt=linear(pick(rng, _SHIRTS)),
        collar=pick(rng, ("round", "v", "jacket")),
        scene=(linear(_SCENES[wall]), linear(_SCENES[blobs])),
        blur=rng.gamma(1.5, 0.35),
        noise=min(rng.gamma(1.5, 0.006), 0.025),
        quality=int(rng.integers(55, 95)),
    )

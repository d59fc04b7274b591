"""What is around the head: the background, the neck and the clothes."""

from __future__ import annotations

import math

import numpy as np

from twinlens.data.synthetic.brush import Plane, bump, inside, paint, texture
from twinlens.data.synthetic.head import Surface, light_of
from twinlens.data.synthetic.look import Look
from twinlens.data.synthetic.shot import Shot


def background(shot: Shot, size: int, rng: np.random.Generator) -> Plane:
    """A wall out of focus; float32 ``(3, size, size)``."""
    wall, blobs = (np.asarray(colour, np.float32)[:, None, None] for colour in shot.scene)
    mix = inside(texture(rng, (size, size), (rng.uniform(60, 150), rng.uniform(30, 150))), rng.uniform(1, 4))
    mix = mix + 0.3 * texture(rng, (size, size), (200, rng.uniform(8, 60))) * rng.uniform(0, 1)
    fall = 1 + 0.3 * np.linspace(-1, 1, size, dtype=np.float32) * float(rng.normal())
    return np.asarray((wall + 0.6 * np.clip(mix, 0, 1) * (blobs - wall)) * fall, np.float32)


def paint_body(canvas: Plane, face: Surface, look: Look, shot: Shot, rng: np.random.Generator) -> None:
    """Neck, shoulders and clothes."""
    chin = look.head.chin_y
    x = face.x - 0.55 * look.head.width * math.sin(shot.yaw)  # the body stays when the head turns
    side, down = np.abs(x), face.y - chin
    light = light_of(shot) * (1 + 0.5 * shot.light[0] * np.clip(x / 40, -1, 1))
    shadow = 1 - 0.55 * bump(x * 0.6, down - 2, 24, 11)
    neck = 0.62 * look.head.width - side + 0.008 * np.clip(face.y - 60, 0, None) ** 2
    paint(canvas, inside(neck) * (face.y > 20), look.head.skin, 0.85 * light * shadow)
    shoulders = inside(down - 17 - 0.3 * side - 0.03 * np.clip(side - 84, 0, None) ** 2)
    cloth = 1 + 0.07 * texture(rng, side.shape, (30, 12)) + 0.02 * texture(rng, side.shape, (1.5, 1.5))
    if shot.collar == "round":
        shoulders = shoulders * inside(np.hypot(x / 1.15, down - 12) - 27)
    elif shot.collar == "v":
        shoulders = shoulders * inside(side - 0.75 * (52 - down))
    paint(canvas, shoulders, shot.shirt, light * cloth)
    if shot.collar == "jacket":
        shirt = inside(0.6 * (70 - down) - side) * inside(side - 0.55 * (34 - down))
        paint(canvas, shoulders * shirt, (0.66, 0.66, 0.68), light)
        tie = inside(4 + 0.1 * (down - 30) - side) * inside(down - 28)
        paint(canvas, shoulders * tie, shot.scene[1], 0.6 * light * cloth)

"""Hair around and above the face, and beards."""

from __future__ import annotations

import numpy as np

from twinlens.data.synthetic.brush import Plane, bump, inside, paint, texture
from twinlens.data.synthetic.head import SKULL_Y, Surface, shade
from twinlens.data.synthetic.look import Look
from twinlens.data.synthetic.shot import Shot

# How far down the hair reaches, how much it adds to the head, and how ruffled its outline is, by style.
_REACH = {"bald": -26.0, "short": -14.0, "parted": -10.0, "curly": 2.0, "bob": 48.0, "long": 105.0}
_SPREAD = {"bald": 0.2, "short": 0.5, "parted": 0.9, "curly": 2.2, "bob": 1.3, "long": 1.2}
_RUFFLE = {"bald": 0.2, "short": 0.8, "parted": 0.7, "curly": 2.6, "bob": 0.7, "long": 0.7}


def hair_colour(face: Surface, look: Look, shot: Shot, rng: np.random.Generator) -> Plane:
    """The shaded, stranded colour of the hair wherever there may be some; float32 ``(3, h, w)``."""
    curly = look.hair.style == "curly"
    dome = 1 - (face.x / (look.head.width + 12)) ** 2 - np.clip((-face.y - 30) / 62, 0, 1) ** 2
    light = shade(58 * np.sqrt(np.clip(dome, 0.02, None)), shot)
    strands = texture(rng, face.x.shape, (3, 3) if curly else (26, 1.6))
    strands = strands + 0.6 * texture(rng, face.x.shape, (9, 3))
    sheen = 0 if curly else 0.4 * np.exp(-(((face.y + 58 + 6 * strands) / 9) ** 2))
    grain = light * np.clip(1 + sheen + 0.2 * strands, 0.3, None)
    colour: Plane = np.array(look.hair.colour, np.float32)[:, None, None] * grain
    return colour


def hair_outline(face: Surface, look: Look, noise: Plane) -> Plane:
    """Mask of all hair as if there were no face in front of it; ``noise`` ruffles the outline."""
    style = look.hair.style
    volume = look.hair.volume * _SPREAD[style]
    top = SKULL_Y - volume
    up = np.clip((-18 - face.y) / (-18 - top), 0, 1)
    down = np.clip((face.y + 18) / 100, 0, 1)
    width = (look.head.width + volume) * np.sqrt(1 - up**2.2) + down * (10 if style == "long" else 2)
    sides = (width - np.abs(face.x)) / (1 + 1.5 * up**4)
    end = _REACH[style] - face.y - (0.006 * face.x**2 if style == "bob" else 0)
    return inside(np.minimum(np.minimum(sides, face.y - top), end) + _RUFFLE[style] * noise, 1.4)


def front_hair(face: Surface, look: Look, noise: Plane) -> Plane:
    """Mask of what lies before or beside the face: above the hairline, and hanging down if it is long."""
    hair = look.hair
    across = face.u / np.maximum(face.half_width, 1)
    from_part = np.abs(across - 0.6 * hair.part)
    line: Plane = hair.line_y + 46 * (np.clip(np.abs(across) - 0.7, 0, None) / 0.3) ** 1.5
    if hair.style == "bald":
        line = -110 + 90 * inside(np.abs(across) - 0.84, 0.12)
    elif hair.style == "parted":
        line = line + 9 * from_part**2 + 2.5 * from_part
    elif hair.style in ("bob", "long"):
        fringe = 14 * min(max(hair.volume / 3 - 2, 0), 1)  # a third of them have one
        line = line + fringe + (20 - fringe) * from_part**1.5
    cap = inside(line + _RUFFLE[hair.style] * noise - face.v, 2.2)
    if hair.style not in ("bob", "long"):
        return cap
    inner = np.maximum(face.half_width - 3.5, 0.72 * look.head.width) + noise
    return np.maximum(cap, inside(np.abs(face.x) - inner, 2) * inside(face.y + 40, 12))


def paint_beard(canvas: Plane, face: Surface, look: Look, rng: np.random.Generator) -> None:
    """Beard and moustache, from a shadow to a full one."""
    hair, mouth, side = look.hair, look.mouth, np.abs(face.u)
    if hair.beard == 0:
        return
    grain = texture(rng, face.u.shape, (2.2, 1.4))
    below = face.v - (mouth.y - 4 + 0.9 * np.clip(34 - side, 0, None))
    lips = inside(1 - np.hypot(face.u / (mouth.width + 3), (face.v - mouth.y - 2) / 9), 0.12)
    beard = inside(below, 5) * (1 - lips) * hair.beard
    above_lip = face.v - mouth.y + mouth.upper + 3.5 - 0.01 * side**2
    moustache = bump(np.clip(side - mouth.width, 0, None), above_lip, 3, 2.4) * hair.moustache
    weight = np.clip(np.maximum(beard, moustache) * (0.85 + 0.25 * grain), 0, 0.96)
    paint(canvas, weight * inside(face.edge), hair.colour, face.light * (0.8 + 0.25 * grain))

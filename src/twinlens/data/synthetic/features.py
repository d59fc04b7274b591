"""Eyes, brows, mouth and glasses, painted onto the skin."""

from __future__ import annotations

import math

import numpy as np

from twinlens.data.synthetic.brush import Plane, inside, paint
from twinlens.data.synthetic.head import Surface
from twinlens.data.synthetic.look import Look
from twinlens.data.synthetic.shot import Shot


def paint_eyes(canvas: Plane, face: Surface, look: Look, shot: Shot) -> None:
    """Lids, white, iris, pupil, highlight and lashes of both eyes."""
    eyes, light = look.eyes, face.light
    skin, iris = np.array(look.head.skin), np.array(eyes.iris)
    for sign in (-1, 1):
        a = sign * face.u - eyes.x  # positive towards the temple
        b = face.v - eyes.y + eyes.tilt * a
        arc = np.clip(1 - (a / eyes.width) ** 2, 0, None)
        upper = b + eyes.height * shot.eye_open * arc**0.7
        lower = 0.6 * eyes.height * arc - b
        opening = inside(np.minimum(upper, lower), 0.7) * (arc > 0)
        paint(canvas, opening, (0.55, 0.5, 0.47), light * (0.75 + 0.25 * arc))
        radius = np.hypot(a - sign * shot.gaze, b + 0.6)
        paint(canvas, opening * inside(4.6 - radius), iris, light * 1.4)
        paint(canvas, opening * inside(0.7 - np.abs(radius - 4.2)) * 0.6, iris * 0.25)
        paint(canvas, opening * inside(2.0 - radius), (0.004, 0.004, 0.004))
        paint(canvas, opening * np.clip(1 - upper / 2.5, 0, 1) * 0.6, (0.03, 0.02, 0.015))  # the lid's shadow
        glint = np.hypot(a - sign * (shot.gaze + 1.5 * shot.light[0]), b + 1.8)
        paint(canvas, opening * inside(0.8 - glint) * 0.8, (1, 1, 1), light)
        lids = arc**0.5
        paint(canvas, _stroke(upper + 0.3, 1.1) * lids * 0.85, skin * 0.07)
        paint(canvas, _stroke(upper + 3.4, 1.4) * lids * 0.45, skin * 0.3, light)
        paint(canvas, _stroke(lower + 0.6, 1.0) * lids * 0.45, skin * 0.35, light)


def paint_brows(canvas: Plane, face: Surface, look: Look, shot: Shot, strands: Plane) -> None:
    """Both brows, in the colour of the hair but always darker than the skin; ``strands`` is noise."""
    eyes = look.eyes
    colour = np.minimum(np.array(look.hair.colour) * 0.6, np.array(look.head.skin) * 0.4)
    for sign in (-1, 1):
        a = (sign * face.u - eyes.x - 1) / 13
        middle = eyes.y - eyes.brow_y - shot.brow_raise + 13 * eyes.brow_slope * a
        middle = middle - eyes.brow_arch * (1 - 1.6 * (a - 0.25) ** 2)
        thickness = eyes.brow_thickness * np.clip(1.05 - 0.75 * np.clip(a + 0.3, 0, None), 0, 1)
        mask = inside(thickness - np.abs(face.v - middle), 1.4) * inside(13 - 13 * np.abs(a), 2.5)
        paint(canvas, mask * eyes.brow_weight * np.clip(0.85 + 0.2 * strands, 0, 1), colour, face.light)


def paint_mouth(canvas: Plane, face: Surface, look: Look, shot: Shot) -> None:
    """Lips, and what is between them when the mouth is open."""
    mouth, light, skin = look.mouth, face.light, np.array(look.head.skin)
    width = mouth.width + 3 * shot.smile
    a = face.u / width
    arc = np.clip(1 - a**2, 0, None)
    line = face.v - mouth.y + 4.5 * shot.smile * (a**2 - 0.35)  # a smile lifts the corners
    gap = 6 * min(shot.mouth_open, 1.3)
    bow = 1 - 0.4 * np.exp(-((a / 0.16) ** 2))
    rise, fall = line + 0.3 * gap * arc, 0.9 * gap * arc - line
    top, bottom = rise + mouth.upper * arc**0.7 * bow, fall + mouth.lower * arc**0.7
    lips = inside(np.minimum(top, bottom), 1.1) * inside(1 - np.abs(a), 0.04)
    red = skin * (1 - mouth.redness * np.array([0.2, 0.62, 0.55]))
    paint(canvas, lips * 0.85, red, light * np.clip(0.75 + 0.07 * line, 0.5, 1.05))
    hole = inside(np.minimum(rise, fall), 0.8) * inside(0.97 - np.abs(a), 0.05) * min(1.0, gap)
    paint(canvas, hole, (0.04, 0.012, 0.012))
    teeth = hole * np.clip(gap - 1, 0, 1) * inside(1.2 + 0.35 * gap - rise, 0.8) * inside(0.85 - np.abs(a), 0.1)
    paint(canvas, teeth, (0.6, 0.56, 0.5), light * (0.6 + 0.4 * arc))
    seam = _stroke(rise, 1.1) * inside(1.02 - np.abs(a), 0.08)
    paint(canvas, seam * 0.75, skin * np.array([0.14, 0.06, 0.05]))
    paint(canvas, _stroke(bottom + 2.2, 2.4) * np.clip(arc - 0.3, 0, 1) * 0.4, skin * 0.4, light)


def paint_glasses(canvas: Plane, face: Surface, look: Look, shot: Shot) -> None:
    """Rims, bridge and arms, if the subject has glasses and wears them."""
    if look.rim is None or not shot.glasses:
        return
    eyes, square = look.eyes, look.rim_square
    u = face.u - 5 * math.sin(shot.yaw)  # they sit before the face
    side, v = np.abs(u) - eyes.x - 1, face.v - eyes.y - 1.5
    power = 2 + 3 * square
    shape = ((np.abs(side) / 15) ** power + (np.abs(v) / (12 - 2.5 * square)) ** power) ** (1 / power)
    on_head = inside(face.edge + 1)
    bar = inside(1.0 - np.abs(v + 3.5)) * ((np.abs(u) < eyes.x - 13) | (side > 14.5))
    rims = inside(1.0 - 11 * np.abs(1 - shape))
    lens = inside(1 - shape, 0.05) * on_head
    paint(canvas, lens * 0.1, (0.1, 0.1, 0.12), face.light)
    paint(canvas, np.maximum(rims, bar) * on_head, look.rim, face.light)
    glare = inside(3 - np.abs(u - np.sign(u) * eyes.x - 0.7 * v - 20 * shot.light[0]), 2)
    paint(canvas, lens * glare * 0.12, (1, 1, 1), face.light)


def _stroke(distance: Plane, width: float) -> Plane:
    """A soft line where the distance is 0."""
    return np.clip(1 - np.abs(distance) / width, 0, 1)

"""The head as a surface: where each pixel lies on the face, how far it stands out, and how light falls on it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from twinlens.data.synthetic.brush import Box, Plane, bump, inside, paint, texture, window
from twinlens.data.synthetic.look import Look
from twinlens.data.synthetic.shot import Shot

SKULL_Y = -80.0


@dataclass(frozen=True, slots=True)
class Surface:
    """Per pixel ``(h, w)`` of the photo.

    Attributes:
        x: Upright coordinate of the picture's plane, after undoing shift, scale and roll.
        y: Likewise, downwards.
        u: Coordinate on the face, left to right, 0 in the middle of the face even if it is turned.
        v: Coordinate on the face, downwards.
        half_width: Half the head's width at this height.
        edge: Signed distance to the head's outline, positive inside.
        depth: How far the bare head comes towards the camera.
        light: How much light the bare head gets; 1 is full.
    """

    x: Plane
    y: Plane
    u: Plane
    v: Plane
    half_width: Plane
    edge: Plane
    depth: Plane
    light: Plane

    def window(self, box: Box) -> Surface:
        """The part within a box."""
        return Surface(*(window(getattr(self, name), box) for name in self.__slots__))


def make_surface(look: Look, shot: Shot, size: int) -> Surface:
    """Turn the head by yaw and pitch: the head is a stack of circles whose radius follows the outline."""
    x, y = _upright(shot, size)
    # Alignment centres the features, not the skull, so a turned skull moves the other way.
    x = x + 0.8 * look.head.width * math.sin(shot.yaw)
    half_width, slope = _outline(look, y)
    edge = np.minimum((half_width - np.abs(x)) / np.sqrt(1 + slope**2), np.minimum(look.head.chin_y - y, y - SKULL_Y))
    angle = np.arcsin(np.clip(x / np.maximum(half_width, 1), -0.999, 0.999))
    depth = np.maximum(half_width, 0) * np.cos(angle)
    u = np.maximum(half_width, 1) * np.sin(np.clip(angle - shot.yaw, -np.pi / 2, np.pi / 2))
    v = y - shot.pitch * np.cos(angle)
    return Surface(x, y, u, v, half_width, edge, depth, shade(depth, shot))


def paint_skin(canvas: Plane, face: Surface, look: Look, shot: Shot, rng: np.random.Generator) -> None:
    """Paint the shaded skin of head and ears."""
    relief = _relief(look, shot, face)
    light = shade(face.depth + 0.6 * relief, shot)
    # Hollows see less of the sky than hills.
    light *= 1 + 0.035 * np.clip(relief, -6, 2)
    skin = np.asarray(look.head.skin, np.float32)[:, None, None] * np.ones_like(face.u)
    _colour_skin(skin, face, look, rng)
    ears = _ears(face, look, shot)
    paint(canvas, ears, skin * (0.55 * light_of(shot)))
    skin *= light
    skin += 0.04 * (light / 1.05) ** 8  # sheen
    paint(canvas, inside(face.edge), skin)


def shade(depth: Plane, shot: Shot) -> Plane:
    """Light per pixel on a surface: ambient plus Lambert's cosine law; about 1 where it faces the lamp."""
    down, right = np.gradient(depth)
    length = np.sqrt(1 + right**2 + down**2)
    cosine = (shot.light[2] - right * shot.light[0] - down * shot.light[1]) / length
    return np.asarray(shot.ambient + (1.05 - shot.ambient) * np.clip(cosine, 0, None), np.float32)


def light_of(shot: Shot) -> float:
    """Light on something that faces the camera."""
    return shot.ambient + (1.05 - shot.ambient) * max(0.0, shot.light[2])


def _upright(shot: Shot, size: int) -> tuple[Plane, Plane]:
    down, right = np.mgrid[:size, :size].astype(np.float32) - np.float32((size - 1) / 2)
    right, down = (right - shot.shift[0]) / shot.scale, (down - shot.shift[1]) / shot.scale
    cos, sin = math.cos(shot.roll), math.sin(shot.roll)
    return cos * right + sin * down, cos * down - sin * right


def _outline(look: Look, y: Plane) -> tuple[Plane, Plane]:
    """Half the head's width at each height (negative beyond its ends), and the slope of that."""
    head = look.head
    heights = np.arange(SKULL_Y, head.chin_y + 0.25, 0.25)
    above = np.clip((head.cheek_y - heights) / (head.cheek_y - SKULL_Y), 0, 1) ** 2.3
    below = np.clip((heights - head.cheek_y) / (head.chin_y - head.cheek_y), 0, 1) ** head.jaw
    widths = head.width * np.sqrt(1 - np.maximum(above, below))
    beyond = np.maximum(np.maximum(SKULL_Y - y, y - head.chin_y), 0)
    half_width = np.interp(y, heights, widths) - beyond
    slope = np.interp(y, heights, np.gradient(widths, 0.25))
    return half_width.astype(np.float32), slope.astype(np.float32)


def _relief(look: Look, shot: Shot, face: Surface) -> Plane:
    """How far everything stands out of the plain head, in pixels."""
    head, eyes, mouth, smile = look.head, look.eyes, look.mouth, max(0.0, shot.smile)
    u, v, side = face.u, face.v, np.abs(face.u)
    sockets = -eyes.socket * bump(side - eyes.x + 2, v - eyes.y, 9, 5.5)
    ridges = (1.5 + eyes.socket * 0.4) * bump(side - eyes.x, v - eyes.y + eyes.brow_y - 1, 13, 5)
    cheeks = (1.5 + head.cheekbones + 1.2 * smile) * bump(side - 27, v - 12, 9, 11)
    fold = side - (look.nose.width + 2 + (v - look.nose.y) * (0.38 + 0.12 * smile))
    folds = -(0.5 * head.folds + 1.3 * smile) * bump(fold, v - (look.nose.y + mouth.y) / 2 - 2, 1.8, 8)
    lips = 2.2 * bump(u, v - mouth.y, mouth.width * 0.75, 5.5)
    chin = 3 * bump(u, v - head.chin_y + 9, 10, 6) - 1.5 * bump(u, v - mouth.y - mouth.lower - 5, 10, 3)
    forehead = -0.35 * head.folds * np.sin(v * 0.75) * bump(u, v + 48, 26, 9)
    return np.asarray(_nose(look, shot, face) + sockets + ridges + cheeks + folds + lips + chin + forehead)


def _nose(look: Look, shot: Shot, face: Surface) -> Plane:
    nose, top, v = look.nose, look.eyes.y, face.v
    down = np.clip((v - top) / (nose.y - top), 0, 1)
    # What stands out further moves further when the head turns.
    u = face.u - nose.height * math.sin(shot.yaw) * down
    under = np.clip((nose.y + 4 - v) / 5, 0, 1)
    ridge = nose.height * down**1.2 * under * np.exp(-0.5 * (u / (nose.ridge + 1.5 * down)) ** 2)
    wings = 4.5 * bump(np.abs(u) - nose.width * 0.72, v - nose.y - 0.5, 2.6, 3.4)
    ball = 2.5 * bump(u, v - nose.y + 1, nose.ridge + 1, 4)
    return np.asarray(ridge + wings + ball)


def _colour_skin(skin: Plane, face: Surface, look: Look, rng: np.random.Generator) -> None:
    head, side = look.head, np.abs(face.u)
    skin *= 1 + 0.03 * texture(rng, face.u.shape, (9, 9)) + 0.02 * texture(rng, face.u.shape, (2, 2))
    red = head.blush * (
        bump(side - 25, face.v - 14, 12, 10)
        + 0.8 * bump(face.u, face.v - look.nose.y, 8, 6)
        + 0.5 * bump(face.u, face.v - head.chin_y + 8, 12, 7)
    )
    skin[1:] *= 1 - 0.2 * red
    skin *= 1 - 0.25 * bump(side - look.eyes.x, face.v - look.eyes.y - 3, 9, 6)
    nostrils = bump(np.abs(face.u) - look.nose.width * 0.45, face.v - look.nose.y - 4, 2.2, 1.3)
    skin *= 1 - 0.6 * nostrils
    for u, v in head.moles:
        skin *= 1 - 0.75 * inside(1.4 - np.hypot(face.u - u, face.v - v))


def _ears(face: Surface, look: Look, shot: Shot) -> Plane:
    head = look.head
    mask = np.zeros_like(face.x)
    for sign in (-1, 1):
        middle = sign * (head.width - 2 + head.ear_out) - 6 * math.sin(shot.yaw)
        across, down = (face.x - middle) / 6.5, (face.y + 2 - 0.5 * shot.pitch) / head.ear_size
        mask = np.maximum(mask, inside((1 - np.sqrt(across**2 + down**2)) * 6.5))
    return mask

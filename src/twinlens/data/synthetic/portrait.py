"""One portrait: the layers from back to front, then the camera."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from twinlens.data.synthetic.brush import Plane, paint, texture, window
from twinlens.data.synthetic.features import paint_brows, paint_eyes, paint_glasses, paint_mouth
from twinlens.data.synthetic.hair import front_hair, hair_colour, hair_outline, paint_beard
from twinlens.data.synthetic.head import make_surface, paint_skin
from twinlens.data.synthetic.look import Look
from twinlens.data.synthetic.scene import background, paint_body
from twinlens.data.synthetic.shot import Shot
from twinlens.types import UInt8Array

SIZE = 250
# Where things can be however the head is turned and shifted.
_HEAD = (-115, 95, -82, 82)
_BODY = (25, 125, -125, 125)
_EYES = (-50, 14, -58, 58)
_JAW = (-20, 95, -62, 62)


def portrait(look: Look, shot: Shot, rng: np.random.Generator) -> UInt8Array:
    """Render one photo of one subject as uint8 RGB ``(250, 250, 3)``; ``rng`` gives textures and noise."""
    canvas = background(shot, SIZE, rng)
    surface = make_surface(look, shot, SIZE)
    ruffle = texture(rng, (SIZE, SIZE), (9, 4))
    colour = hair_colour(surface, look, shot, rng)
    outline = hair_outline(surface, look, ruffle)
    paint(canvas, outline, 0.5 * colour)
    paint_body(window(canvas, _BODY), surface.window(_BODY), look, shot, rng)
    paint_skin(window(canvas, _HEAD), surface.window(_HEAD), look, shot, rng)
    jaw, face_of_jaw = window(canvas, _JAW), surface.window(_JAW)
    paint_beard(jaw, face_of_jaw, look, rng)
    paint_mouth(jaw, face_of_jaw, look, shot)
    eyes, face_of_eyes = window(canvas, _EYES), surface.window(_EYES)
    paint_eyes(eyes, face_of_eyes, look, shot)
    paint_brows(eyes, face_of_eyes, look, shot, window(ruffle, _EYES))
    paint_glasses(eyes, face_of_eyes, look, shot)
    paint(canvas, outline * front_hair(surface, look, ruffle), colour)
    return _photograph(canvas, shot, rng)


def _photograph(canvas: Plane, shot: Shot, rng: np.random.Generator) -> UInt8Array:
    """Exposure and white balance, a lens out of focus, a film that saturates gently, and noise."""
    canvas *= np.asarray(shot.tint, np.float32)[:, None, None]
    if shot.blur > 0.3:
        canvas = gaussian_filter(canvas, (0, shot.blur, shot.blur), mode="nearest", truncate=3)
    bright = np.clip(canvas - 0.5, 0, None) / 0.5
    seen = np.sqrt(np.clip(canvas, 0, 0.5) + 0.5 * bright / (1 + bright))
    seen += np.float32(shot.noise) * rng.standard_normal(seen.shape[1:], np.float32)
    return np.ascontiguousarray((255 * np.clip(seen, 0, 1) + 0.5).astype(np.uint8).transpose(1, 2, 0))

"""A contact sheet: photos of a dataset on one page, each with the name of its subject."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from twinlens.data.dataset import Dataset
from twinlens.images import read_image
from twinlens.types import IntArray

_TILE = 150
_CAPTION = 22
_GAP = 8
_PAPER, _INK = (255, 255, 255), (40, 44, 52)


def one_of_each(dataset: Dataset, samples: IntArray, count: int = 40) -> IntArray:
    """The first photos of ``count`` subjects (or of all, if there are fewer), evenly spread over the subjects."""
    _, first = np.unique(dataset.subject_codes[samples], return_index=True)
    places = np.linspace(0, len(first) - 1, min(count, len(first))).round().astype(np.int64)
    return samples[first[places]]


def contact_sheet(dataset: Dataset, samples: IntArray | Sequence[int], columns: int = 8) -> Image.Image:
    """Photos in rows of ``columns``, cut to squares.

    Raises:
        ImageError: A photo cannot be read.
    """
    columns = min(columns, max(1, len(samples)))
    rows = -(-len(samples) // columns)
    step_x, step_y = _TILE + _GAP, _TILE + _CAPTION + _GAP
    sheet = Image.new("RGB", (columns * step_x + _GAP, rows * step_y + _GAP), _PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for place, index in enumerate(samples):
        left, top = _GAP + place % columns * step_x, _GAP + place // columns * step_y
        photo = Image.fromarray(read_image(dataset.path(index)))
        sheet.paste(ImageOps.fit(photo, (_TILE, _TILE), Image.Resampling.LANCZOS), (left, top))
        caption = _fitting(dataset.samples[index].subject_id.replace("_", " "), font)
        draw.text((left + _TILE / 2, top + _TILE + 4), caption, _INK, font, anchor="ma")
    return sheet


def _fitting(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """The text, shortened in its middle until it is no wider than a photo."""
    shown, keep = text, len(text)
    while font.getlength(shown) > _TILE and keep > 2:
        keep -= 1
        shown = f"{text[: -(-keep // 2)]}…{text[-(keep // 2) :]}"
    return shown

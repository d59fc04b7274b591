"""One picture that explains a decision: both photos, what spoke for and against a match, and the scale."""

from __future__ import annotations

import textwrap
import unicodedata
from pathlib import PurePath

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from twinlens.explaining.decision import ExplainedDecision
from twinlens.explaining.overlay import overlay, scale
from twinlens.reporting.explained import figures, findings, headline
from twinlens.reporting.wording import decimal
from twinlens.types import UInt8Array

# Longer side of a photo in the picture, in pixels.
PHOTO = 560
_MARGIN, _GAP = 48, 24
_WIDTH = 2 * (_MARGIN + PHOTO) + _GAP
_LINE = 34  # from one line of text to the next
_SPACE = 10  # from one paragraph to the next, besides
_LETTERS = 100  # that fit on a line
_PAPER, _INK, _MUTED = (255, 255, 255), (27, 36, 48), (91, 102, 117)
_MIDDLE = _WIDTH / 2


def draw_decision(decision: ExplainedDecision, first: UInt8Array, second: UInt8Array) -> Image.Image:
    """Draw a decision and what drove it.

    Args:
        decision: With its explanation.
        first: What the network saw of the first photo, uint8 ``(height, width, 3)``, the longer side :data:`PHOTO`.
        second: Likewise of the second photo.
    """
    blocks = (_head(decision), _photos(decision, first, second), _scale(_limit(decision)), _words(decision))
    picture = Image.new("RGB", (_WIDTH, sum(block.height for block in blocks) + 2 * _MARGIN), _PAPER)
    top = _MARGIN
    for block in blocks:
        picture.paste(block, (0, top))
        top += block.height
    return picture


def _head(decision: ExplainedDecision) -> Image.Image:
    block, draw = _block(116)
    draw.text((_MARGIN, -8), headline(decision), _INK, _font(48))
    draw.text((_MARGIN, 56), _plain(figures(decision)), _MUTED, _font(25))
    return block


def _photos(decision: ExplainedDecision, first: UInt8Array, second: UInt8Array) -> Image.Image:
    tall, limit = max(len(first), len(second)), _limit(decision)
    block, draw = _block(_LINE + 2 * (tall + _GAP) + 8)
    sides = ((decision.first, first), (decision.second, second))
    for place, (letter, (photo, pixels)) in enumerate(zip("AB", sides, strict=True)):
        left, font = _MARGIN + place * (PHOTO + _GAP), _font(24)
        draw.text((left, 0), _fitting(f"{letter}:  {PurePath(photo.name).name}", font), _INK, font)
        block.paste(Image.fromarray(pixels), (left, _LINE + 8))
        block.paste(overlay(pixels, np.array(photo.changes), limit), (left, _LINE + 8 + tall + _GAP))
    return block


def _scale(limit: float) -> Image.Image:
    """The colours with the changes of the score that they stand for."""
    block, draw = _block(142)
    long, high = PHOTO + 160, 28
    left = round(_MIDDLE - long / 2)
    block.paste(scale(long, high), (left, 16))
    for share in (-1, -0.5, 0, 0.5, 1):
        x = _MIDDLE + share * long / 2
        draw.line((x, 16 + high, x, 24 + high), _MUTED, 2)
        change = decimal(share * limit, 2) if share <= 0 else f"+{decimal(share * limit, 2)}"
        draw.text((x, 28 + high), _plain(change), _INK, _font(22), anchor="ma")
    draw.text((left - 16, 16 + high / 2), "against a match", _MUTED, _font(23), anchor="rm")
    draw.text((left + long + 16, 16 + high / 2), "for a match", _MUTED, _font(23), anchor="lm")
    meaning = "by how much the score falls when a spot is covered"
    draw.text((_MIDDLE, 62 + high), meaning, _MUTED, _font(22), anchor="ma")
    return block


def _words(decision: ExplainedDecision) -> Image.Image:
    paragraphs = [textwrap.wrap(_plain(finding), _LETTERS) for finding in findings(decision)]
    block, draw = _block(sum(_LINE * len(lines) + _SPACE for lines in paragraphs))
    top = 0
    for lines in paragraphs:
        for line in lines:
            draw.text((_MARGIN, top), line, _INK, _font(24))
            top += _LINE
        top += _SPACE
    return block


def _limit(decision: ExplainedDecision) -> float:
    return float(max(np.abs(photo.changes).max() for photo in (decision.first, decision.second)))


def _block(height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    block = Image.new("RGB", (_WIDTH, height), _PAPER)
    return block, ImageDraw.Draw(block)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _plain(text: str) -> str:
    """The text in the letters that Pillow's own font has, which are those of ASCII."""
    simple = unicodedata.normalize("NFKD", text.replace("\N{MINUS SIGN}", "-"))
    return "".join(letter for letter in simple if not unicodedata.combining(letter)).encode("ascii", "replace").decode()


def _fitting(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """The text, shortened at its end until it is no wider than a photo."""
    text = _plain(text)
    shown = text
    while font.getlength(shown) > PHOTO:
        text = text[:-1]
        shown = f"{text}..."
    return shown

"""Pictures that tests draw and encode, and PNGs put together by hand."""

import io
import struct
import zlib

import numpy as np
from PIL import Image


def drawn(rng: np.random.Generator, form: str, mode: str = "RGB", side: int = 0) -> bytes:
    """A picture of noise on a gradient, encoded."""
    width, height = (side, side) if side else rng.integers(1, 200, 2)
    slope = np.add.outer(np.arange(height), np.arange(width))[..., None] % 256
    pixels = (slope + rng.integers(0, 64, (height, width, 3))).astype(np.uint8)
    return encoded(Image.fromarray(pixels).convert(mode), form)


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    """An image as a file's content."""
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def png_chunk(name: bytes, content: bytes) -> bytes:
    """A chunk of a PNG, with its length and checksum."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png_chunks(*chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of these chunks."""
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)

"""Photos as they appear in a report: small, and inside the page itself."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable

from PIL import Image
from PIL.Image import Resampling

from twinlens.types import UInt8Array

# Name of a sample to its photo as upright RGB, uint8 (height, width, 3).
Photos = Callable[[str], UInt8Array]


def data_uri(rgb: UInt8Array, side: int) -> str:
    """A photo as a JPEG ``data:`` address, its longer side at most ``side`` pixels."""
    image = Image.fromarray(rgb)
    image.thumbnail((side, side), Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=82, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")

"""Untrusted bytes to an RGB array, and from there to the crop that a network sees: the one preprocessing.

Whoever trains, evaluates or serves goes through here, so that a network never meets pixels that were prepared
differently from those it learned on.
"""

from __future__ import annotations

import io
import logging
import math
import threading
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError
from PIL.Image import Resampling, Transpose

from twinlens.config import Frame
from twinlens.errors import ImageError
from twinlens.types import UInt8Array

# Everything else that Pillow could open stays shut: each further format is a parser that strangers can feed.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM")

# What is wrong with a photo is told by errors. Pillow's own words are for programs that ask for logs, not for a
# terminal.
logging.getLogger("PIL").addHandler(logging.NullHandler())

_ORIENTATION_TAG = 0x0112
_TURN_UPRIGHT = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
_LIES_ON_ITS_SIDE = (5, 6, 7, 8)
_SIXTEEN_BIT_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N")
_EIGHT_OF_SIXTEEN_BITS = ((np.arange(0x10000) + 128) // 257).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Limits:
    """What an image may be before it is refused: undecoded if it is too large.

    Attributes:
        max_bytes: Size of the encoded file.
        max_pixels: Width times height.
        max_faces: Faces that it may show where one is looked for.
    """

    max_bytes: int = 32 * 2**20
    max_pixels: int = 64_000_000
    max_faces: int = 100


def read_image(path: str | Path, limits: Limits = Limits()) -> UInt8Array:
    """Read a photo as upright RGB, uint8 ``(height, width, 3)``, read-only.

    Raises:
        ImageError: The file is missing, too large, broken or of no known format.
    """
    return decode_image(read_bytes(Path(path), limits), str(path), limits)


def read_crop(path: str | Path, frame: Frame, limits: Limits = Limits()) -> UInt8Array:
    """Read a photo and cut the crop out of it, uint8 ``frame.shape``.

    A JPEG many times larger than the crop needs is decoded at a half, quarter or eighth of its size.

    Raises:
        ImageError: As :func:`read_image`.
    """
    return to_crop(decode_image(read_bytes(Path(path), limits), str(path), limits, draft=enough_for(frame)), frame)


def enough_for(frame: Frame) -> tuple[int, int]:
    """Width and height of a photo that are enough for its crop: twice what it needs, so that the antialiased resize
    has something left to average."""
    return math.ceil(2 * frame.width / frame.crop_width), math.ceil(2 * frame.height / frame.crop_height)


def decode_image(
    data: bytes,
    name: str,
    limits: Limits = Limits(),
    draft: tuple[int, int] | None = None,
) -> UInt8Array:
    """Decode a photo to upright RGB, uint8 ``(height, width, 3)``, read-only.

    The EXIF orientation is applied, transparency becomes white, and of an animation the first frame counts.

    Args:
        data: The encoded image.
        name: What an error calls it.
        limits: What is refused undecoded.
        draft: Width and height that are enough. A JPEG may then be decoded at a half, quarter or eighth of
            its size as long as it stays at least that large.

    Raises:
        ImageError: The data is empty, too large, broken or of no known format.
    """
    if not data:
        raise ImageError(f"{name} is empty.", "Replace it with a photo.")
    if len(data) > limits.max_bytes:
        raise _too_large(name, f"{len(data):,} bytes", f"{limits.max_bytes:,}")
    try:
        with _quiet, Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if math.prod(image.size) > limits.max_pixels:
                raise _too_large(name, f"{image.width} x {image.height} pixels", f"{limits.max_pixels:,}")
            return _upright_rgb(image, name, draft)
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise _too_large(name, "far too many pixels", f"{limits.max_pixels:,}") from error
    except UnidentifiedImageError as error:
        known = ", ".join(FORMATS)
        raise ImageError(f"{name} is no image of a known format.", f"Known are {known}.") from error
    except Exception as error:
        # Decoders of seven formats raise a dozen kinds of exceptions on damaged data, MemoryError among them.
        raise ImageError(f"{name} is broken: {error or type(error).__name__}.", "Replace it.") from error


def to_crop(rgb: UInt8Array, frame: Frame) -> UInt8Array:
    """Cut out the middle, resize with antialiasing and choose the colours.

    Args:
        rgb: uint8 ``(height, width, 3)``.
        frame: Which share is kept and how large it becomes.

    Returns:
        uint8 ``frame.shape``, read-only. Pixels stay as they are if nothing is cut off and the sizes agree;
        else those at the edge are blended with their neighbours outside, as antialiasing does.
    """
    height, width = rgb.shape[:2]
    left, top = width * (1 - frame.crop_width) / 2, height * (1 - frame.crop_height) / 2
    down = height * frame.shift
    crop = Image.fromarray(rgb).resize(
        (frame.width, frame.height),
        Resampling.BILINEAR,
        box=(left, max(0.0, top + down), width - left, min(height, height - top + down)),
        reducing_gap=3.0,  # from here on Pillow's documentation calls the shortcut indistinguishable
    )
    return np.asarray(crop.convert("L") if frame.colour == "grey" else crop).reshape(frame.shape)


def read_bytes(path: Path, limits: Limits = Limits()) -> bytes:
    """The content of a file, one byte more than is allowed at most.

    Raises:
        ImageError: It is missing, no file or not readable.
    """
    try:
        if not path.is_file():  # a pipe or device would never end
            raise ImageError(f"{path} is missing or no file.", "Check the path.")
        with path.open("rb") as file:
            return file.read(limits.max_bytes + 1)
    except OSError as error:
        raise ImageError(f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from error


def _upright_rgb(image: ImageFile.ImageFile, name: str, draft: tuple[int, int] | None) -> UInt8Array:
    if draft is not None:
        image.draft(None, draft[::-1] if _orientation(image) in _LIES_ON_ITS_SIDE else draft)
    image.load()
    turn = _TURN_UPRIGHT.get(_orientation(image))  # asked again, because loading turns TIFFs upright
    rgb = _rgb(image, name)
    return np.asarray(rgb if turn is None else rgb.transpose(turn))


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:
        return 1  # the EXIF block is damaged, which says nothing against the pixels


def _rgb(image: Image.Image, name: str) -> Image.Image:
    if image.mode in _SIXTEEN_BIT_MODES:  # Pillow's own conversion would clip at 255
        return Image.fromarray(_eight_bit(np.asarray(image), name)).convert("RGB")
    if image.mode == "F":
        raise ImageError(f"{name} has floating-point pixels.", "Convert it to 8 or 16 bits.")
    if image.has_transparency_data:
        above = image.convert("RGBA")
        white = Image.new("RGBA", above.size, "white")
        return Image.alpha_composite(white, above).convert("RGB")
    return image.convert("RGB")


def _eight_bit(pixels: np.ndarray, name: str) -> UInt8Array:
    if pixels.min() < 0 or pixels.max() > 0xFFFF:
        raise ImageError(f"{name} has more than 16 bits per pixel.", "Convert it to 8 or 16 bits per channel.")
    return np.take(_EIGHT_OF_SIXTEEN_BITS, pixels)


def _too_large(name: str, size: str, limit: str) -> ImageError:
    return ImageError(f"{name} is too large: {size}, allowed are {limit}.", "Make it smaller.")


# Python's warning filters belong to the whole process, and restoring them from two threads in the wrong order
# would silence it for good. So the first thread in shuts Pillow up and the last one out undoes it.
class _Quiet:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._saved = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._saved = warnings.catch_warnings()
                self._saved.__enter__()
                warnings.filterwarnings("ignore", module=r"PIL\.")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._saved.__exit__(None, None, None)


_quiet = _Quiet()

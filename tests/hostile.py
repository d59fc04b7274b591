"""Files that nobody should send as a photo: broken, enormous, of another kind, or two kinds at once.

Everything follows from a seed, so whatever a file has broken can be made again.
"""

import io
import json
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image

from tests.pictures import drawn, encoded, png_chunk, png_chunks

HUGE = 50_000
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM")


@dataclass(frozen=True)
class Hostile:
    """A file: what is wrong with it, and its content."""

    kind: str
    content: bytes


def hostile_files(seed: int, count: int, photos: tuple[bytes, ...] = ()) -> Iterator[Hostile]:
    """``count`` files, all kinds in turn.

    Args:
        seed: Two equal ones give equal files.
        count: How many.
        photos: Real photos that are mutated beside drawn ones.
    """
    kinds = list(KINDS.items())
    for i in range(count):
        rng = np.random.default_rng([seed, i])
        kind, make = kinds[i % len(kinds)]
        yield Hostile(kind, make(rng, _start(rng, photos)))


def _start(rng: np.random.Generator, photos: tuple[bytes, ...]) -> bytes:
    if photos and rng.random() < 0.5:
        return photos[rng.integers(len(photos))]
    return drawn(rng, FORMATS[rng.integers(len(FORMATS))])


def truncated(rng: np.random.Generator, start: bytes) -> bytes:
    return start[: rng.integers(0, len(start))]


def flipped(rng: np.random.Generator, start: bytes) -> bytes:
    content = bytearray(start)
    for place in rng.integers(0, len(content), rng.integers(1, 40)):
        content[place] = rng.integers(256)
    return bytes(content)


def broken_head(rng: np.random.Generator, start: bytes) -> bytes:
    content = bytearray(start)
    for place in rng.integers(0, min(64, len(content)), rng.integers(1, 8)):
        content[place] = rng.choice([0, 1, 0x7F, 0x80, 0xFF])
    return bytes(content)


def spliced(rng: np.random.Generator, start: bytes) -> bytes:
    first, last = sorted(rng.integers(0, len(start) + 1, 2))
    piece, place = start[first:last], rng.integers(0, len(start) + 1)
    return (start[:place] + piece * int(rng.integers(0, 3)) + start[place:])[: 4 * len(start)]


def mismatched(rng: np.random.Generator, start: bytes) -> bytes:
    return drawn(rng, FORMATS[rng.integers(len(FORMATS))])[: rng.integers(2, 40)] + start[rng.integers(0, 40) :]


def noise(rng: np.random.Generator, _: bytes) -> bytes:
    magic = rng.choice([b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"II*\0", b"MM\0*", b"BM", b"P6\n"])
    return bytes(magic) + rng.bytes(rng.integers(0, 2000))


def empty(rng: np.random.Generator, _: bytes) -> bytes:
    return bytes([b"", b"\0", b"\n", b"\0" * 4096][rng.integers(4)])


@cache
def _bomb(bits: int, colour: int) -> bytes:
    row = bytes(1 + HUGE * bits // 8)
    return png_chunks(
        (b"IHDR", struct.pack(">IIBBBBB", HUGE, HUGE, min(bits, 8), colour, 0, 0, 0)),
        (b"IDAT", zlib.compress(row * 2000)),
        (b"IEND", b""),
    )


def bomb(rng: np.random.Generator, _: bytes) -> bytes:
    jpeg = bytearray(drawn(rng, "JPEG", side=64))
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = struct.pack(">HH", HUGE, HUGE)
    bmp = bytearray(drawn(rng, "BMP", side=8))
    bmp[18:26] = struct.pack("<ii", HUGE, HUGE)
    gif = bytearray(drawn(rng, "GIF", side=8))
    gif[6:10] = struct.pack("<HH", HUGE, HUGE)
    tiff = drawn(rng, "TIFF", side=8)
    for tag in (256, 257):
        place = tiff.index(struct.pack("<HH", tag, 4)) if struct.pack("<HH", tag, 4) in tiff else -1
        tiff = tiff if place < 0 else tiff[: place + 8] + struct.pack("<I", HUGE) + tiff[place + 12 :]
    wide = encoded(Image.new("1", (60_000, 1)), "PNG")
    bombs = [
        _bomb(1, 0),
        _bomb(24, 2),
        bytes(jpeg),
        bytes(bmp),
        bytes(gif),
        tiff,
        wide,
        b"P6 50000 50000 255\n" + b"x" * 99,
    ]
    return bombs[rng.integers(len(bombs))]


def hidden_bomb(rng: np.random.Generator, _: bytes) -> bytes:
    """A small picture with something that unpacks to seventy megabytes beside it."""
    packed = _zeros()
    extra = [(b"iCCP", b"x\0\0" + packed), (b"zTXt", b"x\0\0" + packed), (b"iTXt", b"x\0\1\0\0\0" + packed)]
    content = drawn(rng, "PNG", side=16)
    return content[:33] + png_chunk(*extra[rng.integers(3)]) + content[33:]


@cache
def _zeros() -> bytes:
    return zlib.compress(bytes(70_000_000))


def polyglot(rng: np.random.Generator, start: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("../../evil.py", "raise SystemExit")
    others = [
        archive.getvalue(),
        b"<script>alert(1)</script>",
        b"%PDF-1.7\n",
        b"<?php system($_GET[0]); ?>",
        b"#!/bin/sh\n",
    ]
    other = others[rng.integers(len(others))]
    return other + start if rng.random() < 0.5 else start + other


def foreign(rng: np.random.Generator, start: bytes) -> bytes:
    """No picture at all, or one of a format that stays shut."""
    svg = b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "%s">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>'
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("archive/data.pkl", pickle.dumps(Canary()))
    files = [
        *(
            svg % (b"a" * 9999),
            b"<svg><image href='file:///etc/passwd'/></svg>",
            b"%!PS-Adobe-3.0 EPSF-3.0\n(run) run\n",
        ),
        *(pickle.dumps(Canary()), archive.getvalue(), _npy(), b"!!python/object/apply:os.system ['true']\n"),
        *(b"/etc/passwd", b"file:///etc/passwd", json.dumps({"photo": "/etc/passwd"}).encode(), b"%PDF-1.7\n%%EOF"),
        *(
            b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
            b"8BPS\0\1" + bytes(40),
            b"\x7fELF" + bytes(60),
            b"push graphic-context",
        ),
        *(b"\0\0\1\0\1\0\x10\x10" + bytes(50), b"qoif" + bytes(20), b"SIMPLE  =  T" + bytes(2880), start[::-1]),
    ]
    return files[rng.integers(len(files))]


class Canary:
    """Unpickled, it says so by an exception that nothing catches."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return exec, ("raise SystemExit('unpickled')",)


def _npy() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array([Canary()], object), allow_pickle=True)
    return buffer.getvalue()


def odd_pixels(rng: np.random.Generator, _: bytes) -> bytes:
    """Sixteen bits, floating point, CMYK and other colours that photos seldom have."""
    kinds = [
        ("TIFF", "CMYK"),
        ("JPEG", "CMYK"),
        ("TIFF", "LAB"),
        ("PNG", "LA"),
        ("PNG", "P"),
        ("PNG", "1"),
        ("WEBP", "RGBA"),
    ]
    if rng.random() < 0.6:
        return drawn(rng, *kinds[rng.integers(len(kinds))])
    sixteen = rng.integers(0, 0x10000, (20, 30), np.uint16)
    deep = [
        ("PNG", sixteen),
        ("TIFF", sixteen),
        ("TIFF", sixteen.astype(np.float32)),
        ("TIFF", sixteen.astype(np.int32) - 9),
    ]
    form, pixels = deep[rng.integers(len(deep))]
    return encoded(Image.fromarray(pixels), form)


def animated(rng: np.random.Generator, _: bytes) -> bytes:
    frames = [Image.fromarray(rng.integers(0, 256, (20, 20, 3), np.uint8)) for _ in range(rng.integers(2, 60))]
    form = ("GIF", "PNG", "WEBP", "TIFF")[rng.integers(4)]
    return encoded(frames[0], form, save_all=True, append_images=frames[1:])


def huge_exif(rng: np.random.Generator, _: bytes) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = int(rng.choice([0, 3, 6, 9, 77]))
    exif[0x010E] = "x" * int(rng.integers(1, 60_000))
    picture = Image.fromarray(rng.integers(0, 256, (20, 30, 3), np.uint8))
    jpeg = encoded(picture, "JPEG", exif=exif.tobytes())
    loop = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0\x08\0\0\0"
    segment = b"\xff\xe1" + struct.pack(">H", len(loop) + 2) + loop
    comments = (b"\xff\xfe\xff\xff" + bytes(0xFFFD)) * int(rng.integers(1, 40))
    png = encoded(picture, "PNG")
    large = png[:33] + png_chunk(b"eXIf", b"II*\0" + rng.bytes(500_000)) + png[33:]
    return [jpeg, jpeg[:2] + segment + jpeg[2:], jpeg[:2] + comments + jpeg[2:], large][rng.integers(4)]


def no_face(rng: np.random.Generator, _: bytes) -> bytes:
    """All right but for what it shows, which is nobody; some are a single pixel or a line."""
    shape = [(1, 1, 3), (1, 4000, 3), (4000, 1, 3), (300, 400, 3)][rng.integers(4)]
    return encoded(Image.fromarray(rng.integers(0, 256, shape, np.uint8)), ("PNG", "JPEG")[rng.integers(2)])


KINDS: dict[str, Callable[[np.random.Generator, bytes], bytes]] = {
    make.__name__.replace("_", " "): make
    for make in (
        *(truncated, flipped, broken_head, spliced, mismatched, noise, empty, bomb),
        *(hidden_bomb, polyglot, foreign, odd_pixels, animated, huge_exif, no_face),
    )
}

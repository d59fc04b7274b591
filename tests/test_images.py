"""What goes in is untrusted; what comes out is upright RGB, or an error that names the file."""

import io
import os
import struct
import subprocess
import sys
import threading
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from twinlens.config import Frame
from twinlens.errors import ImageError
from twinlens.images import FORMATS, Limits, decode_image, read_crop, read_image, to_crop


def gradient(height: int = 40, width: int = 60) -> np.ndarray:
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([rows * 255 // height, columns * 255 // width, (rows + columns) % 256], 2).astype(np.uint8)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing: the decompression bomb."""
    chunks = b"\x89PNG\r\n\x1a\n"
    idat = zlib.compress(b"\0" * 1000)
    for kind, data in ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", idat)):
        chunks += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return chunks


@pytest.mark.parametrize("kind", sorted(set(FORMATS) - {"JPEG", "GIF"}))
def test_lossless_formats_come_back_exactly(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    np.testing.assert_array_equal(decode_image(encoded(Image.fromarray(gradient()), kind, **options), "x"), gradient())


def test_jpeg_comes_back_nearly() -> None:
    decoded = decode_image(encoded(Image.fromarray(gradient()), "JPEG", quality=98, subsampling=0), "x")
    assert np.abs(decoded.astype(int) - gradient()).mean() < 2


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_exif_orientation_is_undone(kind: str, orientation: int) -> None:
    upright = gradient()
    # What a camera stores, so that the viewer's turn by `orientation` gives the upright photo.
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(Image.fromarray(np.ascontiguousarray(stored)), kind, exif=exif, **options)
    np.testing.assert_array_equal(decode_image(data, "x"), upright)


def test_damaged_exif_says_nothing_against_the_pixels() -> None:
    data = encoded(Image.fromarray(gradient()), "PNG", exif=b"Exif\0\0" + b"\xff" * 50)
    np.testing.assert_array_equal(decode_image(data, "x"), gradient())


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    grey = np.linspace(0, 0xFFFF, 64 * 64).astype(np.uint16).reshape(64, 64)
    expected = np.rint(grey / 257).astype(np.uint8)
    for kind in ("PNG", "TIFF"):
        decoded = decode_image(encoded(Image.fromarray(grey), kind), "x")
        np.testing.assert_array_equal(decoded, np.repeat(expected[..., None], 3, 2))


@pytest.mark.parametrize(
    ("pixels", "reason"),
    [(np.full((9, 9), 0.5, np.float32), "floating"), (np.full((9, 9), 70_000, np.int32), "16 bits")],
)
def test_pixels_without_a_known_range_are_refused(pixels: np.ndarray, reason: str) -> None:
    with pytest.raises(ImageError, match=reason):
        decode_image(encoded(Image.fromarray(pixels), "TIFF"), "x")


def test_cmyk_grey_palette_and_bilevel() -> None:
    photo = Image.fromarray(gradient())
    cmyk = decode_image(encoded(photo.convert("CMYK"), "JPEG", quality=98), "x")
    assert np.abs(cmyk.astype(int) - gradient()).mean() < 4
    for mode in ("L", "P", "1"):
        converted = photo.convert(mode)
        np.testing.assert_array_equal(
            decode_image(encoded(converted, "PNG"), "x"), np.asarray(converted.convert("RGB"))
        )


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_becomes_white(mode: str) -> None:
    image = Image.new("RGBA", (20, 20), (200, 0, 0, 0))
    image.paste((10, 10, 10, 255), (0, 0, 10, 20))
    options: dict[str, object] = {}
    if mode == "P":
        image = image.convert("RGB").quantize(4, dither=Image.Dither.NONE)
        options["transparency"] = bytes([255 if i != image.getpixel((15, 5)) else 0 for i in range(256)])
    else:
        image = image.convert(mode)
    decoded = decode_image(encoded(image, "PNG", **options), "x")
    assert (decoded[:, 12:] == 255).all()
    assert (decoded[:, :8] < 60).all()


def test_of_an_animation_the_first_frame_counts() -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue", "green")]
    for kind, options in (("GIF", {}), ("WEBP", {"lossless": True}), ("TIFF", {}), ("PNG", {})):
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
        assert (decode_image(data, "x") == (255, 0, 0)).all()


@pytest.mark.parametrize("size", [(50_000, 50_000), (12_000, 8_000), (8_001, 8_000)])
def test_decompression_bombs_are_refused_undecoded(size: tuple[int, int]) -> None:
    with pytest.raises(ImageError, match=r"bomb\.png is too large"):  # and warnings are errors here
        decode_image(png_header(*size), "bomb.png")


def test_limits_are_those_given() -> None:
    data = encoded(Image.fromarray(gradient()), "PNG")
    assert decode_image(data, "x", Limits(max_bytes=len(data), max_pixels=2400)).shape == (40, 60, 3)
    for limits in (Limits(max_bytes=len(data) - 1), Limits(max_pixels=2399)):
        with pytest.raises(ImageError, match="too large"):
            decode_image(data, "x", limits)


@pytest.mark.parametrize(
    "data",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.4",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        b"not an image",
        b"\0" * 100,
    ],
)
def test_other_formats_stay_shut(data: bytes) -> None:
    with pytest.raises(ImageError, match=r"strange\.jpg is no image of a known format"):
        decode_image(data, "strange.jpg")


def test_formats_that_pillow_could_open_stay_shut() -> None:
    for kind in ("ICO", "JPEG2000", "TGA", "PCX", "EPS"):
        with pytest.raises(ImageError, match="known format"):
            decode_image(encoded(Image.fromarray(gradient()), kind), "x")


@pytest.mark.parametrize("kind", FORMATS)
def test_every_truncation_is_an_error_that_names_the_file(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    data = encoded(Image.fromarray(noise), kind)
    for length in range(0, len(data) * 9 // 10, max(1, len(data) // 60)):
        with pytest.raises(ImageError, match=r"half\.img"):
            decode_image(data[:length], "half.img")


@given(
    st.sampled_from(FORMATS), st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=30)
)
def test_mutated_images_decode_or_raise_image_errors(kind: str, changes: list[tuple[int, int]]) -> None:
    data = bytearray(encoded(Image.fromarray(gradient(16, 24)), kind))
    for place, value in changes:
        data[place % len(data)] = value
    try:
        decoded = decode_image(bytes(data), "mutant", Limits(max_pixels=100_000))
    except ImageError:
        return
    assert decoded.dtype == np.uint8
    assert decoded.shape[2] == 3


def test_warnings_stay_inside_whatever_the_threads_do() -> None:
    """Pillow warns about this palette; neither a warning nor a changed filter may escape."""
    image = Image.fromarray(gradient()).convert("P")
    data = encoded(image, "PNG", transparency=bytes(range(256)))
    before = list(warnings.filters)
    threads = [threading.Thread(target=lambda: [decode_image(data, "x") for _ in range(30)]) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters == before


def test_what_pillow_logs_reaches_no_terminal() -> None:
    """Of so many samples Pillow logs an error, which Python prints if nobody has said where logs go."""
    tiff = encoded(Image.fromarray(gradient()), "TIFF")
    samples = struct.pack("<HHI", 277, 3, 1)
    many = tiff.replace(samples + struct.pack("<H", 3), samples + struct.pack("<H", 2048))
    code = "import sys; from twinlens.images import decode_image; decode_image(sys.stdin.buffer.read(), 'photo.tif')"
    ended = subprocess.run([sys.executable, "-c", code], input=many, capture_output=True, check=False)
    assert ended.returncode == 1
    assert b"ImageError: photo.tif is no image of a known format." in ended.stderr
    assert b"samples" not in ended.stderr


def test_missing_empty_and_odd_files(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    os.mkfifo(tmp_path / "pipe.jpg")
    for name in ("missing.jpg", "empty.jpg", "pipe.jpg", "."):
        with pytest.raises(ImageError, match=str(tmp_path / name)):
            read_image(tmp_path / name)


def test_crop_of_the_same_size_is_the_photo_itself() -> None:
    bilevel = np.where(np.random.default_rng(0).random((105, 105, 1)) < 0.1, 0, 255).astype(np.uint8)
    np.testing.assert_array_equal(to_crop(np.repeat(bilevel, 3, 2), Frame()), bilevel)
    photo = gradient(105, 105)
    np.testing.assert_array_equal(to_crop(photo, Frame(colour="rgb")), photo)


def test_crop_cuts_the_middle() -> None:
    """Beside a few pixels at the edge, which antialiasing blends with those outside."""
    photo = np.zeros((250, 250, 3), np.uint8)
    photo[46:204, 53:197] = 255  # the middle 158 x 144
    exact = to_crop(photo, Frame(crop_height=158 / 250, crop_width=144 / 250, height=79, width=72))
    assert (exact[1:-1, 1:-1] == 255).all()
    crop = to_crop(photo, Frame(crop_height=178 / 250, crop_width=164 / 250, height=89, width=82))
    expected = np.zeros((89, 82, 1), np.uint8)
    expected[5:-5, 5:-5] = 255
    wrong = np.argwhere(np.abs(crop.astype(int) - expected) > 64)
    assert not len(wrong)


def test_shift_moves_the_crop_down() -> None:
    rows = np.repeat(np.arange(200, dtype=np.uint8)[:, None], 200, axis=1)
    photo = np.repeat(rows[..., None], 3, axis=2)
    frame = Frame(crop_height=0.5, crop_width=0.5, height=100, width=100)
    middle = to_crop(photo, frame)
    for shift in (-0.25, -0.1, 0.05, 0.25):
        moved = to_crop(photo, frame.model_copy(update={"shift": shift}))
        np.testing.assert_array_equal(moved, middle + np.int16(200 * shift))
    np.testing.assert_array_equal(to_crop(photo, frame.model_copy(update={"shift": 0.25}))[-1], 199)


def test_resize_averages_over_all_pixels() -> None:
    """Without antialiasing a fine checkerboard becomes black, white or moire; with it, grey."""
    board = (np.indices((200, 200)).sum(0) % 2 * 255).astype(np.uint8)
    crop = to_crop(np.repeat(board[..., None], 3, 2), Frame(height=50, width=50))
    assert crop.shape == (50, 50, 1)
    assert np.abs(crop.astype(int) - 127.5).max() < 3


def test_grey_is_the_luma_of_itu_r_601() -> None:
    photo = gradient(32, 32)
    expected = photo @ np.array([0.299, 0.587, 0.114])
    assert np.abs(to_crop(photo, Frame(height=32, width=32))[..., 0] - expected).max() <= 0.51


@given(st.integers(1, 80), st.integers(1, 80), st.floats(0.05, 1), st.floats(0.05, 1), st.sampled_from(["grey", "rgb"]))
def test_any_photo_fits_any_frame(height: int, width: int, tall: float, wide: float, colour: str) -> None:
    frame = Frame(crop_height=tall, crop_width=wide, height=8, width=11, colour=colour)
    crop = to_crop(np.full((height, width, 3), 77, np.uint8), frame)
    assert crop.shape == frame.shape
    assert (crop == 77).all()


@pytest.mark.parametrize("orientation", [1, 6])
def test_large_jpegs_are_decoded_smaller_with_nearly_the_same_crop(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    smooth = Image.fromarray(gradient(30, 50)[..., ::-1]).resize((3000, 1800), Image.Resampling.BICUBIC)
    smooth.save(tmp_path / "large.jpg", quality=95, exif=exif)
    frame = Frame(crop_height=0.6, crop_width=0.6, colour="rgb")
    short = read_crop(tmp_path / "large.jpg", frame)
    long = to_crop(read_image(tmp_path / "large.jpg"), frame)
    assert np.abs(short.astype(int) - long).max() <= 8
    data = (tmp_path / "large.jpg").read_bytes()
    assert decode_image(data, "x", draft=(350, 350)).size < read_image(tmp_path / "large.jpg").size


def test_small_jpegs_are_not_drafted(tmp_path: Path) -> None:
    Image.fromarray(gradient(250, 250)).save(tmp_path / "small.jpg")
    frame = Frame(crop_height=0.6, crop_width=0.6)
    np.testing.assert_array_equal(
        read_crop(tmp_path / "small.jpg", frame), to_crop(read_image(tmp_path / "small.jpg"), frame)
    )

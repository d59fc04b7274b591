import json
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinlens.bundle import CARD, MANIFEST, MODEL, Bundle, Manifest, Training, read_bundle, write_bundle
from twinlens.comparison import Cosine, WeightedL1
from twinlens.config import Frame
from twinlens.errors import BundleError
from twinlens.types import Calibration, Interval, OperatingPoint

CONTENT = bytes(range(256)) * 4
finite = st.floats(allow_nan=False, allow_infinity=False)
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)


def make_training(**keys: Any) -> Training:
    values = {
        "recipe": "koch2015-lfw",
        "dataset": "lfw",
        "protocol": "lfw-view1",
        "setting": "pairs-only",
        "outside_data": "none",
        "leaks": False,
        "synthetic": False,
        "seed": 7,
        "commit": "45ee687",
        "seen": ("0a", "1b"),
    }
    return Training.model_validate(values | keys)


def make_manifest(**keys: Any) -> Manifest:
    values = {
        "name": "koch2015-lfw",
        "frame": Frame(crop_height=0.6, height=105),
        "dim": 2,
        "comparison": WeightedL1(weights=(0.1, 1 / 3), bias=-0.2),
        "threshold": 0.19,
        "calibration": Calibration(slope=1.6, intercept=-0.3, genuine_pairs=110, impostor_pairs=104),
        "operating_points": (OperatingPoint(0.01, Interval(1.6, 1.4, 1.9, "bootstrap"), 22791, 227.91, True),),
        "training": make_training(),
    }
    return Manifest.model_validate(values | keys)


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return write_bundle(tmp_path / "bundle", CONTENT, make_manifest())


def edit(bundle: Bundle, change: dict[str, Any], drop: str = "") -> None:
    path = bundle.folder / MANIFEST
    values = json.loads(path.read_text(encoding="utf-8")) | change
    values.pop(drop, None)
    path.write_text(json.dumps(values), encoding="utf-8")


def test_bundle_comes_back_as_it_was_written(bundle: Bundle) -> None:
    assert read_bundle(bundle.folder) == bundle
    assert bundle.model.read_bytes() == CONTENT
    assert {path.name for path in bundle.folder.iterdir()} == {MODEL, MANIFEST}


@given(
    name=text,
    threshold=finite,
    comparison=st.just(Cosine()) | st.builds(WeightedL1, weights=st.lists(finite, max_size=4).map(tuple), bias=finite),
    calibration=st.builds(Calibration, finite, finite, st.integers(0, 10**9), st.integers(0, 10**9)),
    seen=st.lists(text, max_size=3).map(tuple),
)
def test_every_number_survives(tmp_path_factory: pytest.TempPathFactory, seen: tuple[str, ...], **keys: Any) -> None:
    folder = tmp_path_factory.getbasetemp() / "any-bundle"
    written = write_bundle(folder, CONTENT, make_manifest(training=make_training(seen=seen), **keys))
    assert read_bundle(folder) == written
    assert read_bundle(folder).manifest.model_dump(exclude={"fingerprint", "model_sha256"}) == make_manifest(
        training=make_training(seen=seen), **keys
    ).model_dump(exclude={"fingerprint", "model_sha256"})


def test_fingerprint_follows_the_meaning(tmp_path: Path) -> None:
    def fingerprint(model: bytes = CONTENT, **keys: Any) -> str:
        return write_bundle(tmp_path / "bundle", model, make_manifest(**keys)).manifest.fingerprint

    distinct = [
        fingerprint(),
        fingerprint(CONTENT + b"\0"),
        fingerprint(name="another"),
        fingerprint(threshold=0.2),
        fingerprint(comparison=Cosine()),
        fingerprint(frame=Frame(colour="rgb")),
        fingerprint(calibration=Calibration(1.6, -0.3, 110, 105)),
        fingerprint(operating_points=()),
        fingerprint(training=make_training(seen=("0a",))),
    ]
    assert len(set(distinct)) == len(distinct)
    assert distinct[0] == fingerprint()
    assert all(len(bytes.fromhex(value)) == 32 for value in distinct)


def test_a_bundle_of_format_1_is_read_as_it_was_written(tmp_path: Path) -> None:
    # As it was computed before there were imported networks and aligned frames.
    manifest = make_manifest(format=1)
    assert manifest.computed_fingerprint() == "0255eb32559fc6a8b2a8d6b0591aa52369046a288881013cba255d7d3c7e7a85"
    write_bundle(tmp_path / "bundle", CONTENT, manifest)
    assert read_bundle(tmp_path / "bundle").manifest.format == 1


def test_a_manifest_with_a_number_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    write_bundle(tmp_path / "bundle", CONTENT, make_manifest(threshold=0.25))
    path = tmp_path / "bundle" / MANIFEST
    path.write_text(path.read_text().replace('"threshold": 0.25', '"threshold": NaN', 1))
    with pytest.raises(BundleError, match="not finite"):
        read_bundle(tmp_path / "bundle")


def test_a_card_may_come_with_the_bundle(tmp_path: Path) -> None:
    write_bundle(tmp_path / "bundle", CONTENT, make_manifest(), "# Card")
    assert (tmp_path / "bundle" / CARD).read_text(encoding="utf-8") == "# Card"


def test_digest_is_that_of_the_model_whatever_the_caller_said(tmp_path: Path) -> None:
    written = write_bundle(tmp_path / "bundle", CONTENT, make_manifest(model_sha256="wrong", fingerprint="wrong"))
    assert read_bundle(tmp_path / "bundle") == written


@given(place=st.integers(0, len(CONTENT) - 1), bit=st.integers(0, 7))
def test_flipped_bit_in_the_model_is_found(tmp_path_factory: pytest.TempPathFactory, place: int, bit: int) -> None:
    folder = tmp_path_factory.getbasetemp() / "flipped"
    if not folder.exists():
        write_bundle(folder, CONTENT, make_manifest())
    flipped = bytearray(CONTENT)
    flipped[place] ^= 1 << bit
    (folder / MODEL).write_bytes(flipped)
    with pytest.raises(BundleError, match=r"model\.onnx is not the model its manifest describes"):
        read_bundle(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"threshold": -5.0},
        {"name": "better"},
        {"dim": 3},
        {"frame": Frame(height=64).model_dump()},
        {"comparison": {"kind": "cosine"}},
        {"operating_points": []},
        {"calibration": {"slope": 9.0, "intercept": 0.0, "genuine_pairs": 110, "impostor_pairs": 104}},
        {"training": make_training(seen=()).model_dump()},
        {"fingerprint": "0" * 64},
        {"fingerprint": ""},
    ],
    ids=lambda change: next(iter(change)),
)
def test_edited_manifest_is_refused(bundle: Bundle, change: dict[str, Any]) -> None:
    edit(bundle, change)
    with pytest.raises(BundleError, match=r"manifest\.json was changed after it was written\. Export"):
        read_bundle(bundle.folder)


def test_manifest_of_another_bundle_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    other = write_bundle(tmp_path / "other", CONTENT + b"\0", make_manifest())
    (bundle.folder / MANIFEST).write_bytes((other.folder / MANIFEST).read_bytes())
    with pytest.raises(BundleError, match="is not the model its manifest describes"):
        read_bundle(bundle.folder)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"format": 4}, "format"),
        ({"format": 4, "novelty": 1}, "format"),
        ({"novelty": 1}, "novelty"),
        ({"calibration": {**asdict(Calibration(1, 0, 1, 1)), "x": 1}}, "calibration.x"),
        ({"frame": {"height": 105, "depth": 3}}, "frame.depth"),
        ({"comparison": {"kind": "euclid"}}, "comparison"),
        ({"threshold": "high"}, "threshold"),
        ({"threshold": None}, "threshold"),
    ],
    ids=str,
)
def test_manifest_of_another_form_is_refused_by_the_field(bundle: Bundle, change: dict[str, Any], field: str) -> None:
    edit(bundle, change)
    with pytest.raises(BundleError) as caught:
        read_bundle(bundle.folder)
    assert f"{MANIFEST}: {field}: " in caught.value.message
    assert caught.value.remedy == "This version reads formats 1 to 3."


@pytest.mark.parametrize("field", ["name", "dim", "training", "calibration"])
def test_missing_field_is_named(bundle: Bundle, field: str) -> None:
    edit(bundle, {}, drop=field)
    with pytest.raises(BundleError, match=rf"manifest\.json: {field}: Field required"):
        read_bundle(bundle.folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"format": 1}'])
def test_manifest_that_is_none_is_refused(bundle: Bundle, content: bytes) -> None:
    (bundle.folder / MANIFEST).write_bytes(content)
    with pytest.raises(BundleError, match=r"manifest\.json: "):
        read_bundle(bundle.folder)


@pytest.mark.parametrize("name", [MODEL, MANIFEST])
def test_missing_file_makes_it_no_bundle(bundle: Bundle, name: str) -> None:
    (bundle.folder / name).unlink()
    with pytest.raises(BundleError, match=r"bundle is no bundle: manifest\.json or model\.onnx is missing\. Give"):
        read_bundle(bundle.folder)


def test_folder_that_is_not_there_and_a_file_are_no_bundles(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "none", tmp_path / "file", tmp_path):
        with pytest.raises(BundleError, match="is no bundle"):
            read_bundle(path)


def test_new_bundle_takes_the_place_of_the_old_one(bundle: Bundle) -> None:
    (bundle.folder / "notes.txt").write_text("of the old one", encoding="utf-8")
    new = write_bundle(bundle.folder, CONTENT[::-1], make_manifest(name="new"))
    assert read_bundle(bundle.folder) == new != bundle
    assert not (bundle.folder / "notes.txt").exists()
    assert list(bundle.folder.parent.iterdir()) == [bundle.folder]


@pytest.mark.parametrize("keys", [{"threshold": float("nan")}, {"calibration": Calibration(float("inf"), 0, 1, 1)}])
def test_figures_that_are_no_numbers_are_never_written(bundle: Bundle, keys: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_bundle(bundle.folder, CONTENT, make_manifest(**keys))
    assert read_bundle(bundle.folder) == bundle
    assert list(bundle.folder.parent.iterdir()) == [bundle.folder]


ENDLESS_WRITER = """
import sys
from pathlib import Path
from tests.test_bundle import CONTENT, make_manifest
from twinlens.bundle import write_bundle
for number in range(10**9):
    write_bundle(Path(sys.argv[1]), CONTENT * 1000 + str(number).encode(), make_manifest(name=f"number {number}"))
    print(number, flush=True)
"""


def test_killed_writer_leaves_the_old_bundle_or_the_new_one(tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    command = [sys.executable, "-c", ENDLESS_WRITER, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]) as writer:
        assert writer.stdout is not None
        for _ in range(3):
            writer.stdout.readline()
        time.sleep(0.0123)
        writer.send_signal(signal.SIGKILL)
        reported = [2, *map(int, writer.stdout.read().split())]
    # Killed between two renames, the old one lies aside; anywhere else it, or the new one, is in its place.
    place = folder if folder.exists() else next(tmp_path.glob(".bundle.*.old.tmp"))
    number = int(read_bundle(place).manifest.name.removeprefix("number "))
    assert number in (reported[-1], reported[-1] + 1)

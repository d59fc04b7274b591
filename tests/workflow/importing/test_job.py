import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.workflow.importing import models
from twinlens import workflow
from twinlens.bundle import Bundle, read_bundle
from twinlens.config import Frame
from twinlens.data.folders import read_pair_list
from twinlens.data.leaks import subject_digests
from twinlens.errors import BundleError, ConfigError, LeakError, TwinlensError
from twinlens.evaluation.figures import Evaluation
from twinlens.images import read_crop
from twinlens.serving.encoder import load_encoder
from twinlens.workflow.importing import Declaration, import_model
from twinlens.workflow.protocols import calibration_trial

DECLARED = Declaration("labelled", normalise="raw", compare="euclidean")


@pytest.fixture(scope="module", autouse=True)
def cached(shared_cache: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWINLENS_CACHE", str(shared_cache))
        yield


@pytest.fixture(scope="module")
def imported(colours: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Bundle, Evaluation]:
    place = tmp_path_factory.mktemp("imported")
    network = models.mean_colour(place / "Mean Colour_v2.onnx")
    return import_model(str(network), place / "bundle", str(colours), DECLARED, {})


def test_a_network_becomes_a_bundle_that_decides(imported: tuple[Bundle, Evaluation], colours: Path) -> None:
    bundle, figures = imported
    assert read_bundle(bundle.folder) == bundle
    manifest, encoder = bundle.manifest, load_encoder(bundle)
    assert manifest.frame == Frame(height=models.SIDE, width=models.SIDE, colour="rgb")
    assert manifest.dim == 3
    dataset, pairs = read_pair_list(colours)
    crops = np.stack([read_crop(dataset.path(index), manifest.frame) for index in range(len(dataset))])
    embeddings = encoder(crops)
    np.testing.assert_allclose(embeddings, crops.mean(axis=(1, 2)), rtol=1e-5)
    scores = -np.linalg.norm(embeddings[pairs.first] - embeddings[pairs.second], axis=1)
    right = (scores >= manifest.threshold) == pairs.is_genuine
    assert figures.accuracy.value == pytest.approx(right.mean())
    assert right.mean() > 0.85
    assert (figures.genuine_pairs, figures.impostor_pairs) == (pairs.is_genuine.sum(), (~pairs.is_genuine).sum())
    calibration = manifest.calibration
    assert calibration.log_likelihood_ratio(manifest.threshold) == pytest.approx(0, abs=1e-6)
    assert {point.fmr for point in manifest.operating_points} > {0.5, 0.2, 0.1, 0.01, 0.001, 1e-4}
    assert calibration.covariance is not None


def test_what_is_declared_stands_in_manifest_and_card(imported: tuple[Bundle, Evaluation]) -> None:
    bundle, figures = imported
    manifest, training = bundle.manifest, bundle.manifest.training
    assert manifest.name == "mean-colour-v2"
    assert (training.recipe, training.setting) == ("Mean Colour_v2.onnx", "imported")
    assert (training.protocol, training.outside_data, training.leaks) == ("colours", "labelled", False)
    assert training.seen == ()
    assert len(training.calibrated) == len(set(training.calibrated)) > 10
    card = (bundle.folder / "card.md").read_text(encoding="utf-8")
    for words in ("Mean Colour_v2.onnx", "labelled outside data", "euclidean", "**No test", "colours"):
        assert words in card
    assert "which writes mean-colour-v2-PROTOCOL/evaluation.json" in card
    calibration = manifest.calibration
    pairs = f"{calibration.genuine_pairs:,} genuine and {calibration.impostor_pairs:,} impostor"
    assert f"fitted on {pairs} calibration pairs." in card
    assert "validation" not in card
    assert f"{100 * figures.accuracy.value:.1f}\N{NO-BREAK SPACE}%" in card


def test_calibration_people_are_refused_as_a_test(imported: tuple[Bundle, Evaluation], colours: Path) -> None:
    with pytest.raises(LeakError, match="has seen"):
        workflow.evaluate(imported[0].folder, protocol=str(colours))


def test_a_network_that_knows_the_calibration_people_leaks(network: Path, colours: Path, tmp_path: Path) -> None:
    declared = replace(DECLARED, outside_data="none", seen=True)
    bundle, _ = import_model(str(network), tmp_path / "bundle", str(colours), declared, {}, name="known")
    training = bundle.manifest.training
    assert training.leaks
    assert training.calibrated == ()
    subjects = subject_digests("pairs:colours", read_pair_list(colours)[0].subjects)
    assert set(training.seen) <= subjects
    assert "**Leaking" in (bundle.folder / "card.md").read_text(encoding="utf-8")


def test_a_mirror_and_cosine_are_taken_on_request(network: Path, colours: Path, tmp_path: Path) -> None:
    declared = Declaration("label-free", normalise="0.4/0.2", mirror=True)
    bundle, _ = import_model(str(network), tmp_path / "bundle", str(colours), declared, {"crop_height": 0.5})
    assert bundle.manifest.comparison.kind == "cosine"
    assert bundle.manifest.frame.crop_height == 0.5
    crops = np.random.default_rng(0).integers(0, 256, (3, *bundle.manifest.frame.shape), dtype=np.uint8)
    expected = (crops.mean(axis=(1, 2)) / 255 - 0.4) / 0.2
    np.testing.assert_allclose(load_encoder(bundle)(crops), expected, atol=1e-5)


def test_a_new_import_takes_the_place_of_the_old_one(
    imported: tuple[Bundle, Evaluation], network: Path, colours: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(imported[0].folder, folder)
    (folder / "notes.txt").touch()
    again, _ = import_model(str(network), folder, str(colours), DECLARED, {}, name="again")
    assert read_bundle(folder).manifest.name == "again"
    assert again.manifest.fingerprint != imported[0].manifest.fingerprint
    assert not (folder / "notes.txt").exists()


def test_a_folder_with_something_else_is_left_alone(network: Path, colours: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("precious")
    with pytest.raises(BundleError, match="neither a bundle nor an empty folder"):
        import_model(str(network), tmp_path / "mine", str(colours), DECLARED, {})
    assert (tmp_path / "mine" / "notes.txt").read_text() == "precious"


@pytest.mark.parametrize(
    ("declared", "frame", "name", "message"),
    [
        (replace(DECLARED, outside_data=None), {}, None, "What .*v2.onnx has learned from is not said"),
        (replace(DECLARED, normalise=None), {}, None, "nothing in it says of which range"),
        (replace(DECLARED, normalise="wrong"), {}, None, "is not raw, per-image or MEAN/STD"),
        (DECLARED, {"croop": 0.5}, None, "--frame: unknown key 'croop'.* known are align, colour"),
        (DECLARED, {"crop_heigth": 0.5}, None, "unknown key 'crop_heigth', did you mean 'crop_height'"),
        (DECLARED, {"crop_height": 2}, None, "--frame: crop_height: must be less than or equal to 1"),
        (DECLARED, {"shift": 0.1}, None, "takes a crop of height 1 out of the photo"),
        (DECLARED, {"height": 99}, None, "--frame height=99 does not fit"),
        (DECLARED, {}, "My Model", "'My Model' is no name for a bundle"),
    ],
)
def test_wrong_options_are_named_and_nothing_is_written(
    network: Path,
    colours: Path,
    tmp_path: Path,
    declared: Declaration,
    frame: dict[str, object],
    name: str,
    message: str,
) -> None:
    with pytest.raises(ConfigError, match=message):
        import_model(str(network), tmp_path / "bundle", str(colours), declared, frame, name=name)
    assert not (tmp_path / "bundle").exists()


def test_a_network_that_tells_nothing_is_refused(colours: Path, tmp_path: Path) -> None:
    network = models.constant(tmp_path / "net.onnx")
    with pytest.raises(BundleError, match="does not score genuine pairs of colours higher than impostor pairs"):
        import_model(str(network), tmp_path / "bundle", str(colours), DECLARED, {})
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize("protocol", ["lfw-view2", "omniglot-20way", "nothing"])
def test_only_pairs_that_are_no_test_calibrate(protocol: str) -> None:
    with pytest.raises(ConfigError, match="Nothing can be calibrated on"):
        calibration_trial(protocol, Frame(), skip_broken=False)


def test_without_onnx_the_error_says_what_to_install(
    network: Path, colours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ConfigError, match=r"needs onnx\. Install it: pip install 'twinlens\[import\]'"):
        import_model(str(network), tmp_path / "bundle", str(colours), DECLARED, {})


@pytest.mark.parametrize(
    ("declared", "frame", "option"),
    [
        (Declaration(normalise="raw"), {}, "--normalise"),
        (Declaration(order="bgr"), {}, "--order"),
        (Declaration(compare="cosine"), {}, "--compare"),
        (Declaration(mirror=True), {}, "--mirror"),
        (Declaration("none"), {}, "--outside-data"),
        (Declaration(), {"height": 112}, "--frame"),
    ],
)
def test_dlib_s_network_takes_no_options_of_its_own_nature(
    colours: Path, tmp_path: Path, declared: Declaration, frame: dict[str, object], option: str
) -> None:
    with pytest.raises(TwinlensError, match=f"dlib-resnet has its own {option}"):
        import_model("dlib-resnet", tmp_path / "bundle", str(colours), declared, frame)

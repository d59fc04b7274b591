"""A run's bundle on its own feet: the same network, checked, and in 8-bit integers."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from typer.testing import CliRunner

from twinlens import workflow
from twinlens.bundle import CARD, FORMAT, MODEL, Bundle, Manifest, read_bundle, write_bundle
from twinlens.cli.main import app
from twinlens.errors import BundleError, ConfigError, RunError
from twinlens.runs import Run
from twinlens.serving.encoder import OnnxEncoder, load_encoder
from twinlens.workflow import exporting, quantising
from twinlens.workflow.exporting import Export, export


@pytest.fixture
def run(synthetic_run: Run, tmp_path: Path) -> Run:
    """A copy that may be changed."""
    shutil.copytree(synthetic_run.folder, tmp_path / "run")
    return Run(tmp_path / "run")


def as_of_format_1(bundle: Bundle) -> Bundle:
    old = bundle.manifest.model_copy(
        update={
            "format": 1,
            "calibration": replace(bundle.manifest.calibration, covariance=None),
            "operating_points": bundle.manifest.operating_points[-4:],
            "tail": None,
        }
    )
    return write_bundle(bundle.folder, bundle.model.read_bytes(), old)


def with_another_weight(bundle: Bundle) -> Bundle:
    model = onnx.load(bundle.model)
    weights = max(model.graph.initializer, key=lambda initializer: int(np.prod(initializer.dims)))
    changed = numpy_helper.to_array(weights).copy()
    changed.flat[0] += 5
    weights.CopyFrom(numpy_helper.from_array(changed, weights.name))
    return write_bundle(bundle.folder, model.SerializeToString(), bundle.manifest)


def test_a_bundle_of_today_is_copied_once_it_was_compared(run: Run, tmp_path: Path) -> None:
    found = export(run.folder, tmp_path / "out")
    there, here = read_bundle(run.bundle), read_bundle(tmp_path / "out")
    assert here.manifest == there.manifest
    assert here.model.read_bytes() == there.model.read_bytes()
    assert found.fingerprint == there.manifest.fingerprint
    assert 0 < found.difference < 1e-4
    assert found.crops == len(workflow.prepare(run.config()).partition.validation.samples)
    assert found.quantisation is None
    assert (here.folder / CARD).read_text(encoding="utf-8").startswith("# Model card: tiny")


def test_an_older_bundle_gets_what_it_lacks_and_decides_as_before(run: Run, tmp_path: Path) -> None:
    today = read_bundle(run.bundle).manifest
    old = as_of_format_1(read_bundle(run.bundle))
    assert old.manifest.calibration.covariance is None
    export(run.folder, tmp_path / "out")
    new = read_bundle(tmp_path / "out").manifest
    assert new.format == FORMAT
    assert new.fingerprint == today.fingerprint != old.manifest.fingerprint
    assert new.calibration.covariance is not None
    assert len(new.operating_points) > 4
    assert new.training == old.manifest.training
    assert read_bundle(run.bundle) == old  # the run itself stays as it is


def test_8_bits_are_as_good_and_have_thresholds_of_their_own(run: Run, tmp_path: Path) -> None:
    found = export(run.folder, tmp_path / "out", int8=True)
    plain, small = read_bundle(run.bundle), read_bundle(tmp_path / "out")
    assert found.quantisation is not None
    before, after = found.quantisation.before, found.quantisation.after
    assert (before.size, after.size) == (plain.model.stat().st_size, small.model.stat().st_size)
    assert before.accuracy - after.accuracy <= quantising.ACCURACY_LOSS
    assert before.auc - after.auc <= quantising.AUC_LOSS
    assert min(before.milliseconds, after.milliseconds) > 0
    assert small.manifest.name == "tiny-int8"
    assert small.manifest.fingerprint == found.fingerprint != plain.manifest.fingerprint
    assert small.manifest.threshold != plain.manifest.threshold
    graph = onnx.load(small.model).graph
    assert {"QuantizeLinear", "DequantizeLinear"} <= {node.op_type for node in graph.node}
    # So small a network takes less than what its scales and nodes add; of one of any size, weights take a byte each.
    whole = {onnx.TensorProto.INT8: 0, onnx.TensorProto.FLOAT: 0}
    for constant in graph.initializer:
        if constant.data_type in whole:
            whole[constant.data_type] += int(np.prod(constant.dims))
    assert whole[onnx.TensorProto.INT8] > whole[onnx.TensorProto.FLOAT]
    crops = workflow.prepare(run.config()).store.crops[:8]
    embeddings = [load_encoder(bundle)(np.ascontiguousarray(crops)) for bundle in (plain, small)]
    scores = plain.manifest.comparison.matrix(embeddings[0], embeddings[0])
    apart = np.abs(small.manifest.comparison.matrix(embeddings[1], embeddings[1]) - scores)
    assert 0 < apart.max() < 0.25 * np.ptp(scores)
    card = (small.folder / CARD).read_text(encoding="utf-8")
    assert "## In 8-bit integers" in card
    assert f"{small.manifest.calibration.slope:.4f}" in card


def test_8_bits_that_lose_too_much_are_refused_with_the_figures(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantising, "AUC_LOSS", -1.0)
    with pytest.raises(
        BundleError, match=r"loses too much on \d+ validation pairs: accuracy 0\.\d{4} becomes 0\.\d{4}"
    ):
        export(run.folder, tmp_path / "out", int8=True)
    assert not (tmp_path / "out").exists()


def test_a_model_that_is_not_the_trained_one_is_refused(run: Run, tmp_path: Path) -> None:
    with_another_weight(read_bundle(run.bundle))
    with pytest.raises(BundleError, match=r"differs from the trained one by .* \(at most 0\.001\)"):
        export(run.folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_weights_of_another_network_are_refused(run: Run, tmp_path: Path) -> None:
    recipe = run.recipe.read_text(encoding="utf-8")
    assert "dense: 32" in recipe
    run.recipe.write_text(recipe.replace("dense: 32", "dense: 48"), encoding="utf-8")
    with pytest.raises(RunError, match="is of another network than"):
        export(run.folder, tmp_path / "out")


def test_other_folders_stay_as_they_are_and_bundles_are_replaced(run: Run, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").touch()
    with pytest.raises(BundleError, match="neither a bundle nor an empty folder"):
        export(run.folder, tmp_path / "out")
    (tmp_path / "out" / "notes.txt").unlink()
    assert export(run.folder, tmp_path / "out").fingerprint == export(run.folder, tmp_path / "out").fingerprint


def test_what_is_no_trained_run_is_refused(run: Run, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is no run"):
        export(tmp_path, tmp_path / "out")
    shutil.rmtree(run.bundle)
    with pytest.raises(BundleError, match="is no bundle"):
        export(run.folder, tmp_path / "out")


def test_what_is_missing_is_said(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"twinlens\[train\]"):
        export(run.folder, tmp_path / "out")
    monkeypatch.undo()
    monkeypatch.setattr(quantising, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"twinlens\[import\]"):
        export(run.folder, tmp_path / "out", int8=True)


def test_the_command_prints_what_was_compared(run: Run, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    told = CliRunner().invoke(app, ["export", str(run.folder), "-o", out, "--int8"])
    assert told.exit_code == 0, told.stderr
    parity, figures, size, last = told.stdout.splitlines()
    assert "differ by at most" in parity
    assert "(allowed is 0.001)" in parity
    assert "accuracy" in figures
    assert "AUC" in figures
    assert "times smaller" in size
    assert "times as fast" in size
    assert last == f"Bundle: {out}"
    as_json = CliRunner().invoke(app, ["export", str(run.folder), "-o", out, "--json"])
    found = Export.model_validate_json(as_json.stdout)
    assert found.fingerprint == Manifest.model_validate_json((Path(out) / "manifest.json").read_bytes()).fingerprint
    assert CliRunner().invoke(app, ["bundle", "check", out]).exit_code == 0


@pytest.mark.slow
def test_what_was_fitted_on_top_of_the_network_is_part_of_what_is_compared(synthetic_run: Run, tmp_path: Path) -> None:
    overrides = ("metric.kind=whitening", "fusion.kind=lbp", "fusion.cells=[3, 3]")
    refined = workflow.refine(synthetic_run.folder, overrides=overrides, out=tmp_path / "refined")
    found = export(refined.folder, tmp_path / "out")
    assert read_bundle(tmp_path / "out").manifest.dim > read_bundle(synthetic_run.bundle).manifest.dim
    assert found.difference < exporting.PARITY_BOUND
    refined.refined.unlink()
    with pytest.raises(BundleError, match="differs from the trained one"):
        export(refined.folder, tmp_path / "other")


def test_what_was_fitted_on_top_of_the_network_stays_in_floating_point(synthetic_run: Run, tmp_path: Path) -> None:
    overrides = ("metric.kind=whitening", "fusion.kind=lbp", "fusion.cells=[3, 3]")
    refined = workflow.refine(synthetic_run.folder, overrides=overrides, out=tmp_path / "refined")
    crops = np.ascontiguousarray(workflow.prepare(refined.config()).store.crops[:20])
    (tmp_path / "small.onnx").write_bytes(quantising.quantise(refined.bundle / MODEL, crops))
    small = onnx.load(tmp_path / "small.onnx")
    scaled = {name for node in small.graph.node if node.op_type == "DequantizeLinear" for name in node.output}
    kinds = {node.op_type for node in small.graph.node if scaled & set(node.input)}
    assert "Conv" in kinds
    assert "MatMul" not in kinds
    shape, dim = crops.shape[1:], read_bundle(refined.bundle).manifest.dim
    models = (refined.bundle / MODEL, tmp_path / "small.onnx")
    before, after = (OnnxEncoder(model, shape, dim, threads=1)(crops) for model in models)
    assert 0 < np.abs(before - after).max() < 0.25 * np.abs(before).max()


def test_what_cannot_be_computed_in_8_bits_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    crops = workflow.prepare(run.config()).store.crops[:4]
    with pytest.raises(BundleError, match=r"cannot be computed in 8 bits.*without --int8"):
        quantising.quantise(tmp_path / "broken.onnx", crops)

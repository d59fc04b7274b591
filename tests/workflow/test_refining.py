"""More on top of a trained network: in the training itself, and later in a run of its own."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from twinlens import workflow
from twinlens.bundle import read_bundle
from twinlens.cli.main import app
from twinlens.comparison import Plda
from twinlens.data.leaks import refuse_seen
from twinlens.errors import ConfigError, LeakError, RunError
from twinlens.evaluation.result import Refinement
from twinlens.learning.export import TorchEncoder, trained_twin
from twinlens.learning.refining.model import Joined
from twinlens.learning.refining.stored import load_refined
from twinlens.reporting.scores import read_result
from twinlens.runs import Run
from twinlens.serving.encoder import load_encoder

BOTH = [
    "metric.kind=plda",
    "metric.dims=[8,16]",
    "fusion.kind=lbp",
    "fusion.radii=[1]",
    "fusion.cells=[4,4]",
    "fusion.components=8",
    "fusion.metric.dims=[8,16]",
]


@pytest.fixture(scope="module")
def refined(synthetic_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run on synthetic portraits with everything on top of it."""
    return workflow.refine(synthetic_run.folder, overrides=BOTH, out=tmp_path_factory.mktemp("runs") / "refined")


def report(run: Run) -> Refinement:
    found = read_result(run.folder).refinement
    assert found is not None
    return found


def test_the_network_is_the_same_and_the_rest_is_written_down(synthetic_run: Run, refined: Run) -> None:
    assert refined.best.read_bytes() == synthetic_run.best.read_bytes()
    before, after = read_result(synthetic_run.folder), read_result(refined.folder)
    assert before.refinement is None
    assert (after.name, after.training, after.test) == ("tiny-refined", before.training, None)
    assert after.validation.accuracy.value == pytest.approx(report(refined).stages[-1].accuracy)
    partition = workflow.prepare(refined.config()).partition
    for part in report(refined).parts:
        assert part.photos == len(partition.train.samples)
        assert part.classes == len(partition.train.subject_codes(partition.dataset))
    assert report(refined).genuine_pairs == after.calibration.genuine_pairs
    assert "validation by joined: Cllr" in (refined.folder / "log.txt").read_text(encoding="utf-8")


def test_whom_the_network_has_seen_is_still_known(synthetic_run: Run, refined: Run) -> None:
    there, here = read_bundle(synthetic_run.bundle).manifest, read_bundle(refined.bundle).manifest
    assert here.training.seen == there.training.seen
    assert here.fingerprint != there.fingerprint
    partition = workflow.prepare(refined.config()).partition
    for part in (partition.train, partition.validation):
        with pytest.raises(LeakError):
            refuse_seen(here.training.seen, partition.dataset, part, "its own people")


def test_the_bundle_scores_as_the_sum_of_its_parts(refined: Run) -> None:
    config, bundle = refined.config(), read_bundle(refined.bundle)
    prepared = workflow.prepare(config)
    model = load_refined(refined.refined, trained_twin(refined, config), Plda(), config)
    crops = np.ascontiguousarray(prepared.store.crops[prepared.partition.validation.samples])
    embeddings = load_encoder(bundle)(crops)
    np.testing.assert_allclose(TorchEncoder(model)(crops), embeddings, atol=1e-4)

    assert isinstance(model, Joined)
    parts = [TorchEncoder(part)(crops) for part in model.parts]
    scores = [weight * Plda().matrix(part, part) for weight, part in zip(model.weights, parts, strict=True)]
    expected = sum(scores) + model.constant
    np.testing.assert_allclose(bundle.manifest.comparison.matrix(embeddings, embeddings), expected, atol=1e-3)
    assert list(model.weights) == pytest.approx([part.weight for part in report(refined).parts])


def test_a_training_ends_in_the_same_as_refining_it_later(synthetic_run: Run, refined: Run, tmp_path: Path) -> None:
    config = refined.config()
    shutil.copytree(synthetic_run.folder, tmp_path / "run")  # trained, but not exported
    for path in (tmp_path / "run" / "bundle", tmp_path / "run" / "result.json", tmp_path / "run" / "recipe.yaml"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    (tmp_path / "run" / "recipe.yaml").write_bytes(refined.recipe.read_bytes())
    run = workflow.train(config, out=tmp_path / "run", resume=True)
    assert report(run) == report(refined)
    assert read_bundle(run.bundle).manifest.model_sha256 == read_bundle(refined.bundle).manifest.model_sha256


def test_the_test_part_is_looked_at_once_as_ever(refined: Run, tmp_path: Path) -> None:
    shutil.copytree(refined.folder, tmp_path / "run")
    result = workflow.evaluate_run(tmp_path / "run")
    assert result.test is not None
    assert result.refinement == report(refined)


def test_the_command_prints_what_it_brought_and_does_nothing_twice(synthetic_run: Run, tmp_path: Path) -> None:
    shutil.copytree(synthetic_run.folder, tmp_path / "run")
    call = ["refine", str(tmp_path / "run"), "--set", "metric.kind=pca", "--set", "metric.dims=[8]"]
    first = CliRunner().invoke(app, call, catch_exceptions=False)
    assert first.exit_code == 0
    assert "network as trained" in first.stdout
    assert f"twinlens evaluate {tmp_path / 'run-refined'}" in first.stdout.replace("\n", "")
    written = (tmp_path / "run-refined" / "result.json").stat().st_mtime_ns
    again = CliRunner().invoke(app, [*call, "--json"], catch_exceptions=False)
    assert [stage["name"] for stage in json.loads(again.stdout)["stages"]] == ["network as trained", "network, pca"]
    assert (tmp_path / "run-refined" / "result.json").stat().st_mtime_ns == written


def test_folds_are_refined_with_their_run(synthetic_run: Run, tmp_path: Path) -> None:
    shutil.copytree(synthetic_run.folder, tmp_path / "run")
    shutil.copytree(synthetic_run.folder, tmp_path / "run" / "view2" / "fold01")
    unfinished = shutil.copytree(synthetic_run.folder, tmp_path / "run" / "view2" / "fold02")
    (unfinished / "result.json").unlink()
    run = workflow.refine(tmp_path / "run", overrides=["metric.kind=pca", "metric.dims=[8]"])
    fold = Run(run.folder / "view2" / "fold01")
    assert report(fold) == report(run)
    assert fold.config() == run.config()
    assert not (run.folder / "view2" / "fold02").exists()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ([], r"Nothing of .* is to be refined\. Say what, e\.g\. --set metric\.kind=plda\."),
        (["name=other"], "Nothing of"),
        (["metric.kind=plda", "seed=3"], r"trained anew: seed is 0 there and 3 here\. Change metric, fusion"),
        (["network.dense=16"], r"trained anew: network\.dense is 32 there and 16 here"),
        (["frame.height=64", "frame.width=64"], r"trained anew: frame\.height is 32 there and 64 here"),
        (["metric.kind=pla"], r"metric"),
        (["fusion.kind=lbp"], "fusion adds cosines and likelihood ratios"),
        ([*BOTH, "fusion.cells=[31,4]"], r"fusion\.cells: a crop of 32×32 has no 31×4 cells with radius 1; take fewer"),
    ],
)
def test_what_cannot_be_refined_is_said(synthetic_run: Run, tmp_path: Path, overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        workflow.refine(synthetic_run.folder, overrides=overrides, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_unfinished_run_cannot_be_refined(synthetic_run: Run, tmp_path: Path) -> None:
    shutil.copytree(synthetic_run.folder, tmp_path / "run")
    (tmp_path / "run" / "result.json").unlink()
    with pytest.raises(RunError, match="not been trained to its end"):
        workflow.refine(tmp_path / "run", overrides=["metric.kind=plda"])


@pytest.mark.parametrize(
    ("size", "larger"),
    [
        (64, []),
        (96, ["frame.crop_height=0.8", "frame.crop_width=0.8", "network.region=[0.75,0.75]"]),
    ],
)
def test_a_larger_frame_lets_the_network_see_what_it_saw(
    synthetic_run: Run, tmp_path: Path, size: int, larger: list[str]
) -> None:
    """Photos of 120 pixels, cut to 72 or 96, of which the network sees 72 scaled to 32, as before."""
    larger = [*larger, f"frame.height={size}", f"frame.width={size}", "network.input=[32,32]"]
    run = workflow.refine(
        synthetic_run.folder, overrides=["metric.kind=pca", "metric.dims=[8]", *larger], out=tmp_path / "out"
    )
    small, large = (workflow.prepare(one.config()).store.crops for one in (synthetic_run, run))
    assert large.shape[1:3] == (size, size)
    before = TorchEncoder(trained_twin(synthetic_run, synthetic_run.config()))(np.ascontiguousarray(small[:8]))
    after = TorchEncoder(trained_twin(run, run.config()))(np.ascontiguousarray(large[:8]))
    assert np.abs(after - before).max() < 0.1 * np.abs(before).max()

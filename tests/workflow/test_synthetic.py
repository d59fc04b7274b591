import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import twinlens
from tests.workflow.conftest import tiny_config
from twinlens import workflow
from twinlens.bundle import CARD, read_bundle, write_bundle
from twinlens.errors import ConfigError, LeakError, RunError
from twinlens.evaluation.evaluate import evaluate_part
from twinlens.evaluation.result import Result
from twinlens.evaluation.scoring import embed
from twinlens.reporting.scores import read_result
from twinlens.runs import Run, start_run
from twinlens.types import Encoder, Float32Array, IntArray, UInt8Array
from twinlens.workflow import result as workflow_result
from twinlens.workflow import training
from twinlens.workflow.result import bundle_judge


def test_training_ends_in_a_calibrated_bundle_and_looks_at_no_test_pair(synthetic_run: Run) -> None:
    bundle = read_bundle(synthetic_run.bundle)
    written = json.loads(synthetic_run.result.read_text())
    assert written["test"] is None or synthetic_run.scores("test").exists()
    assert bundle.manifest.training.synthetic
    assert bundle.manifest.calibration.genuine_pairs > 0
    assert {point.fmr for point in bundle.manifest.operating_points} >= {0.1, 0.01}
    assert (synthetic_run.bundle / CARD).read_text().startswith("#")


def test_evaluation_scores_every_test_pair_once_and_saves_it(synthetic_run: Run) -> None:
    result = workflow.evaluate_run(synthetic_run.folder)
    assert result.test is not None
    with synthetic_run.scores("test").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == result.test.genuine_pairs + result.test.impostor_pairs == 60
    right = np.mean([row["is_genuine"] == row["is_match"] for row in rows])
    assert result.test.accuracy.value == pytest.approx(right)
    assert result == read_result(synthetic_run.folder)


def test_second_evaluation_looks_at_nothing_again(synthetic_run: Run) -> None:
    first = workflow.evaluate_run(synthetic_run.folder)
    before = synthetic_run.scores("test").stat().st_mtime_ns
    assert workflow.evaluate_run(synthetic_run.folder) == first
    assert synthetic_run.scores("test").stat().st_mtime_ns == before


def test_parts_share_nobody(synthetic_run: Run) -> None:
    partition = workflow.prepare(synthetic_run.config()).partition
    train, validation, test = (
        set(part.subject_codes(partition.dataset)) for part in (partition.train, partition.validation, partition.test)
    )
    assert not train & validation
    assert not (train | validation) & test


def test_constant_network_scores_chance(synthetic_run: Run) -> None:
    def constant(crops: UInt8Array) -> Float32Array:
        return np.ones((len(crops), 32), np.float32)

    prepared = workflow.prepare(synthetic_run.config())
    partition, judge = prepared.partition, bundle_judge(read_bundle(synthetic_run.bundle))
    evaluation, _ = evaluate_part(
        constant(prepared.store.crops[partition.test.samples]),
        partition.dataset,
        partition.test,
        judge,
        synthetic_run.config().evaluation,
        protocol="synthetic",
        name="test",
        seed=0,
    )
    assert evaluation.auc.value == evaluation.eer.value == 0.5
    assert [task.accuracy.value for task in evaluation.oneshot] == pytest.approx([0.2])


def test_report_is_one_file_that_says_it_is_no_result(synthetic_run: Run, tmp_path: Path) -> None:
    workflow.evaluate_run(synthetic_run.folder)
    page = workflow.report(synthetic_run.folder, tmp_path / "report.html").read_text()
    assert "Not a result" in page
    assert 'src="http' not in page


def test_python_interface_verifies_two_photos(synthetic_run: Run) -> None:
    bundle = twinlens.read_bundle(synthetic_run.bundle)
    encoder, manifest = twinlens.load_encoder(bundle), bundle.manifest
    dataset = workflow.prepare(synthetic_run.config()).partition.dataset
    first, second = (twinlens.read_crop(dataset.path(i), manifest.frame) for i in (0, 1))
    embeddings = encoder(np.stack([first, second]))
    there = manifest.comparison.pairs(embeddings[:1], embeddings[1:])
    back = manifest.comparison.pairs(embeddings[1:], embeddings[:1])
    assert there == back
    assert 0 < manifest.calibration.probability(there, prior=0.5)[0] < 1


def test_run_cannot_be_started_twice_by_accident(synthetic_run: Run) -> None:
    with pytest.raises(RunError, match="--resume"):
        workflow.train(synthetic_run.config(), out=synthetic_run.folder)


def test_taken_folder_is_refused_before_the_data_is_looked_for(tmp_path: Path) -> None:
    config = tiny_config(data={"kind": "folder", "root": str(tmp_path / "nowhere")})
    start_run(tmp_path / "run", config, resume=False)
    with pytest.raises(RunError, match="--resume"):
        workflow.train(config, out=tmp_path / "run")


def test_what_cannot_be_trained_leaves_no_folder(synthetic_run: Run, tmp_path: Path) -> None:
    config = synthetic_run.config()
    small = config.model_copy(update={"frame": config.frame.model_copy(update={"height": 10})})
    with pytest.raises(ConfigError, match=r"network\.kernels"):
        workflow.train(small, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_training_without_torch_says_what_to_install(
    synthetic_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"twinlens\[train\]"):
        workflow.train(synthetic_run.config(), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_finished_run_resumes_to_itself(synthetic_run: Run) -> None:
    before = synthetic_run.history.stat().st_mtime_ns
    assert workflow.train(synthetic_run.config(), out=synthetic_run.folder, resume=True) == synthetic_run
    assert synthetic_run.history.stat().st_mtime_ns == before


def test_training_interrupted_between_best_epoch_and_bundle_goes_on(cache: Path, tmp_path: Path) -> None:
    data = {"kind": "synthetic", "subjects": 40, "per_subject": 4, "test_pairs": 60}
    config = tiny_config(data={**data, "setting": {"kind": "identities", "pairs": 60}}, split={"validation": 0.3})
    run = workflow.train(config, out=tmp_path / "run")
    fingerprint = read_bundle(run.bundle).manifest.fingerprint
    run.result.unlink()
    workflow.train(config, out=tmp_path / "run", resume=True)
    assert read_bundle(run.bundle).manifest.fingerprint == fingerprint
    assert Result.model_validate_json(run.result.read_bytes()).test is None


def test_end_of_a_training_embeds_every_photo_once_and_names_the_commit_it_was_started_from(
    synthetic_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded: list[int] = []

    def counting(encoder: Encoder, crops: UInt8Array, samples: IntArray) -> Float32Array:
        embedded.extend(samples)
        return embed(encoder, crops, samples)

    for module in (training, workflow_result):
        monkeypatch.setattr(module, "embed", counting)
    folder = tmp_path / "run"
    shutil.copytree(synthetic_run.folder, folder, ignore=shutil.ignore_patterns("bundle", "result.json"))
    origin = json.loads((folder / "origin.json").read_text())
    (folder / "origin.json").write_text(json.dumps(origin | {"commit": "the first"}))
    run = workflow.train(synthetic_run.config(), out=folder, resume=True)
    partition = workflow.prepare(run.config()).partition
    assert sorted(embedded) == sorted([*partition.train.samples, *partition.validation.samples])
    assert read_bundle(run.bundle).manifest.training.commit == "the first"


def test_run_is_not_finished_before_its_bundle_is_whole(
    synthetic_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_result: Result) -> str:
        raise KeyboardInterrupt

    folder = tmp_path / "run"
    shutil.copytree(synthetic_run.folder, folder, ignore=shutil.ignore_patterns("bundle", "result.json"))
    with monkeypatch.context() as patch:
        patch.setattr(workflow_result, "make_card", interrupted)
        with pytest.raises(KeyboardInterrupt):
            workflow.train(synthetic_run.config(), out=folder, resume=True)
    run = workflow.train(synthetic_run.config(), out=folder, resume=True)
    assert (run.bundle / CARD).is_file()


def test_own_pairs_can_be_judged(synthetic_run: Run, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in "abcdef":
        Image.fromarray(rng.integers(0, 255, (90, 90, 3), dtype=np.uint8)).save(tmp_path / f"{name}.png")
    rows = ["a.png,b.png,1", "c.png,d.png,1", "a.png,c.png,0", "b.png,e.png,0", "d.png,f.png,0"]
    (tmp_path / "mine.csv").write_text("\n".join(["first,second,is_genuine", *rows]))
    out = tmp_path / "out"
    outcome = workflow.evaluate(synthetic_run.bundle, protocol=str(tmp_path / "mine.csv"), out=out)
    assert (outcome.genuine_pairs, outcome.impostor_pairs) == (2, 3)
    assert len((out / "scores-test.csv").read_text().splitlines()) == 6
    run = Run(tmp_path / "run")
    shutil.copytree(synthetic_run.folder, run.folder)
    assert workflow.evaluate(run.folder, protocol=str(tmp_path / "mine.csv")).accuracy.value == outcome.accuracy.value
    assert (run.folder / "evaluation-mine" / "evaluation.json").is_file()  # and not where one stands


def test_people_that_a_model_has_seen_are_refused_by_name(synthetic_run: Run, tmp_path: Path) -> None:
    # A bundle that claims to have been trained on the test people of its own run.
    bundle, config = read_bundle(synthetic_run.bundle), synthetic_run.config()
    dataset = workflow.prepare(config).partition.dataset
    from twinlens.data.leaks import subject_digests

    training = bundle.manifest.training.model_copy(
        update={"seen": tuple(sorted(subject_digests(dataset.name, dataset.subjects)))}
    )
    guilty = Run(tmp_path / "guilty")
    guilty.folder.mkdir()
    for path in (synthetic_run.recipe, synthetic_run.result):
        result = json.loads(path.read_text()) if path.suffix == ".json" else None
        text = json.dumps(result | {"test": None}) if result else path.read_text()
        (guilty.folder / path.name).write_text(text)
    manifest = bundle.manifest.model_copy(update={"training": training})
    write_bundle(guilty.bundle, bundle.model.read_bytes(), manifest)
    with pytest.raises(LeakError, match="subject-"):
        workflow.evaluate_run(guilty.folder)


@pytest.mark.parametrize(
    ("protocol", "error"), [(None, ConfigError), ("lfw-view9", ConfigError), ("missing.csv", Exception)]
)
def test_unknown_protocols_are_errors(synthetic_run: Run, protocol: str | None, error: type[Exception]) -> None:
    with pytest.raises(error):
        workflow.evaluate(synthetic_run.bundle, protocol=protocol)


def test_broken_drawings_of_the_official_runs_cannot_be_skipped(synthetic_run: Run) -> None:
    with pytest.raises(ConfigError, match="skip-broken"):
        workflow.evaluate(synthetic_run.bundle, protocol="omniglot-20way", skip_broken=True)


def test_folder_that_is_neither_run_nor_bundle_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="neither"):
        workflow.evaluate(tmp_path)


def test_view2_of_a_run_that_is_not_finished_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    run = start_run(tmp_path / "run", tiny_config(), resume=False)
    with pytest.raises(RunError, match=r"result\.json"):
        workflow.evaluate(run.folder, protocol="lfw-view2")
    assert not (run.folder / "view2").exists()

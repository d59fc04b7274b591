"""Runs that start from other runs, learn from them, or must not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.workflow.conftest import TINY, tiny_config
from twinlens import workflow
from twinlens.bundle import Training, read_bundle
from twinlens.config import Config, parse_config
from twinlens.data.dataset import Partition
from twinlens.data.leaks import refuse_predecessor, subject_digests
from twinlens.errors import BundleError, ConfigError, LeakError, RunError
from twinlens.learning.checkpoints import SafetensorsIO
from twinlens.runs import Run
from twinlens.workflow.evaluating import evaluate_run
from twinlens.workflow.predecessors import Predecessors, find_predecessors, inherit
from twinlens.workflow.view2 import fold_config

DATA = {"kind": "synthetic", "subjects": 40, "per_subject": 4, "test_pairs": 60}
SETTING = {"kind": "identities", "pairs": 120}
COSINE = {"kind": "supervised-contrastive"}


def successor(**sections: object) -> Config:
    """A recipe on the people of ``synthetic_run``, with the same of them for validation."""
    own = {
        "data": {**DATA, "setting": SETTING},
        "split": {"validation": 0.3},
        "network": {**TINY["network"], "output": "linear"},
        "training": {**TINY["training"], "max_epochs": 1},
    }
    return tiny_config(**{**own, **sections})


@pytest.fixture(scope="module")
def pretrained(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Self-supervised: each photo is a class by itself."""
    training = {**TINY["training"], "max_epochs": 1, "classes": "photos", "per_class": 2, "batch_size": 64}
    config = successor(name="pretrained", loss=COSINE, training=training)
    return workflow.train(config, out=tmp_path_factory.mktemp("runs") / "pretrained")


def partition_of(config: Config) -> Partition:
    return workflow.prepare(config).partition


def test_run_goes_on_where_another_has_ended_and_follows_a_teacher(pretrained: Run, tmp_path: Path) -> None:
    config = successor(
        name="taught",
        seed=1,
        split={"validation": 0.3, "seed": 0},
        loss={"kind": "margin-softmax"},
        initial={"run": str(pretrained.folder)},
        distillation={"teachers": [str(pretrained.folder), str(pretrained.bundle)]},
        optimiser={"kind": "sgd", "learning_rate": 1e-30},
    )
    run = workflow.train(config, out=tmp_path / "run")
    states = [SafetensorsIO().load_checkpoint(one.best)["state_dict"] for one in (pretrained, run)]
    weights = [name for name in states[0] if name.endswith(("weight", "bias")) and name.startswith("twin")]
    assert weights
    assert all(np.array_equal(states[0][name], states[1][name]) for name in weights)
    trainings = [read_bundle(one.bundle).manifest.training for one in (pretrained, run)]
    assert trainings[0].seen == trainings[1].seen
    assert trainings[0].chosen_on == trainings[1].chosen_on
    result = evaluate_run(run.folder)
    assert result.recipe["initial"] == {"run": str(pretrained.folder)}
    assert result.recipe["distillation"]["teachers"] == [str(pretrained.folder), str(pretrained.bundle)]


def test_refining_a_run_asks_its_teachers_nothing(
    pretrained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distillation = {"teachers": [str(pretrained.folder)], "follow": "embeddings"}
    run = workflow.train(successor(name="taught", loss=COSINE, distillation=distillation), out=tmp_path / "run")
    monkeypatch.delattr("twinlens.workflow.predecessors.embed")
    refined = workflow.refine(run.folder, overrides=["metric.kind=pca", "metric.dims=[8]"])
    assert read_bundle(refined.bundle).manifest.training.seen == read_bundle(run.bundle).manifest.training.seen


def test_bundle_tells_whom_weights_were_learned_from(pretrained: Run) -> None:
    partition = partition_of(pretrained.config())
    training = read_bundle(pretrained.bundle).manifest.training
    subjects = partition.dataset.subjects
    learned, chosen_on = (
        subject_digests(partition.dataset.name, [subjects[code] for code in part.subject_codes(partition.dataset)])
        for part in (partition.train, partition.validation)
    )
    assert training.learned == learned
    assert set(training.chosen_on) == chosen_on
    assert set(training.seen) == learned | chosen_on


def test_run_with_other_validation_people_is_refused_as_predecessor(pretrained: Run) -> None:
    config = successor(seed=1, initial={"run": str(pretrained.folder)})
    with pytest.raises(LeakError, match=r"has learned from \d+ of the \d+ people of the validation part.*split\.seed"):
        find_predecessors(config, partition_of(config))


def test_model_that_has_seen_test_people_is_refused_as_predecessor(pretrained: Run) -> None:
    config = successor(distillation={"teachers": [str(pretrained.folder)]})
    partition = partition_of(config)
    with pytest.raises(LeakError, match="has seen 8 of the 8 people of the test part: "):
        find_predecessors(config, replace(partition, test=partition.validation))


def test_where_parts_share_people_anyway_validation_is_not_looked_at(pretrained: Run) -> None:
    config = successor(seed=1, initial={"run": str(pretrained.folder)})
    partition = replace(partition_of(config), leaks=True)
    assert find_predecessors(config, partition).initial[0].manifest.name == "pretrained"


def test_bundle_from_before_it_was_written_down_has_learned_from_all_that_it_has_seen(pretrained: Run) -> None:
    partition = partition_of(pretrained.config())
    old = read_bundle(pretrained.bundle).manifest.training.model_copy(update={"chosen_on": ()})
    assert old.learned == set(old.seen)
    with pytest.raises(LeakError):
        refuse_predecessor("old", old.learned, old.seen, partition)


def test_teacher_must_compare_by_cosine(synthetic_run: Run) -> None:
    config = successor(distillation={"teachers": [str(synthetic_run.folder)]})
    with pytest.raises(ConfigError, match="does not compare embeddings by their cosine"):
        find_predecessors(config, partition_of(config))


def test_bundle_alone_is_nothing_to_start_from(pretrained: Run) -> None:
    config = successor(initial={"run": str(pretrained.bundle)})
    with pytest.raises(RunError, match=r"best\.safetensors is missing\. Let initial\.run be a whole run"):
        find_predecessors(config, partition_of(config))


def test_a_folder_named_like_a_shipped_model_is_the_predecessor(
    pretrained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lfw-identities").symlink_to(pretrained.folder)
    monkeypatch.chdir(tmp_path)
    partition = partition_of(pretrained.config())
    config = successor(initial={"run": "./lfw-identities"}, distillation={"teachers": ["./lfw-identities"]})
    found = find_predecessors(config, partition)
    assert [bundle.manifest.name for bundle in (*found.initial, *found.teachers)] == ["pretrained"] * 2
    with pytest.raises(ConfigError, match="lfw-pairs does not compare embeddings by their cosine"):
        find_predecessors(successor(distillation={"teachers": ["lfw-pairs"]}), partition)


def test_missing_predecessor_is_named_before_anything_is_trained(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="nowhere"):
        workflow.train(successor(initial={"run": "nowhere"}), out=tmp_path / "run")
    with pytest.raises(BundleError, match="nowhere"):
        workflow.train(successor(distillation={"teachers": ["nowhere"]}), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_names_that_the_setting_does_not_tell_are_refused(pretrained: Run) -> None:
    partition = partition_of(pretrained.config())
    config = parse_config({"name": "a", "data": {"kind": "lfw"}, "initial": {"run": str(pretrained.folder)}}, "here")
    with pytest.raises(ConfigError, match="was told who is on each photo"):
        find_predecessors(config, partition)


def training(**changes: object) -> Training:
    plain = Training(
        recipe="a",
        dataset="lfw",
        protocol="lfw-view1",
        setting="identities",
        outside_data="none",
        leaks=False,
        synthetic=False,
        seed=0,
        commit="",
        seen=("a", "b", "v"),
        chosen_on=("v",),
    )
    return plain.model_copy(update=changes)


def of(pretrained: Run, **changes: object) -> Predecessors:
    bundle = read_bundle(pretrained.bundle)
    manifest = bundle.manifest.model_copy(update={"training": training(**changes)})
    return Predecessors((), (bundle.model_copy(update={"manifest": manifest}),))


def test_what_predecessors_have_seen_is_seen_and_what_any_has_learned_is_learned(pretrained: Run) -> None:
    merged = inherit(training(), of(pretrained, seen=("b", "c", "v", "w"), chosen_on=("v", "w")))
    assert merged.seen == ("a", "b", "c", "v", "w")
    assert merged.chosen_on == ("v", "w")
    assert inherit(training(), of(pretrained, seen=("v",), chosen_on=())).chosen_on == ()


@pytest.mark.parametrize(
    ("changes", "outside_data"),
    [
        ({}, "none"),
        ({"outside_data": "label-free"}, "label-free"),
        ({"outside_data": "labelled"}, "labelled"),
        ({"dataset": "elsewhere"}, "labelled"),
        ({"dataset": "synthetic", "synthetic": True}, "none"),
    ],
)
def test_data_from_elsewhere_is_told_of_successors(
    pretrained: Run, changes: dict[str, object], outside_data: str
) -> None:
    merged = inherit(training(), of(pretrained, **changes))
    assert merged.outside_data == outside_data
    assert not merged.synthetic  # what judges it shows people
    assert inherit(training(), of(pretrained, leaks=True)).leaks


def test_on_view_2_the_folds_of_a_predecessor_take_its_place(tmp_path: Path) -> None:
    other = Run(tmp_path / "other")
    other.folder.mkdir()
    other.recipe.write_text("name: other\n")
    values = {
        "name": "a",
        "initial": {"run": str(other.folder)},
        "distillation": {"teachers": [str(other.folder), "b"]},
    }
    config = parse_config(values, "here")
    with pytest.raises(RunError, match=r"evaluate .*other --protocol lfw-view2"):
        fold_config(config, 3)
    fold = other.folder / "view2" / "fold03"
    (fold / "bundle").mkdir(parents=True)
    found = fold_config(config, 3)
    assert found.initial.run == fold
    assert found.distillation.teachers == (fold, Path("b"))


def test_on_view_2_a_predecessor_on_other_data_stays(pretrained: Run) -> None:
    place = str(pretrained.folder)
    values = {"name": "a", "initial": {"run": place}, "distillation": {"teachers": [place]}}
    found = fold_config(parse_config(values, "here"), 3)
    assert found.initial.run == pretrained.folder
    assert found.distillation.teachers == (pretrained.folder,)

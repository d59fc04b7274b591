"""Sweeps as they are written, and everything that is refused before anything is trained."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from twinlens.config import load_config, recipe_names
from twinlens.config.load_sweep import dump_sweep, load_sweep, sweep_names
from twinlens.config.space import Choice, Range
from twinlens.config.sweep import SweepConfig
from twinlens.errors import ConfigError

RATE = "optimiser.learning_rate=1e-5..1e-2:log"


def swept(*vary: str, **changes: Any) -> SweepConfig:
    return load_sweep("koch-reduced", vary=vary, changes=changes)


def test_every_sweep_that_comes_along_can_be_read_and_is_what_it_says() -> None:
    assert "koch-reduced" in sweep_names()
    for name in sweep_names():
        sweep = load_sweep(name)
        assert sweep.recipe.name in recipe_names()
        assert sweep.own_values(), "the first trial would not be the recipe"
        assert sweep.trials >= 12


def test_recipe_with_what_varies_is_a_sweep() -> None:
    sweep = swept(RATE, "network.dense=128,256", trials=12)
    assert sweep.name == "koch-reduced"
    assert sweep.recipe == load_config("koch-reduced")
    assert sweep.vary["optimiser.learning_rate"] == Range(low=1e-5, high=1e-2, log=True)
    assert sweep.vary["network.dense"] == Choice(values=(128, 256))
    assert (sweep.trials, sweep.metric, sweep.higher_is_better) == (12, "validation_loss", False)


def test_whole_numbers_stay_whole_and_others_do_not() -> None:
    vary = swept("network.conv_dropout=0..0.5", "training.batch_size=16..64", "training.min_delta=0..1").vary
    kinds = {key: (type(values.ends[0]), type(values.ends[1])) for key, values in vary.items()}
    assert kinds["training.batch_size"] == (int, int)
    assert kinds["network.conv_dropout"] == kinds["training.min_delta"] == (float, float)


def test_whole_steps_may_be_written_as_decimals_and_steps_of_decimals_between_whole_ends() -> None:
    vary = swept("training.patience=2..6:2.0", "network.conv_dropout=0..0.5:0.25", "training.min_delta=0..2:0.5").vary
    assert [str(values) for values in vary.values()] == ["2..6:2", "0..0.5:0.25", "0..2:0.5"]


def test_choices_are_taken_as_the_configuration_takes_them() -> None:
    sweep = swept("optimiser.learning_rate=1e-3,1", "network.widths=[4,4,8,8],[8,8,16,16]", "frame.colour=grey,rgb")
    assert sweep.vary["optimiser.learning_rate"] == Choice(values=(0.001, 1.0))
    assert sweep.vary["network.widths"] == Choice(values=([4, 4, 8, 8], [8, 8, 16, 16]))


def test_resolved_sweep_reads_back_to_the_same(tmp_path: Path) -> None:
    sweep = swept(RATE, "augment={kind: none},{kind: affine}", "network.conv_dropout=0..0.4:0.1", trials=7, epochs=3)
    path = tmp_path / "sweep.yaml"
    path.write_text(dump_sweep(sweep))
    assert load_sweep(path) == sweep


def test_file_may_name_a_recipe_beside_it_and_set_keys_of_it(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("extends: koch-reduced\nname: mine\nseed: 3\n")
    sweep = tmp_path / "sweep.yaml"
    values = {"recipe": "mine.yaml", "set": {"training.batch_size": 8, "data.setting.kind": "pairs-only"}}
    sweep.write_text(yaml.safe_dump(values | {"vary": {"network.dense": [64, 128]}, "pruner": {"kind": "none"}}))
    read = load_sweep(sweep, overrides=["training.patience=4"], changes={"trials": 3})
    assert (read.name, read.recipe.seed, read.trials, read.pruner.kind) == ("mine", 3, 3, "none")
    assert (read.recipe.training.batch_size, read.recipe.training.patience) == (8, 4)


def test_override_beats_what_the_file_sets(tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text("recipe: koch-reduced\nset: {training.batch_size: 8}\nvary: {network.dense: [64, 128]}\n")
    assert load_sweep(path, overrides=["training.batch_size=16"]).recipe.training.batch_size == 16


def test_trial_is_the_recipe_with_its_values_and_no_more_epochs_than_asked_for() -> None:
    sweep = swept(RATE, "augment.kind=none,affine", epochs=3)
    trial = sweep.trial({"optimiser.learning_rate": 0.005, "augment.kind": "affine"}, 7)
    assert trial.name == "koch-reduced-007"
    assert (trial.optimiser.learning_rate, trial.augment.kind, trial.training.max_epochs) == (0.005, "affine", 3)
    rest = {"name": "koch-reduced", "augment": sweep.recipe.augment}
    rest |= {"optimiser": sweep.recipe.optimiser, "training": sweep.recipe.training}
    assert trial.model_copy(update=rest) == sweep.recipe
    assert trial.optimiser.l2 == sweep.recipe.optimiser.l2
    assert swept(RATE, epochs=1000).trial({}, 1).training.max_epochs == sweep.recipe.training.max_epochs


def test_winner_trains_as_long_as_the_recipe_says() -> None:
    winner = swept(RATE, epochs=3).winner({"optimiser.learning_rate": 0.005})
    assert winner.name == "koch-reduced-swept"
    assert winner.training == load_config("koch-reduced").training


def test_recipe_itself_is_a_trial_where_a_trial_could_be_it() -> None:
    own = {"optimiser.learning_rate": 0.0005, "network.dense": 512}
    assert swept(RATE, "network.dense=256,512").own_values() == own
    assert swept(RATE, "network.dense=128,256").own_values() == {}
    assert swept("optimiser.learning_rate=1e-3..1e-2").own_values() == {}


@pytest.mark.parametrize(
    ("objective", "higher"), [("validation_loss", False), ("validation_auc", True), ("validation_oneshot", True)]
)
def test_objective_may_be_another_than_what_the_training_monitors(objective: str, higher: bool) -> None:
    sweep = swept(RATE, objective=objective)
    assert (sweep.metric, sweep.higher_is_better) == (objective, higher)
    monitor = load_sweep("koch-reduced", vary=[RATE], overrides=["training.monitor=validation_oneshot"])
    assert (monitor.metric, monitor.higher_is_better) == ("validation_oneshot", True)


@pytest.mark.parametrize(
    ("vary", "complaint"),
    [
        (["optimiser.lerning_rate=1..2"], "did you mean 'learning_rate'?"),
        (["network.dense=0..5"], "network.dense: must be greater than or equal to 1"),
        (["network.dense=128"], "vary.network.dense: values: Tuple should have at least 2 items"),
        (["network.dense=5..1"], "vary.network.dense: a range goes from a smaller to a larger value"),
        (["optimiser.kind=adam..sgd"], "'adam' is no number"),
        (["network.batch_norm=0..1"], "network.batch_norm takes no numbers. List its values"),
        (
            ["training.patience=1..3:0.5"],
            "training.patience takes whole numbers, which steps of 0.5 leave. Give a whole",
        ),
        (["training.patience=5..8:1.5"], "which steps of 1.5 leave"),
        (["network.batch_norm=true,1"], "each value once"),
        (["x"], "--vary 'x' is not of the form section.key=VALUES"),
        (["network.dense="], "is not of the form"),
        (["network.dense=1,2", "network.dense=3,4"], "--vary network.dense is given twice"),
        (["network.dense.x=1,2"], "'dense' is a value, not a section"),
        (["seed=1,2"], "seed cannot vary: all trials are judged on the same pairs"),
        (["split.validation=0.1..0.2"], "split.validation cannot vary"),
        (["data.setting.kind=pairs-only,identities"], "data.setting.kind cannot vary"),
        (["training.monitor=validation_loss,validation_oneshot"], "training.monitor cannot vary"),
        (["training={patience: 1},{patience: 2}"], "training cannot vary as a whole: it holds training.monitor. Name"),
        (["metric.kind=none,pca,plda"], "Train the winner, then: twinlens refine RUN --set metric.kind=VALUE."),
        (["fusion={kind: none},{kind: lbp}"], "fusion cannot vary: it is fitted on top of a trained network"),
        (["logger=tensorboard,mlflow"], "logger cannot vary: it decides nothing of a trial. Set it for all: --set."),
        (["training.threads=1,2"], "training.threads cannot vary: it decides nothing of a trial"),
        (["sizing.kind=none,automatic"], "sizing.kind cannot vary: it decides nothing of a trial"),
        (["augment={kind: none},{kind: affine}", "augment.kind=none,affine"], "augment.kind, which is a part of it"),
        (["loss.kind=contrastive,triplet"], "Let another figure decide"),
        (["optimiser.kind=sgd,adam", "optimiser.beta1=0.5..0.9"], "optimiser.kind=sgd, optimiser.beta1=0.5"),
    ],
)
def test_what_no_trial_could_have_is_refused_before_anything_is_trained(vary: list[str], complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        swept(*vary)
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"trials": 0}, "trials: must be greater than or equal to 1"),
        ({"objective": "test_accuracy"}, "objective: must be 'validation_loss'"),
        ({"name": "My Sweep"}, "name: String should match"),
        ({"trails": 3}, "unknown key 'trails', did you mean 'trials'?"),
        ({"pruner": {"kind": "median", "warm": 3}}, "unknown key 'pruner.warm', did you mean 'warmup'?"),
    ],
)
def test_key_of_a_sweep_that_is_wrong_is_named(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        swept(RATE, **changes)
    assert complaint in str(caught.value)


def test_epochs_and_their_limit_cannot_both_be_given() -> None:
    assert swept("training.max_epochs=3,9").vary
    with pytest.raises(ConfigError, match="cannot vary where epochs limits every trial"):
        swept("training.max_epochs=3,9", epochs=5)


def test_trial_is_trained_in_one_process() -> None:
    with pytest.raises(ConfigError, match="trained in one process"):
        load_sweep("koch-reduced", vary=[RATE], overrides=["training.devices=2"])


def test_contradiction_among_many_combinations_is_found() -> None:
    many = [f"optimiser.layers.conv{i}.l2=0..1" for i in (1, 2, 3, 4)]
    wide = [*many, "network.conv_dropout=0..0.5", "network.dense_dropout=0..0.5", "network.dense=8,16,32,64,128"]
    with pytest.raises(ConfigError, match="optimiser"):
        swept(*wide, "optimiser.kind=sgd,adam", "optimiser.layers.head.momentum=0.5..0.9")


@pytest.mark.parametrize(
    ("target", "complaint"),
    [
        ("nothing", "There is no sweep 'nothing'. Give the path of a YAML file, or one of: koch-reduced"),
        ("quick", "The recipe quick comes without a sweep. Say what to vary"),
    ],
)
def test_sweep_that_is_not_there_is_told_with_the_remedy(target: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        load_sweep(target)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("name: mine\n", "does not say what to vary"),
        ("vary: {network.dense: [1, 2]}\n", "names no recipe"),
        ("recipe: koch-quick\nset: [1]\nvary: {network.dense: [1, 2]}\n", "set holds no keys"),
        ("recipe: koch-quick\nset: {network.dnse: 1}\nvary: {network.dense: [1, 2]}\n", "did you mean 'dense'"),
        ("- 1\n", "holds no sections"),
        ("recipe: [quick\n", "is not valid YAML"),
    ],
)
def test_file_that_is_no_sweep_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_sweep(path)
    assert complaint in str(caught.value)

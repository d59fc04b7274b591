import re
from pathlib import Path

import pytest

from tests.config.conftest import Load
from twinlens.config import parse_config
from twinlens.errors import ConfigError

# --- one key changed, the others kept ---------------------------------------------------------------------


def test_section_without_a_kind_is_of_the_default_kind(load: Load) -> None:
    config = load("name: a\noptimiser: {momentum: 0.8}\nnetwork: {init: {conv_weight: {std: 0.5}}}")
    assert config.optimiser.model_dump(include={"kind", "momentum"}) == {"kind": "sgd", "momentum": 0.8}
    assert config.network.init.kind == "normal"


def test_rest_of_a_default_is_kept_when_one_of_its_keys_is_changed(load: Load) -> None:
    config = load("name: a\ndata: {kind: omniglot, setting: {pairs: 9}}\nnetwork: {init: {conv_bias: {std: 1}}}")
    expected = {"kind": "identities", "pairs": 9, "fresh": False, "epochs_per_pass": 1, "rotations": False}
    assert config.data.setting.model_dump() == expected
    assert config.network.init.model_dump()["conv_bias"] == {"mean": 0.5, "std": 1}


def test_rest_of_a_default_is_not_kept_in_another_variant(load: Load) -> None:
    config = load("name: a\nnormalisation: {kind: per-image}\naugment: {kind: affine, flip: 0.5}")
    assert config.normalisation.model_dump() == {"kind": "per-image"}
    assert config.augment.model_dump(include={"rotation", "flip"}) == {"rotation": 10, "flip": 0.5}


# --- overrides --------------------------------------------------------------------------------------------


def test_overrides_change_single_keys(load: Load) -> None:
    config = load(
        "name: a\ntraining: {batch_size: 7, patience: 3}",
        "training.batch_size=64",
        "network.widths=[1, 2, 3, 4]",
        "training.precision=32",
        "optimiser.learning_rate=1e-3",
        " seed = 5",
        "network.init.head_bias.mean=-1",
        "data.root=/with=sign",
    )
    assert (config.training.batch_size, config.training.patience) == (64, 3)
    assert config.training.precision == "32"
    assert config.network.widths == (1, 2, 3, 4)
    assert config.optimiser.learning_rate == 0.001
    assert config.seed == 5
    assert config.network.init.model_dump()["head_bias"] == {"mean": -1, "std": 0}
    assert config.data.model_dump()["root"] == Path("/with=sign")


def test_last_of_two_overrides_counts(load: Load) -> None:
    assert load("name: a", "seed=1", "seed=2").seed == 2


def test_change_of_kind_clears_the_keys_of_the_old_one(load: Load) -> None:
    text = "name: a\noptimiser: {kind: sgd, learning_rate: 0.5, momentum: 0.8}"
    config = load(text, "optimiser.kind=adam")
    assert config.optimiser == parse_config({"name": "a", "optimiser": {"kind": "adam"}}, "here").optimiser


def test_keys_stay_when_the_kind_does(load: Load) -> None:
    for stated in ("kind: sgd, ", ""):
        config = load(f"name: a\noptimiser: {{{stated}learning_rate: 0.5}}", "optimiser.kind=sgd")
        assert config.optimiser.learning_rate == 0.5


def test_keys_stay_when_a_nested_kind_is_what_it_is_by_default_in_its_section(load: Load) -> None:
    folder = "name: a\ndata: {kind: folder, root: photos, setting: {pairs: 500}}"
    assert load(folder, "data.setting.kind=identities").data.setting == load(folder).data.setting
    lfw = "name: a\ndata: {setting: {kind: identities, pairs: 500}}"
    assert load(lfw, "data.setting.kind=pairs-only").data.setting.model_dump() == {"kind": "pairs-only"}
    plda = "name: a\nmetric: {kind: pca}\nfusion: {kind: lbp, metric: {dims: [7]}}"
    assert load(plda, "fusion.metric.kind=plda").fusion == load(plda).fusion
    with pytest.raises(ConfigError, match="fusion: kind must be one of"):
        load("name: a\nfusion: {kind: ibp, metric: {dims: [7]}}", "fusion.metric.kind=plda")
    with pytest.raises(ConfigError, match="unknown key 'fussion'"):
        load("name: a\nfussion: {kind: lbp}", "fussion.metric.kind=plda")


def test_no_override_is_lost_to_a_change_of_kind_that_is_given_after_it(load: Load) -> None:
    config = load(
        "name: a\ndata: {kind: lfw}\noptimiser: {kind: sgd}",
        "optimiser.learning_rate=0.5",
        "data.setting.kind=identities",
        "data.setting.pairs=9",
        "data.root=/photos",
        "data.kind=folder",
        "optimiser.kind=adam",
    )
    assert (config.optimiser.kind, config.optimiser.learning_rate) == ("adam", 0.5)
    assert config.data.kind == "folder"
    assert config.data.model_dump(include={"root", "setting"}) == {
        "root": Path("/photos"),
        "setting": {"kind": "identities", "pairs": 9, "fresh": True, "epochs_per_pass": 1, "rotations": False},
    }


@pytest.mark.parametrize("override", ["seed", "", "=3", " =3", "training.batch_size", "training.batch_size 3"])
def test_override_of_another_form_is_told(load: Load, override: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"--set {override!r} is not of the form section.key=value.")):
        load("name: a", override)


@pytest.mark.parametrize("override", ["seed=[1", "name=2026-99-99", "seed={", "seed=!!python/object:x y"])
def test_override_whose_value_is_no_yaml_is_told(load: Load, override: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"--set {override!r}: the value is not valid YAML.")):
        load("name: a", override)


def test_override_below_a_value_is_told(load: Load) -> None:
    with pytest.raises(ConfigError, match=re.escape("seed.deeper: 'seed' is a value, not a section.")):
        load("name: a\nseed: 3", "seed.deeper=3")


@pytest.mark.parametrize("override", ["trainin.patience=3", "training.patiense=3", "training..patience=3", "x=3"])
def test_unknown_key_of_an_override_is_told(load: Load, override: str) -> None:
    with pytest.raises(ConfigError, match="unknown key"):
        load("name: a", override)

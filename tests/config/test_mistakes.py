import re
from pathlib import Path

import pytest

from tests.config.conftest import Load
from twinlens.config import load_config
from twinlens.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "key", "suggestion"),
    [
        ("trainin: {}", "trainin", "training"),
        ("training: {batchsize: 3}", "training.batchsize", "batch_size"),
        ("optimiser: {lerning_rate: 3}", "optimiser.lerning_rate", "learning_rate"),
        ("optimiser: {kind: adam, betta2: 3}", "optimiser.betta2", "beta2"),
        ("optimiser: {layers: {conv1: {learningrate: 3}}}", "optimiser.layers.conv1.learningrate", "learning_rate"),
        ("network: {init: {conv_weigth: {mean: 0}}}", "network.init.conv_weigth", "conv_weight"),
        ("network: {init: {conv_weight: {meen: 0}}}", "network.init.conv_weight.meen", "mean"),
        ("data: {kind: omniglot, setting: {fresch: true}}", "data.setting.fresch", "fresh"),
        ("data: {setting: {kind: identities, pair: 1}}", "data.setting.pair", "pairs"),
        ("evaluation: {nway: [5]}", "evaluation.nway", "n_way"),
    ],
)
def test_unknown_key_is_told_as_it_was_written_with_the_nearest_known_one(
    load: Load, text: str, key: str, suggestion: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(f"name: a\n{text}\n")
    assert f"r.yaml: unknown key {key!r}, did you mean {suggestion!r}? known are " in str(caught.value)


def test_unknown_key_that_is_near_to_none_is_told_with_all_known_ones(load: Load) -> None:
    with pytest.raises(ConfigError, match=re.escape("unknown key 'split.xyzzy'; known are kind, seed, validation.")):
        load("name: a\nsplit: {xyzzy: 1}")


def test_key_of_another_variant_is_unknown(load: Load) -> None:
    with pytest.raises(ConfigError, match=re.escape("unknown key 'optimiser.momentum'")) as caught:
        load("name: a\noptimiser: {kind: adam, momentum: 0.9}")
    assert "beta1" in str(caught.value)
    assert "momentum_start" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("training: {batch_size: two}", "training.batch_size: must be a whole number"),
        ("training: {batch_size: 0}", "training.batch_size: must be greater than or equal to 1"),
        ("training: {batch_size: 1.5}", "training.batch_size: must be a whole number"),
        ("training: {precision: 16}", "training.precision: must be 'auto', 'bf16-mixed' or '32'"),
        ("training: 3", "training: must be a section with keys"),
        ("optimiser: {learning_rate: -1}", "optimiser.learning_rate: must be greater than 0"),
        ("optimiser: {learning_rate: .nan}", "optimiser.learning_rate: must be a finite number"),
        ("optimiser: {learning_rate: .inf}", "optimiser.learning_rate: must be a finite number"),
        ("optimiser: {layers: {conv9: {l2: 1}}}", "optimiser.layers.conv9: must be 'conv1'"),
        ("optimiser: {layers: {conv1: {l2: -1}}}", "optimiser.layers.conv1.l2: must be greater than"),
        ("optimiser:", "optimiser: must be a section with keys"),
        ("network: {kind: resnet}", "network: kind must be one of '"),
        ("loss: {kind: triplet}\ntraining: {per_class: 1}", "training.per_class must be 2 or more"),
        (
            "loss: {kind: sum, terms: [{loss: {kind: margin-softmax}}, {loss: {kind: triplet}}]}\n"
            "training: {per_class: 1}",
            "training.per_class must be 2 or more",
        ),
        (
            "loss: {kind: triplet}\ntraining: {batch_size: 7, per_class: 4}",
            "training.batch_size must be 8 or more: this loss compares classes, and a batch holds training.per_class",
        ),
        (
            "loss: {kind: supervised-contrastive}\ntraining: {batch_size: 3, classes: photos}",
            "training.batch_size must be 4 or more",
        ),
        (
            "loss: {kind: margin-softmax}\ntraining: {batch_size: 3, per_class: 4}",
            "training.batch_size must be 4 or more: a batch holds training.per_class crops of each class",
        ),
        (
            "loss: {kind: margin-softmax}\ntraining: {batch_size: 1, per_class: 1}\nnetwork: {kind: compact}",
            "training.batch_size must be 3 or more: the network normalises batches",
        ),
        (
            "loss: {kind: margin-softmax}\ntraining: {batch_size: 2, per_class: 1}\nnetwork: {batch_norm: true}",
            "training.batch_size must be 3 or more: the network normalises batches",
        ),
        ("network: {widths: [1, 2, 3]}", "network.widths.3: must be given"),
        ("data: {kind: celeba}", "data: kind must be one of '"),
        ("data: {kind: folder}", "data.root: must be given"),
        ("data: {setting: {kind: identity}}", "data.setting: kind must be one of '"),
        ("seed: -1", "seed: must be greater than or equal to 0"),
        ("1: 2", "1: Keys should be strings"),
    ],
)
def test_wrong_value_is_told_by_its_key(load: Load, text: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"r.yaml: {reason}")):
        load(f"name: a\n{text}\n")


def test_all_mistakes_are_told_at_once(load: Load) -> None:
    with pytest.raises(ConfigError, match=r"name: must be given; training\.patience: .*; unknown key 'sede'"):
        load("sede: 3\ntraining: {patience: -1}")


@pytest.mark.parametrize("name", ["", "Ä", "a/b", "../a", "A", "-a", "a b", "a\\nb"])
def test_name_is_fit_for_a_folder(load: Load, name: str) -> None:
    with pytest.raises(ConfigError, match=r"r\.yaml: name: String should match pattern"):
        load(f'name: "{name}"')


@pytest.mark.parametrize("text", ["[1", "a: b: c", "\t- x", "name: 2026-99-99", "{", "&a *b", "!!python/object:x y"])
def test_text_that_is_no_yaml_is_told_with_the_file(load: Load, text: str) -> None:
    with pytest.raises(ConfigError, match=r"r\.yaml is not valid YAML: "):
        load(text)


def test_line_of_the_mistake_is_told(load: Load) -> None:
    with pytest.raises(ConfigError, match="line 3"):
        load("name: a\nseed: 1\n  training: {\n")


def test_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_bytes(b"name: \xff")
    with pytest.raises(ConfigError, match=r"r\.yaml is not UTF-8 text. Save it as UTF-8"):
        load_config(tmp_path / "r.yaml")


@pytest.mark.parametrize(
    "text", ["training: {max_epochs: 3}\ntraining: {patience: 7}", "training:\n  patience: 3\n  patience: 7"]
)
def test_key_that_is_there_twice_is_refused_with_its_line(load: Load, text: str) -> None:
    with pytest.raises(ConfigError, match=r"the key '(training|patience)' is there twice[\s\S]*line [34]"):
        load(f"name: a\n{text}")


def test_recipe_that_extends_what_is_not_there_is_named(load: Load) -> None:
    with pytest.raises(ConfigError, match=r"r\.yaml: extends: There is no recipe 'nope'"):
        load("name: a\nextends: nope")


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("training.batch_size=x", "training.batch_size: must be a whole number"),
        ("network.widths=24", "network.widths: must be a list"),
        ("data.kind=folder", "data.root: must be given"),
    ],
)
def test_mistake_in_an_override_is_not_laid_at_the_file(override: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=f"^--set: {reason}"):
        load_config("quick", [override])


@pytest.mark.parametrize("text", ["", "3", "[name, a]", "# only a remark\n", "name"])
def test_file_without_sections_is_told(load: Load, text: str) -> None:
    with pytest.raises(ConfigError, match=r"r\.yaml holds no sections"):
        load(text)

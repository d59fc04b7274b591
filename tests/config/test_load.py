import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from twinlens.config import Config, dump_recipe, find_recipe, load_config, parse_config, recipe_names
from twinlens.config import load as load_module
from twinlens.config.learning import KOCH_LAYERS
from twinlens.errors import ConfigError

Load = Callable[..., Config]

positive = st.floats(1e-9, 1e6)
shares = st.floats(1e-6, 1 - 1e-6)
rates = st.floats(0, 0.999)
counts = st.integers(1, 10**6)
paths = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).map(Path)
gaussians = st.fixed_dictionaries({"mean": st.floats(-9, 9), "std": st.floats(0, 9)})


def section(kind: str | None = None, **optional: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A section with any of the optional keys."""
    return st.fixed_dictionaries({"kind": st.just(kind)} if kind else {}, optional=optional)


identities = section("identities", pairs=counts, fresh=st.booleans())
datasets = st.one_of(
    section("lfw", setting=section("pairs-only") | identities, root=st.none() | paths),
    st.fixed_dictionaries({"kind": st.just("lfw"), "view": st.just(2), "fold": st.integers(1, 10)}),
    section("omniglot", setting=identities, test_pairs=counts),
    st.builds(lambda data, root: data | {"root": root}, section("folder", test=shares, setting=identities), paths),
    st.builds(lambda data, file: data | {"list": file}, section("pairs", test=shares), paths),
    section("synthetic", subjects=st.integers(10, 99), seed=st.integers(0, 9), setting=identities),
)
layers = st.dictionaries(st.sampled_from(KOCH_LAYERS), section(learning_rate=positive, l2=st.floats(0, 9)))
recipes = st.builds(
    lambda name, sections: {"name": name} | sections,
    st.from_regex(r"[a-z0-9][a-z0-9.-]{0,9}", fullmatch=True),
    section(
        seed=st.integers(0, 2**40),
        data=datasets,
        split=section("subjects", validation=shares),
        frame=section(
            crop_height=shares, width=st.integers(8, 1024), height=st.just(90), colour=st.sampled_from(["grey", "rgb"])
        ),
        normalisation=section("fixed", mean=st.floats(-9, 9), std=positive) | section("per-image"),
        network=section(
            "koch",
            widths=st.tuples(*[counts] * 4),
            dense=counts,
            batch_norm=st.booleans(),
            conv_dropout=rates,
            init=section("fan-in") | section("normal", conv_weight=gaussians, head_bias=gaussians),
        ),
        augment=section("none") | section("affine", rotation=positive, scale=st.just((0.5, 2.0)), flip=rates),
        optimiser=section("sgd", learning_rate=positive, momentum=rates, layers=layers)
        | section("adam", l2=st.floats(0, 9), beta2=rates, layers=layers),
        schedule=section("exponential", factor=shares) | section("cosine", warmup_epochs=st.integers(0, 99)),
        training=section(
            batch_size=counts,
            monitor=st.sampled_from(["validation_loss", "validation_oneshot"]),
            precision=st.sampled_from(["auto", "bf16-mixed", "32", 32]),
            threads=st.none() | counts,
        ),
        evaluation=section(prior=shares, n_way=st.lists(st.integers(2, 99), min_size=1, max_size=3).map(tuple)),
    ),
)


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load a recipe from its text, in a file named ``r.yaml``."""

    def from_text(text: str, *overrides: str) -> Config:
        path = tmp_path / "r.yaml"
        path.write_text(text, encoding="utf-8")
        return load_config(path, overrides)

    return from_text


# --- there and back ---------------------------------------------------------------------------------------


@given(recipes)
@example({"name": "a", "data": {"kind": "folder", "root": Path("line\x85break")}})
def test_dumped_recipe_is_read_back_to_an_equal_configuration(
    tmp_path_factory: pytest.TempPathFactory, recipe: dict[str, Any]
) -> None:
    config = parse_config(recipe, "here")
    path = tmp_path_factory.getbasetemp() / "dumped.yaml"
    path.write_text(dump_recipe(config), encoding="utf-8")
    assert load_config(path) == config
    assert dump_recipe(load_config(path)) == dump_recipe(config)


@given(recipes)
def test_what_a_recipe_states_is_what_it_gets(recipe: dict[str, Any]) -> None:
    def assert_holds(found: Any, stated: Any) -> None:
        if isinstance(stated, dict):
            found = found if isinstance(found, dict) else dict(found)
            for key, value in stated.items():
                assert_holds(found[key], value)
        else:
            assert found == (str(stated) if isinstance(found, str) else stated)

    assert_holds(parse_config(recipe, "here"), recipe)


def test_dump_states_every_key() -> None:
    dumped = yaml.safe_load(dump_recipe(parse_config({"name": "a"}, "here")))
    assert list(dumped) == list(Config.model_fields)
    assert dumped["optimiser"]["kind"] == "sgd"
    assert dumped["network"]["init"]["conv_bias"] == {"mean": 0.5, "std": 0.01}


# --- recipes by name --------------------------------------------------------------------------------------


def test_recipes_that_come_along_are_named_after_their_files() -> None:
    names = recipe_names()
    assert {"koch2015-lfw", "quick", "quick-synthetic"} <= set(names)
    assert names == sorted(set(names))
    for name in names:
        assert load_config(name).name == name
        assert find_recipe(name).read_text(encoding="utf-8").startswith("# "), "the first line says what it is"


def test_recipe_of_the_paper_states_the_paper_s_numbers() -> None:
    config = load_config("koch2015-lfw")
    paper = parse_config({"name": "paper", "augment": {"kind": "affine"}}, "here")
    assert config.network == paper.network
    assert config.augment == paper.augment
    assert config.schedule == paper.schedule
    assert config.frame.shape == (105, 105, 1)
    assert config.data.setting.kind == "pairs-only"
    assert config.split.kind == "subjects"


def test_unknown_recipe_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    for recipe in ("koch2016", tmp_path / "none.yaml", tmp_path):
        with pytest.raises(ConfigError) as caught:
            load_config(recipe)
        assert repr(str(recipe)) in caught.value.message
        assert all(name in caught.value.remedy for name in recipe_names())


def test_recipes_of_an_installed_package_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "only.yaml").write_text("name: only\n", encoding="utf-8")
    monkeypatch.setattr(load_module, "_FOLDERS", (tmp_path, tmp_path / "none"))
    assert recipe_names() == ["only"]
    assert load_config("only").name == "only"


# --- what is wrong with a recipe --------------------------------------------------------------------------


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
    with pytest.raises(ConfigError, match=re.escape("unknown key 'split.xyzzy'; known are kind, validation.")):
        load("name: a\nsplit: {xyzzy: 1}")


def test_key_of_another_variant_is_unknown(load: Load) -> None:
    with pytest.raises(ConfigError, match=re.escape("unknown key 'optimiser.momentum'")) as caught:
        load("name: a\noptimiser: {kind: adam, momentum: 0.9}")
    assert "beta1" in str(caught.value)
    assert "momentum_start" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("training: {batch_size: two}", "training.batch_size: Input should be a valid integer"),
        ("training: {batch_size: 0}", "training.batch_size: Input should be greater than or equal to 1"),
        ("training: {batch_size: 1.5}", "training.batch_size: Input should be a valid integer"),
        ("training: {precision: 16}", "training.precision: Input should be 'auto', 'bf16-mixed' or '32'"),
        ("training: 3", "training: Input should be a valid dictionary"),
        ("optimiser: {learning_rate: -1}", "optimiser.learning_rate: Input should be greater than 0"),
        ("optimiser: {learning_rate: .nan}", "optimiser.learning_rate: Input should be a finite number"),
        ("optimiser: {learning_rate: .inf}", "optimiser.learning_rate: Input should be a finite number"),
        ("optimiser: {layers: {conv9: {l2: 1}}}", "optimiser.layers.conv9: Input should be 'conv1'"),
        ("optimiser: {layers: {conv1: {l2: -1}}}", "optimiser.layers.conv1.l2: Input should be greater than"),
        ("optimiser:", "optimiser: Input should be a valid dictionary"),
        ("network: {kind: resnet}", "network.kind: Input should be 'koch'"),
        ("network: {widths: [1, 2, 3]}", "network.widths.3: Field required"),
        ("data: {kind: celeba}", "data: Input tag 'celeba' found using 'kind' does not match"),
        ("data: {kind: folder}", "data.root: Field required"),
        ("data: {setting: {kind: identity}}", "data.setting: Input tag 'identity' found using 'kind' does not match"),
        ("seed: -1", "seed: Input should be greater than or equal to 0"),
        ("1: 2", "1: Keys should be strings"),
    ],
)
def test_wrong_value_is_told_by_its_key(load: Load, text: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"r.yaml: {reason}")):
        load(f"name: a\n{text}\n")


def test_all_mistakes_are_told_at_once(load: Load) -> None:
    with pytest.raises(ConfigError, match=r"name: Field required; training\.patience: .*; unknown key 'sede'"):
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
    with pytest.raises(ConfigError, match=r"r\.yaml is not valid YAML"):
        load_config(tmp_path / "r.yaml")


@pytest.mark.parametrize("text", ["", "3", "[name, a]", "# only a remark\n", "name"])
def test_file_without_sections_is_told(load: Load, text: str) -> None:
    with pytest.raises(ConfigError, match=r"r\.yaml holds no sections"):
        load(text)


# --- one key changed, the others kept ---------------------------------------------------------------------


def test_section_without_a_kind_is_of_the_default_kind(load: Load) -> None:
    config = load("name: a\noptimiser: {momentum: 0.8}\nnetwork: {init: {conv_weight: {std: 0.5}}}")
    assert config.optimiser.model_dump(include={"kind", "momentum"}) == {"kind": "sgd", "momentum": 0.8}
    assert config.network.init.kind == "normal"


def test_rest_of_a_default_is_kept_when_one_of_its_keys_is_changed(load: Load) -> None:
    config = load("name: a\ndata: {kind: omniglot, setting: {pairs: 9}}\nnetwork: {init: {conv_bias: {std: 1}}}")
    assert config.data.setting.model_dump() == {"kind": "identities", "pairs": 9, "fresh": False}
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
        "setting": {"kind": "identities", "pairs": 9, "fresh": True},
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
    with pytest.raises(ConfigError, match=re.escape("--set seed.deeper: 'seed' is a value, not a section.")):
        load("name: a\nseed: 3", "seed.deeper=3")


@pytest.mark.parametrize("override", ["trainin.patience=3", "training.patiense=3", "training..patience=3", "x=3"])
def test_unknown_key_of_an_override_is_told(load: Load, override: str) -> None:
    with pytest.raises(ConfigError, match="unknown key"):
        load("name: a", override)

from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from twinlens.config import Config, dump_recipe, find_recipe, load_config, parse_config, recipe_names
from twinlens.config import load as load_module
from twinlens.config.augmentation import AffineAugmentation, NoAugmentation
from twinlens.config.data import OmniglotData
from twinlens.config.networks import KochLayer
from twinlens.config.optimisation import ExponentialSchedule
from twinlens.errors import ConfigError

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
layers = st.dictionaries(
    st.sampled_from([name for name in get_args(KochLayer) if name != "head"]),
    section(learning_rate=positive, l2=st.floats(0, 9)),
)
recipes = st.builds(
    lambda name, sections: {"name": name} | sections,
    st.from_regex(r"[a-z0-9][a-z0-9.-]{0,9}", fullmatch=True),
    section(
        seed=st.integers(0, 2**40),
        data=datasets,
        split=section("subjects", validation=shares, seed=st.none() | st.integers(0, 9)),
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
        )
        | section("koch", output=st.sampled_from(["sigmoid", "linear"])),
        initial=section(run=st.none() | paths),
        inference=section(flip=st.booleans()),
        loss=section("contrastive", margin=st.floats(0.1, 2))
        | section("triplet", mining=st.sampled_from(["all", "semihard", "hard"]))
        | section("margin-softmax", margin_type=st.sampled_from(["cosine", "angle"]), warmup_epochs=st.integers(0, 9)),
        distillation=section(
            teachers=st.lists(paths, max_size=2).map(tuple),
            follow=st.sampled_from(["similarities", "embeddings"]),
            weight=positive,
        ),
        augment=section("none")
        | section("photo", erase=rates, shift=rates)
        | section("affine", rotation=positive, scale=st.just((0.5, 2.0)), flip=rates),
        optimiser=section("sgd", learning_rate=positive, momentum=rates, layers=layers)
        | section("adam", l2=st.floats(0, 9), beta2=rates, layers=layers),
        schedule=section("exponential", factor=shares) | section("cosine", warmup_epochs=st.integers(0, 99)),
        training=section(
            batch_size=st.integers(4, 10**6),
            monitor=st.sampled_from(["validation_loss", "validation_auc", "validation_oneshot"]),
            precision=st.sampled_from(["auto", "bf16-mixed", "32", 32]),
            threads=st.none() | counts,
            average_decay=st.none() | shares,
        ),
        evaluation=section(prior=shares, n_way=st.lists(st.integers(2, 99), min_size=1, max_size=3).map(tuple)),
    ),
)


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


@pytest.mark.parametrize("thousands", [30, 90, 150])
@pytest.mark.parametrize("suffix", ["", "-affine"])
def test_recipes_of_the_paper_s_own_experiment_state_its_numbers(thousands: int, suffix: str) -> None:
    config = load_config(f"koch2015-omniglot-{thousands}k{suffix}")
    data, schedule = config.data, config.schedule
    assert isinstance(data, OmniglotData)
    assert isinstance(schedule, ExponentialSchedule)
    assert (data.protocol, data.setting.pairs) == ("koch2015", 1000 * thousands)
    assert data.setting.pairs / data.setting.epochs_per_pass == 6000
    # What the paper calls an epoch: every pair, and where there are distortions eight copies of it.
    epochs = data.setting.epochs_per_pass * (9 if suffix else 1)
    assert schedule.factor**epochs == pytest.approx(0.99, abs=1e-5)
    assert config.training.patience == 20 * epochs
    assert config.augment == (AffineAugmentation() if suffix else NoAugmentation())
    paper = parse_config({"name": "paper"}, "here")
    assert (config.network, config.frame) == (paper.network, paper.frame)
    assert (config.training.batch_size, config.training.monitor) == (128, "validation_oneshot")


def test_unknown_recipe_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    for recipe in ("koch2016", tmp_path / "none.yaml", tmp_path):
        with pytest.raises(ConfigError) as caught:
            load_config(recipe)
        assert repr(str(recipe)) in caught.value.message
        assert all(name in caught.value.remedy for name in recipe_names())


def test_recipes_of_an_installed_package_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "only.yaml").write_text("name: only\n", encoding="utf-8")
    monkeypatch.setattr(load_module, "FOLDERS", (tmp_path, tmp_path / "none"))
    assert recipe_names() == ["only"]
    assert load_config("only").name == "only"


# --- recipes that extend others ---------------------------------------------------------------------------


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(text)
    return path


def test_recipe_says_only_in_what_it_differs(tmp_path: Path) -> None:
    write(tmp_path, "base", "name: base\nseed: 3\nnetwork: {dense: 7, batch_norm: true}\ntraining: {patience: 4}")
    config = load_config(write(tmp_path, "r", "extends: base\nname: r\nnetwork: {dense: 9}"))
    assert (config.name, config.seed, config.network.dense, config.training.patience) == ("r", 3, 9, 4)
    assert config.network.batch_norm


def test_section_of_another_kind_takes_nothing_from_the_one_it_replaces(tmp_path: Path) -> None:
    write(tmp_path, "base", "name: base\noptimiser: {momentum: 0.7, l2: 0.5}")
    config = load_config(write(tmp_path, "r", "extends: base\nname: r\noptimiser: {kind: adam}"))
    assert (config.optimiser.kind, config.optimiser.l2) == ("adam", 0)


def test_default_kind_is_the_same_whether_stated_or_not(tmp_path: Path) -> None:
    write(tmp_path, "base", "name: base\noptimiser: {momentum: 0.7}")
    config = load_config(write(tmp_path, "r", "extends: base\nname: r\noptimiser: {kind: sgd, l2: 0.5}"))
    assert (config.optimiser.momentum, config.optimiser.l2) == (0.7, 0.5)


def test_nested_default_kind_is_the_same_whether_stated_or_not(tmp_path: Path) -> None:
    write(tmp_path, "base", "name: base\ndata: {kind: folder, root: photos, setting: {pairs: 500}}")
    for stated in ("", "kind: folder, "):
        text = f"extends: base\nname: r\ndata: {{{stated}setting: {{kind: identities, fresh: false}}}}"
        setting = load_config(write(tmp_path, "r", text)).data.setting.model_dump()
        assert (setting["pairs"], setting["fresh"]) == (500, False)


def test_overrides_come_last(tmp_path: Path) -> None:
    write(tmp_path, "base", "name: base\nseed: 1")
    path = write(tmp_path, "r", "extends: base\nname: r\nseed: 2")
    assert load_config(path, ["seed=3"]).seed == 3


def test_recipe_that_comes_along_can_be_extended_from_anywhere(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, "r", "extends: koch2015-lfw\nname: r"))
    assert config == load_config("koch2015-lfw").model_copy(update={"name": "r"})


def test_circle_of_recipes_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "a", "extends: b\nname: a")
    write(tmp_path, "b", "extends: a\nname: b")
    with pytest.raises(ConfigError, match=r"a\.yaml extends itself"):
        load_config(tmp_path / "a.yaml")


def test_unknown_recipe_to_extend_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no recipe 'nowhere'"):
        load_config(write(tmp_path, "r", "extends: nowhere\nname: r"))

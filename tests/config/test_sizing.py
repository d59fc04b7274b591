"""Sizing: that the rule is the one that is written down, and that nothing that was said is lost to it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinlens.config import Config, load_config, parse_config
from twinlens.config.sizing import AutomaticSizing
from twinlens.config.sizing_rule import Amount, size
from twinlens.config.sweep import look_up
from twinlens.errors import ConfigError

LFW_NAMES = Amount(subjects=4038, comparable=1140, photos=9525)
amounts = st.builds(
    lambda subjects, share, photos: Amount(subjects, round(share * subjects), subjects * photos),
    st.integers(0, 10**5),
    st.floats(0, 1),
    st.integers(1, 50),
)


def sized(amount: Amount, *overrides: str, recipe: str = "own-faces") -> dict[str, Any]:
    return size(load_config(recipe, overrides), amount)[0].model_dump(mode="json")


@given(amounts)
def test_every_amount_makes_a_recipe_that_says_everything_itself(amount: Amount) -> None:
    config, filled = size(load_config("own-faces"), amount)
    assert config.sizing.kind == "none"
    assert size(config, Amount(1, 1, 1)) == (config, ())
    plain = config.model_dump(mode="json")
    assert {one.key: look_up(plain, one.key) for one in filled} == {
        one.key: list(one.value) if isinstance(one.value, tuple) else one.value for one in filled
    }
    assert all(one.because for one in filled)


@given(amounts)
def test_steps_are_about_as_many_as_epochs_allow(amount: Amount) -> None:
    config = sized(amount)
    photos = round(amount.photos * (1 - config["data"]["test"]) * (1 - config["split"]["validation"]))
    steps = -(-photos // config["training"]["batch_size"])
    epochs = config["training"]["max_epochs"]
    assert 15 <= epochs <= 120
    if 15 < epochs < 120:
        assert steps * epochs == pytest.approx(2500, abs=2.5 * steps + 1)
    assert config["training"]["patience"] == epochs


@given(st.lists(st.integers(4, 10**5), min_size=2, max_size=5).map(sorted), st.integers(2, 30))
def test_more_data_never_gets_less(subjects: list[int], photos: int) -> None:
    found = [sized(Amount(n, n, n * photos)) for n in subjects]
    for less, more in pairwise(found):
        assert sum(less["network"]["widths"]) <= sum(more["network"]["widths"])
        assert less["training"]["batch_size"] <= more["training"]["batch_size"]
        assert less["training"]["max_epochs"] >= more["training"]["max_epochs"]
        assert less["loss"]["margin"] <= more["loss"]["margin"]
        assert less["data"]["test"] >= more["data"]["test"]


def test_as_much_as_lfw_gives_the_network_of_its_own_recipe() -> None:
    # Rates, distortions and epochs of the recipe were searched for on LFW; those of own photos follow a rule.
    recipe, config = load_config("lfw-identities-margin").model_dump(mode="json"), sized(LFW_NAMES)
    assert config["frame"] == recipe["frame"] | {"align": True}
    for key in ("network", "inference", "normalisation", "metric"):
        assert config[key] == recipe[key], key
    dims = {"metric": recipe["fusion"]["metric"] | {"dims": [50, 100, 150]}}  # less data may need fewer
    assert config["fusion"] == recipe["fusion"] | dims
    assert config["optimiser"]["kind"] == recipe["optimiser"]["kind"]
    assert config["loss"]["margin"] == recipe["loss"]["margin"]
    assert config["training"]["batch_size"] == recipe["training"]["batch_size"]


def test_little_data_gives_up_most_of_its_subjects_to_be_judged_by() -> None:
    config = sized(Amount(40, 40, 400))
    assert (config["data"]["test"], config["split"]["validation"]) == (0.3, 0.25)
    assert config["network"]["widths"] == [12, 24, 48, 96]
    assert (config["training"]["batch_size"], config["optimiser"]["learning_rate"]) == (16, 0.00071)


@pytest.mark.parametrize(
    ("amount", "kind"),
    [
        (Amount(40, 40, 400), ("plda", "lbp")),
        (Amount(40, 40, 160), ("none", "none")),
        (Amount(900, 0, 900), ("none", "none")),
    ],
)
def test_only_enough_photos_of_a_subject_have_something_fitted(amount: Amount, kind: tuple[str, str]) -> None:
    config = sized(amount)
    assert (config["metric"]["kind"], config["fusion"]["kind"]) == kind


def test_a_larger_cut_has_the_same_face_in_it() -> None:
    cut = ("frame.crop_height=1", "frame.crop_width=1", "frame.height=250", "frame.width=250")
    whole = sized(Amount(40, 40, 400), *cut)
    assert whole["fusion"]["region"] == [0.56, 0.32]
    close = sized(Amount(40, 40, 400), "frame.crop_height=0.4", "frame.crop_width=0.3")
    assert close["fusion"]["region"] == [1, 1]
    grey = sized(Amount(40, 40, 400), "frame.align=false", "frame.colour=grey")
    assert (grey["fusion"]["region"], grey["fusion"]["colour"], grey["fusion"]["apart"]) == ([1, 1], False, True)


def test_patterns_want_pixels_and_faces() -> None:
    config = sized(
        Amount(40, 40, 400), "frame.height=72", "frame.width=72", "network.region=[1,1]", "network.input=null"
    )
    assert (config["metric"]["kind"], config["fusion"]["kind"]) == ("plda", "none")
    objects = sized(Amount(40, 40, 400), recipe="own-objects")
    assert (objects["metric"]["kind"], objects["fusion"]["kind"]) == ("none", "none")


def test_patterns_in_a_space_without_classes_have_no_shrinkage() -> None:
    config = sized(LFW_NAMES, "fusion.kind=lbp", "fusion.metric.kind=pca")
    assert config["fusion"]["metric"] == {"kind": "pca", "dims": [50, 100, 150]}


def test_patterns_are_not_joined_with_a_distance() -> None:
    kinds = [sized(LFW_NAMES, "loss.kind=binary-cross-entropy", *own) for own in ([], ["metric.kind=none"])]
    assert [config["fusion"]["kind"] for config in kinds] == ["lbp", "none"]


@pytest.mark.parametrize(
    "override",
    [
        "metric.kind=none",  # as the default is
        "fusion.kind=none",
        "training.max_epochs=200",  # as the default is
        "training.max_epochs=7",
        "training.batch_size=32",
        "data.test=0.2",
        "network.widths=[24,48,96,192]",
        "loss.margin=0.3",
    ],
)
def test_what_is_said_stays_even_if_it_is_the_default(override: str) -> None:
    key, _, value = override.partition("=")
    config, filled = size(load_config("own-faces", [override]), Amount(40, 40, 400))
    assert str(look_up(config.model_dump(mode="json"), key)).replace(" ", "") == value
    assert key not in {one.key for one in filled}


def test_what_follows_from_a_key_follows_from_what_is_said() -> None:
    config = sized(Amount(40, 40, 400), "training.max_epochs=50", "training.batch_size=128")
    assert (config["loss"]["warmup_epochs"], config["schedule"]["warmup_epochs"]) == (10, 4)
    assert config["training"]["patience"] == 50
    assert config["optimiser"]["learning_rate"] == 0.002


@pytest.mark.parametrize(
    ("overrides", "batch", "steps", "what"),
    [
        (["loss.kind=contrastive"], 128, 18, "2,200 pairs"),
        (["loss.kind=contrastive", "data.setting.fresh=false", "data.setting.epochs_per_pass=10"], 16, 14, "220 pairs"),
        (["data.kind=pairs", "data.list=p.csv", "loss.kind=contrastive"], 128, 29, "3,600 pairs"),
        (["data.kind=pairs", "data.list=p.csv"], 128, 113, "14,400 photos"),
        (["data.setting.rotations=true"], 128, 450, "57,600 crops"),
        (
            ["loss.kind=supervised-contrastive", "training.classes=photos", "training.per_class=2"],
            128,
            225,
            "28,800 crops",
        ),
    ],
)
def test_steps_are_of_what_an_epoch_shows(overrides: list[str], batch: int, steps: int, what: str) -> None:
    shares = ("data.test=0.2", "split.validation=0.1", "schedule.kind=exponential")
    recipe = load_config("own-objects", [*shares, *overrides])
    config, filled = size(recipe, Amount(2000, 2000, 20_000, pairs=5_000))
    because = {one.key: one.because for one in filled}
    assert config.training.batch_size == batch
    assert because["training.batch_size"] == f"about {what} train"
    assert because["training.max_epochs"].endswith(f" steps, {steps} in each epoch")
    assert because["training.patience"] == "to the end"


def test_batches_hold_the_classes_that_the_loss_compares() -> None:
    config = sized(Amount(40, 40, 400), "loss.kind=triplet", "training.per_class=16")
    assert config["training"]["batch_size"] == 32


def test_sections_of_another_kind_are_left_alone() -> None:
    config = sized(Amount(40, 40, 400), "network.kind=koch", "network.output=linear", "loss.kind=contrastive")
    assert config["network"]["widths"] == [64, 128, 128, 256]
    assert config["loss"] == {"kind": "contrastive", "margin": 1.0}
    assert config["training"]["max_epochs"] == 120


def test_a_list_of_pairs_is_sized_as_well() -> None:
    config = sized(Amount(900, 300, 1500), "data.kind=pairs", "data.list=p.csv")
    assert config["data"]["list"] == "p.csv"
    assert 0.1 < config["data"]["test"] < 0.2


def test_without_sizing_nothing_changes() -> None:
    config = load_config("quick")
    assert size(config, LFW_NAMES) == (config, ())


def test_data_with_a_protocol_cannot_be_sized() -> None:
    with pytest.raises(ConfigError, match="sizing is for data of your own"):
        parse_config({"name": "a", "sizing": {"kind": "automatic"}}, "here")


def test_completing_a_section_does_not_give_its_other_keys() -> None:
    config = Config.model_validate({"name": "a", "training": {"threads": 1}, "data": {"kind": "omniglot"}})
    assert config.model_dump(exclude_unset=True)["training"] == {"threads": 1}
    partly = Config.model_validate({"name": "a", "data": {"kind": "omniglot", "setting": {"pairs": 7}}})
    assert partly.data.setting.model_dump() == {**config.data.setting.model_dump(), "pairs": 7}


def test_recipe_for_objects_sees_the_whole_photo() -> None:
    config = load_config("own-objects")
    assert isinstance(config.sizing, AutomaticSizing)
    assert (config.frame.align, config.frame.crop_height, config.frame.crop_width) == (False, 1, 1)
    assert config.network.seen(config.frame) == config.frame

import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from twinlens.config import Config, Frame
from twinlens.config.augmentation import AffineAugmentation
from twinlens.config.base import Section
from twinlens.config.losses import Triplet, WeightedLoss
from twinlens.config.networks import KochNetwork, NormalInit
from twinlens.config.optimisation import Sgd


def sections(annotation: object = Config) -> Iterator[type[BaseModel]]:
    """Every section that a configuration can have."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from sections(field.annotation)
    for inner in typing.get_args(annotation):
        yield from sections(inner)


def unions(model: type[BaseModel]) -> Iterator[tuple[str, list[type[BaseModel]]]]:
    """The fields of a section that may be one of several variants."""
    for name, field in model.model_fields.items():
        variants = [inner for inner in typing.get_args(field.annotation) if isinstance(inner, type)]
        if len(variants) > 1 and all(issubclass(variant, BaseModel) for variant in variants):
            yield name, variants


SECTIONS = sorted(set(sections()), key=lambda model: model.__name__)
UNIONS = [(name, variants) for model in SECTIONS for name, variants in unions(model)]


def make(**values: Any) -> Config:
    return Config.model_validate({"name": "a", **values})


@pytest.mark.parametrize("model", SECTIONS, ids=lambda model: model.__name__)
def test_every_section_is_frozen_and_knows_its_keys(model: type[BaseModel]) -> None:
    assert issubclass(model, Section)
    assert model.model_config["frozen"]
    assert model.model_config["extra"] == "forbid"
    assert model.model_config["allow_inf_nan"] is False


@pytest.mark.parametrize("model", SECTIONS, ids=lambda model: model.__name__)
def test_every_default_fits_its_own_section(model: type[BaseModel]) -> None:
    required = {"name": "a", "root": Path("photos"), "list": Path("pairs.csv"), "learning_rate": 0.1}
    required |= {"loss": Triplet(), "terms": (WeightedLoss(loss=Triplet()),)}
    given = {name: required[name] for name, field in model.model_fields.items() if field.is_required()}
    built = model.model_validate(given)
    assert model.model_validate(built.model_dump()) == built


def test_there_are_variants_to_look_at() -> None:
    assert {"data", "normalisation", "augment", "optimiser", "schedule", "setting", "init"} <= {n for n, _ in UNIONS}


@pytest.mark.parametrize(("name", "variants"), UNIONS)
def test_variants_differ_in_their_kind(name: str, variants: list[type[BaseModel]]) -> None:
    kinds = [variant.model_fields["kind"].default for variant in variants]
    assert len(set(kinds)) == len(kinds), name
    for variant, kind in zip(variants, kinds, strict=True):
        assert typing.get_args(variant.model_fields["kind"].annotation) == (kind,)


def test_configuration_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        make().seed = 3


def test_a_name_is_all_that_a_configuration_needs() -> None:
    assert make().name == "a"
    with pytest.raises(ValidationError, match="name"):
        Config.model_validate({})


def test_defaults_are_the_paper_s() -> None:
    network, init, optimiser = KochNetwork(), NormalInit(), Sgd()
    assert (network.widths, network.kernels, network.dense) == ((64, 128, 128, 256), (10, 7, 4, 4), 4096)
    assert (network.batch_norm, network.conv_dropout, network.dense_dropout) == (False, 0, 0)
    gaussians = (init.conv_weight, init.conv_bias, init.dense_weight, init.dense_bias)
    assert [(g.mean, g.std) for g in gaussians] == [(0, 0.01), (0.5, 0.01), (0, 0.2), (0.5, 0.01)]
    assert optimiser.momentum_start == 0.5
    assert Frame().shape == (105, 105, 1)
    assert make().schedule.model_dump() == {"kind": "exponential", "factor": 0.99}


def test_colour_crops_have_three_channels() -> None:
    frame = Frame(height=64, width=48, colour="rgb")
    assert (frame.channels, frame.shape) == (3, (64, 48, 3))


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"data": {"view": 2}}, "view 2 needs a fold"),
        ({"data": {"view": 1, "fold": 3}}, "view 2 needs a fold"),
        ({"data": {"view": 2, "fold": 11}}, "less than or equal to 10"),
        ({"data": {"view": 2, "fold": 0}}, "greater than or equal to 1"),
        ({"data": {"view": 3}}, "Input should be 1 or 2"),
        ({"data": {"kind": "synthetic", "seed": -1}}, "greater than or equal to 0"),
        ({"data": {"kind": "synthetic", "subjects": 9}}, "greater than or equal to 10"),
        ({"data": {"kind": "folder", "root": "x", "test": 1}}, "less than 1"),
        ({"data": {"kind": "folder", "root": "x", "setting": {"kind": "pairs-only"}}}, "identities"),
        ({"data": {"kind": "pairs", "list": "x", "setting": {"kind": "identities"}}}, "pairs-only"),
        (
            {"data": {"kind": "omniglot", "protocol": "koch2015", "setting": {"pairs": 60, "fresh": True}}},
            "koch2015 draws its pairs once",
        ),
        ({"data": {"kind": "omniglot", "protocol": "koch2015", "setting": {"pairs": 90}}}, "a multiple of 60 pairs"),
        ({"data": {"kind": "omniglot", "protocol": "koch2015"}}, "set split.validation to 0.25"),
        (
            {
                "data": {"kind": "omniglot", "setting": {"epochs_per_pass": 2}},
                "loss": {"kind": "triplet"},
                "network": {"output": "linear"},
            },
            "epochs_per_pass is for losses over pairs",
        ),
        ({"data": {"kind": "omniglot", "setting": {"rotations": True}}}, "this loss is over pairs"),
        (
            {
                "data": {"kind": "omniglot", "setting": {"rotations": True}},
                "loss": {"kind": "margin-softmax"},
                "frame": {"height": 56, "width": 48},
            },
            "rotations need square crops",
        ),
        ({"data": {"kind": "omniglot", "protocol": "lake2015"}}, "'halves' or 'koch2015'"),
        ({"split": {"validation": 0}}, "greater than 0"),
        ({"split": {"validation": 1}}, "less than 1"),
        ({"frame": {"crop_height": 0}}, "greater than 0"),
        ({"frame": {"crop_width": 1.1}}, "less than or equal to 1"),
        ({"frame": {"height": 7}}, "greater than or equal to 8"),
        ({"frame": {"width": 1025}}, "less than or equal to 1024"),
        ({"frame": {"colour": "blue"}}, "'grey' or 'rgb'"),
        ({"normalisation": {"std": 0}}, "greater than 0"),
        ({"network": {"widths": [1, 2, 3, 0]}}, "greater than or equal to 1"),
        ({"network": {"conv_dropout": 1}}, "less than 1"),
        ({"network": {"init": {"conv_bias": {"std": -1}}}}, "greater than or equal to 0"),
        ({"augment": {"kind": "affine", "scale": [1.2, 0.8]}}, "scale must be [smallest, largest]"),
        ({"augment": {"kind": "affine", "scale": [0, 1]}}, "greater than 0"),
        ({"augment": {"kind": "affine", "probability": 1.1}}, "less than or equal to 1"),
        ({"optimiser": {"momentum": 1}}, "less than 1"),
        ({"optimiser": {"l2": -1}}, "greater than or equal to 0"),
        ({"optimiser": {"kind": "adam", "layers": {"head": {"momentum": 0.5}}}}, "adam has beta1 in place"),
        (
            {"optimiser": {"layers": {"head": {"learning_rate": 0.5}}}, "loss": {"kind": "contrastive"}},
            "optimiser.layers.head: the loss contrastive has no weights of its own; leave it out",
        ),
        (
            {
                "optimiser": {"layers": {"head": {"learning_rate": 0.5}}},
                "loss": {"kind": "sum", "terms": [{"loss": {"kind": "triplet"}}]},
            },
            "the loss sum has no weights of its own",
        ),
        ({"schedule": {"factor": 1.01}}, "less than or equal to 1"),
        ({"schedule": {"kind": "cosine", "warmup_epochs": -1}}, "greater than or equal to 0"),
        ({"training": {"threads": 0}}, "greater than or equal to 1"),
        ({"training": {"min_delta": -0.1}}, "greater than or equal to 0"),
        ({"training": {"monitor": "train_loss"}}, "'validation_loss', 'validation_auc' or 'validation_oneshot'"),
        ({"evaluation": {"prior": 1}}, "less than 1"),
        ({"evaluation": {"level": 0.4}}, "greater than or equal to 0.5"),
        ({"evaluation": {"resamples": 99}}, "greater than or equal to 100"),
        ({"evaluation": {"n_way": []}}, "at least 1 item"),
        ({"evaluation": {"n_way": [1]}}, "greater than or equal to 2"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(reason)):
        make(**values)


@pytest.mark.parametrize(
    "values",
    [
        {"data": {"view": 2, "fold": 10}},
        {"frame": {"crop_height": 1, "height": 8, "width": 1024}},
        {"augment": {"kind": "affine", "scale": [1, 1], "probability": 0, "flip": 1}},
        {"optimiser": {"kind": "adam", "layers": {"head": {"learning_rate": 0.5, "l2": 0}}}},
        {
            "optimiser": {"layers": {"head": {"learning_rate": 0.5}}},
            "loss": {"kind": "sum", "terms": [{"loss": {"kind": "triplet"}}, {"loss": {"kind": "margin-softmax"}}]},
        },
        {"optimiser": {"layers": {"conv1": {"learning_rate": 0.5}}}, "loss": {"kind": "contrastive"}},
        {"schedule": {"factor": 1}},
        {"training": {"precision": 32}},
        {"split": {"kind": "pairs"}},
        {"loss": {"kind": "triplet"}, "training": {"batch_size": 8, "per_class": 4}},
        {"loss": {"kind": "margin-softmax"}, "training": {"batch_size": 4, "per_class": 4}},
        {"loss": {"kind": "margin-softmax"}, "training": {"batch_size": 1, "per_class": 1}},
        {
            "loss": {"kind": "margin-softmax"},
            "training": {"batch_size": 3, "per_class": 1},
            "network": {"kind": "compact"},
        },
        {"network": {"kind": "compact"}, "training": {"batch_size": 1}},
        {"data": {"kind": "omniglot", "protocol": "koch2015"}, "split": {"validation": 0.25}},
        {"data": {"kind": "omniglot", "setting": {"epochs_per_pass": 30000}}, "loss": {"kind": "contrastive"}},
    ],
    ids=str,
)
def test_what_is_just_possible_is_taken(values: dict[str, Any]) -> None:
    config = make(**values)
    assert Config.model_validate(config.model_dump()) == config


def test_leaking_split_needs_listed_pairs() -> None:
    with pytest.raises(ValidationError, match=r"split\.kind 'pairs' needs listed pairs; set data\.setting\.kind"):
        make(split={"kind": "pairs"}, data={"setting": {"kind": "identities"}})
    with pytest.raises(ValidationError, match="needs listed pairs"):
        make(split={"kind": "pairs"}, data={"kind": "omniglot"})


def test_sections_may_be_given_as_values() -> None:
    augment = AffineAugmentation(flip=0.5)
    assert make(augment=augment).augment == augment


@pytest.mark.parametrize(("height", "shift"), [(1.0, 0.01), (0.6, 0.21), (0.6, -0.21)])
def test_a_crop_may_not_leave_the_photo(height: float, shift: float) -> None:
    with pytest.raises(ValidationError, match="out of the photo"):
        Frame(crop_height=height, shift=shift)
    assert Frame(crop_height=0.6, shift=0.2).shift == 0.2


def test_what_frames_lacked_at_first_is_only_written_where_it_is_used() -> None:
    # Fingerprints of bundles and keys of stores rest on what is written.
    assert set(Frame().model_dump()) == {"crop_height", "crop_width", "height", "width", "colour"}
    frame = Frame(crop_height=0.5, align=True, shift=0.1)
    assert frame.model_dump()["align"] is True
    assert Frame.model_validate_json(frame.model_dump_json()) == frame

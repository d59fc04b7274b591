from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import beta, kstest

from tests.learning.small import fit, read_history, small_config
from twinlens.config import parse_config
from twinlens.config.augmentation import CutMix, MixUp, NoMixing
from twinlens.config.losses import MarginSoftmax
from twinlens.errors import ConfigError
from twinlens.learning.mixing import Mixture, mix
from twinlens.learning.objectives.classes import ClassObjective

SOFTMAX: dict[str, object] = {"kind": "margin-softmax", "scale": 8}
NETWORK: dict[str, object] = {"output": "linear", "batch_norm": True, "conv_dropout": 0}


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def mixed(images: torch.Tensor, config: MixUp | CutMix) -> tuple[torch.Tensor, Mixture]:
    found, mixture = mix(images, config)
    assert mixture is not None
    return found, mixture


@pytest.mark.parametrize("config", [NoMixing(), MixUp(probability=0), CutMix(probability=0)])
def test_without_mixing_crops_stay(config: NoMixing | MixUp | CutMix) -> None:
    images = torch.rand(4, 1, 5, 5)
    found, mixture = mix(images, config)
    assert found is images
    assert mixture is None


@pytest.mark.parametrize("config", [MixUp(probability=0.3), CutMix(probability=0.3)])
def test_batches_are_mixed_at_the_rate_asked_for(config: MixUp | CutMix) -> None:
    found = [mix(torch.rand(2, 1, 4, 4), config)[1] is not None for _ in range(1000)]
    assert abs(np.mean(found) - 0.3) < 0.05


def test_mixup_blends_each_crop_with_its_partner() -> None:
    images = torch.rand(6, 3, 5, 4)
    blended, (partner, share) = mixed(images, MixUp(alpha=1))
    assert sorted(partner.tolist()) == list(range(6))
    for i in range(6):
        torch.testing.assert_close(blended[i], share * images[i] + (1 - share) * images[partner[i]])


def test_shares_are_drawn_from_the_beta_distribution() -> None:
    shares = [mixed(torch.rand(2, 1, 2, 2), MixUp(alpha=0.4))[1].share for _ in range(1500)]
    assert kstest(shares, beta(0.4, 0.4).cdf).pvalue > 1e-6


def test_cutmix_replaces_one_rectangle_whose_area_is_the_partners_share() -> None:
    images = torch.arange(6.0).reshape(6, 1, 1, 1).expand(6, 2, 20, 31)
    areas = []
    for _ in range(300):
        patched, (partner, share) = mixed(images, CutMix(alpha=1, probability=1))
        for i in range(6):
            foreign = patched[i, 0] != i
            assert torch.equal(patched[i, 0], patched[i, 1])
            if partner[i] == i:
                assert not foreign.any()
                continue
            assert (patched[i, 0][foreign] == partner[i]).all()
            assert foreign.float().mean().item() == pytest.approx(1 - share, abs=1e-6)
            rows, columns = foreign.any(dim=1), foreign.any(dim=0)
            assert foreign.sum() == rows.sum() * columns.sum()
        areas.append(1 - share)
    assert min(areas) < 0.05
    assert max(areas) > 0.7


def test_mixing_leaves_the_crops_it_was_given() -> None:
    images = torch.rand(4, 1, 8, 8)
    before = images.clone()
    mixed(images, CutMix(probability=1))
    assert torch.equal(images, before)


def test_crop_is_right_if_it_is_taken_for_the_class_with_the_larger_share() -> None:
    objective = ClassObjective(MarginSoftmax(margin=0), 4, 4)
    embeddings, labels = objective.criteria[0].directions.detach().clone(), torch.arange(4)  # all are told rightly
    partner = torch.tensor([1, 2, 3, 0])
    assert objective(embeddings, labels, Mixture(partner, 0.6)).right == 4
    assert objective(embeddings, labels, Mixture(partner, 0.4)).right == 0


@pytest.mark.parametrize("loss", ["binary-cross-entropy", "contrastive", "triplet", "supervised-contrastive"])
def test_loss_that_cannot_judge_mixed_crops_is_refused_in_words(loss: str) -> None:
    with pytest.raises(ConfigError, match=f"mixing makes crops of two classes.*{loss} cannot"):
        parse_config({"name": "a", "loss": {"kind": loss}, "mixing": {"kind": "mixup"}}, "here")


@pytest.mark.parametrize("mixing", [{"kind": "mixup", "alpha": 0.4}, {"kind": "cutmix"}])
def test_training_learns_from_mixed_crops(mixing: dict[str, object], tmp_path: Path) -> None:
    network = {**small_config().network.model_dump(mode="json"), **NETWORK}
    config = small_config(loss=SOFTMAX, mixing=mixing, network=network, training={"max_epochs": 8, "patience": 8})
    epochs = read_history(fit(config, tmp_path / "run")[1].history)
    assert epochs[-1].train_loss < epochs[0].train_loss
    assert max(epoch.validation_auc for epoch in epochs) > 0.6

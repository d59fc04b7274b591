import math
import typing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from tests.learning.small import fit, read_history, small_config, small_partition
from twinlens.comparison import Cosine
from twinlens.config import parse_config
from twinlens.config.base import Frame
from twinlens.config.data import Identities, PairsOnly
from twinlens.config.losses import (
    BinaryCrossEntropy,
    ClassLoss,
    Contrastive,
    Loss,
    MarginSoftmax,
    MultiSimilarity,
    SumOfLosses,
    SupervisedContrastive,
    Triplet,
    WeightedLoss,
)
from twinlens.config.networks import CompactNetwork
from twinlens.errors import ConfigError, TrainingError
from twinlens.learning.batches import ClassBatches
from twinlens.learning.classes import class_labels
from twinlens.learning.module import SiameseModule
from twinlens.learning.networks import build_network
from twinlens.learning.objectives import Objective, build_objective
from twinlens.learning.objectives.margin import MarginClassifier

DIM, CLASSES = 6, 4
LABELS = torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])


def some(n: int = 8, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, DIM, generator=torch.Generator().manual_seed(seed))


def objective(loss: Loss) -> Objective:
    torch.manual_seed(0)
    network = build_network(CompactNetwork(widths=(2,), dim=DIM), Frame(height=16, width=16))
    return build_objective(loss, network, CLASSES)


def distances(embeddings: torch.Tensor) -> np.ndarray:
    unit = normalize(embeddings).numpy()
    return np.array([[np.linalg.norm(a - b) for b in unit] for a in unit])


def mean_of_positive(values: list[float]) -> float:
    kept = [value for value in values if value > 0]
    return sum(kept) / len(kept) if kept else 0.0


# --- pairs ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("margin", [0.5, 1.0, 2.0])
def test_contrastive_loss_is_that_of_a_naive_loop(margin: float) -> None:
    embeddings, is_genuine = some(), torch.tensor([1.0, 0.0, 1.0, 0.0])
    far = distances(embeddings)
    pairs = [(float(far[i, i + 4]), bool(is_genuine[i])) for i in range(4)]
    expected = mean_of_positive([d for d, genuine in pairs if genuine]) + mean_of_positive(
        [margin - d for d, genuine in pairs if not genuine]
    )
    loss, judged, right = objective(Contrastive(margin=margin))(embeddings, is_genuine)
    assert loss.item() == pytest.approx(expected, abs=1e-5)
    assert judged == 4
    assert right == sum((d < margin / 2) == genuine for d, genuine in pairs)


@pytest.mark.parametrize("genuine", [0.0, 1.0])
def test_contrastive_loss_of_one_kind_of_pairs_only(genuine: float) -> None:
    loss, judged, _ = objective(Contrastive())(some(), torch.full((4,), genuine))
    assert judged == 4
    assert loss.isfinite()


def test_cross_entropy_is_that_of_the_heads_logits() -> None:
    built, embeddings, is_genuine = objective(BinaryCrossEntropy()), some(), torch.tensor([1.0, 0.0, 1.0, 0.0])
    scores = built.comparison().pairs(embeddings[:4].numpy(), embeddings[4:].numpy())
    expected = np.mean(np.logaddexp(0, np.where(is_genuine > 0, -scores, scores)))
    loss, judged, right = built(embeddings, is_genuine)
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    assert (judged, right) == (4, int(((scores > 0) == (is_genuine.numpy() > 0)).sum()))


# --- classes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mining", ["all", "semihard", "hard"])
def test_triplet_loss_is_that_of_a_naive_loop(mining: typing.Literal["all", "semihard", "hard"]) -> None:
    embeddings, margin = some(seed=3), 0.4
    far, costs = distances(embeddings), []
    for a in range(8):
        for p in range(8):
            for n in range(8):
                if a == p or LABELS[a] != LABELS[p] or LABELS[a] == LABELS[n]:
                    continue
                gap = far[a, n] - far[a, p]
                if gap <= margin and (mining == "all" or (gap > 0) == (mining == "semihard")):
                    costs.append(margin - gap)
    loss, *_ = objective(Triplet(margin=margin, mining=mining))(embeddings, LABELS)
    assert loss.item() == pytest.approx(mean_of_positive(costs), abs=1e-5)


def test_supervised_contrastive_loss_is_that_of_a_naive_loop() -> None:
    embeddings, temperature = some(), 0.3
    unit, costs = normalize(embeddings).numpy(), []
    for a in range(8):
        similar = [math.exp(unit[a] @ unit[b] / temperature) for b in range(8)]
        partner = a ^ 1
        costs.append(-math.log(similar[partner] / (sum(similar) - similar[a])))
    loss, *_ = objective(SupervisedContrastive(temperature=temperature))(embeddings, LABELS)
    assert loss.item() == pytest.approx(np.mean(costs), abs=1e-5)


def test_multi_similarity_loss_is_that_of_a_naive_loop() -> None:
    embeddings, config = some(), MultiSimilarity(alpha=2, beta=10, base=0.4)
    unit, costs = normalize(embeddings).numpy(), []
    for a in range(8):
        genuine = sum(math.exp(-2 * (unit[a] @ unit[b] - 0.4)) for b in range(8) if b == a ^ 1)
        impostor = sum(math.exp(10 * (unit[a] @ unit[b] - 0.4)) for b in range(8) if LABELS[a] != LABELS[b])
        costs.append(math.log1p(genuine) / 2 + math.log1p(impostor) / 10)
    loss, *_ = objective(config)(embeddings, LABELS)
    assert loss.item() == pytest.approx(np.mean(costs), abs=1e-5)


@pytest.mark.parametrize("kind", ["cosine", "angle"])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_margin_softmax_is_that_of_a_naive_loop(kind: typing.Literal["cosine", "angle"], smoothing: float) -> None:
    config = MarginSoftmax(margin_type=kind, margin=0.3, scale=8, label_smoothing=smoothing)
    built, embeddings = objective(config), some()
    built.start_epoch(0)
    classifier = next(built.children())[0]
    cosines = (normalize(embeddings) @ normalize(classifier.directions.detach()).T).numpy()
    costs = []
    for i, label in enumerate(LABELS.tolist()):
        logits = 8 * cosines[i]
        angle = math.acos(cosines[i][label])
        logits[label] = 8 * (cosines[i][label] - 0.3 if kind == "cosine" else math.cos(angle + 0.3))
        logs = logits - np.log(np.exp(logits).sum())
        costs.append(-(1 - smoothing) * logs[label] - smoothing * logs.mean())
    loss, judged, right = built(embeddings, LABELS)
    assert loss.item() == pytest.approx(np.mean(costs), abs=1e-4)
    assert (judged, right) == (8, int((cosines.argmax(1) == LABELS.numpy()).sum()))


def test_margin_rises_linearly_and_stays() -> None:
    classifier = MarginClassifier(MarginSoftmax(margin=0.4, warmup_epochs=3), DIM, CLASSES)
    margins = []
    for epoch in range(6):
        classifier.start_epoch(epoch)
        margins.append(classifier.margin)
    assert margins == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.4, 0.4])


def test_sum_of_losses_weighs_its_terms() -> None:
    terms = (WeightedLoss(weight=2, loss=SupervisedContrastive()), WeightedLoss(weight=0.5, loss=Triplet(mining="all")))
    losses = [objective(term.loss)(some(), LABELS).loss.item() for term in terms]
    assert objective(SumOfLosses(terms=terms))(some(), LABELS).loss.item() == pytest.approx(
        2 * losses[0] + 0.5 * losses[1], rel=1e-5
    )


@pytest.mark.parametrize("loss", [Triplet(mining="all"), SupervisedContrastive(), MultiSimilarity()])
def test_crop_is_right_if_the_nearest_other_one_is_of_its_class(loss: ClassLoss) -> None:
    embeddings = some(seed=5)
    near = -distances(embeddings)
    np.fill_diagonal(near, -np.inf)
    expected = sum(LABELS[near[i].argmax()] == LABELS[i] for i in range(8))
    assert objective(loss)(embeddings, LABELS).right == expected


@pytest.mark.parametrize(
    "loss", [Contrastive(), Triplet(mining="all"), SupervisedContrastive(), MultiSimilarity(), MarginSoftmax()]
)
def test_losses_other_than_the_papers_compare_by_cosine_whatever_the_length(loss: Loss) -> None:
    built = objective(loss)
    built.start_epoch(0)
    targets = torch.tensor([1.0, 0, 1, 0]) if built.by_pairs else LABELS
    lengths = torch.rand(8, 1) + 0.5
    assert isinstance(built.comparison(), Cosine)
    assert built(some(), targets).loss.item() == pytest.approx(built(some() * lengths, targets).loss.item(), abs=1e-4)


# --- who is of one class ----------------------------------------------------------------------------------


def test_with_identities_a_class_is_a_subject() -> None:
    partition, _ = small_partition()
    labels = class_labels(partition, Identities())
    codes = partition.dataset.subject_codes[partition.train.samples]
    assert len(labels) == len(partition.train.samples)
    assert ((labels[:, None] == labels) == (codes[:, None] == codes)).all()
    assert sorted(set(labels.tolist())) == list(range(16))


def test_with_rotations_a_quarter_turn_is_another_class() -> None:
    partition, _ = small_partition()
    plain, turned = (class_labels(partition, Identities(rotations=rotations)) for rotations in (False, True))
    np.testing.assert_array_equal(turned.reshape(4, -1), plain + 16 * np.arange(4)[:, None])


def test_where_only_pairs_are_known_genuine_pairs_make_the_classes() -> None:
    partition, _ = small_partition()
    labels = class_labels(partition, PairsOnly())
    samples, pairs = partition.train.samples, partition.train.pairs
    reach = {int(sample): {int(sample)} for sample in samples}
    for first, second in zip(*(side[pairs.is_genuine].tolist() for side in (pairs.first, pairs.second)), strict=True):
        joined = reach[first] | reach[second]
        for member in joined:
            reach[member] = joined
    expected = [[int(b) in reach[int(a)] for b in samples] for a in samples]
    assert (labels[:, None] == labels).tolist() == expected
    assert len(set(labels.tolist())) > 16  # names would have joined more


def test_photos_as_classes_need_nobody_to_be_known_and_come_twice_into_a_batch() -> None:
    partition, crops = small_partition()
    strangers = replace(partition, dataset=replace(partition.dataset, samples=()))
    for setting in (Identities(), PairsOnly()):
        labels = class_labels(strangers, setting, photos=True)
        assert labels.tolist() == list(range(len(partition.train.samples)))
    batches = ClassBatches(crops, partition.train.samples, labels, 16, per_class=2, seed=0, epoch=0)
    shown = torch.cat([samples for _, _, samples in (batches[i] for i in range(len(batches)))])
    assert torch.equal(shown[::2], shown[1::2])
    assert sorted(shown[::2].tolist()) == partition.train.samples.tolist()


@pytest.mark.parametrize("loss", ["binary-cross-entropy", "contrastive"])
def test_photos_as_classes_are_refused_by_a_loss_over_pairs(loss: str) -> None:
    with pytest.raises(ConfigError, match=f"training.classes 'photos' is for losses over classes, and {loss} is"):
        parse_config({"name": "a", "loss": {"kind": loss}, "training": {"classes": "photos"}}, "here")


# --- in a training ----------------------------------------------------------------------------------------

LOSSES: list[dict[str, object]] = [
    {"kind": "contrastive"},
    {"kind": "triplet", "mining": "all"},
    {"kind": "supervised-contrastive"},
    {"kind": "multi-similarity"},
    {"kind": "margin-softmax", "scale": 8},
    {"kind": "margin-softmax", "margin_type": "angle", "scale": 8},
    {"kind": "sum", "terms": [{"loss": {"kind": "triplet"}}, {"loss": {"kind": "margin-softmax"}, "weight": 0.5}]},
]


def test_every_kind_of_loss_is_trained_below() -> None:
    known = {variant.model_fields["kind"].default for variant in typing.get_args(typing.get_args(Loss)[0])}
    assert {loss["kind"] for loss in LOSSES} | {"binary-cross-entropy"} == known


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: f"{loss['kind']}-{loss.get('margin_type', '')}")
def test_every_loss_falls_and_teaches_something_about_subjects_never_seen(
    loss: dict[str, object], tmp_path: Path
) -> None:
    network = small_config().network.model_dump(mode="json")
    config = small_config(
        loss=loss,
        network={**network, "output": "linear", "batch_norm": True, "conv_dropout": 0},
        training={**small_config().training.model_dump(mode="json"), "max_epochs": 10, "patience": 10},
    )
    _, run = fit(config, tmp_path / "run")
    epochs = read_history(run.history)
    assert epochs[-1].train_loss < epochs[0].train_loss
    assert max(epoch.validation_auc for epoch in epochs) > 0.6
    assert min(epoch.validation_loss for epoch in epochs) < math.log(2)


def test_sum_without_terms_is_refused() -> None:
    with pytest.raises(Exception, match=r"loss\.terms"):
        parse_config({"name": "a", "loss": {"kind": "sum", "terms": []}}, "here")


@pytest.mark.parametrize("kind", ["binary-cross-entropy", "triplet"])
def test_only_losses_over_classes_need_several_of_them(kind: str) -> None:
    partition, crops = small_partition()
    one = replace(partition.dataset, samples=tuple(replace(s, subject_id="one") for s in partition.dataset.samples))
    config, alike = small_config(loss={"kind": kind}), replace(partition, dataset=one)
    if kind == "triplet":
        with pytest.raises(TrainingError, match="one class"):
            SiameseModule(config, alike, crops)
    else:
        SiameseModule(config, alike, crops)

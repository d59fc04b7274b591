import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from tests.learning.small import read_history, small_config, small_partition
from twinlens.config import parse_config
from twinlens.config.predecessors import Distillation
from twinlens.errors import ConfigError
from twinlens.learning.distillation import DistillationLoss, similarity_cost
from twinlens.learning.train import train
from twinlens.runs import Run
from twinlens.types import Float32Array


def at(*degrees: float) -> torch.Tensor:
    """Unit vectors of the plane at these angles."""
    angles = torch.tensor(degrees).deg2rad()
    return torch.stack([angles.cos(), angles.sin()], dim=1)


def test_cost_at_known_angles() -> None:
    student, teacher = at(0, 90), at(0, 60)  # cosines 0 and one half
    assert similarity_cost(student, [teacher]).item() == pytest.approx(0.25)
    assert similarity_cost(3 * student, [teacher]).item() == pytest.approx(0.25)  # lengths do not count
    other = at(0, 0)  # cosine 1; the mean of the teachers is three quarters
    assert similarity_cost(student, [teacher, other]).item() == pytest.approx(0.75**2)


def test_cost_is_nothing_where_all_angles_agree_whatever_the_dimension() -> None:
    generator = torch.Generator().manual_seed(0)
    student = torch.randn(6, 4, generator=generator)
    turn, _ = torch.linalg.qr(torch.randn(9, 9, generator=generator))
    teacher = normalize(student) @ turn[:4]
    assert similarity_cost(student, [teacher]).item() == pytest.approx(0, abs=1e-10)


def test_similarity_cost_is_that_of_a_naive_loop() -> None:
    generator = torch.Generator().manual_seed(1)
    student = torch.randn(5, 3, generator=generator)
    teachers = [normalize(torch.randn(5, dim, generator=generator)) for dim in (2, 7)]
    costs = []
    for i in range(5):
        for j in range(5):
            if i != j:
                own = torch.cosine_similarity(student[i], student[j], dim=0).item()
                wanted = sum((teacher[i] @ teacher[j]).item() for teacher in teachers) / 2
                costs.append((own - wanted) ** 2)
    assert similarity_cost(student, teachers).item() == pytest.approx(np.mean(costs), rel=1e-5)


def test_teachers_are_looked_up_by_sample() -> None:
    samples = np.array([3, 5, 8, 13])
    angles = (0.0, 90.0, 45.0, 180.0)
    loss = DistillationLoss(Distillation(weight=2), samples, [at(*angles).numpy()], 2)
    student = at(10, 10)
    cost = loss(student, torch.tensor([13, 8]))
    assert cost.item() == pytest.approx(2 * (1 - math.cos(math.radians(135))) ** 2, rel=1e-5)


def test_map_of_the_embedding_turns_towards_the_teachers() -> None:
    torch.manual_seed(0)
    teacher = torch.randn(8, 5).numpy()
    loss = DistillationLoss(Distillation(follow="embeddings", weight=1), np.arange(8), [teacher, teacher[:, :2]], 3)
    student, samples = torch.randn(4, 3), torch.tensor([7, 0, 2, 2])
    assert loss.maps is not None
    expected = []
    for own, wanted in zip(loss.maps, (teacher, teacher[:, :2]), strict=True):
        mapped = (student @ own.weight.T).detach().numpy()
        for row, sample in zip(mapped, samples, strict=True):
            target = wanted[sample]
            expected.append(1 - row @ target / np.linalg.norm(row) / np.linalg.norm(target))
    assert loss(student, samples).item() == pytest.approx(np.mean(expected), rel=1e-5)


@pytest.mark.parametrize(
    "clash", [{"mixing": {"kind": "mixup"}}, {"data": {"kind": "synthetic", "setting": {"rotations": True}}}]
)
def test_crops_that_teachers_do_not_see_are_refused(clash: dict[str, object]) -> None:
    values = {"name": "a", "loss": {"kind": "margin-softmax"}, "distillation": {"teachers": ["runs/a"]}, **clash}
    with pytest.raises(ConfigError, match=r"distillation\.teachers see no (mixed|turned) crops"):
        parse_config(values, "here")


def perfect_teacher() -> Float32Array:
    """One that knows whom each training photo shows."""
    partition, _ = small_partition()
    codes = partition.dataset.subject_codes[partition.train.samples]
    return np.eye(codes.max() + 1, dtype=np.float32)[codes]


LOSSES: dict[str, dict[str, object]] = {
    "binary-cross-entropy": {},
    "margin-softmax": {"kind": "margin-softmax", "scale": 8},
}
NETWORKS: dict[str, dict[str, object]] = {
    "binary-cross-entropy": {},
    "margin-softmax": {"output": "linear", "conv_dropout": 0},
}


@pytest.mark.parametrize(
    ("follow", "loss"), [("similarities", "binary-cross-entropy"), ("embeddings", "margin-softmax")]
)
def test_network_learns_from_a_teacher(follow: str, loss: str, tmp_path: Path) -> None:
    weight = {"similarities": 10, "embeddings": 5}[follow]
    config = small_config(
        distillation={"teachers": ["teacher"], "follow": follow, "weight": weight},
        loss=LOSSES[loss],
        network={**small_config().network.model_dump(mode="json"), "batch_norm": True, **NETWORKS[loss]},
    )
    run = Run(tmp_path / "run")
    module = train(config, *small_partition(), run, teachers=[perfect_teacher()])
    epochs = read_history(run.history)
    assert epochs[-1].train_loss < epochs[0].train_loss
    assert max(epoch.validation_auc for epoch in epochs) > 0.6
    assert {"distillation"} & set(module.layers()) == ({"distillation"} if follow == "embeddings" else set())

import math
from typing import Literal

import pytest
import torch
from pytorch_metric_learning.losses import ArcFaceLoss, CosFaceLoss
from torch.nn.functional import normalize

from twinlens.config.losses import MarginSoftmax
from twinlens.learning.mixing import Mixture
from twinlens.learning.objectives.margin import MarginClassifier

DIM, CLASSES = 5, 7
LABELS = torch.tensor([0, 6, 3, 3, 2, 1])


def some(n: int = 6) -> torch.Tensor:
    return torch.randn(n, DIM, generator=torch.Generator().manual_seed(0))


def classifier(config: MarginSoftmax) -> MarginClassifier:
    torch.manual_seed(1)
    return MarginClassifier(config, DIM, CLASSES)


@pytest.mark.parametrize("margin", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("kind", ["cosine", "angle"])
def test_cost_and_gradients_are_those_of_pytorch_metric_learning(
    kind: Literal["cosine", "angle"], margin: float
) -> None:
    ours = classifier(MarginSoftmax(margin_type=kind, margin=margin, scale=16))
    theirs = (
        CosFaceLoss(CLASSES, DIM, margin=margin, scale=16)
        if kind == "cosine"
        else ArcFaceLoss(CLASSES, DIM, margin=math.degrees(margin), scale=16)
    )
    theirs.W.data = ours.directions.detach().T.clone()
    embeddings = [some().requires_grad_(), some().requires_grad_()]
    costs = [ours.cost(ours(embeddings[0]), LABELS), theirs(embeddings[1], LABELS)]
    for cost in costs:
        cost.backward()
    torch.testing.assert_close(*costs)
    torch.testing.assert_close(embeddings[0].grad, embeddings[1].grad)
    assert ours.directions.grad is not None
    torch.testing.assert_close(ours.directions.grad, theirs.W.grad.T)


def test_angle_beyond_half_a_turn_costs_more_the_farther_it_goes() -> None:
    ours = classifier(MarginSoftmax(margin_type="angle", margin=0.5, scale=4))
    angles = torch.linspace(0, math.pi, 60)
    lowered = ours._with_margin(angles.cos()[:, None])[:, 0]
    assert (lowered.diff() < 0).all()


def test_crop_at_its_class_has_a_finite_gradient() -> None:
    ours = classifier(MarginSoftmax(margin_type="angle"))
    embeddings = ours.directions.detach()[:2].clone().requires_grad_()
    ours.cost(ours(embeddings), torch.tensor([0, 1])).backward()
    assert embeddings.grad is not None
    assert embeddings.grad.isfinite().all()


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cost_of_mixed_crops_is_that_of_a_naive_loop(smoothing: float) -> None:
    ours = classifier(MarginSoftmax(margin=0.2, scale=6, label_smoothing=smoothing))
    mixture = Mixture(torch.tensor([1, 0, 4, 3, 5, 2]), 0.7)
    cosines = (normalize(some()) @ normalize(ours.directions.detach()).T).tolist()
    costs = []
    for i, row in enumerate(cosines):
        for share, label in ((0.7, int(LABELS[i])), (0.3, int(LABELS[mixture.partner[i]]))):
            logits = [6 * (cosine - 0.2 * (j == label)) for j, cosine in enumerate(row)]
            total = math.log(sum(math.exp(logit) for logit in logits))
            logs = [logit - total for logit in logits]
            costs.append(share * -((1 - smoothing) * logs[label] + smoothing * sum(logs) / CLASSES))
    found = ours.cost(ours(some()), LABELS, mixture)
    assert found.item() == pytest.approx(sum(costs) / 6, rel=1e-5)

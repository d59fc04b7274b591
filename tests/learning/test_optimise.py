import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tests.learning.small import small_config, small_partition
from twinlens.config.optimisation import Adam, AdamW, CosineSchedule, ExponentialSchedule, LayerRates, Sgd
from twinlens.learning.module import SiameseModule
from twinlens.learning.optimise import build_optimiser, l2_penalty, schedule_factor, set_momentum

RATES = {
    "conv1": LayerRates(learning_rate=0.02, l2=0.3, momentum=0.7),
    "dense": LayerRates(l2=0.0),
    "head": LayerRates(learning_rate=0.5, momentum=0.0),
}
SGD = Sgd(learning_rate=0.1, l2=0.05, momentum=0.9, momentum_start=0.4, momentum_epochs=5, layers=RATES)
LAYERS = ("conv1", "conv2", "dense", "head")


def tiny() -> dict[str, nn.Module]:
    torch.manual_seed(0)
    return {
        "conv1": nn.Sequential(nn.Conv2d(1, 2, 2), nn.BatchNorm2d(2)),
        "conv2": nn.Conv2d(2, 2, 2),
        "dense": nn.Sequential(nn.Flatten(), nn.Linear(8, 3)),
        "head": nn.Linear(3, 1),
    }


def loss_of(layers: dict[str, nn.Module]) -> torch.Tensor:
    images = torch.linspace(-1, 1, 5 * 16).reshape(5, 1, 4, 4)
    signal: torch.Tensor = nn.Sequential(*layers.values())(images)
    return signal.square().mean() + signal.mean()


def weights_of(layer: nn.Module) -> list[torch.Tensor]:
    return [part.weight for part in layer.modules() if isinstance(part, nn.Conv2d | nn.Linear)]


def penalty(layers: dict[str, nn.Module], config: Sgd | Adam) -> torch.Tensor:
    """The paper's ``Σ λ·‖w‖²`` over weights, each layer with its own λ."""
    total = torch.zeros(())
    for name, layer in layers.items():
        own = RATES[name].l2 if name in RATES and config.layers else None
        for weight in weights_of(layer):
            total = total + (config.l2 if own is None else own) * weight.square().sum()
    return total


def test_every_parameter_is_in_one_group() -> None:
    layers = tiny()
    grouped = [p for group in build_optimiser(layers, SGD).param_groups for p in group["params"]]
    parameters = [p for layer in layers.values() for p in layer.parameters()]
    assert len(grouped) == len(parameters)
    assert {id(p) for p in grouped} == {id(p) for p in parameters}


@pytest.mark.parametrize(
    "config", [SGD, Adam(learning_rate=0.1, l2=0.05, layers={"conv1": LayerRates(learning_rate=0.02)})]
)
def test_groups_have_the_rates_of_their_layers(config: Sgd | Adam) -> None:
    layers = tiny()
    rates = {id(p): group["lr"] for group in build_optimiser(layers, config).param_groups for p in group["params"]}
    for name, layer in layers.items():
        own = config.layers.get(name, LayerRates()).learning_rate  # type: ignore[call-overload]
        assert {rates[id(p)] for p in layer.parameters()} == {own or 0.1}


def test_biases_and_norms_are_free_of_the_penalty() -> None:
    layers = tiny()
    decays = {
        id(p): group["weight_decay"] for group in build_optimiser(layers, SGD).param_groups for p in group["params"]
    }
    weights = {name: [id(weight) for weight in weights_of(layer)] for name, layer in layers.items()}
    assert {name: {decays.pop(i) for i in ids} for name, ids in weights.items()} == {
        "conv1": {0.6},
        "conv2": {0.1},
        "dense": {0},
        "head": {0.1},
    }
    assert set(decays.values()) == {0}
    assert len(decays) == 6


def test_a_step_of_sgd_descends_the_penalised_loss() -> None:
    ours, plain = tiny(), tiny()
    optimiser = build_optimiser(ours, SGD)
    loss_of(ours).backward()
    optimiser.step()

    (loss_of(plain) + penalty(plain, SGD)).backward()
    for name, layer in plain.items():
        rate = (RATES[name].learning_rate if name in RATES else None) or 0.1
        for by_hand, parameter in zip(layer.parameters(), ours[name].parameters(), strict=True):
            torch.testing.assert_close(parameter, by_hand - rate * by_hand.grad)


def test_steps_of_adam_descend_the_penalised_loss() -> None:
    config = Adam(learning_rate=0.01, l2=0.05, beta1=0.8, beta2=0.9)
    ours, plain = tiny(), tiny()
    optimiser = build_optimiser(ours, config)
    parameters = [p for layer in plain.values() for p in layer.parameters()]
    reference = torch.optim.Adam(parameters, 0.01, (0.8, 0.9))
    for _ in range(3):
        for layers, own in ((ours, optimiser), (plain, reference)):
            own.zero_grad()
            (loss_of(layers) + (penalty(layers, config) if layers is plain else 0)).backward()
            own.step()
    # The bias before a norm has a gradient of rounding errors alone, by whose sign Adam steps: that is the processor's.
    before_norm = next(ours["conv1"].children()).bias
    for name in LAYERS:
        for one, other in zip(ours[name].parameters(), plain[name].parameters(), strict=True):
            apart = 2 * 3 * 0.01 if one is before_norm else 1e-5  # three steps, one up and one down
            torch.testing.assert_close(one, other, rtol=1e-4, atol=apart)


def test_penalty_is_the_sum_over_layers_of_their_own_weight_times_the_squares() -> None:
    layers = tiny()
    optimiser = build_optimiser(layers, SGD)
    assert l2_penalty(optimiser) == pytest.approx(float(penalty(layers, SGD).detach()))
    assert l2_penalty(build_optimiser(layers, Sgd())) == 0


def momenta(optimiser: torch.optim.Optimizer) -> dict[str, float]:
    found = {name: {g["momentum"] for g in optimiser.param_groups if g["layer"] == name} for name in LAYERS}
    assert all(len(values) == 1 for values in found.values())
    return {name: values.pop() for name, values in found.items()}


def test_momentum_rises_linearly_to_that_of_each_layer_and_stays() -> None:
    optimiser = build_optimiser(tiny(), SGD)
    finals = {"conv1": 0.7, "conv2": 0.9, "dense": 0.9, "head": 0.0}
    assert set(momenta(optimiser).values()) == {0.4}
    for epoch in (0, 1, 2, 3, 4, 5, 6, 50):
        set_momentum(optimiser, SGD, epoch)
        share = min(epoch, 5) / 5
        assert momenta(optimiser) == pytest.approx({n: 0.4 * (1 - share) + f * share for n, f in finals.items()})


def test_momentum_of_adam_is_left_alone() -> None:
    config = Adam(beta1=0.8, beta2=0.9)
    optimiser = build_optimiser(tiny(), config)
    set_momentum(optimiser, config, 7)
    assert all(group["betas"] == (0.8, 0.9) and "momentum" not in group for group in optimiser.param_groups)


@given(epoch=st.integers(0, 500))
def test_exponential_schedule_is_a_power(epoch: int) -> None:
    assert schedule_factor(ExponentialSchedule(), epoch, 200) == 0.99**epoch
    assert schedule_factor(ExponentialSchedule(factor=1), epoch, 200) == 1


@given(epochs=st.integers(2, 300), warmup=st.integers(0, 20))
def test_cosine_schedule_rises_linearly_and_falls_to_zero(epochs: int, warmup: int) -> None:
    warmup = min(warmup, epochs - 1)
    factors = [schedule_factor(CosineSchedule(warmup_epochs=warmup), epoch, epochs) for epoch in range(epochs + 1)]
    assert factors[: warmup + 1] == pytest.approx([(i + 1) / (warmup + 1) for i in range(warmup + 1)])
    falling = factors[warmup:]
    length = epochs - warmup
    assert falling == pytest.approx([(1 + math.cos(math.pi * i / length)) / 2 for i in range(length + 1)])
    assert falling[-1] == pytest.approx(0, abs=1e-12)
    assert all(factor > 0 for factor in factors[:epochs])


def test_rates_of_all_layers_follow_the_schedule() -> None:
    rates = {"learning_rate": 0.003, "layers": {"conv1": {"learning_rate": 0.5}}}
    config = small_config(optimiser=rates, schedule={"kind": "exponential", "factor": 0.9})
    found = SiameseModule(config, *small_partition()).configure_optimizers()
    optimiser, scheduler = found["optimizer"], found["lr_scheduler"]["scheduler"]
    assert found["lr_scheduler"]["interval"] == "epoch"
    for epoch in range(4):
        rates = {group["layer"]: group["lr"] for group in optimiser.param_groups}
        assert rates["conv1"] == pytest.approx(0.5 * 0.9**epoch)
        assert rates["head"] == pytest.approx(0.003 * 0.9**epoch)
        optimiser.step()
        scheduler.step()


def test_decoupled_weight_decay_takes_its_share_of_the_weights_alone() -> None:
    layers, config = tiny(), AdamW(learning_rate=0.1, weight_decay=0.3)
    before = {id(p): p.detach().clone() for layer in layers.values() for p in layer.parameters()}
    optimiser = build_optimiser(layers, config)
    for layer in layers.values():
        for parameter in layer.parameters():
            parameter.grad = torch.zeros_like(parameter)
    optimiser.step()
    weights = {id(weight) for layer in layers.values() for weight in weights_of(layer)}
    for layer in layers.values():
        for parameter in layer.parameters():
            kept = 1 - 0.1 * 0.3 if id(parameter) in weights else 1
            torch.testing.assert_close(parameter.detach(), before[id(parameter)] * kept)
    assert l2_penalty(optimiser) == 0

import pytest
import torch

from tests.learning.small import SIZE, small_config, small_partition
from twinlens.learning.layers import layer_rows
from twinlens.learning.module import SiameseModule


@pytest.fixture
def module() -> SiameseModule:
    return SiameseModule(small_config(network={"batch_norm": True}), *small_partition())


def test_rows_say_what_each_layer_is_and_what_comes_out(module: SiameseModule) -> None:
    rows = {row.name: row for row in layer_rows(module)}
    half = (SIZE - 2) // 2
    assert rows["conv1.conv"].model_dump() == {
        "name": "conv1.conv",
        "kind": "Conv2d",
        "output_shape": (4, SIZE - 2, SIZE - 2),
        "kernel": "3×3",
        "filters": 4,
        "parameters": 4 * 9 + 4,
    }
    assert rows["conv1.norm"].parameters == 8
    assert (rows["conv1.pool"].kernel, rows["conv1.pool"].output_shape) == ("2×2", (4, half, half))
    assert (rows["dense.linear"].kernel, rows["dense.linear"].filters) == ("", None)
    assert rows["dense.sigmoid"].output_shape == (16,)
    assert (rows["head"].output_shape, rows["head"].parameters) == ((1,), 17)


def test_parameters_of_the_rows_are_all_there_are(module: SiameseModule) -> None:
    assert sum(row.parameters for row in layer_rows(module)) == sum(p.numel() for p in module.parameters())


def test_rows_are_in_the_order_that_a_crop_takes(module: SiameseModule) -> None:
    rows = layer_rows(module)
    signal = torch.rand(1, 1, SIZE, SIZE)
    module.eval()
    for row in rows[:-1]:
        signal = module.twin.network.layers.get_submodule(row.name)(signal)
        assert tuple(signal.shape[1:]) == row.output_shape
    assert rows[-1].name == "head"
    assert signal.shape[1] == module.twin.dim


@pytest.mark.parametrize("training", [True, False])
def test_looking_changes_nothing(module: SiameseModule, training: bool) -> None:
    module.train(training)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    first, second = layer_rows(module), layer_rows(module)
    assert first == second
    assert module.twin.network.training is training
    assert not any(layer._forward_hooks for layer in module.modules())
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())

import pytest
import torch
from torch import nn

from tests.learning.small import SIZE, small_config, small_partition
from twinlens.learning.module import SiameseModule


@pytest.mark.parametrize("channels_last", [True, False])
def test_network_computes_in_the_memory_layout_asked_for(monkeypatch: pytest.MonkeyPatch, channels_last: bool) -> None:
    config = small_config(training={"channels_last": channels_last}, frame={"colour": "rgb"})
    module = SiameseModule(config, *small_partition())
    found: list[bool] = []
    for layer in module.twin.modules():
        if isinstance(layer, nn.Conv2d) and layer.in_channels > 1:
            layer.register_forward_hook(
                lambda _layer, _inputs, output: found.append(output.is_contiguous(memory_format=torch.channels_last))
            )
    module.validation_step((torch.zeros(4, SIZE, SIZE, 3, dtype=torch.uint8), torch.arange(4)), 0)
    assert found[:2] == [channels_last] * 2  # further in, maps of one pixel are of both layouts

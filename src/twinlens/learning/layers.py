"""The architecture table: what each layer is, what comes out of it and how many parameters it has."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from twinlens.evaluation.result import LayerRow
from twinlens.learning.module import SiameseModule
from twinlens.learning.objectives.pairs import LogisticObjective


def layer_rows(module: SiameseModule) -> tuple[LayerRow, ...]:
    """One row per elementary layer of the twin, then the comparison; shapes are without the batch."""
    rows: list[LayerRow] = []

    def note(name: str, layer: nn.Module) -> Any:
        return lambda _module, _inputs, output: rows.append(_row(name, layer, tuple(output.shape[1:])))

    network = module.twin.network
    elementary = [(name, layer) for name, layer in network.named_modules() if not any(layer.children())]
    hooks = [layer.register_forward_hook(note(name.removeprefix("layers."), layer)) for name, layer in elementary]
    training = network.training
    network.eval()
    with torch.no_grad():
        network(torch.zeros(1, module.config.frame.channels, *module.twin.size, device=module.device))
    network.train(training)
    for hook in hooks:
        hook.remove()
    head = module.objective
    return (*rows, _row("head", head.head.linear, (1,))) if isinstance(head, LogisticObjective) else tuple(rows)


def _row(name: str, layer: nn.Module, shape: tuple[int, ...]) -> LayerRow:
    size = getattr(layer, "kernel_size", None)
    height, width = size if isinstance(size, tuple) else (size, size)
    return LayerRow(
        name=name,
        kind=type(layer).__name__,
        output_shape=shape,
        kernel=f"{height}×{width}" if size else "",
        filters=getattr(layer, "out_channels", None),
        parameters=sum(p.numel() for p in layer.parameters()),
    )

"""Weights as the finished model has them: in half precision."""

from __future__ import annotations

import torch

from twinlens.learning.networks import Twin


def rounded(twin: Twin) -> Twin:
    """Round the weights of convolutions and dense layers to half precision, which halves the model's file.

    Training in bfloat16 knew three bits less of them. What is fitted on top of a network, its thresholds and its
    calibration come afterwards, so they are those of the rounded one.
    """
    with torch.no_grad():
        for weights in twin.parameters():
            halves = weights.half().float()
            if weights.dim() > 1 and halves.isfinite().all():
                weights.copy_(halves)
    return twin

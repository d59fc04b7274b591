"""Objectives: what a batch of embeddings costs, and the comparison that goes with it.

A loss over pairs is a class in ``pairs``, one over classes an entry in ``criteria``; each has a variant in the config.
"""

from __future__ import annotations

from twinlens.config.losses import BinaryCrossEntropy, Contrastive, Loss
from twinlens.config.networks import FanInInit, NormalInit
from twinlens.learning.objectives.classes import ClassObjective
from twinlens.learning.objectives.pairs import ContrastiveObjective, LogisticObjective

Objective = LogisticObjective | ContrastiveObjective | ClassObjective


def build_objective(config: Loss, dim: int, init: NormalInit | FanInInit, classes: int) -> Objective:
    """The objective of a loss.

    Args:
        config: The loss.
        dim: Dimension of the embeddings.
        init: How a learned comparison is drawn.
        classes: Number of training classes, for losses over classes.
    """
    if isinstance(config, BinaryCrossEntropy):
        return LogisticObjective(dim, init)
    if isinstance(config, Contrastive):
        return ContrastiveObjective(config)
    return ClassObjective(config, dim, classes)

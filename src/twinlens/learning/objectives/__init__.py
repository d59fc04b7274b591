"""Objectives: what a batch of embeddings costs, and the comparison that goes with it.

A loss over pairs is a class in ``pairs``, one over classes an entry in ``criteria``; each has a variant in the config.
"""

from __future__ import annotations

from twinlens.config.losses import BinaryCrossEntropy, Contrastive, Loss
from twinlens.learning.networks import CompactEncoder, KochEncoder
from twinlens.learning.objectives.classes import ClassObjective
from twinlens.learning.objectives.pairs import ContrastiveObjective, LogisticObjective

Objective = LogisticObjective | ContrastiveObjective | ClassObjective


def build_objective(config: Loss, network: KochEncoder | CompactEncoder, classes: int) -> Objective:
    """The objective of a loss.

    Args:
        config: The loss.
        network: Whose embeddings are judged.
        classes: Number of training classes, for losses over classes.
    """
    if isinstance(config, BinaryCrossEntropy):
        return LogisticObjective(network)
    if isinstance(config, Contrastive):
        return ContrastiveObjective(config)
    return ClassObjective(config, network.dim, classes)

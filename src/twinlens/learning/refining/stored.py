"""A refined model as a file beside the weights of its network, so that it can be had back in torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from twinlens.comparison import Comparison
from twinlens.config import Config
from twinlens.config.refinement import LocalPatterns
from twinlens.learning.checkpoints import SafetensorsIO
from twinlens.learning.descriptors.lbp import PatternFeatures, PatternHistograms
from twinlens.learning.networks import Twin
from twinlens.learning.refining.apart import SpacesApart
from twinlens.learning.refining.model import Joined, Model, Part
from twinlens.learning.refining.spaces import Space


def save_refined(path: Path, model: Model) -> None:
    """Write what was fitted on top of a network; the network's own weights are left out.

    Raises:
        RunError: It cannot be written.
    """
    parts, sum_of = ((model,), None) if isinstance(model, Part) else (model.parts, [model.weights, model.constant])
    tree = {"sum": sum_of, "parts": [_dump(part) for part in parts if isinstance(part, Part)]}
    SafetensorsIO().save_checkpoint(tree, path)


def load_refined(path: Path, twin: Twin, comparison: Comparison, config: Config) -> Model:
    """The model that :func:`save_refined` wrote, in evaluation mode.

    Args:
        path: The file.
        twin: The network that it was fitted on.
        comparison: How the network's own embeddings are compared.
        config: Of the run.

    Raises:
        RunError: The file is missing or broken.
    """
    tree = SafetensorsIO().load_checkpoint(path)
    parts = [_load(part, twin, comparison, config) for part in tree["parts"]]
    model: Model = Joined(parts, *tree["sum"]) if tree["sum"] else parts[0]
    return model.eval()


def _dump(part: Part) -> dict[str, Any]:
    features = part.features
    return {
        "space": None if part.space is None else _dump_space(part.space),
        "patterns": [features.centre, features.basis] if isinstance(features, PatternFeatures) else None,
    }


def _dump_space(space: Space | SpacesApart) -> dict[str, Any]:
    if isinstance(space, Space):
        return dict(space.steps)
    return {
        "spaces": [dict(one.steps) for one in space.spaces if isinstance(one, Space)],
        "places": list(space.places),
        "turn": space.turn,
    }


def _load_space(tree: dict[str, Any]) -> Space | SpacesApart:
    if "spaces" not in tree:
        return Space(tree)
    return SpacesApart([Space(one) for one in tree["spaces"]], tree["places"], tree["turn"])


def _load(tree: dict[str, Any], twin: Twin, comparison: Comparison, config: Config) -> Part:
    space = None if tree["space"] is None else _load_space(tree["space"])
    features: Twin | PatternFeatures = twin
    if tree["patterns"] is not None:
        assert isinstance(config.fusion, LocalPatterns)
        histograms = PatternHistograms(config.fusion, config.frame, config.inference.flip)
        features = PatternFeatures(histograms, *(torch.as_tensor(tensor) for tensor in tree["patterns"]))
    return Part(features, space, comparison if space is None else space.comparison)

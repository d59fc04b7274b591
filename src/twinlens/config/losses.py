"""What training lowers."""

from __future__ import annotations

from typing import Literal

from twinlens.config.base import Section


class BinaryCrossEntropy(Section):
    """Cross-entropy of the pair's match probability, the paper's loss; L2 belongs to the optimiser."""

    kind: Literal["binary-cross-entropy"] = "binary-cross-entropy"

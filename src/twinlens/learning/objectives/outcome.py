"""What an objective says of a batch."""

from __future__ import annotations

from typing import NamedTuple

import torch


class Outcome(NamedTuple):
    """Cost of a batch.

    Attributes:
        loss: Mean over what was judged; a scalar with a gradient.
        judged: How many pairs or crops were judged.
        right: How many of them were decided rightly.
    """

    loss: torch.Tensor
    judged: int
    right: int

"""What of a crop a network looks at: a smaller picture of it, mirrored, shifted."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn.functional import interpolate, pad

from twinlens.config.networks import Inference


class Downscale(nn.Module):
    """Scales the middle of images down with antialiasing, as cutting a smaller crop would have done.

    A resize is linear, rows and columns each by themselves, so it is two products with fixed matrices.

    Args:
        before: Height and width of what comes in.
        middle: Height and width of the part that is scaled, around the middle.
        after: Height and width of what goes out, at most as large.
    """

    rows: torch.Tensor
    columns: torch.Tensor

    def __init__(self, before: tuple[int, int], middle: tuple[int, int], after: tuple[int, int]) -> None:
        super().__init__()
        rows, columns = (_resampling(*sizes) for sizes in zip(before, middle, after, strict=True))
        # Not among the weights: they follow from the sizes.
        self.register_buffer("rows", rows, persistent=False)
        self.register_buffer("columns", columns.T.contiguous(), persistent=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Float ``(n, channels, height, width)`` to the smaller height and width."""
        with torch.autocast(images.device.type, enabled=False):  # a pixel keeps its 8 bits
            smaller: torch.Tensor = self.rows @ images @ self.columns
        return smaller.contiguous(memory_format=torch.channels_last)


def views(images: torch.Tensor, config: Inference) -> Iterator[torch.Tensor]:
    """The images, shifted and mirrored as ``config`` says; float ``(n, channels, height, width)`` each."""
    for moved in _shifted(images, config.shift):
        yield moved
        if config.flip:
            yield moved.flip(-1)


def _shifted(images: torch.Tensor, share: float) -> Iterator[torch.Tensor]:
    yield images
    if share == 0:
        return
    height, width = images.shape[-2:]
    down, right = max(1, round(share * height)), max(1, round(share * width))
    wider = pad(images, (right, right, down, down), mode="replicate")
    for top, left in ((0, right), (2 * down, right), (down, 0), (down, 2 * right)):
        yield wider[..., top : top + height, left : left + width]


def _resampling(before: int, middle: int, after: int) -> torch.Tensor:
    """The matrix ``(after, before)`` of an antialiased bilinear resize of the ``middle`` pixels."""
    single = torch.eye(middle)[None, None]
    resized = interpolate(single, size=(after, middle), mode="bilinear", antialias=True)[0, 0]
    first = (before - middle) // 2
    return pad(resized, (first, before - middle - first))

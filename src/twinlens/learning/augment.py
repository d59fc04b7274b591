"""Distortions of whole batches, drawn anew for every image."""

from __future__ import annotations

import torch
from kornia.geometry.transform import get_affine_matrix2d
from torch.nn.functional import grid_sample

from twinlens.config.augmentation import AffineAugmentation, Augmentation, NoAugmentation, PhotoAugmentation
from twinlens.learning.photometry import change_colours, erase

# The paper's translation is in pixels of its 105-pixel crops.
_PAPER_SIZE = 105


def augment(images: torch.Tensor, config: Augmentation) -> torch.Tensor:
    """Distort float images in [0, 1], ``(n, channels, height, width)``, each by itself; the shape stays.

    With ``affine`` every component of the map (rotation, the two shears, the two scales, the two shifts) is drawn
    uniformly and applied with ``config.probability`` on its own, as in Koch et al. (2015), section 3.3. What comes in
    from outside the picture repeats its border. Random numbers come from torch's default generator.
    """
    if isinstance(config, NoAugmentation):
        return images
    # In float32: a coordinate in bfloat16 is wrong by up to a pixel.
    with torch.autocast(images.device.type, enabled=False):
        if isinstance(config, AffineAugmentation):
            return _warp(images, _flip(images, _affine_matrices(images, config), config.flip))
        moved = _warp(images, _flip(images, _similarity_matrices(images, config), config.flip))
        return erase(change_colours(moved, config), config)


def _warp(images: torch.Tensor, matrices: torch.Tensor) -> torch.Tensor:
    """Move pixels by ``matrices`` ``(n, 3, 3)``, from x and y before to x and y after.

    As kornia's ``warp_affine`` in a third of its time: an affine map's grid is a sum of one part for rows and one for
    columns, and channels-last images are sampled more slowly than they are copied.
    """
    n, _, height, width = images.shape
    back = torch.linalg.inv(matrices)[:, :2] * (2 / (_extent(images) - 1))[:, None]  # to -1..1 of the picture
    columns = back[:, None, :, 0] * torch.arange(width, device=images.device)[:, None]
    rows = back[:, None, :, 1] * torch.arange(height, device=images.device)[:, None] + back[:, None, :, 2] - 1
    grid = rows.repeat(1, 1, width) + columns.reshape(n, 1, 2 * width)
    return grid_sample(images.contiguous(), grid.view(n, height, width, 2), padding_mode="border", align_corners=True)


def _flip(images: torch.Tensor, matrices: torch.Tensor, chance: float) -> torch.Tensor:
    """Let some of the maps end in a left-right flip."""
    flipped = torch.rand(len(images), 1, device=images.device) < chance
    mirrored = (images.shape[-1] - 1) * matrices[:, 2] - matrices[:, 0]
    x = torch.where(flipped, mirrored, matrices[:, 0])
    return torch.stack([x, matrices[:, 1], matrices[:, 2]], dim=1)


def _affine_matrices(images: torch.Tensor, config: AffineAugmentation) -> torch.Tensor:
    n, device = len(images), images.device

    def draw(low: float, high: float, neutral: float, components: int) -> torch.Tensor:
        values = torch.empty(n, components, device=device).uniform_(low, high)
        chosen = torch.rand(n, components, device=device) < config.probability
        return torch.where(chosen, values, torch.full_like(values, neutral))

    shift = draw(-config.translation, config.translation, 0, 2)
    shear = draw(-config.shear, config.shear, 0, 2).atan()
    return get_affine_matrix2d(
        translations=shift * _extent(images) / _PAPER_SIZE,
        center=_centres(images),
        scale=draw(*config.scale, 1, 2),
        angle=draw(-config.rotation, config.rotation, 0, 1)[:, 0],
        sx=shear[:, 0],
        sy=shear[:, 1],
    )


def _similarity_matrices(images: torch.Tensor, config: PhotoAugmentation) -> torch.Tensor:
    n, device = len(images), images.device
    return get_affine_matrix2d(
        translations=torch.empty(n, 2, device=device).uniform_(-config.shift, config.shift) * _extent(images),
        center=_centres(images),
        scale=torch.empty(n, 1, device=device).uniform_(1 - config.scale, 1 + config.scale).expand(n, 2),
        angle=torch.empty(n, device=device).uniform_(-config.rotation, config.rotation),
    )


def _extent(images: torch.Tensor) -> torch.Tensor:
    """Width and height in pixels."""
    return torch.tensor([images.shape[-1], images.shape[-2]], device=images.device)


def _centres(images: torch.Tensor) -> torch.Tensor:
    return ((_extent(images) - 1) / 2).expand(len(images), 2)

"""Distortions of whole batches, drawn anew for every image."""

from __future__ import annotations

import torch
from kornia.geometry.transform import get_affine_matrix2d, warp_affine

from twinlens.config.augmentation import AffineAugmentation, NoAugmentation

# The paper's translation is in pixels of its 105-pixel crops.
_PAPER_SIZE = 105


def augment(images: torch.Tensor, config: NoAugmentation | AffineAugmentation) -> torch.Tensor:
    """Distort float images ``(n, channels, height, width)``, each by itself; the shape stays.

    Every component of the affine map (rotation, the two shears, the two scales, the two shifts) is drawn
    uniformly and applied with ``config.probability`` on its own, as in Koch et al. (2015), section 3.3. What
    comes in from outside the picture repeats its border. Random numbers come from torch's default generator.
    """
    if isinstance(config, NoAugmentation):
        return images
    # In float32: a coordinate in bfloat16 is wrong by up to a pixel.
    with torch.autocast(images.device.type, enabled=False):
        matrices = _affine_matrices(len(images), images.shape[-2:], config, images.device)
        warped = warp_affine(
            images,
            matrices[:, :2],
            (images.shape[-2], images.shape[-1]),
            padding_mode="border",
            align_corners=True,
        )
    flipped = torch.rand(len(images), 1, 1, 1, device=images.device) < config.flip
    return torch.where(flipped, warped.flip(-1), warped)


def _affine_matrices(n: int, size: torch.Size, config: AffineAugmentation, device: torch.device) -> torch.Tensor:
    def draw(low: float, high: float, neutral: float, components: int) -> torch.Tensor:
        values = torch.empty(n, components, device=device).uniform_(low, high)
        chosen = torch.rand(n, components, device=device) < config.probability
        return torch.where(chosen, values, torch.full_like(values, neutral))

    height, width = size
    shift = draw(-config.translation, config.translation, 0, 2)
    shear = draw(-config.shear, config.shear, 0, 2).atan()
    centre = torch.tensor([(width - 1) / 2, (height - 1) / 2], device=device).expand(n, 2)
    return get_affine_matrix2d(
        translations=shift * torch.tensor([width, height], device=device) / _PAPER_SIZE,
        center=centre,
        scale=draw(*config.scale, 1, 2),
        angle=draw(-config.rotation, config.rotation, 0, 1)[:, 0],
        sx=shear[:, 0],
        sy=shear[:, 1],
    )

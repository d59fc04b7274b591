"""Changes of light, colour and view that say nothing about who it is."""

from __future__ import annotations

import torch

from twinlens.config.augmentation import PhotoAugmentation

# ITU-R 601, as Pillow has it.
_LUMA = (0.299, 0.587, 0.114)


def change_colours(images: torch.Tensor, config: PhotoAugmentation) -> torch.Tensor:
    """Change contrast, brightness and, of colour images, saturation; float images in [0, 1] stay there."""
    centre = images.mean(dim=(1, 2, 3), keepdim=True)
    contrast = _draw(images, 1 - config.contrast, 1 + config.contrast)
    changed = centre + (images - centre) * contrast + _draw(images, -config.brightness, config.brightness)
    if images.shape[1] == 3:
        weights = torch.tensor(_LUMA, device=images.device).reshape(1, 3, 1, 1)
        luma = (changed * weights).sum(dim=1, keepdim=True)
        saturation = _draw(images, 1 - config.saturation, 1 + config.saturation)
        colourless = _draw(images, 0, 1) < config.grey
        changed = luma + (changed - luma) * torch.where(colourless, torch.zeros_like(saturation), saturation)
    return changed.clamp(0, 1)


def erase(images: torch.Tensor, config: PhotoAugmentation) -> torch.Tensor:
    """Replace a rectangle by noise, of an area up to ``config.erase_area`` and half to twice as wide as high."""
    _, _, height, width = images.shape
    area = _draw(images, 0, config.erase_area)
    aspect = _draw(images, -1, 1).mul(torch.tensor(2.0).log() / 2).exp()
    high, wide = ((area.sqrt() * side).clamp(max=1) for side in (1 / aspect, aspect))
    top, left = _draw(images, 0, 1) * (1 - high), _draw(images, 0, 1) * (1 - wide)
    rows = (torch.arange(height, device=images.device).reshape(1, 1, -1, 1) + 0.5) / height
    columns = (torch.arange(width, device=images.device).reshape(1, 1, 1, -1) + 0.5) / width
    inside = (rows >= top) & (rows < top + high) & (columns >= left) & (columns < left + wide)
    chosen = _draw(images, 0, 1) < config.erase
    return torch.where(inside & chosen, torch.rand_like(images), images)


def _draw(images: torch.Tensor, low: float, high: float) -> torch.Tensor:
    """One uniform number for each image, ``(n, 1, 1, 1)``."""
    return torch.empty(len(images), 1, 1, 1, device=images.device).uniform_(low, high)

"""Histograms of local binary patterns, in whole numbers, so that every machine counts the same ones."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn

from twinlens.config.base import Frame
from twinlens.config.refinement import LocalPatterns
from twinlens.types import IntArray

# Patterns with at most two changes between neighbours, and all others together.
BINS = 59
_NEIGHBOURS = 8
_CODES = 2**_NEIGHBOURS
# ITU-R 601 luma in 256ths.
_LUMA = (77, 150, 29)
_RED_MINUS_GREEN = (1, -1, 0)
# How many bands the cells are seen in, each of which overlaps half of the next.
_BANDS_OF_ROWS = 4
_BANDS_OF_COLUMNS = 3


class PatternHistograms(nn.Module):
    """Square roots of the shares of each uniform pattern in each cell of a grid, in layers: one for each radius, of the
    grey crop and then, if wanted, of its red minus green.

    A pattern is which of a pixel's eight neighbours on a circle are at least as bright. Neighbours are the nearest
    pixels: between pixels one would have to interpolate, and rounding would tell equal brightness apart. The cells are
    of equal size, and what is left over at the border makes no patterns.

    Args:
        config: Radii and cells.
        frame: Size and colours of a crop.
        mirror: Average over the crop and its mirror image; only the left half of the cells is then left. The mirrored
            histograms are the same ones, patterns and cells exchanged.

    References:
        See :class:`~twinlens.config.refinement.LocalPatterns`. The square root makes a Euclidean distance the Hellinger
        distance: R. Arandjelović and A. Zisserman (2012), Three things everyone should know to improve object
        retrieval, CVPR.
    """

    planes: torch.Tensor
    bins: torch.Tensor
    mirrored: torch.Tensor

    def __init__(self, config: LocalPatterns, frame: Frame, mirror: bool) -> None:
        super().__init__()
        self.radii = config.radii
        self.rows, self.columns = config.cells
        self.mirror = mirror
        height, width = frame.middle(config.region)
        self.sizes = tuple(
            (
                min(height, frame.height - 2 * radius) // self.rows,
                min(width, frame.width - 2 * radius) // self.columns,
            )
            for radius in config.radii
        )
        self.frame = frame
        planes = ((_LUMA, _RED_MINUS_GREEN) if config.colour else (_LUMA,)) if frame.channels == 3 else ((1,),)
        self.register_buffer("planes", torch.tensor(planes, dtype=torch.int32))
        self.register_buffer("bins", torch.from_numpy(uniform_bins()))
        self.register_buffer("mirrored", torch.from_numpy(mirrored_bins()))

    @property
    def layers(self) -> int:
        """Planes times radii."""
        return len(self.planes) * len(self.radii)

    @property
    def columns_left(self) -> int:
        """Columns of cells that are left, which are those of the left half after mirroring."""
        return (self.columns + 1) // 2 if self.mirror else self.columns

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """Crops uint8 ``(n, height, width, channels)`` to float ``(n, layers, cells, 59)`` in [0, 1]."""
        whole = crops.to(torch.int32)
        found = [
            self._histograms((whole * plane).sum(dim=-1, dtype=torch.int32), *settings)
            for plane in self.planes
            for settings in zip(self.radii, self.sizes, strict=True)
        ]
        return torch.stack(found, dim=1)

    def _histograms(self, plane: torch.Tensor, radius: int, size: tuple[int, int]) -> torch.Tensor:
        height, width = self.rows * size[0], self.columns * size[1]
        top, left = (self.frame.height - height) // 2, (self.frame.width - width) // 2
        middle = plane[:, top : top + height, left : left + width]
        code = torch.zeros_like(middle)
        for bit, (down, right) in enumerate(neighbours(radius)):
            y, x = top + down, left + right
            brighter = plane[:, y : y + height, x : x + width] >= middle
            code = code + brighter.to(torch.int32) * (1 << bit)
        place = self.bins[code.long()] + self._first_bins(self.rows, size[0], self.columns)[:, None]
        place = place + self._first_bins(self.columns, size[1], 1)
        # Not len(plane), which would be a constant of the exported model.
        counts = torch.zeros(plane.shape[0], self.rows * self.columns * BINS, device=plane.device)
        counts = counts.scatter_add(1, place.flatten(1), torch.ones_like(place, dtype=torch.float32).flatten(1))
        roots = (counts / (size[0] * size[1])).sqrt().reshape(-1, self.rows, self.columns, BINS)
        return self._halved(roots).flatten(1, 2) if self.mirror else roots.flatten(1, 2)

    def _first_bins(self, cells: int, size: int, step: int) -> torch.Tensor:
        """Where the histogram of the cell of each pixel along one axis begins."""
        return torch.arange(cells, device=self.bins.device).repeat_interleave(size) * step * BINS

    def _halved(self, roots: torch.Tensor) -> torch.Tensor:
        left = self.columns_left
        return (roots[:, :, :left] + roots.flip(2)[:, :, :left][..., self.mirrored]) / 2


class PatternFeatures(nn.Module):
    """The principal components of all histograms, those of a layer having the same ones in every cell.

    Args:
        histograms: Makes the histograms.
        centre: float ``(layers, 1, 59)``, their mean.
        basis: float ``(layers, 59, components)``.
    """

    def __init__(self, histograms: PatternHistograms, centre: torch.Tensor, basis: torch.Tensor) -> None:
        super().__init__()
        self.histograms = histograms
        self.centre = nn.Parameter(centre, requires_grad=False)
        self.basis = nn.Parameter(basis, requires_grad=False)
        self.shape = (histograms.layers, histograms.rows, histograms.columns_left, basis.shape[-1])
        self.dim = math.prod(self.shape)

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """Crops uint8 ``(n, height, width, channels)`` to float ``(n, layers × cells × components)``."""
        components: torch.Tensor = (self.histograms(crops) - self.centre) @ self.basis
        return components.flatten(1)

    def parts(self) -> list[IntArray]:
        """Which features belong to each layer, each band of rows and each of columns; of the bands, the grey ones.

        A band overlaps half of the next. int64 each.
        """
        places = np.arange(self.dim).reshape(self.shape)
        grey = places[: len(self.histograms.radii)]
        rows = [grey[:, band] for band in bands(self.shape[1], _BANDS_OF_ROWS)]
        columns = [grey[:, :, band] for band in bands(self.shape[2], _BANDS_OF_COLUMNS)]
        return [part.ravel() for part in (*places, *rows, *columns)]


def fit_features(histograms: PatternHistograms, found: torch.Tensor, components: int) -> PatternFeatures:
    """The principal components of histograms; no label is used.

    Args:
        histograms: What made them.
        found: float ``(n, layers, cells, 59)``, of training crops.
        components: How many are kept.
    """
    single = found.transpose(0, 1).flatten(1, 2).double()
    centre = single.mean(dim=1, keepdim=True)
    _, directions = torch.linalg.eigh((single - centre).transpose(1, 2) @ (single - centre))
    basis = directions.flip(-1)[..., :components]
    return PatternFeatures(histograms, centre.float(), basis.float())


def bands(size: int, count: int) -> list[slice]:
    """So many bands of about equal width that each overlaps half of the next; fewer where ``size`` is too small."""
    edges = [round(size * i / (count + 1)) for i in range(count + 2)]
    found = dict.fromkeys((first, last) for first, last in zip(edges, edges[2:], strict=False) if first < last)
    return [slice(*band) for band in found]


def neighbours(radius: int) -> tuple[tuple[int, int], ...]:
    """Where the eight neighbours lie, as pixels down and to the right, in the order of the bits of a pattern."""
    slant = round(radius / 2**0.5)
    east, south = (0, radius), (radius, 0)
    half = (east, (slant, slant), south, (slant, -slant))
    return (*half, *((-down, -right) for down, right in half))


def uniform_bins() -> IntArray:
    """The bin of each of the 256 patterns, int64: those with at most two changes around the circle have their own."""
    codes = np.arange(_CODES)
    changes = np.bitwise_count((codes ^ ((codes << 1 | codes >> 7) & 0xFF)).astype(np.uint8))
    bins = np.full(_CODES, BINS - 1, np.int64)
    bins[changes <= 2] = np.arange(BINS - 1)
    return bins


def mirrored_bins() -> IntArray:
    """The bin of the patterns whose mirror images fall into each bin; int64 ``(59,)``."""
    places = neighbours(1)
    swapped = [places.index((down, -right)) for down, right in places]
    codes = np.arange(_CODES)
    mirrored = sum(((codes >> bit) & 1) << swapped[bit] for bit in range(_NEIGHBOURS))
    bins = uniform_bins()
    exchanged = np.empty(BINS, np.int64)
    exchanged[bins] = bins[mirrored]
    return exchanged

"""Photos that were read and embedded, ready to be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from twinlens.errors import ConfigError
from twinlens.faces.quality import shortcomings
from twinlens.serving.intake import Acquired, Photo
from twinlens.serving.verifier import Verifier
from twinlens.types import Float32Array


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """A photo that was read and embedded.

    Attributes:
        name: What it is called.
        source: The name of its file, if it came from one.
        acquired: What the model saw of it.
        framed: Whether that lies in LFW's frame.
        embedding: float32 ``(dim,)``, as the model made it.
    """

    name: str
    source: str
    acquired: Acquired
    framed: bool
    embedding: Float32Array

    @property
    def shortcomings(self) -> tuple[str, ...]:
        """What is wrong with it."""
        return () if self.acquired.quality is None else tuple(shortcomings(self.acquired.quality))


def read_shots(
    verifier: Verifier, photos: Sequence[Photo], names: Sequence[str] | None, face: int | None, aligned: bool
) -> tuple[Shot, ...]:
    """Read and embed photos, at least one.

    Args:
        verifier: The model.
        photos: Paths, encoded images or RGB pixels.
        names: What errors call them, one each; paths and numbers if not given.
        face: Which face of each, counted from 1.
        aligned: Whether they lie in LFW's frame already.

    Raises:
        ImageError: A photo cannot be read, or a face is missing or not clear.
        ConfigError: There are no photos, or not as many names.
    """
    if not photos:
        raise ConfigError("There are no photos.", "Give one or more.")
    called = [_name(photos, number) for number in range(len(photos))] if names is None else names
    if len(called) != len(photos):
        raise ConfigError(f"There are {len(photos)} photos and {len(called)} names.", "Give a name of each photo.")
    acquired = [
        verifier.acquire(photo, name=name, face=face, aligned=aligned)
        for photo, name in zip(photos, called, strict=True)
    ]
    embeddings = verifier.embed(np.stack([each.crop for each in acquired]))
    return tuple(
        Shot(
            name, Path(photo).name if isinstance(photo, str | Path) else "", one, verifier.intake.sees_faces, embedding
        )
        for photo, name, one, embedding in zip(photos, called, acquired, embeddings, strict=True)
    )


def _name(photos: Sequence[Photo], number: int) -> str:
    photo = photos[number]
    if isinstance(photo, str | Path):
        return str(photo)
    return "The photo" if len(photos) == 1 else f"Photo {number + 1}"

"""The space in which a gallery keeps embeddings: that of its model, under a secret rotation."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

from twinlens.bundle import Manifest
from twinlens.comparison import Comparison
from twinlens.serving.gallery.rotation import Kind, Rotation, draw_rotation, kind_for, rotated_comparison
from twinlens.serving.gallery.sealing import Secrets


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """One rotation with what compares embeddings under it.

    Attributes:
        kind: Of the rotation.
        rotation: Takes embeddings of the model there.
        comparison: Gives rotated embeddings the scores that they had before.
    """

    kind: Kind
    rotation: Rotation
    comparison: Comparison


class Spaces:
    """The space of whichever secrets are in force; the rotation is drawn once for each.

    Args:
        manifest: Of the model.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._lock = Lock()
        self._known: tuple[Secrets, Space] | None = None

    def of(self, secrets: Secrets) -> Space:
        """The space under ``secrets``."""
        with self._lock:
            if self._known is None or self._known[0] is not secrets:
                self._known = secrets, self._drawn(secrets)
            return self._known[1]

    def _drawn(self, secrets: Secrets) -> Space:
        comparison = self._manifest.comparison
        kind = kind_for(comparison)
        rotation = draw_rotation(kind, self._manifest.dim, secrets.rotation)
        return Space(kind, rotation, rotated_comparison(comparison, rotation))

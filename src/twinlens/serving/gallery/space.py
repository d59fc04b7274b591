"""The space in which a gallery keeps embeddings: that of its model, under a secret rotation."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

from twinlens.bundle import Manifest
from twinlens.comparison import Comparison
from twinlens.errors import GalleryError
from twinlens.serving.gallery.contract import Header
from twinlens.serving.gallery.opened import Opened
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

    def of(self, opened: Opened) -> Space:
        """The space of a gallery under the secrets in force.

        Raises:
            GalleryError: The gallery holds embeddings of another model.
        """
        refuse_other_model(opened.header, self._manifest)
        with self._lock:
            if self._known is None or self._known[0] is not opened.secrets:
                self._known = opened.secrets, self._drawn(opened.secrets)
            return self._known[1]

    def _drawn(self, secrets: Secrets) -> Space:
        comparison = self._manifest.comparison
        kind = kind_for(comparison)
        rotation = draw_rotation(kind, self._manifest.dim, secrets.rotation)
        return Space(kind, rotation, rotated_comparison(comparison, rotation))


def refuse_other_model(header: Header, manifest: Manifest) -> None:
    """Refuse a model whose embeddings cannot be compared with those of a gallery.

    Raises:
        GalleryError: It is not the one whose embeddings the gallery holds.
    """
    if header.fingerprint != manifest.fingerprint:
        raise GalleryError(
            f"The gallery holds templates of the model {header.model} (fingerprint {header.fingerprint[:16]}), and "
            f"this is {manifest.name} ({manifest.fingerprint[:16]}).",
            "Name its own model with --model, or move it to this one: twinlens gallery reenrol --model MODEL.",
        )

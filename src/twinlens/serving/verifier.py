"""Whether two photos show the same subject, by a bundle alone."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

import numpy as np

from twinlens.bundle import Bundle, Manifest
from twinlens.errors import BundleError
from twinlens.faces.quality import Quality, shortcomings
from twinlens.images import Limits
from twinlens.serving.decision import Decision, Verification, decide
from twinlens.serving.encoder import load_encoder
from twinlens.serving.intake import LIMITS, Acquired, Intake, Photo
from twinlens.serving.models import DEFAULT, find_model
from twinlens.types import Encoder, Float32Array, UInt8Array

# Crops that are embedded at once, so that memory stays bounded.
_BATCH = 64


class Verifier:
    """Decides on two photos; several threads may share it.

    Args:
        bundle: The model.
        encoder: Embeds its crops.
        limits: How large a photo may be.

    Attributes:
        bundle: The model.
        encoder: What embeds.
        intake: What reads photos.
    """

    def __init__(self, bundle: Bundle, encoder: Encoder, limits: Limits = LIMITS) -> None:
        self.bundle = bundle
        self.encoder = encoder
        self.intake = Intake(bundle.manifest, limits)

    @classmethod
    def load(cls, model: str | Path = DEFAULT, *, threads: int | None = None) -> Verifier:
        """The verifier of a model.

        Args:
            model: See :func:`~twinlens.serving.models.find_model`.
            threads: CPU threads; as many as the process may use if not given.

        Raises:
            BundleError: There is no such model, or it was changed or cannot be run.
        """
        bundle = find_model(model)
        return cls(bundle, load_encoder(bundle, threads))

    @property
    def manifest(self) -> Manifest:
        """What the model says of itself."""
        return self.bundle.manifest

    def acquire(self, photo: Photo, *, name: str = "", face: int | None = None, aligned: bool = False) -> Acquired:
        """What the model sees of a photo; see :class:`~twinlens.serving.intake.Intake`."""
        return self.intake(photo, name=name, face=face, aligned=aligned)

    def embed(self, crops: UInt8Array) -> Float32Array:
        """Embed crops, uint8 ``(n, *frame.shape)``, as float32 ``(n, dim)``.

        Raises:
            BundleError: The network makes something that is no finite number.
        """
        starts = range(0, max(1, len(crops)), _BATCH)
        embeddings = np.concatenate([self.encoder(crops[start : start + _BATCH]) for start in starts])
        if not np.isfinite(embeddings).all():
            raise BundleError(f"{self.manifest.name} makes embeddings that are not finite numbers.", "Train it again.")
        return embeddings

    def decide(self, score: float, *, fmr: float | None = None, prior: float = 0.5, templates: int = 1) -> Decision:
        """Decide on a score of embeddings; see :func:`~twinlens.serving.decision.decide`."""
        return decide(self.manifest, score, fmr=fmr, prior=prior, templates=templates)

    def verify(
        self,
        first: Photo,
        second: Photo,
        *,
        fmr: float | None = None,
        prior: float = 0.5,
        faces: tuple[int | None, int | None] = (None, None),
        aligned: bool = False,
    ) -> Verification:
        """Decide whether two photos show the same subject.

        Args:
            first: A path, an encoded image or RGB pixels.
            second: Another one.
            fmr: Decide at the threshold for this false match rate; at even odds if not given.
            prior: Probability of a match before looking, in (0, 1).
            faces: Which face of each photo, counted from 1, where there are several.
            aligned: Whether both photos lie in LFW's frame already.

        Raises:
            ImageError: A photo cannot be read, or a face is missing or not clear.
            ConfigError: The prior is no probability, the model cannot support the rate, or a face is chosen where
                none is looked for.
        """
        start = perf_counter()
        self.decide(0.0, fmr=fmr, prior=prior)  # mistakes are told before any work is done
        acquired = [
            self.acquire(photo, name=_name(photo, position), face=face, aligned=aligned)
            for photo, position, face in zip((first, second), ("first", "second"), faces, strict=True)
        ]
        embeddings = self.embed(np.stack([each.crop for each in acquired]))
        score = float(self.manifest.comparison.pairs(embeddings[:1], embeddings[1:])[0])
        decision = self.decide(score, fmr=fmr, prior=prior)
        return Verification(
            **dict(decision),
            qualities=(acquired[0].quality, acquired[1].quality),
            remarks=(_remarks(acquired[0].quality), _remarks(acquired[1].quality)),
            seconds=perf_counter() - start,
            model=self.manifest.name,
            fingerprint=self.manifest.fingerprint,
        )


def _name(photo: Photo, position: str) -> str:
    return str(photo) if isinstance(photo, str | Path) else f"The {position} photo"


def _remarks(quality: Quality | None) -> tuple[str, ...]:
    return () if quality is None else tuple(shortcomings(quality))

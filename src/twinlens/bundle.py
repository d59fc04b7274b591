"""The bundle: a folder with a model that can be used without knowing where it came from.

``model.onnx`` maps uint8 crops to float32 embeddings; ``manifest.json`` says how crops are made, how embeddings
are compared, what a score means and which people the model has seen; ``card.md`` says the same to a person, and
is no part of the fingerprint. This module needs neither torch nor ONNX Runtime.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from twinlens.comparison import Comparison
from twinlens.config import Frame
from twinlens.errors import BundleError
from twinlens.files import sha256_file, sha256_json, whole_folder, write_text
from twinlens.types import Calibration, ImpostorTail, OperatingPoint

MODEL = "model.onnx"
MANIFEST = "manifest.json"
CARD = "card.md"
# Of what is written today.
FORMAT: Literal[3] = 3
# What the input and the output of every model are called.
CROPS, EMBEDDINGS = "crops", "embeddings"


class Training(BaseModel):
    """How the model was made and what it has seen.

    Attributes:
        recipe: Name of the recipe; of a network from elsewhere, what it was called there.
        dataset: Namespace of the subjects.
        protocol: What it was trained under, e.g. ``lfw-view1``.
        setting: What the training was told; ``imported`` if it took place elsewhere.
        outside_data: Data from elsewhere that went into the model.
        leaks: Whether training and validation shared people, so that calibration and thresholds are too good.
        synthetic: Whether it learned from procedural portraits.
        seed: Of the run.
        commit: Of the source.
        seen: Digests of the subjects that it was trained, calibrated or selected on; names stay out.
        chosen_on: Digests of those among ``seen`` that no weight was learned from: the epoch, the calibration and the
            thresholds rest on them. Not known of bundles from before it was written down.
        calibrated: Of a network from elsewhere, digests of the subjects that only its calibration and thresholds
            rest on, so that a protocol with thresholds of its own may show them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    recipe: str
    dataset: str
    protocol: str
    setting: Literal["pairs-only", "identities", "imported"]
    outside_data: Literal["none", "label-free", "labelled"]
    leaks: bool
    synthetic: bool
    seed: int
    commit: str
    seen: tuple[str, ...]
    chosen_on: Annotated[tuple[str, ...], Field(exclude_if=lambda digests: not digests)] = ()
    calibrated: Annotated[tuple[str, ...], Field(exclude_if=lambda digests: not digests)] = ()

    @property
    def learned(self) -> frozenset[str]:
        """Digests of the subjects that weights were learned from."""
        return frozenset(self.seen) - frozenset(self.chosen_on)


class Manifest(BaseModel):
    """What ``manifest.json`` holds.

    Attributes:
        format: Version of this form; 2 knows networks from elsewhere, and frames that align faces; 3 knows how sure
            the calibration is, more thresholds, and what lies beyond them.
        name: Of the model.
        frame: How a photo becomes a crop.
        dim: Dimension of an embedding.
        comparison: How two embeddings are compared.
        threshold: Match iff score ≥ this, unless a false match rate is asked for; fixed on validation data.
        calibration: From scores to log-likelihood ratios.
        operating_points: Thresholds by false match rate.
        tail: What is known of rarer false matches than those; none where there was too little to know it from.
        training: How the model was made.
        model_sha256: Of ``model.onnx``.
        fingerprint: SHA-256 of everything above; templates of different fingerprints cannot be compared.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    format: Literal[1, 2, 3] = FORMAT
    name: str
    frame: Frame
    dim: int
    comparison: Comparison
    threshold: float
    calibration: Calibration
    operating_points: tuple[OperatingPoint, ...]
    tail: ImpostorTail | None = None
    training: Training
    model_sha256: str = ""
    fingerprint: str = ""

    def computed_fingerprint(self) -> str:
        """SHA-256 of the manifest's meaning, which includes the model's digest."""
        # What is not known is left out, so that fingerprints from before it could be known hold.
        return sha256_json(self.model_dump(mode="json", exclude={"fingerprint"}, exclude_none=True))


class Bundle(BaseModel):
    """A bundle that has been read and verified.

    Attributes:
        folder: Where it lies.
        manifest: What it says of itself.
    """

    model_config = ConfigDict(frozen=True)
    folder: Path
    manifest: Manifest

    @property
    def model(self) -> Path:
        """The ONNX file."""
        return self.folder / MODEL


def write_bundle(folder: Path, model: bytes, manifest: Manifest, card: str | None = None) -> Bundle:
    """Write a bundle, whole or not at all; one that lies there already is replaced.

    Args:
        folder: Where.
        model: The ONNX file's content.
        manifest: Its ``model_sha256`` and ``fingerprint`` are computed here.
        card: The model card, unless it comes later.
    """
    described = manifest.model_copy(update={"model_sha256": hashlib.sha256(model).hexdigest()})
    sealed = described.model_copy(update={"fingerprint": described.computed_fingerprint()})
    with whole_folder(folder, replace=True) as temporary:
        (temporary / MODEL).write_bytes(model)
        write_text(temporary / MANIFEST, sealed.model_dump_json(indent=1, exclude_none=True) + "\n")
        if card is not None:
            write_text(temporary / CARD, card)
    return Bundle(folder=folder, manifest=sealed)


def refuse_other_folder(out: Path) -> None:
    """Refuse to write a bundle over anything but a bundle.

    Raises:
        BundleError: ``out`` is a file, or a folder that holds something else.
    """
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / MANIFEST).is_file())):
        raise BundleError(f"{out} is neither a bundle nor an empty folder.", "Choose another folder with -o.")


def read_bundle(folder: str | Path) -> Bundle:
    """Read a bundle and verify that neither its model nor its manifest was changed since it was written.

    Raises:
        BundleError: It is missing, of a newer format, foreign or tampered with.
    """
    folder = Path(folder)
    path = folder / MANIFEST
    remedy = "Give the folder of a bundle, e.g. RUN/bundle."
    if not path.is_file() or not (folder / MODEL).is_file():
        raise BundleError(f"{folder} is no bundle: {MANIFEST} or {MODEL} is missing.", remedy)
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
        fingerprint = manifest.computed_fingerprint()
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "content"
        raise BundleError(f"{path}: {place}: {first['msg']}.", "This version reads formats 1 to 3.") from error
    except ValueError as error:
        raise BundleError(f"{path} holds a number that is not finite.", "Export the model again.") from error
    if manifest.fingerprint != fingerprint:
        raise BundleError(f"{path} was changed after it was written.", "Export the model again.")
    if manifest.model_sha256 != sha256_file(folder / MODEL):
        raise BundleError(f"{folder / MODEL} is not the model its manifest describes.", "Export it again.")
    return Bundle(folder=folder, manifest=manifest)

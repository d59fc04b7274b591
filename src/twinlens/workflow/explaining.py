"""What drove the decision on two photos."""

from __future__ import annotations

from pathlib import Path

from twinlens.bundle import MANIFEST, Bundle, read_bundle
from twinlens.config import Frame
from twinlens.errors import ConfigError
from twinlens.explaining.decision import ExplainedDecision, describe_decision
from twinlens.explaining.face_region import Regions, face_regions, ninths
from twinlens.explaining.occlusion import ENCODINGS, explain_pair
from twinlens.explaining.overlay import enlarged
from twinlens.faces.finder import FaceFinder
from twinlens.faces.reading import align_face
from twinlens.files import whole_file
from twinlens.images import read_crop, read_image, to_crop
from twinlens.reporting.picture import PHOTO, draw_decision
from twinlens.runs import Run
from twinlens.serving.encoder import load_encoder
from twinlens.types import UInt8Array
from twinlens.workflow.result import bundle_judge


def explain(
    first: str | Path, second: str | Path, *, model: str | Path, out: str | Path | None = None, prior: float = 0.5
) -> ExplainedDecision:
    """Decide whether two photos show the same subject, and say what drove that.

    Args:
        first: A photo, framed as those are that the model learned from.
        second: Another one.
        model: A run's folder or a bundle's.
        out: A PNG to draw both photos and the explanation in.
        prior: Probability of a match before looking, in (0, 1).

    Raises:
        ConfigError: The prior is no probability, or ``out`` is no PNG.
        BundleError: There is no model, or it was changed.
        ImageError: A photo cannot be read, or shows no face where the model has faces aligned.
    """
    if not 0 < prior < 1:
        raise ConfigError(f"The prior {prior:g} is no probability.", "Give a number between 0 and 1.")
    if out is not None and Path(out).suffix.lower() != ".png":
        raise ConfigError(f"{out} is no PNG file.", "Give a name that ends in .png.")
    bundle = _find_bundle(Path(model))
    frame, comparison = bundle.manifest.frame, bundle.manifest.comparison
    finder = FaceFinder() if frame.align else None
    (crop, picture), (other_crop, other_picture) = (_read(Path(path), frame, finder) for path in (first, second))
    saliency = explain_pair(load_encoder(bundle), comparison, crop, other_crop, "Covering spots")
    regions = face_or_ninths(frame, framed=bundle.manifest.training.dataset == "lfw")
    names = (str(first), str(second))
    decision = describe_decision(saliency, bundle_judge(bundle), regions, names, prior, ENCODINGS)
    if out is not None:
        with whole_file(Path(out)) as temporary:
            draw_decision(decision, picture, other_picture).save(temporary, "PNG")
    return decision


def face_or_ninths(frame: Frame, *, framed: bool) -> Regions:
    """The parts of a crop: those of a face where photos are aligned or lie in LFW's frame anyway, else ninths."""
    return face_regions(frame) if frame.align or framed else ninths(frame)


def _find_bundle(folder: Path) -> Bundle:
    return read_bundle(folder if (folder / MANIFEST).is_file() else Run(folder).bundle)


def _read(path: Path, frame: Frame, finder: FaceFinder | None) -> tuple[UInt8Array, UInt8Array]:
    """A photo's crop, and the same in colour and large enough to be looked at."""
    photo = read_image(path) if finder is None else align_face(read_image(path), str(path), finder).pixels
    crop = read_crop(path, frame) if finder is None else to_crop(photo, frame)
    return crop, to_crop(photo, enlarged(frame, (photo.shape[0], photo.shape[1]), PHOTO))

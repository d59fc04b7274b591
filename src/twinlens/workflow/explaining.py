"""What drove the decision on two photos."""

from __future__ import annotations

from pathlib import Path

from twinlens.config import Frame
from twinlens.errors import ConfigError
from twinlens.evaluation.judge import Judge
from twinlens.explaining.decision import ExplainedDecision, describe_decision
from twinlens.explaining.face_region import Regions, face_regions, ninths
from twinlens.explaining.occlusion import ENCODINGS, explain_pair
from twinlens.explaining.overlay import enlarged
from twinlens.files import whole_file
from twinlens.images import to_crop
from twinlens.reporting.picture import PHOTO, draw_decision
from twinlens.serving.intake import Acquired
from twinlens.serving.models import DEFAULT
from twinlens.serving.verifier import Verifier
from twinlens.types import UInt8Array


def explain(
    first: str | Path,
    second: str | Path,
    *,
    model: str | Path | Verifier = DEFAULT,
    out: str | Path | None = None,
    fmr: float | None = None,
    prior: float = 0.5,
    faces: tuple[int | None, int | None] = (None, None),
    aligned: bool = False,
) -> ExplainedDecision:
    """Decide whether two photos show the same subject, and say what drove that.

    Args:
        first: A photo.
        second: Another one.
        model: Name of a model that comes with twinlens, the folder of a run or of a bundle, or what decides already.
        out: A PNG to draw both photos and the explanation in.
        fmr: Decide at the threshold for this false match rate; at even odds if not given.
        prior: Probability of a match before looking, in (0, 1).
        faces: Which face of each photo, counted from 1, where there are several.
        aligned: Whether both photos lie in LFW's frame already, so that no face is looked for.

    Raises:
        ConfigError: The prior is no probability, the model cannot support the rate, or ``out`` is no PNG.
        BundleError: There is no model, or it was changed.
        ImageError: A photo cannot be read, or shows no face where the model sees faces.
    """
    refuse_other_pictures(out)
    verifier = model if isinstance(model, Verifier) else Verifier.load(model)
    manifest = verifier.manifest
    threshold = verifier.decide(0.0, fmr=fmr, prior=prior).threshold
    one, other = (
        verifier.acquire(photo, name=str(photo), face=face, aligned=aligned)
        for photo, face in zip((first, second), faces, strict=True)
    )
    saliency = explain_pair(verifier.encoder, manifest.comparison, one.crop, other.crop, "Covering spots")
    judge = Judge(manifest.comparison, manifest.calibration, threshold)
    regions = face_or_ninths(manifest.frame, framed=manifest.training.dataset == "lfw")
    decision = describe_decision(saliency, judge, regions, (str(first), str(second)), prior, ENCODINGS)
    if out is not None:
        with whole_file(Path(out)) as temporary:
            draw_decision(decision, *(_picture(each, manifest.frame) for each in (one, other))).save(temporary, "PNG")
    return decision


def refuse_other_pictures(out: str | Path | None) -> None:
    """Refuse to draw in anything but a PNG.

    Raises:
        ConfigError: The file is called something else.
    """
    if out is not None and Path(out).suffix.lower() != ".png":
        raise ConfigError(f"{out} is no PNG file.", "Give a name that ends in .png.")


def face_or_ninths(frame: Frame, *, framed: bool) -> Regions:
    """The parts of a crop: those of a face where photos are aligned or lie in LFW's frame anyway, else ninths."""
    return face_regions(frame) if frame.align or framed else ninths(frame)


def _picture(acquired: Acquired, frame: Frame) -> UInt8Array:
    """What the model sees, in colour and large enough to be looked at."""
    height, width = acquired.pixels.shape[:2]
    return to_crop(acquired.pixels, enlarged(frame, (height, width), PHOTO))

"""What the service is asked and what it answers, beyond the values of verifier and gallery."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import File, Form, Path, UploadFile
from pydantic import AwareDatetime, BaseModel, ConfigDict
from pydantic.json_schema import SkipJsonSchema

from twinlens.bundle import Manifest
from twinlens.serving.gallery.values import SubjectSummary, TemplateSummary

_KNOWN = "JPEG, PNG, WebP, BMP, TIFF, GIF or PPM; what it is called and said to be does not matter"
_NUMBER = "Which of several faces, counted from 1 in the order of their size; needed where none is clearly the largest."

PhotoFile = Annotated[UploadFile, File(description=f"A photo: {_KNOWN}.")]
PhotoFiles = Annotated[list[UploadFile], File(description=f"Photos of the subject: {_KNOWN}.", min_length=1)]
SubjectId = Annotated[
    str,
    Path(
        min_length=1,
        max_length=128,
        pattern=r"^[^\s/\\.\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]*$",
        description="Who. It stands in addresses, which proxies and browsers keep: take a number rather than a name.",
        examples=["4711"],
    ),
]
FaceNumber = Annotated[int | SkipJsonSchema[None], Form(ge=1, le=1000, description=_NUMBER)]
IsAligned = Annotated[bool, Form(description="The photo lies in LFW's frame already, so no face is looked for.")]
MatchRate = Annotated[
    float | SkipJsonSchema[None],
    Form(gt=0, lt=1, description="Decide at the threshold for this false match rate; at even odds if not given."),
]
Prior = Annotated[float, Form(gt=0, lt=1, description="Probability of a match before looking.")]
IdentificationRate = Annotated[
    float, Form(gt=0, lt=1, description="Chance that somebody who is not enrolled is named all the same, at most.")
]
Most = Annotated[int, Form(ge=1, le=100, description="How many candidates to list.")]
Note = Annotated[str, Form(max_length=1000)]
Until = Annotated[
    AwareDatetime | SkipJsonSchema[None], Form(description="When the templates have to go, with a time zone.")
]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class Health(_Answer):
    """Whether the service lives, or is ready for requests.

    Attributes:
        status: That it is.
    """

    status: Literal["alive", "ready"]


class SubjectPage(_Answer):
    """Some of the subjects, sorted by name.

    Attributes:
        subjects: Each with the number of its templates.
        after: Ask with this for those that come next; none if these were the last.
    """

    subjects: tuple[SubjectSummary, ...]
    after: str | None


class Subject(_Answer):
    """A subject and its templates, without what they recognise by.

    Attributes:
        subject_id: Who.
        templates: In the order they were enrolled.
    """

    subject_id: str
    templates: tuple[TemplateSummary, ...]


class Removal(_Answer):
    """A subject that was removed.

    Attributes:
        subject_id: Who.
        templates: How many templates went.
    """

    subject_id: str
    templates: int


class Threshold(_Answer):
    """The threshold for a false match rate.

    Attributes:
        fmr: The rate.
        threshold: Match iff score ≥ this.
        low: Lower end of its interval.
        high: Upper end.
        impostor_pairs: What it rests on.
        supported: Whether that is enough; the service decides at no other rate.
    """

    fmr: float
    threshold: float
    low: float
    high: float
    impostor_pairs: int
    supported: bool


class Model(_Answer):
    """A model that decides.

    Attributes:
        name: Of the model.
        fingerprint: Of its bundle; templates of another one cannot be compared.
        dim: Dimension of an embedding.
        comparison: How two embeddings are compared.
        sees_faces: Whether a face is looked for in each photo.
        threshold: At which it decides if no rate is asked for.
        thresholds: For false match rates.
        protocol: What it was trained under.
        setting: What its training was told.
        outside_data: What else went into it.
        leaks: Whether its training and validation shared people, so that rates are better than they will be.
        synthetic: Whether it learned from drawn portraits, so that it knows no real face.
    """

    name: str
    fingerprint: str
    dim: int
    comparison: str
    sees_faces: bool
    threshold: float
    thresholds: tuple[Threshold, ...]
    protocol: str
    setting: str
    outside_data: str
    leaks: bool
    synthetic: bool

    @classmethod
    def of(cls, manifest: Manifest, *, sees_faces: bool) -> Model:
        """What a manifest says, as far as callers need it."""
        training = manifest.training
        return cls(
            name=manifest.name,
            fingerprint=manifest.fingerprint,
            dim=manifest.dim,
            comparison=manifest.comparison.kind,
            sees_faces=sees_faces,
            threshold=manifest.threshold,
            thresholds=tuple(
                Threshold(
                    fmr=point.fmr,
                    threshold=point.threshold.value,
                    low=point.threshold.low,
                    high=point.threshold.high,
                    impostor_pairs=point.impostor_pairs,
                    supported=point.supported,
                )
                for point in manifest.operating_points
            ),
            protocol=training.protocol,
            setting=training.setting,
            outside_data=training.outside_data,
            leaks=training.leaks,
            synthetic=training.synthetic,
        )


class Models(_Answer):
    """The models that decide; of one service, one.

    Attributes:
        models: Them.
    """

    models: tuple[Model, ...]

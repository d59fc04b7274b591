"""What the service answers, beyond the values of verifier and gallery. Those who ask need it, and no server."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from twinlens.bundle import Manifest
from twinlens.serving.gallery.values import SubjectSummary, TemplateSummary

# A subject's name stands in an address, so it holds nothing that divides one.
SUBJECT_ID = r"^[^\s/\\.\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]*$"


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

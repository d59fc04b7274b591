"""One template with all that is known of it, and the sealed record that a store keeps of it."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from pydantic import BaseModel, ConfigDict

from twinlens.errors import GalleryError
from twinlens.faces.quality import Quality
from twinlens.serving.gallery.contract import Record
from twinlens.serving.gallery.rotation import Kind, direction
from twinlens.serving.gallery.sealing import Seal
from twinlens.types import Float32Array

_FORM = 1
# Form, length of the details, dimension of the embedding; then these two, and the photo if there is one.
_HEAD = struct.Struct(">BII")


class Details(BaseModel):
    """What is sealed together with an embedding.

    Attributes:
        fingerprint: Of the model that made the embedding.
        rotation: What the embedding was changed by.
        quality: Of the face; none where no face was looked for.
        source: Where the photo is from.
        consent: What the subject has agreed to, and when.
        framed: Whether the photo, if it was kept, lies in LFW's frame.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    fingerprint: str
    rotation: Kind
    quality: Quality | None
    source: str
    consent: str
    framed: bool


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """A template, opened.

    Attributes:
        template_id: 32 hex digits.
        subject_id: Whose it is.
        embedding: float32 ``(dim,)``, under the gallery's rotation.
        details: What else is known of it.
        photo: A PNG, if the photo was kept.
        enrolled_at: When, in UTC.
        expires_at: When it has to go, in UTC; never if ``None``.
    """

    template_id: str
    subject_id: str
    embedding: Float32Array
    details: Details
    photo: bytes | None
    enrolled_at: datetime
    expires_at: datetime | None

    @property
    def direction(self) -> Float32Array:
        """What lies in the open where a store searches, float32 ``(dim,)``."""
        (one,) = direction(self.embedding[None], self.details.rotation)
        return np.asarray(one, np.float32)

    def is_expired(self, now: datetime) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= now


def pack(template: Template) -> bytes:
    """Embedding, details and photo as bytes; the rest of a template is beside them."""
    details = template.details.model_dump_json().encode()
    head = _HEAD.pack(_FORM, len(details), len(template.embedding))
    return head + details + template.embedding.astype("<f4").tobytes() + (template.photo or b"")


def unpack(content: bytes) -> tuple[Float32Array, Details, bytes | None]:
    """What :func:`pack` packed."""
    details, start, end = _parts(content)
    embedding = np.frombuffer(content[start:end], "<f4").astype(np.float32)
    return embedding, Details.model_validate_json(content[details:start]), content[end:] or None


def seal_template(template: Template, seal: Seal) -> Record:
    """The record of a template."""
    record = Record(
        template_id=template.template_id,
        subject_id=template.subject_id,
        vector=template.direction,
        sealed=b"",
        enrolled_at=template.enrolled_at,
        expires_at=template.expires_at,
    )
    return _with_sealed(record, seal.close(pack(template), _bound(record)))


def open_template(record: Record, seal: Seal) -> Template:
    """The template that was sealed.

    Raises:
        GalleryError: Anything in the record was changed, or it was sealed under another key.
    """
    embedding, details, photo = unpack(_opened(record, seal))
    return Template(
        template_id=record.template_id,
        subject_id=record.subject_id,
        embedding=embedding,
        details=details,
        photo=photo,
        enrolled_at=record.enrolled_at,
        expires_at=record.expires_at,
    )


def open_embedding(record: Record, seal: Seal) -> Float32Array:
    """The embedding of a sealed template alone, float32 ``(dim,)``; for those who open very many.

    Raises:
        GalleryError: As :func:`open_template`.
    """
    content = _opened(record, seal)
    _, start, end = _parts(content)
    return np.frombuffer(content, "<f4", (end - start) // 4, start)


def _opened(record: Record, seal: Seal) -> bytes:
    content = seal.open(record.sealed, _bound(record), f"Template {record.template_id} of {record.subject_id}")
    if content[0] != _FORM:
        raise GalleryError(
            f"Template {record.template_id} has form {content[0]}, and this version knows form {_FORM}.",
            "Use a newer version of twinlens.",
        )
    return content


def _parts(content: bytes) -> tuple[int, int, int]:
    """Where details, embedding and photo begin."""
    _, length, dim = _HEAD.unpack_from(content)
    return _HEAD.size, _HEAD.size + length, _HEAD.size + length + 4 * dim


def _bound(record: Record) -> bytes:
    """All that a record shows, which cannot be changed without the seal breaking."""
    times = [None if at is None else _moment(at) for at in (record.enrolled_at, record.expires_at)]
    return json.dumps([record.template_id, record.subject_id, *times]).encode()


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _with_sealed(record: Record, sealed: bytes) -> Record:
    return Record(record.template_id, record.subject_id, record.vector, sealed, record.enrolled_at, record.expires_at)

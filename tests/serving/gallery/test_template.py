from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinlens.errors import GalleryError
from twinlens.faces.quality import Quality
from twinlens.serving.gallery.contract import Record
from twinlens.serving.gallery.sealing import Seal
from twinlens.serving.gallery.template import Details, Template, open_embedding, open_template, seal_template

SEAL = Seal(bytes(32))
QUALITY = Quality(eye_distance=40.0, sharpness=0.2, brightness=0.4, contrast=0.2, turn=-0.1, nod=0.7)
TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
TEMPLATES = st.builds(
    Template,
    template_id=st.just("0f" * 16),
    subject_id=st.text(min_size=1, max_size=20),
    embedding=st.lists(st.floats(-1e9, 1e9, width=32), min_size=1, max_size=40).map(lambda x: np.array(x, np.float32)),
    details=st.builds(
        Details,
        fingerprint=st.just("ab" * 32),
        rotation=st.sampled_from(["orthogonal", "signed-permutation"]),
        quality=st.sampled_from([None, QUALITY]),
        source=st.text(max_size=20),
        consent=st.text(max_size=20),
        framed=st.booleans(),
    ),
    photo=st.none() | st.binary(min_size=1, max_size=100),
    enrolled_at=TIMES,
    expires_at=st.none() | TIMES,
)


@given(template=TEMPLATES)
def test_what_was_sealed_comes_back(template: Template) -> None:
    record = seal_template(template, SEAL)
    opened = open_template(record, SEAL)
    np.testing.assert_array_equal(opened.embedding, template.embedding)
    np.testing.assert_array_equal(open_embedding(record, SEAL), template.embedding)
    assert opened.embedding.dtype == np.float32
    for name in ("template_id", "subject_id", "details", "photo", "enrolled_at", "expires_at"):
        assert getattr(opened, name) == getattr(template, name)


def some_record() -> Record:
    details = Details(
        fingerprint="ab" * 32, rotation="orthogonal", quality=QUALITY, source="door", consent="yes", framed=True
    )
    now = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
    embedding = np.arange(8, dtype=np.float32)
    return seal_template(Template("0f" * 16, "ann", embedding, details, b"png", now, now + timedelta(days=1)), SEAL)


def test_every_byte_of_what_is_sealed_counts() -> None:
    record = some_record()
    for position in range(len(record.sealed)):
        sealed = bytearray(record.sealed)
        sealed[position] ^= 0x80
        with pytest.raises(GalleryError, match=f"Template {record.template_id} of ann was changed"):
            open_template(replace(record, sealed=bytes(sealed)), SEAL)


@pytest.mark.parametrize(
    "change",
    [
        {"template_id": "0e" * 16},
        {"subject_id": "bo"},
        {"enrolled_at": datetime(2026, 1, 2, 3, 4, 5, 679, tzinfo=UTC)},
        {"expires_at": None},
        {"expires_at": datetime(2030, 1, 1, tzinfo=UTC)},
    ],
    ids=str,
)
def test_whatever_a_record_shows_counts(change: dict[str, object]) -> None:
    for open_it in (open_template, open_embedding):
        with pytest.raises(GalleryError, match="was changed from outside"):
            open_it(replace(some_record(), **change), SEAL)  # type: ignore[arg-type]


def test_another_time_zone_is_the_same_time() -> None:
    record = some_record()
    elsewhere = replace(record, enrolled_at=record.enrolled_at.astimezone(timezone(timedelta(hours=5))))
    assert open_template(elsewhere, SEAL).subject_id == "ann"


def test_a_vector_in_the_open_is_not_believed() -> None:
    record = replace(some_record(), vector=np.ones(8, np.float32))
    np.testing.assert_array_equal(open_template(record, SEAL).embedding, np.arange(8))


def test_nothing_of_a_face_can_be_read_without_the_key() -> None:
    record = some_record()
    for secret in (b"door", b"yes", b"png", b"orthogonal", np.arange(8, dtype=np.float32).tobytes()):
        assert secret not in record.sealed


def test_a_newer_form_is_refused() -> None:
    record = some_record()
    bound = b'["%s", "ann", "2026-01-02T03:04:05.000678+00:00", "2026-01-03T03:04:05.000678+00:00"]' % (b"0f" * 16)
    content = SEAL.open(record.sealed, bound, "It")
    newer = SEAL.close(b"\x02" + content[1:], bound)
    with pytest.raises(GalleryError, match="has form 2, and this version knows form 1"):
        open_template(replace(record, sealed=newer), SEAL)


def test_time_is_over_at_the_moment_of_expiry() -> None:
    template = open_template(some_record(), SEAL)
    assert template.expires_at is not None
    assert template.is_expired(template.expires_at)
    assert not template.is_expired(template.expires_at - timedelta(microseconds=1))
    assert not replace(template, expires_at=None).is_expired(datetime.max.replace(tzinfo=UTC))

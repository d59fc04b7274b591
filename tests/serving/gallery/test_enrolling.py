"""What is enrolled, and what is refused."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.serving.gallery.made import Place
from tests.serving.gallery.people import KEY, enrol_some, photo
from twinlens.errors import ConfigError, DuplicateError, FaceError
from twinlens.faces.quality import Quality
from twinlens.serving.gallery.gallery import Gallery
from twinlens.serving.gallery.values import AuditCheck
from twinlens.serving.intake import Acquired, Photo
from twinlens.serving.verifier import Verifier


def test_somebody_who_is_enrolled_already_is_not_enrolled_under_another_name(gallery: Gallery) -> None:
    enrol_some(gallery)
    with pytest.raises(DuplicateError, match="Photo 2 would be identified as person 3, who is enrolled already"):
        gallery.enrol("somebody else", [photo(50), photo(3, 1)])
    assert "somebody else" not in [summary.subject_id for summary in gallery.subjects()]  # all or nothing
    enrolled = gallery.enrol("somebody else", [photo(50), photo(3, 1)], allow_duplicate=True)
    assert [candidate.subject_id for candidate in enrolled.duplicates] == ["person 3"]
    assert any("would be identified as person 3" in remark for remark in enrolled.remarks)
    assert enrolled.templates_in_all == 2


def test_a_look_for_duplicates_that_finds_one_is_in_the_log(gallery: Gallery) -> None:
    """It names people as identification does."""
    enrol_some(gallery)
    before = gallery.audit().entries
    with pytest.raises(DuplicateError, match="with allow_duplicate"):
        gallery.acting("cy").enrol("somebody else", [photo(3, 1)])
    gallery.enrol("somebody else", [photo(50), photo(3, 1)], allow_duplicate=True)
    refused, allowed, enrolled = gallery.audit(since=before).lines
    for line, actor, is_allowed in ((refused, "cy", False), (allowed, "ann", True)):
        assert (line.actor, line.action, line.subject_id) == (actor, "duplicate", "person 3")
        assert line.detail == {"allowed": is_allowed, "fpir": 0.01, "subjects": 8}
    assert enrolled.action == "enrol"
    assert gallery.audit(verify=True).check == AuditCheck(intact=True, broken=None, reason="", missing=(), unknown=())


def test_duplicates_need_not_be_named(gallery: Gallery) -> None:
    enrol_some(gallery)
    sentence = "The photo would be identified as somebody who is enrolled already."
    with pytest.raises(DuplicateError) as caught:
        gallery.enrol("somebody else", [photo(3, 1)], name_duplicates=False)
    assert caught.value.message == sentence
    enrolled = gallery.enrol("somebody else", [photo(3, 1)], name_duplicates=False, allow_duplicate=True)
    assert (enrolled.remarks, enrolled.duplicates) == ((sentence,), ())


def test_more_photos_of_the_same_subject_are_no_duplicates(gallery: Gallery) -> None:
    enrol_some(gallery)
    enrolled = gallery.enrol("person 3", [photo(3, 1)])
    assert (enrolled.templates_in_all, enrolled.duplicates, enrolled.remarks) == (2, (), ())


def test_a_photo_that_is_enrolled_already_is_not_enrolled_again(gallery: Gallery) -> None:
    first = gallery.enrol("ann", [photo(1)])
    again = gallery.enrol("ann", [photo(1), photo(1, 1), photo(1, 1)], names=["same.png", "new.png", "twice.png"])
    assert len(first.templates) == len(again.templates) == 1
    assert again.templates_in_all == len(gallery.templates("ann")) == 2
    assert again.remarks == (
        "same.png is enrolled as ann already: nothing was added for it.",
        "twice.png is enrolled as ann already: nothing was added for it.",
    )


def test_a_photo_that_does_not_look_like_the_others_is_remarked_on(gallery: Gallery) -> None:
    gallery.enrol("ann", [photo(1)])
    enrolled = gallery.enrol("ann", [photo(2)], names=["odd.png"])
    assert len(enrolled.templates) == 1
    assert "odd.png does not look like the other photos of ann" in enrolled.remarks[0]


class Blurred(Verifier):
    """Sees a face in each photo, and that it is not sharp."""

    def acquire(self, photo: Photo, *, name: str = "", face: int | None = None, aligned: bool = False) -> Acquired:
        quality = Quality(eye_distance=60, sharpness=0.01, brightness=0.5, contrast=0.2, turn=0, nod=0.7)
        return replace(super().acquire(photo, name=name, face=face, aligned=aligned), quality=quality)


def test_a_poor_photo_is_not_enrolled_unless_that_is_allowed(place: Place, verifier: Verifier) -> None:
    blurred = Blurred(verifier.bundle, verifier.encoder)
    with Gallery.open(place.address, blurred, key=KEY, create=True) as gallery:
        with pytest.raises(FaceError, match=r"ann\.png is not good enough to be enrolled: the face is blurred"):
            gallery.enrol("ann", [photo(1)], names=["ann.png"])
        assert gallery.stats().templates == 0
        enrolled = gallery.enrol("ann", [photo(1)], names=["ann.png"], allow_poor=True)
        assert "ann.png: the face is blurred" in enrolled.remarks[0]
        assert gallery.templates("ann")[0].quality == enrolled.templates[0].quality
        assert enrolled.templates[0].quality is not None
        found = gallery.identify(photo(1, 5))  # a probe may be poor, and it is said
        assert found.subject_id == "ann"
        assert "the face is blurred" in found.remarks[0]
        verified = gallery.verify("ann", photo(1, 5))
        assert verified.qualities[0] == verified.qualities[1] == enrolled.templates[0].quality
        assert all("the face is blurred" in remarks[0] for remarks in verified.remarks)


def test_what_was_said_at_enrolment_is_kept(gallery: Gallery, tmp_path: Path) -> None:
    ends = datetime(2090, 1, 1, tzinfo=UTC)
    path = tmp_path / "ann.png"
    from PIL import Image

    Image.fromarray(photo(1)).save(path)
    enrolled = gallery.enrol("ann", [path], consent="signed 2026-01-01", expires_at=ends)
    (template,) = gallery.templates("ann")
    assert template == enrolled.templates[0]
    assert (template.consent, template.source, template.expires_at) == ("signed 2026-01-01", "ann.png", ends)
    assert not template.photo_kept
    gallery.enrol("bo", [photo(2)], source="front desk", keep_photos=True)
    assert gallery.templates("bo")[0].source == "front desk"
    assert gallery.templates("bo")[0].photo_kept


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, "2020-01-01 00:00 is over"),
        ({"expires_at": datetime(2090, 1, 1)}, "has no time zone"),
        ({"consent": "x" * 1001}, "The consent note has 1001 characters"),
        ({"source": "x" * 1001}, "The source has 1001 characters"),
        ({"names": []}, "There are 1 photos and 0 names"),
    ],
    ids=str,
)
def test_terms_that_make_no_sense_are_refused(gallery: Gallery, terms: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        gallery.enrol("ann", [photo(1)], **terms)
    with pytest.raises(ConfigError, match="There are no photos"):
        gallery.enrol("ann", [])


@pytest.mark.parametrize("name", ["", " ann", "ann ", "a\nb", "a\0b", "\ud800", "x" * 129, "\u202eann", "\t"])
def test_names_that_are_none_are_refused(gallery: Gallery, name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be the name of a subject"):
        gallery.enrol(name, [photo(1)])


def test_names_that_look_the_same_are_the_same(gallery: Gallery) -> None:
    gallery.enrol("Jürgen", [photo(1)])
    gallery.enrol("Ju\u0308rgen", [photo(1, 1)])
    assert [(one.subject_id, one.templates) for one in gallery.subjects()] == [("Jürgen", 2)]
    assert gallery.verify("Ju\u0308rgen", photo(1, 2)).is_match


def test_a_model_that_cannot_tell_duplicates_says_so(place: Place, verifier: Verifier) -> None:
    """One whose calibration has seen too few impostor pairs for any search."""
    poor = verifier.manifest.model_copy(update={"operating_points": verifier.manifest.operating_points[:1]})
    unsure = Verifier(verifier.bundle.model_copy(update={"manifest": poor}), verifier.encoder)
    with Gallery.open(place.address, unsure, key=KEY, create=True) as gallery:
        with pytest.raises(ConfigError, match=r"cannot keep false identifications .* with allow_duplicate"):
            gallery.enrol("ann", [photo(1)])
        enrolled = gallery.enrol("ann", [photo(1)], allow_duplicate=True)
        assert "Nobody has looked whether somebody else looks like this" in enrolled.remarks[0]
        assert gallery.verify("ann", photo(1, 1)).is_match

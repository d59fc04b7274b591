"""Keys, models, removal and expiry of a whole gallery."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.serving.gallery.made import Place
from tests.serving.gallery.people import KEY, enrol_some, pattern_verifier, photo
from twinlens.errors import GalleryError, UnknownSubjectError
from twinlens.serving.gallery import keys
from twinlens.serving.gallery.gallery import Gallery
from twinlens.serving.gallery.keys import Key
from twinlens.serving.verifier import Verifier


def test_who_was_removed_is_gone(gallery: Gallery, place: Place) -> None:
    enrol_some(gallery, photos=2)
    assert gallery.identify(photo(3, 9)).subject_id == "person 3"
    assert gallery.remove("person 3") == 2
    assert gallery.identify(photo(3, 9)).subject_id is None
    assert gallery.stats().subjects == 7
    assert "person 3" not in repr(gallery.audit())
    with pytest.raises(UnknownSubjectError):
        gallery.verify("person 3", photo(3))
    if isinstance(place.address, Path):
        for path in place.address.parent.iterdir():
            assert b"person 3" not in path.read_bytes()


def test_what_has_expired_matches_nobody_even_before_it_is_removed(gallery: Gallery) -> None:
    gallery.enrol("stays", [photo(1)])
    soon = datetime.now(UTC) + timedelta(seconds=1.5)
    gallery.enrol("goes", [photo(2)], expires_at=soon)
    gallery.enrol("partly", [photo(3)], expires_at=soon)
    gallery.enrol("partly", [photo(4)])
    assert gallery.identify(photo(2, 5)).subject_id == "goes"
    time.sleep(max(0, (soon - datetime.now(UTC)).total_seconds()) + 0.01)
    assert gallery.identify(photo(2, 5)).subject_id is None
    assert gallery.identify(photo(3, 5)).subject_id is None
    assert gallery.identify(photo(4, 5)).subject_id == "partly"
    with pytest.raises(UnknownSubjectError):
        gallery.verify("goes", photo(2, 5))
    gallery.enrol("new here", [photo(2, 6)])  # of somebody who has expired nobody is a duplicate
    assert gallery.stats().expired == 2
    assert gallery.expire() == 2
    assert gallery.expire() == 0
    assert [one.subject_id for one in gallery.subjects()] == ["new here", "partly", "stays"]
    assert gallery.audit(verify=True).check.intact  # type: ignore[union-attr]


def test_subjects_are_listed_in_pages(gallery: Gallery) -> None:
    enrol_some(gallery)
    first = gallery.subjects(most=3)
    assert [one.subject_id for one in first] == ["person 0", "person 1", "person 2"]
    rest = gallery.subjects(after="person 2")
    assert [one.subject_id for one in (*first, *rest)] == [f"person {n}" for n in range(8)]


def test_another_model_is_refused(gallery: Gallery, place: Place) -> None:
    enrol_some(gallery)
    with pytest.raises(GalleryError, match=r"holds templates of the model patterns .*and this is others"):
        Gallery.open(place.address, pattern_verifier(name="others", seed=1), key=KEY)


def test_without_a_model_nobody_is_recognised_but_everybody_can_be_removed(gallery: Gallery, place: Place) -> None:
    enrol_some(gallery)
    with Gallery.open(place.address, key=KEY) as keeper:
        for ask in (lambda: keeper.identify(photo(1)), lambda: keeper.enrol("x", [photo(1)])):
            with pytest.raises(GalleryError, match="opened without a model"):
                ask()
        assert keeper.remove("person 1") == 1
        assert keeper.stats().subjects == 7
    assert gallery.identify(photo(1)).subject_id is None


def test_a_wrong_key_opens_nothing(gallery: Gallery, place: Place, verifier: Verifier) -> None:
    enrol_some(gallery)
    with pytest.raises(GalleryError, match="The key does not fit the gallery"):
        Gallery.open(place.address, verifier, key=Key.new())
    with pytest.raises(GalleryError, match="There is no key for the gallery"):
        Gallery.open(place.address, verifier)


def test_the_key_may_be_in_the_environment(
    gallery: Gallery, place: Place, verifier: Verifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol_some(gallery)
    monkeypatch.setenv(keys.KEY, KEY.text())
    with Gallery.open(place.address, verifier) as again:
        assert again.identify(photo(1, 5)).subject_id == "person 1"


def test_a_database_has_no_key_of_its_own(postgres_address: str, verifier: Verifier) -> None:
    with pytest.raises(GalleryError, match=r"There is no key for the gallery postgresql://"):
        Gallery.open(postgres_address, verifier, create=True)


def test_a_file_gets_a_key_beside_it(tmp_path: Path, verifier: Verifier) -> None:
    with Gallery.open(tmp_path / "g.db", verifier, create=True) as gallery:
        gallery.enrol("ann", [photo(1)])
    assert keys.read_key(tmp_path / "g.db.key")
    with Gallery.open(tmp_path / "g.db", verifier) as gallery:
        assert gallery.identify(photo(1, 5)).subject_id == "ann"


def test_a_gallery_that_cannot_be_made_leaves_no_key(tmp_path: Path, verifier: Verifier) -> None:
    (tmp_path / "g.db").write_bytes(b"something else")
    with pytest.raises(GalleryError, match="is no gallery"):
        Gallery.open(tmp_path / "g.db", verifier, create=True)
    assert [path.name for path in tmp_path.iterdir()] == ["g.db"]


def test_a_gallery_that_is_not_there_is_missed(place: Place, verifier: Verifier) -> None:
    with pytest.raises(GalleryError):
        Gallery.open(place.address, verifier, key=KEY)

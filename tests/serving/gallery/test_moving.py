"""Another key, another file, another store, another model."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.serving.gallery.made import Place
from tests.serving.gallery.people import KEY, enrol_some, pattern_verifier, photo
from twinlens.comparison import Comparison, Cosine, WeightedL1
from twinlens.errors import ConfigError, GalleryError, TwinlensError
from twinlens.serving.gallery import access, keys
from twinlens.serving.gallery.archive import new_header, write_archive
from twinlens.serving.gallery.gallery import Gallery
from twinlens.serving.gallery.keys import Key
from twinlens.serving.gallery.values import Candidate
from twinlens.serving.verifier import Verifier

PASSPHRASE = "correct horse battery"


def candidates(gallery: Gallery, subject: int) -> tuple[Candidate, ...]:
    return gallery.identify(photo(subject, 9), most=20).candidates


def same(first: tuple[Candidate, ...], second: tuple[Candidate, ...]) -> bool:
    """Whether subjects are the same and scores are, but for a rounding."""
    return [one.subject_id for one in first] == [one.subject_id for one in second] and all(
        one.score == pytest.approx(other.score, abs=1e-5) for one, other in zip(first, second, strict=True)
    )


def intact(gallery: Gallery) -> bool:
    check = gallery.audit(verify=True).check
    return check is not None and check.intact


@pytest.mark.parametrize("comparison", [Cosine(), WeightedL1(weights=(0.5,) * 144, bias=5.0)], ids=lambda c: c.kind)
def test_another_key_changes_no_score(place: Place, comparison: Comparison) -> None:
    verifier, new = pattern_verifier(comparison), Key.new()
    with Gallery.open(place.address, verifier, key=KEY, create=True, search="exact") as gallery:
        for subject in range(6):
            gallery.enrol(f"person {subject}", [photo(subject)], consent="yes", keep_photos=True, allow_duplicate=True)
        before, templates = candidates(gallery, 3), gallery.templates("person 3")
        vectors = [record.sealed for record in gallery._vault.store.records()]
        for _ in range(3):
            gallery.rekey(Key.new())
        gallery.rekey(new)
        assert same(candidates(gallery, 3), before)
        assert gallery.templates("person 3") == templates
        assert not set(vectors) & {record.sealed for record in gallery._vault.store.records()}
        gallery.enrol("another", [photo(50)])
        assert gallery.identify(photo(50, 1)).candidates[0].subject_id == "another"
        assert intact(gallery)
    with pytest.raises(GalleryError, match="The key does not fit"):
        Gallery.open(place.address, verifier, key=KEY)
    with Gallery.open(place.address, verifier, key=new) as gallery:
        assert same(candidates(gallery, 3)[:1], before[:1])


def test_a_stolen_template_matches_nothing_after_rekey(gallery: Gallery) -> None:
    enrol_some(gallery, 1)
    (stolen,) = gallery._vault.templates("person 0")
    gallery.rekey(Key.new())
    (template,) = gallery._vault.templates("person 0")
    assert abs(Cosine().pairs(stolen.embedding[None], template.embedding[None])[0]) < 0.4


def test_who_has_it_open_under_the_old_key_is_told(gallery: Gallery, place: Place, verifier: Verifier) -> None:
    enrol_some(gallery, 3)
    with Gallery.open(place.address, verifier, key=KEY) as other:
        assert other.identify(photo(1, 5)).subject_id == "person 1"
        gallery.rekey(Key.new())
        with pytest.raises(GalleryError, match="was given another key or model meanwhile"):
            other.identify(photo(1, 5))
        for change in (lambda: other.enrol("bo", [photo(50)]), lambda: other.remove("person 1"), other.rekey):
            with pytest.raises(GalleryError):
                change()
    assert gallery.stats().subjects == 3
    assert intact(gallery)


def test_the_key_beside_a_file_is_changed_with_it(tmp_path: Path, verifier: Verifier) -> None:
    path = tmp_path / "g.db"
    with Gallery.open(path, verifier, create=True) as gallery:
        enrol_some(gallery, 2)
        old = keys.read_key(keys.key_beside(path))
        gallery.rekey()
    assert keys.read_key(keys.key_beside(path)) != old
    assert not keys.key_to_come(path).exists()
    with Gallery.open(path, verifier) as gallery:
        assert gallery.identify(photo(1, 5)).subject_id == "person 1"


@pytest.mark.parametrize("moment", ["before the gallery has the new key", "after it"])
def test_a_change_of_keys_may_be_interrupted(
    tmp_path: Path, verifier: Verifier, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    path = tmp_path / "g.db"

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with Gallery.open(path, verifier, create=True) as gallery:
        enrol_some(gallery, 2)
        with monkeypatch.context() as patch:
            patch.setattr(access, "rekey" if moment.startswith("before") else "put_in_force", killed)
            with pytest.raises(KeyboardInterrupt):
                gallery.rekey()
    assert keys.key_to_come(path).exists()
    with Gallery.open(path, verifier) as gallery:
        assert gallery.identify(photo(1, 5)).subject_id == "person 1"
        assert keys.key_to_come(path).exists() == moment.startswith("before")
        gallery.rekey()
        assert intact(gallery)
    with Gallery.open(path, verifier) as gallery:
        assert gallery.identify(photo(1, 5)).subject_id == "person 1"


def test_what_is_no_key_beside_a_gallery_locks_nobody_out(tmp_path: Path, verifier: Verifier) -> None:
    """As a disk that was full may leave it."""
    path = tmp_path / "g.db"
    with Gallery.open(path, verifier, create=True) as gallery:
        enrol_some(gallery, 2)
    keys.key_to_come(path).touch()
    with Gallery.open(path, verifier) as gallery:
        assert gallery.identify(photo(1, 5)).subject_id == "person 1"
        with pytest.raises(GalleryError, match=r"g\.db\.key\.new holds no key, .* Remove it, and try again"):
            gallery.rekey()
        keys.key_to_come(path).unlink()
        gallery.rekey()
    keys.key_to_come(path).touch()
    keys.key_beside(path).write_text(Key.new().text())
    with pytest.raises(GalleryError, match="does not fit"):
        Gallery.open(path, verifier)


def test_without_a_key_beside_it_a_new_one_must_be_given(gallery: Gallery) -> None:
    with pytest.raises(GalleryError, match="No key lies beside the gallery"):
        gallery.rekey()


@pytest.fixture
def archive(gallery: Gallery, tmp_path: Path) -> Path:
    """What was exported of a gallery with six people."""
    enrol_some(gallery, 5)
    gallery.enrol("Jürgen", [photo(20), photo(20, 1)], consent="zugestimmt", source="Empfang", keep_photos=True)
    assert gallery.export(tmp_path / "people.export", KEY) == 7
    return tmp_path / "people.export"


def test_what_was_exported_is_found_elsewhere(
    gallery: Gallery, archive: Path, tmp_path: Path, verifier: Verifier
) -> None:
    with Gallery.open(tmp_path / "other.db", verifier, create=True) as other:
        other.enrol("person 9", [photo(9)])
        assert other.import_(archive, KEY) == 7
        assert other.import_(archive, KEY) == 0  # they are there already
        assert other.templates("Jürgen") == gallery.templates("Jürgen")
        gallery.enrol("person 9", [photo(9)])
        assert same(candidates(other, 3), candidates(gallery, 3))
        assert other.stats().templates == 8
        assert intact(other)
        assert intact(gallery)
        vectors = [template.embedding for template in other._vault.templates("person 3")]
        (own,) = (template.embedding for template in gallery._vault.templates("person 3"))
        assert abs(Cosine().pairs(own[None], vectors[0][None])[0]) < 0.4  # unlinkable


def test_a_passphrase_seals_as_well(tmp_path: Path, verifier: Verifier) -> None:
    with Gallery.open(tmp_path / "g.db", verifier, create=True) as gallery:
        enrol_some(gallery, 1)
        with pytest.raises(ConfigError, match="The passphrase has 5 characters"):
            gallery.export(tmp_path / "short", "short")
        gallery.export(tmp_path / "export", PASSPHRASE)
    with Gallery.open(tmp_path / "other.db", verifier, create=True) as other:
        with pytest.raises(GalleryError, match="the passphrase is a wrong one, or the file was cut off or changed"):
            other.import_(tmp_path / "export", PASSPHRASE + "!")
        with pytest.raises(GalleryError, match="is sealed under a passphrase"):
            other.import_(tmp_path / "export", KEY)
        assert other.import_(tmp_path / "export", PASSPHRASE) == 1


def test_an_export_says_nothing_of_who_is_in_it(archive: Path) -> None:
    content = archive.read_bytes()
    for word in ("person", "Jürgen", "zugestimmt", "Empfang", "IHDR"):
        assert word.encode() not in content.partition(b"\n")[2].partition(b"\n")[2]


def test_a_changed_or_cut_off_export_is_refused(archive: Path, tmp_path: Path, verifier: Verifier) -> None:
    content, changed = archive.read_bytes(), tmp_path / "changed"
    flipped = range(0, len(content), max(1, len(content) // 60))
    with Gallery.open(tmp_path / "other.db", verifier, create=True) as other:
        for position in flipped:
            changed.write_bytes(content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :])
            with pytest.raises(GalleryError):
                other.import_(changed, KEY)
        for length in (*flipped, len(content) - 1):
            changed.write_bytes(content[:length])
            with pytest.raises(GalleryError):
                other.import_(changed, KEY)
        frames = frame_ends(content)
        for end in frames[:-1]:  # cut off where a template ends
            changed.write_bytes(content[:end])
            with pytest.raises(GalleryError, match="cut off"):
                other.import_(changed, KEY)
        first, second = content[frames[0] : frames[1]], content[frames[1] : frames[2]]
        changed.write_bytes(content[: frames[0]] + second + first + content[frames[2] :])
        with pytest.raises(GalleryError):
            other.import_(changed, KEY)
        changed.write_bytes(content + content[frames[-2] :])
        with pytest.raises(GalleryError):
            other.import_(changed, KEY)
        assert other.stats().templates == 0


def frame_ends(content: bytes) -> list[int]:
    """Where the head of an export ends, and each of its frames."""
    ends = [content.index(b"\n", content.index(b"\n") + 1) + 1]
    while ends[-1] < len(content):
        ends.append(ends[-1] + 4 + int.from_bytes(content[ends[-1] : ends[-1] + 4], "big"))
    return ends


@pytest.mark.parametrize("content", [b"", b"photo", b"twinlens gallery export\n", b"twinlens gallery export\n{}\n"])
def test_what_is_no_export_is_refused(gallery: Gallery, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(GalleryError, match=r"file (is no exported gallery|was changed, or written by a newer version)"):
        gallery.import_(tmp_path / "file", KEY)
    with pytest.raises(GalleryError, match="cannot be read"):
        gallery.import_(tmp_path / "missing", KEY)


@pytest.mark.parametrize(
    "change",
    [
        {"subject_id": "a\nb"},
        {"embedding": np.zeros(3, np.float32)},
        {"embedding": np.full(144, np.nan, np.float32)},
    ],
    ids=str,
)
def test_who_knows_the_passphrase_cannot_smuggle_anything_in(
    gallery: Gallery, tmp_path: Path, change: dict[str, object]
) -> None:
    enrol_some(gallery, 1)
    (template,) = gallery._vault.templates()
    of = gallery._vault.opened.header
    header = new_header(KEY, model=of.model, fingerprint=of.fingerprint, dim=of.dim, exported_at=template.enrolled_at)
    forged = replace(template, **{"template_id": "0" * 32, **change})  # type: ignore[arg-type]
    assert write_archive(tmp_path / "forged", header, KEY, [forged]) == 1
    with pytest.raises(GalleryError, match="forged holds something else than templates"):
        gallery.import_(tmp_path / "forged", KEY)
    assert gallery.stats().templates == 1


def test_an_export_of_another_model_is_refused(archive: Path, tmp_path: Path) -> None:
    words = "holds templates of the model patterns .*, and the gallery those of others"
    others = pattern_verifier(name="others", seed=1)
    with Gallery.open(tmp_path / "o.db", others, create=True) as other, pytest.raises(GalleryError, match=words):
        other.import_(archive, KEY)


def test_nothing_is_overwritten_by_an_export(gallery: Gallery, archive: Path) -> None:
    before = archive.read_bytes()
    with pytest.raises(GalleryError, match="There is something at"):
        gallery.export(archive, KEY)
    assert archive.read_bytes() == before


@pytest.fixture(params=["sqlite", "postgres"])
def other_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Where a copy goes."""
    place = Place(tmp_path / "copy.db" if request.param == "sqlite" else request.getfixturevalue("postgres_address"))
    yield place
    place.close()


def test_a_copy_lacks_nothing(tmp_path: Path, other_place: Place, verifier: Verifier) -> None:
    """To another store and back, with a log that runs on."""
    with Gallery.open(tmp_path / "first.db", verifier, key=KEY, create=True) as first:
        enrol_some(first, 5, photos=2)
        first.remove("person 4")
        first.rekey(Key(bytes(32)))
        assert first.copy_to(other_place.address) == 8
        log, templates, before = first.audit().lines, first.templates("person 3"), candidates(first, 3)
    for source, target in ((other_place.address, tmp_path / "last.db"), (tmp_path / "last.db", None)):
        with Gallery.open(source, verifier, key=Key(bytes(32))) as copy:
            assert copy.templates("person 3") == templates
            assert same(candidates(copy, 3), before)
            assert copy.audit().lines[: len(log)] == log
            assert intact(copy)
            if target is not None:
                copy.copy_to(target)


def test_a_copy_goes_into_a_new_gallery_alone(gallery: Gallery, tmp_path: Path, verifier: Verifier) -> None:
    enrol_some(gallery, 2)
    with Gallery.open(tmp_path / "other.db", verifier, create=True) as other:
        enrol_some(other, 1)
        with pytest.raises(GalleryError, match="There is somebody in the other gallery already"):
            gallery.copy_to(tmp_path / "other.db")
        assert other.stats().subjects == 1
        assert intact(other)


def test_a_copy_that_fails_leaves_nothing(gallery: Gallery, tmp_path: Path) -> None:
    enrol_some(gallery, 3)
    spoil(gallery, "person 2")
    with pytest.raises(GalleryError, match="of person 2 was changed from outside"):
        gallery.copy_to(tmp_path / "copies" / "copy.db")
    assert list((tmp_path / "copies").iterdir()) == []


def spoil(gallery: Gallery, subject_id: str) -> None:
    """Put a template that does not open in place of a subject's."""
    vault = gallery._vault
    (record,) = vault.store.records(subject_id)
    vault.store.remove([record.template_id], [], vault.opened.auditor)
    sealed = record.sealed[:-1] + bytes([record.sealed[-1] ^ 1])
    vault.store.add([replace(record, sealed=sealed)], [], vault.opened.auditor)


def test_a_template_that_was_changed_stops_every_move(gallery: Gallery, tmp_path: Path) -> None:
    enrol_some(gallery, 3)
    spoil(gallery, "person 2")
    header = gallery._vault.store.header()
    for move in (lambda: gallery.rekey(Key.new()), lambda: gallery.export(tmp_path / "export", KEY)):
        with pytest.raises(GalleryError, match="of person 2 was changed from outside"):
            move()
    assert gallery._vault.store.header() == header
    assert not (tmp_path / "export").exists()
    assert [one.subject_id for one in gallery.subjects()] == ["person 0", "person 1", "person 2"]


def test_another_model_takes_over_with_the_photos(gallery: Gallery, place: Place, verifier: Verifier) -> None:
    for subject in range(4):
        gallery.enrol(f"person {subject}", [photo(subject), photo(subject, 1)], keep_photos=True, consent="yes")
    new = pattern_verifier(name="others", seed=1)
    assert gallery.reenrol(new) == 8
    found = gallery.identify(photo(2, 5))
    assert (found.subject_id, found.model, found.templates) == ("person 2", "others", 8)
    assert gallery.templates("person 2")[0].fingerprint == new.manifest.fingerprint
    assert gallery.templates("person 2")[0].consent == "yes"
    assert intact(gallery)
    with pytest.raises(GalleryError, match="holds templates of the model others"):
        Gallery.open(place.address, verifier, key=KEY)
    with Gallery.open(place.address, new, key=KEY) as again:
        fresh = pattern_verifier(name="others", seed=1)
        expected = Cosine().matrix(*(fresh.embed(photo(2, n)[None, :, :, :1]) for n in (5, 1))).item()
        assert again.identify(photo(2, 5)).candidates[0].score == pytest.approx(expected, abs=0.05)


def test_all_of_them_or_none(gallery: Gallery) -> None:
    gallery.enrol("ann", [photo(1)], keep_photos=True)
    gallery.enrol("ann", [photo(1, 1)])
    gallery.enrol("bo", [photo(2)])
    with pytest.raises(GalleryError, match="Of 2 subjects not all photos were kept: ann, bo"):
        gallery.reenrol(pattern_verifier(name="others", seed=1))
    assert gallery.identify(photo(1, 5)).model == "patterns"
    assert intact(gallery)


def test_a_model_that_sees_no_face_takes_nothing_over(gallery: Gallery) -> None:
    gallery.enrol("ann", [photo(1)], keep_photos=True)
    new = pattern_verifier(name="others", seed=1)

    def blind(*_: object, **__: object) -> None:
        raise TwinlensError("There is no face.")

    new.acquire = blind  # type: ignore[method-assign, assignment]
    with pytest.raises(TwinlensError, match="no face"):
        gallery.reenrol(new)
    assert gallery.identify(photo(1, 5)).subject_id == "ann"

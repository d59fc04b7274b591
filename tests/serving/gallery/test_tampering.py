"""Whoever can write to a gallery's file or database, and has no key, can spoil it, and cannot make it lie."""

from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest

from tests.serving.gallery.people import KEY, enrol_some, pattern_verifier, photo
from twinlens.errors import GalleryError
from twinlens.serving.gallery.gallery import Gallery
from twinlens.serving.gallery.postgres_address import PostgresAddress
from twinlens.serving.gallery.search import SearchKind
from twinlens.serving.verifier import Verifier


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a gallery with six people."""
    path = tmp_path_factory.mktemp("gallery") / "g.db"
    with Gallery.open(path, pattern_verifier(), key=KEY, create=True) as gallery:
        enrol_some(gallery, 6)
        gallery.remove("person 5")
    return path.read_bytes()


def answers(path: Path, verifier: Verifier) -> Any:
    """Everything that a gallery says of itself and of photos; ``None`` if the log says that it was tampered with."""
    with Gallery.open(path, verifier, key=KEY) as gallery:
        check = gallery.audit(verify=True).check
        if check is None or not check.intact:
            return None
        found = [gallery.identify(photo(subject, 9)) for subject in range(7)]
        said = [(one.subject_id, one.candidates, one.subjects, one.templates, one.threshold) for one in found]
        return said, gallery.subjects(), [gallery.templates(f"person {n}") for n in range(5)]


@pytest.mark.parametrize("start", range(8))
def test_a_changed_byte_is_noticed_or_means_nothing(
    tmp_path: Path, content: bytes, verifier: Verifier, start: int
) -> None:
    """One byte of every region of the file, one at a time."""
    path = tmp_path / "g.db"
    path.write_bytes(content)
    expected, noticed, regions = answers(path, verifier), 0, range(start * 128, len(content), 8 * 128)
    for region in regions:
        path.with_name("g.db-wal").unlink(missing_ok=True)
        path.with_name("g.db-shm").unlink(missing_ok=True)
        position = region + np.random.default_rng(region).integers(128)
        path.write_bytes(content[:position] + bytes([content[position] ^ 0x55]) + content[position + 1 :])
        try:
            said = answers(path, verifier)
        except GalleryError:
            said = None
        noticed += said is None
        assert said in (None, expected)
    assert noticed > 0


MISCHIEF = {
    "vectors": "UPDATE rotated SET vector = (SELECT vector FROM rotated ORDER BY version LIMIT 1)",
    "names": "UPDATE template SET subject_id = 'mallory' WHERE subject_id = 'person 1'",
    "seals": "UPDATE sealed SET content = (SELECT content FROM sealed ORDER BY version LIMIT 1)",
    "times": "UPDATE template SET expires_at = now() + interval '1 year'",
    "check of the key": "UPDATE gallery SET key_check = repeat('0', 64)",
}


@pytest.mark.parametrize("search", ["exact", "index"])
@pytest.mark.parametrize("what", MISCHIEF)
def test_what_is_sealed_decides(postgres_address: str, verifier: Verifier, what: str, search: SearchKind) -> None:
    """In a database, the tables lie open to whoever may write there."""
    with Gallery.open(postgres_address, verifier, key=KEY, create=True) as gallery:
        enrol_some(gallery, 4)
    address = PostgresAddress.parse(postgres_address)
    with psycopg.connect(address.conninfo) as connection:
        connection.execute(f"SET search_path TO {address.schema}, public")
        connection.execute(MISCHIEF[what])
    try:
        with Gallery.open(postgres_address, verifier, key=KEY, search=search) as gallery:
            found = [gallery.identify(photo(subject, 9)).subject_id for subject in range(4)]
    except GalleryError:
        return
    # Where all vectors are alike, the index may propose the wrong people, but nobody is taken for another.
    assert what == "vectors"
    missed = {None} if search == "index" else set()
    assert all(name in {f"person {subject}", *missed} for subject, name in enumerate(found))

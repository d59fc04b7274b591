"""A place for a gallery in each kind of store."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import Running, running
from tests.serving.gallery.made import Place
from tests.serving.gallery.people import KEY, pattern_verifier
from twinlens.serving.gallery.gallery import Gallery
from twinlens.serving.gallery.search import SearchKind
from twinlens.serving.verifier import Verifier


@pytest.fixture(scope="session")
def postgres() -> Iterator[Running]:
    """A PostgreSQL server for the whole test run."""
    with running(durable=False) as server:
        yield server


@pytest.fixture
def postgres_address(postgres: Running) -> str:
    """Of a gallery that is not there yet, in a schema that nobody else uses."""
    return postgres.address(f"gallery_{uuid.uuid4().hex}")


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Where a gallery may be made, once in a file and once on a server."""
    sqlite = request.param == "sqlite"
    place = Place(tmp_path / "gallery.db" if sqlite else request.getfixturevalue("postgres_address"))
    yield place
    place.close()


@pytest.fixture
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stores that read 40 records at a time, so that 100 take several portions."""
    for backend in ("sqlite", "postgres"):
        monkeypatch.setattr(f"twinlens.serving.gallery.{backend}._PORTION", 40)


@pytest.fixture(autouse=True)
def no_gallery_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TWINLENS_GALLERY", "TWINLENS_GALLERY_KEY", "TWINLENS_GALLERY_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def verifier() -> Verifier:
    """A model that knows patterns apart."""
    return pattern_verifier()


@pytest.fixture
def gallery(place: Place, verifier: Verifier) -> Iterator[Gallery]:
    """A gallery of patterns with nobody in it, opened by ann; a server searches it by its index."""
    search: SearchKind = "index" if place.searches else "exact"
    with Gallery.open(place.address, verifier, key=KEY, create=True, actor="ann", search=search) as opened:
        yield opened

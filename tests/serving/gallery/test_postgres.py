"""What is special about a gallery on a PostgreSQL server."""

import logging
import re
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import psycopg
import pytest

from tests.postgres import Running
from tests.serving.gallery.made import HEADER, chain, draft, record, same, unbroken, vector_of
from tests.serving.gallery.people import KEY, pattern_verifier, photo
from twinlens.comparison import Plda
from twinlens.errors import GalleryError
from twinlens.serving.gallery import postgres_server
from twinlens.serving.gallery.contract import Record
from twinlens.serving.gallery.gallery import Gallery
from twinlens.serving.gallery.keys import Key
from twinlens.serving.gallery.migrations import migrations
from twinlens.serving.gallery.opening import open_store, store_exists
from twinlens.serving.gallery.postgres import PostgresStore
from twinlens.serving.gallery.postgres_address import PostgresAddress


@pytest.fixture
def store(postgres_address: str) -> Iterator[PostgresStore]:
    with closing(PostgresStore.create(postgres_address, HEADER)) as store:
        yield store


def stranger(address: str) -> "psycopg.Connection[tuple[object, ...]]":
    """A connection of somebody else, who looks into the gallery's schema."""
    parsed = PostgresAddress.parse(address)
    return psycopg.connect(parsed.conninfo, options=f"-c search_path={parsed.schema},public", autocommit=True)


def test_several_galleries_share_a_database(postgres: Running) -> None:
    addresses = [postgres.address(f"shared_{number}") for number in range(2)]
    stores = [PostgresStore.create(address, replace(HEADER, model=address[-1])) for address in addresses]
    for number, store in enumerate(stores):
        store.add([record(f"subject {number}")], draft(), chain)
    assert [store.subjects() for store in stores] == [{"subject 0": 1}, {"subject 1": 1}]
    assert [store.header().model for store in stores] == ["0", "1"]
    for store in stores:
        store.close()


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit", "TRUNCATE audit"])
def test_log_is_only_ever_appended_to(store: PostgresStore, postgres_address: str, statement: str) -> None:
    store.log(draft() * 3, chain)
    with stranger(postgres_address) as session, pytest.raises(psycopg.Error, match="only ever appended to"):
        session.execute(statement)
    assert unbroken(list(store.audit()))


def test_what_is_removed_is_found_in_no_table_and_no_file_of_names(
    store: PostgresStore, postgres_address: str, postgres: Running
) -> None:
    gone = [record(f"leaving subject {number}") for number in range(30)]
    kept = [record(f"staying subject {number}") for number in range(30)]
    store.add([one for both in zip(gone, kept, strict=True) for one in both], draft(), chain)
    store.remove([one.template_id for one in gone], draft("remove"), chain)
    with stranger(postgres_address) as session:
        session.execute("CHECKPOINT")
        for table in ("template", "sealed", "rotated"):
            assert session.execute(f"SELECT count(*) FROM {table}").fetchone() == (30,)
            dead = "SELECT n_dead_tup FROM pg_stat_all_tables WHERE relid = %s::regclass"
            assert session.execute(dead, (table,)).fetchone() == (0,)
        relations = "template", "template_pkey", "template_template_id_key", "template_by_subject"
        files = [session.execute("SELECT pg_relation_filepath(%s)", (name,)).fetchone() for name in relations]
    bytes_ = b"".join((postgres.server.pgdata / str(row[0])).read_bytes() for row in files if row)
    assert b"staying subject 29" in bytes_
    assert b"leaving subject" not in bytes_
    assert not any(one.template_id.encode() in bytes_ for one in gone)


def test_what_is_replaced_is_in_other_files(store: PostgresStore, postgres_address: str, postgres: Running) -> None:
    old = [record(f"subject {number}", size=3000) for number in range(20)]
    store.add(old, draft(), chain)
    toast = (
        "SELECT pg_relation_filepath(oid), pg_relation_filepath(reltoastrelid) FROM pg_class WHERE oid = %s::regclass"
    )
    tables = ("template", "sealed", "rotated")
    with stranger(postgres_address) as session:
        before = [session.execute(toast, (name,)).fetchone() for name in tables]
        resealed = [replace(one, sealed=one.sealed[::-1]) for one in old]
        store.replace(replace(HEADER, salt="cd" * 16), resealed, draft("rekey"), chain, store.version())
        after = [session.execute(toast, (name,)).fetchone() for name in tables]
        session.execute("CHECKPOINT")  # after which no file of old is kept for a crash
    for old_files, new_files in zip(before, after, strict=True):
        assert old_files is not None
        assert not set(old_files) & set(new_files or ())
        for file in old_files:
            path = postgres.server.pgdata / str(file)
            assert not path.exists() or path.stat().st_size == 0
    assert same(store.records(), resealed)


@pytest.mark.parametrize("dim", [1, 2000, 2001, 4000, 4096])
def test_searches_embeddings_of_any_dimension(postgres_address: str, dim: int) -> None:
    with closing(PostgresStore.create(postgres_address, replace(HEADER, dim=dim))) as store:
        given = [replace(record(f"subject {n}"), vector=vector_of(f"{n}", dim)) for n in range(5)]
        store.add(given, draft(), chain)
        assert same(store.records(), given)
        near = store.nearest(vector_of("3", dim) * 7, 5)
        best = max(near, key=lambda one: float(one.vector @ vector_of("3", dim)) / np.linalg.norm(one.vector))
        assert len(near) == 5
        assert dim == 1 or best.subject_id == "subject 3"


def test_the_index_is_used_and_misses_little(store: PostgresStore, postgres_address: str) -> None:
    given = [record(f"subject {number}", size=8) for number in range(2000)]
    store.replace(HEADER, given, draft(), chain, 0)
    with stranger(postgres_address) as session:
        session.execute("ANALYZE rotated")
        plan = (
            "EXPLAIN SELECT version FROM rotated ORDER BY vector::vector(8) <=> '[1,2,3,4,5,6,7,8]'::vector(8) LIMIT 10"
        )
        assert "rotated_by_vector" in str(session.execute(plan).fetchall())
    vectors = np.stack([vector_of(one.template_id) for one in given])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    hits = 0
    for number in range(30):
        probe = vector_of(f"probe {number}")
        exact = {given[index].template_id for index in np.argsort(-(vectors @ probe))[:10]}
        hits += len(exact & {near.template_id for near in store.nearest(probe, 10)})
    assert hits >= 0.98 * 300
    assert len({near.template_id for near in store.nearest(vector_of("probe"), 1500)}) == 1500


def test_goes_on_when_connections_are_lost(store: PostgresStore, postgres_address: str) -> None:
    store.add([record("Ann")], draft(), chain)
    end_all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'twinlens'"
    with stranger(postgres_address) as session:
        session.execute(end_all)
        assert store.subjects() == {"Ann": 1}
        session.execute(end_all)
        store.add([record("Bob")], draft(), chain)

        def lost_on_the_way() -> Iterator[Record]:
            session.execute(end_all)
            yield record("never")

        with pytest.raises(GalleryError, match="cannot be reached"):
            store.replace(HEADER, lost_on_the_way(), draft(), chain, store.version())
        ended: list[int] = []

        def lost_once(draft: object, number: int, previous: str) -> object:
            if not ended:
                ended.append(number)
                session.execute(end_all)
            return chain(draft, number, previous)  # type: ignore[arg-type]

        store.add([record("Cy")], draft(), lost_once)  # type: ignore[arg-type]
    assert ended
    assert store.subjects() == {"Ann": 1, "Bob": 1, "Cy": 1}
    assert unbroken(list(store.audit()))


SECRET = "p4ss-w0rd"


@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://ann:{SECRET}@127.0.0.1:1/nowhere",
        f"postgresql://ann:{SECRET}@127.0.0.1:1/nowhere?connect_timeout=1&schema=other",
        f"postgres://ann:{SECRET}@no-such-host.invalid/db",
        f"postgresql://ann:{SECRET} and a space@127.0.0.1:1/db",
        f"postgresql://ann:{SECRET}/slash@127.0.0.1:1/db",
        f"postgresql://ann:{SECRET}@127.0.0.1:port/db",
        f"postgresql://127.0.0.1:1/db?password={SECRET}",
        f"postgresql://127.0.0.1:1/db?passwort={SECRET}",
        f"postgresql://ann:{SECRET}@[::1/db",
        f"postgresql://ann:{SECRET}@127.0.0.1:1/db?schema=Robert'); DROP TABLE",
        f"postgresql://ann:{SECRET}@127.0.0.1:1/db?schema=pg_catalog",
    ],
)
def test_no_error_tells_the_password(address: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for use in (open_store, store_exists):
        with pytest.raises(GalleryError) as caught:
            use(address)
        error: BaseException | None = caught.value
        while error is not None:
            assert SECRET not in f"{error!s} {error!r}"
            error = error.__cause__
        assert caught.value.remedy
    assert SECRET not in caplog.text
    assert SECRET not in repr(PostgresAddress(address, "twinlens", "shown"))


def test_wrong_password_is_told(postgres: Running) -> None:
    folder = postgres.server.pgdata
    rules = folder / "pg_hba.conf"
    usual = rules.read_text()
    with psycopg.connect(postgres.server.get_uri(), autocommit=True) as session:
        session.execute(f"CREATE ROLE guarded LOGIN PASSWORD '{SECRET}'")
        rules.write_text(f"local all guarded scram-sha-256\n{usual}")
        session.execute("SELECT pg_reload_conf()")
    at = f"@/postgres?host={folder}"
    with pytest.raises(psycopg.OperationalError):  # noqa: PT012
        while True:  # until the server has read its rules again
            psycopg.connect(f"postgresql://guarded:wr0ng{at}").close()
    with pytest.raises(GalleryError, match="password authentication failed") as caught:
        store_exists(f"postgresql://guarded:wr0ng{at}")
    assert "wr0ng" not in str(caught.value)
    assert not store_exists(f"postgresql://guarded:{SECRET}{at}")


def test_a_user_who_may_not_is_told(postgres: Running, store: PostgresStore, postgres_address: str) -> None:
    with psycopg.connect(postgres.server.get_uri(), autocommit=True) as session:
        session.execute("CREATE ROLE guest LOGIN")
    as_guest = postgres_address.replace("postgres:@", "guest@")
    with pytest.raises(GalleryError, match="not"):
        PostgresStore.open(as_guest)
    with pytest.raises(GalleryError, match="lets this user not do that"):
        PostgresStore.create(as_guest.replace("schema=", "schema=other_"), HEADER)


def test_an_older_layout_is_brought_to_the_present_one(
    store: PostgresStore, postgres_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = record()
    store.add([given], draft(), chain)
    step = "CREATE TABLE note (text text); CREATE INDEX note_by_text ON note (text);"
    monkeypatch.setattr(postgres_server, "migrations", lambda _backend: (*migrations("postgres"), step))
    outcomes: list[list[Record]] = []

    def work() -> None:
        with closing(PostgresStore.open(postgres_address)) as opened:
            outcomes.append(list(opened.records()))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [same(outcome, [given]) for outcome in outcomes] == [True] * 4
    monkeypatch.undo()
    with pytest.raises(GalleryError, match="newer version"):
        PostgresStore.open(postgres_address)


def test_what_lies_open_tells_neither_length_nor_a_number_of_the_photo(postgres_address: str) -> None:
    with Gallery.open(postgres_address, pattern_verifier(Plda()), key=KEY, create=True) as gallery:
        for subject in range(5):
            gallery.enrol(f"person {subject}", [photo(subject)], allow_duplicate=True)
        before = shown_vectors(postgres_address)
        gallery.rekey(Key.new())
    for vectors in (before, shown_vectors(postgres_address)):
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
        assert not vectors[:, -1].any()
    with stranger(postgres_address) as session, pytest.raises(psycopg.errors.CheckViolation):
        session.execute("INSERT INTO rotated VALUES (99, '[3,4]')")


def shown_vectors(address: str) -> np.ndarray:
    """What lies open of all embeddings, float64 ``(n, dim)``."""
    with stranger(address) as session:
        rows = session.execute("SELECT vector::real[] FROM rotated ORDER BY version").fetchall()
    return np.array([row[0] for row in rows])


@pytest.fixture
def older_gallery(postgres_address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A gallery with four people in the first layout, which kept whole embeddings in the open."""
    with monkeypatch.context() as patch:
        patch.setattr(postgres_server, "migrations", lambda _backend: migrations("postgres")[:1])
        with Gallery.open(postgres_address, pattern_verifier(Plda()), key=KEY, create=True) as gallery:
            for subject in range(4):
                gallery.enrol(f"person {subject}", [photo(subject)], allow_duplicate=True)
    with stranger(postgres_address) as session:
        whole = "SELECT array_agg(3 * number)::vector FROM unnest(vector::real[]) AS number"
        session.execute(f"UPDATE rotated SET vector = ({whole})")
    return postgres_address


def test_what_an_older_version_showed_is_gone_and_a_new_key_makes_the_index_anew(older_gallery: str) -> None:
    verifier, key = pattern_verifier(Plda()), Key.new()
    with Gallery.open(older_gallery, verifier, key=KEY) as gallery:
        assert len(shown_vectors(older_gallery)) == 0
        assert gallery.identify(photo(2, 9)).candidates[0].subject_id == "person 2"
        gallery.enrol("person 4", [photo(4)], allow_duplicate=True)
        with pytest.raises(GalleryError, match="lacks 4 templates") as refused:
            Gallery.open(older_gallery, verifier, key=KEY, search="index")
        assert "gallery rekey" in refused.value.remedy
        gallery.rekey(key)
    with Gallery.open(older_gallery, verifier, key=key, search="index") as gallery:
        found = gallery.identify(photo(2, 9), most=9)
        assert (found.candidates[0].subject_id, len(found.candidates)) == ("person 2", 5)
        assert gallery.audit(verify=True).check.intact  # type: ignore[union-attr]
    assert len(shown_vectors(older_gallery)) == 5


def test_a_copy_of_what_an_older_version_made_has_an_index(older_gallery: str) -> None:
    verifier, copy = pattern_verifier(Plda()), f"{older_gallery}_copy"
    with Gallery.open(older_gallery, verifier, key=KEY) as gallery:
        assert gallery.copy_to(copy) == 4
    with Gallery.open(copy, verifier, key=KEY, search="index") as gallery:
        assert gallery.identify(photo(3, 9)).candidates[0].subject_id == "person 3"


def test_what_postgres_cannot_keep_is_told(store: PostgresStore) -> None:
    with pytest.raises(GalleryError, match="NUL"):
        store.add([record("with a \0")], draft(), chain)
    with pytest.raises(GalleryError, match="expected 8 dimensions"):
        store.add([replace(record(), vector=np.zeros(9, np.float32))], draft(), chain)
    with pytest.raises(GalleryError, match=r"NaN|infinite"):
        store.add([replace(record(), vector=np.full(8, np.nan, np.float32))], draft(), chain)
    with pytest.raises(ValueError, match="needs the vector"):
        store.add([replace(record(), vector=None)], draft(), chain)
    assert store.subjects() == {}


def test_a_busy_gallery_is_told(store: PostgresStore, postgres_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_server, "_PATIENCE", 0.1)
    with (
        closing(PostgresStore.open(postgres_address)) as impatient,
        stranger(postgres_address) as session,
        session.transaction(),
    ):
        session.execute("SELECT * FROM gallery FOR UPDATE")
        with pytest.raises(GalleryError, match="busy"):
            impatient.log(draft(), chain)


def test_a_dump_stops_neither_removing_nor_reading(
    store: PostgresStore, postgres_address: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Freed space waits for the next removal, and nobody for the dump."""
    gone, kept = record("leaves"), record("stays")
    store.add([gone, kept], draft(), chain)
    ended, waits = threading.Event(), [0.0]

    def read() -> None:
        while not ended.is_set():
            start = time.perf_counter()
            store.subjects()
            waits.append(time.perf_counter() - start)

    reader = threading.Thread(target=read)
    with stranger(postgres_address) as dump, dump.transaction():
        dump.execute("LOCK TABLE template, sealed, rotated, audit IN ACCESS SHARE MODE")
        reader.start()
        try:
            assert store.remove([gone.template_id], draft("remove"), chain) == 1
        finally:
            ended.set()
            reader.join()
    assert max(waits) < 5
    assert re.search(r"still in freed space: .* busy.* goes with the next removal", caplog.text)
    assert store.subjects() == {"stays": 1}
    assert store.remove([], draft("remove"), chain) == 0
    with stranger(postgres_address) as session:
        row = session.execute("SELECT pg_relation_size('template'), current_setting('block_size')::int").fetchone()
    assert row is not None
    assert row[0] == row[1]


def test_a_path_is_no_server(tmp_path: Path) -> None:
    with pytest.raises(GalleryError, match="no gallery at"):
        open_store(tmp_path / "postgresql.db")
